"""Runs the installers: uv first, pip where uv can't, and one more look at why both failed."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from portside.detection.package_managers.uv import LOCK
from portside.detection.vendored import vendored_directory
from portside.effects.pip_config import PipConfig, read_pip_config
from portside.effects.process import Command, Completed, CouldNotStartError, ProcessRunner
from portside.model.errors.dependencies import (
    BuildOfDistributionFailedError,
    DiskFullError,
    HashMismatchError,
    IndexCredentialsError,
    IndexNotFoundError,
    IndexUnreachableError,
    InstallFailedError,
    NoSolutionError,
    NoWheelForPythonError,
)
from portside.model.python_version import Series
from portside.steps.dependencies.distributions import (
    list_distributions,
    named_prereleases,
    required_prereleases,
)
from portside.steps.dependencies.failures import classify, more_telling
from portside.steps.dependencies.jobs import Job, ProjectSync, configured_options
from portside.steps.dependencies.lock_errors import (
    project_error,
    project_failure,
    pylock_error,
    root_failed,
)
from portside.steps.dependencies.managers import load
from portside.steps.dependencies.pip import pip_arguments, pip_environment
from portside.steps.dependencies.request import DependenciesRequest, InstallOutcome
from portside.steps.dependencies.uv import UvFiles, places, uv_arguments, uv_environment
from portside.steps.dependencies.uv_sync import (
    adopt_environment,
    sync_arguments,
    sync_environment,
)
from portside.steps.dependencies.wheels import NAMED, explain_wheels, wheel_query

_LEFT_OUT = "The project itself can't be built and isn't needed: it is left out."
_UNBUILT = (BuildOfDistributionFailedError, NoWheelForPythonError)
_FINAL = (IndexCredentialsError, HashMismatchError, DiskFullError)


def install_dependencies(
    request: DependenciesRequest,
    *,
    runner: ProcessRunner,
    on_line: Callable[[str], None],
    on_detail: Callable[[str], None],
) -> InstallOutcome:
    """Install the app's dependencies below the prefix, which is emptied where uv gives up.

    ``on_line`` gets the installer's output, ``on_detail`` sentences about decisions taken.
    Raises ``PipfileLockOutdatedError``, ``InstallFailedError`` or one of its leaves, and what
    reading the files of the package manager raises.
    """
    config = read_pip_config(request.environ, request.home)
    jobs = load(request.dependencies.manager).jobs(request, config)
    request.work.mkdir(parents=True, exist_ok=True)
    installation = _Installation(request, config, jobs, runner, on_line, on_detail)
    used = {installation.run(number) for number, job in enumerate(jobs) if _is_needed(job)}
    if request.dependencies.added:
        added = replace(installation, jobs=(*jobs, _added_job(request, config, jobs)))
        used.add(added.run(len(jobs)))
    _tidy(request.prefix)
    return InstallOutcome(
        "pip" if "pip" in used else "uv",
        list_distributions(request.prefix / request.interpreter.site_packages),
    )


def _added_job(
    request: DependenciesRequest, config: PipConfig, jobs: tuple[Job | ProjectSync, ...]
) -> Job:
    """Return the job for what starts the app, which changes nothing that the app asked for."""
    installed = list_distributions(request.prefix / request.interpreter.site_packages)
    first = next((job.options for job in jobs if isinstance(job, Job)), configured_options(config))
    return Job(
        lines=request.dependencies.added,
        options=replace(first, require_hashes=False),
        constraints=tuple(f"{name}=={version}" for name, version in installed),
    )


class _Installation(Struct, frozen=True):
    request: DependenciesRequest
    config: PipConfig
    jobs: tuple[Job | ProjectSync, ...]
    runner: ProcessRunner
    on_line: Callable[[str], None]
    on_detail: Callable[[str], None]

    def run(self, number: int) -> Literal["uv", "pip"]:
        """Do a job with uv, or pip where uv can't; raise ``InstallFailedError`` or a leaf."""
        job = self.jobs[number]
        if isinstance(job, ProjectSync):
            self._sync(job)
            return "uv"
        return self._install(number, job)

    def _install(self, number: int, job: Job) -> Literal["uv", "pip"]:
        if job.unsupported:
            self.on_detail(f"Installing with pip, because {_sentence(job.unsupported)}.")
            self._pip(number, job, None)
            return "pip"
        rest = self._with_vendored(number, job)
        return "uv" if rest is None else self._install_from_indexes(number, rest)

    def _install_from_indexes(self, number: int, job: Job) -> Literal["uv", "pip"]:
        failed = self._uv(number, job)
        if isinstance(failed, IndexUnreachableError) and self._links_are_enough(number, job):
            return "uv"
        if job.is_optional and isinstance(failed, BuildOfDistributionFailedError):
            self.on_detail(_LEFT_OUT)
            return "uv"
        if failed is None and (wanted := self._prereleases(job)):
            self.on_detail(f"Installing again, with the prereleases asked of {', '.join(wanted)}.")
            self._start_again(number)
            failed = self._uv(number, job, frozenset(wanted))
        if failed is None:
            return "uv"
        self.on_detail(self._why_pip(job, failed))
        self._start_again(number)
        self._pip(number, job, failed)
        return "pip"

    def _with_vendored(self, number: int, job: Job) -> Job | None:
        """Install from what the app brings along; return the job for where not all was there.

        For that one it is one more place to look. An app that says itself where to look gets what
        pip would install; this machine's own configuration only adds places.
        """
        place = vendored_directory(self.request.source)
        configured = configured_options(self.config).find_links
        names_places = any(link not in configured for link in job.options.find_links)
        if place is None or job.pylock or names_places or job.options.no_index:
            return job
        links = [self._vendored(place), *job.options.find_links]
        everywhere = replace(job.options, find_links=links)
        only_here = replace(everywhere, indexes=[""], no_index=True)
        argv, env = self._uv_command(number, replace(job, options=only_here))
        lines: list[str] = []
        if self._execute(argv, env, lines.append).ok:
            self.on_detail(f"Installing from {place}/, which has all that is needed.")
            for line in lines:
                self.on_line(line)
            return None
        self.on_detail(f"Not all that is needed is in {place}/, so that indexes are asked, too.")
        return replace(job, options=everywhere)

    def _vendored(self, place: str) -> str:
        """Return where the app's own distributions are; they may be kept out of the slug."""
        inside = self.request.app / place
        return str(inside if inside.is_dir() else self.request.original / place)

    def _links_are_enough(self, number: int, job: Job) -> bool:
        """Install from the places of --find-links alone, as pip does without an index."""
        place = vendored_directory(self.request.source)
        vendored = self._vendored(place) if place else ""
        links = [*job.options.find_links, self.request.environ.get("UV_FIND_LINKS", "")]
        if job.options.no_index or not any(link not in {"", vendored} for link in links):
            return False
        self.on_detail("No index can be reached, so only the places of --find-links are looked at.")
        self._start_again(number)
        alone = replace(job.options, indexes=[""], no_index=True)
        return self._uv(number, replace(job, options=alone)) is None

    def _sync(self, job: ProjectSync) -> None:
        env = sync_environment(self.request)
        lock = self.request.app / LOCK
        had_lock = lock.exists()
        argv = sync_arguments(job, self.request, skips_project=False)
        ended = self._execute(argv, env, self.on_line)
        if job.is_optional_project and not ended.ok and root_failed(ended.tail, self.request.app):
            self.on_detail(_LEFT_OUT)
            argv = sync_arguments(job, self.request, skips_project=True)
            ended = self._execute(argv, env, self.on_line)
        if not had_lock:
            # Without a lock uv writes one; what it has chosen now is nothing that the app said.
            lock.unlink(missing_ok=True)
        if not ended.ok:
            failed = project_error(ended.tail, self.request)
            raise failed or self._with_wheels(self._classified(ended), env)
        adopt_environment(self.request)

    def _why_pip(self, job: Job, failed: InstallFailedError) -> str:
        """Return a sentence on why pip may do better; raise the failure where it can't."""
        if isinstance(failed, IndexUnreachableError):
            if len(places(job, self.request.environ)) > 1:
                return "uv couldn't reach an index. pip is tried, which goes on without it."
            raise failed
        if isinstance(failed, _FINAL):
            raise failed
        if job.pylock:
            raise self._with_wheels(failed, uv_environment(job, self.request, self.config))
        return "uv couldn't install the dependencies, so pip is tried."

    def _start_again(self, number: int) -> None:
        """Remove what a failed uv left half done, and repeat the jobs before this one."""
        _empty(self.request.prefix)
        for earlier in range(number):
            if _is_needed(self.jobs[earlier]):
                self.run(earlier)

    def _prereleases(self, job: Job) -> list[str]:
        """Return what installed distributions ask prereleases of: uv heeds only the app's own."""
        if job.no_deps or job.options.pre or "--prerelease" in self.config.arguments:
            return []
        python = self.request.interpreter
        site_packages = self.request.prefix / python.site_packages
        wanted = required_prereleases(site_packages, python.version)
        return sorted(wanted - named_prereleases((*job.lines, *job.constraints)))

    def _uv(
        self, number: int, job: Job, prereleases: frozenset[str] = frozenset()
    ) -> InstallFailedError | None:
        argv, env = self._uv_command(number, job, prereleases)
        ended = self._execute(argv, env, self.on_line)
        if ended.ok:
            return None
        if job.pylock and (
            at_fault := pylock_error(ended.tail, self.request.dependencies.manifest)
        ):
            raise at_fault
        return self._classified(ended)

    def _uv_command(
        self, number: int, job: Job, prereleases: frozenset[str] = frozenset()
    ) -> tuple[tuple[str, ...], Mapping[str, str]]:
        constraints = self._file(f"constraints-{number}.txt", job.constraints)
        files = UvFiles(
            requirements=job.pylock.path
            if job.pylock
            else self._file(f"requirements-{number}.txt", job.lines),
            constraints=constraints if job.constraints else "",
        )
        argv = uv_arguments(job, self.request, self.config, files, prereleases)
        return argv, uv_environment(job, self.request, self.config)

    def _pip(self, number: int, job: Job, before: InstallFailedError | None) -> None:
        env = pip_environment(job, self.request, self.config)
        for files in self._pip_files(number, job):
            ended = self._execute(pip_arguments(job, self.request, files), env, self.on_line)
            if not ended.ok:
                failed = self._classified(ended)
                told = failed if before is None else more_telling(before, failed)
                raise self._diagnosed(number, job, told)

    def _pip_files(self, number: int, job: Job) -> Iterator[tuple[str, ...]]:
        """Yield the files of each run of pip: one hash makes it want one for every line."""
        if job.pip_files:
            yield job.pip_files
            return
        if job.pip_lines:
            constraints = self._file(f"constraints-{number}.txt", job.constraints)
            yield (self._file(f"all-{number}.txt", (*job.pip_lines, f"-c {constraints}")),)
            return
        for name, has_hash in (("hashed", True), ("unhashed", False)):
            lines = [line for line in job.lines if ("--hash" in line) is has_hash]
            if lines:
                yield (self._file(f"{name}-{number}.txt", lines),)

    def _diagnosed(self, number: int, job: Job, failed: InstallFailedError) -> InstallFailedError:
        """Look for a wheel elsewhere, and for a refused index.

        uv tells of one only when it asks one after the other.
        """
        argv, env = self._uv_command(number, job)
        if isinstance(failed, _UNBUILT):
            return self._with_wheels(failed, env)
        is_missing = isinstance(failed, IndexNotFoundError | NoSolutionError)
        if not is_missing or "unsafe-best-match" not in argv:
            return failed
        ordered = tuple("first-index" if word == "unsafe-best-match" else word for word in argv)
        ended = self._execute((*ordered, "--dry-run"), env, lambda _: None)
        found = None if ended.ok else self._classified(ended)
        return found if isinstance(found, IndexCredentialsError) else failed

    def _with_wheels(
        self, failed: InstallFailedError, env: Mapping[str, str]
    ) -> InstallFailedError:
        """Return a failure with the older Python that there is a wheel for, if there is one."""
        if not isinstance(failed, _UNBUILT) or not failed.distribution:
            return failed

        def has_wheel(series: Series) -> bool:
            argv = wheel_query(self.request, failed.distribution, series)
            return self._execute(argv, env, lambda _: None).ok

        return explain_wheels(failed, self.request.interpreter.version.series, has_wheel)

    def _execute(
        self, argv: tuple[str, ...], env: Mapping[str, str], on_line: Callable[[str], None]
    ) -> Completed:
        naming: list[str] = []

        def watch(line: str) -> None:
            # A build may say so much after it that the tail doesn't have it any more.
            if not naming and NAMED.search(line):
                naming.append(line)
            on_line(line)

        try:
            ended = self.runner.run(Command(argv, self.request.app, env), watch)
        except CouldNotStartError as error:
            return Completed(127, (str(error),), 0.0)
        is_cut = bool(naming) and naming[0] not in ended.tail
        return replace(ended, tail=(*naming, *ended.tail)) if is_cut else ended

    def _file(self, name: str, lines: Iterable[str]) -> str:
        path = self.request.work / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return str(path)

    def _classified(self, ended: Completed) -> InstallFailedError:
        source = self.request.dependencies
        failed = classify(ended.tail, ended.exit_status, source.manager, source.lock or "")
        if type(failed) is BuildOfDistributionFailedError and root_failed(
            ended.tail, self.request.app
        ):
            return project_failure(ended, source)
        return failed


def _is_needed(job: Job | ProjectSync) -> bool:
    return isinstance(job, ProjectSync) or bool(job.lines or job.pylock)


def _sentence(phrases: tuple[str, ...]) -> str:
    first, *rest = tuple(dict.fromkeys(phrases))[:3]
    return f"{first}, and {' and '.join(rest)}" if rest else first


def _empty(directory: Path) -> None:
    for path in directory.iterdir() if directory.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _tidy(prefix: Path) -> None:
    """Remove what uv leaves for itself, and repositories, which keep the URL's credentials."""
    for kind in (".git", ".hg", ".svn", ".bzr"):
        for repository in prefix.glob(f"src/*/{kind}"):
            shutil.rmtree(repository)
    (prefix / ".lock").unlink(missing_ok=True)
    for name in ("uv_cache.json", "uv_build.json"):
        for note in prefix.glob(f"lib/python3*/site-packages/*.dist-info/{name}"):
            note.unlink()
            _forget(note.parent / "RECORD", f"{note.parent.name}/{name},")


def _forget(record: Path, start: str) -> None:
    """Remove a line from a RECORD, as a new file: the old one may be linked to uv's cache."""
    if record.is_file():
        lines = record.read_text("utf-8").splitlines(keepends=True)
        fresh = record.with_name("RECORD.new")
        fresh.write_text("".join(line for line in lines if not line.startswith(start)), "utf-8")
        fresh.replace(record)
