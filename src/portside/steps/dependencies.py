"""Installs an app's dependencies with uv, and with pip where uv can't do what pip does."""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from portside.detection.package_managers.pipenv import (
    PIPFILE,
    IndexSource,
    LockedDistribution,
    lockless_requirements,
    pipfile_hashes,
    read_pipfile_lock,
)
from portside.detection.requirements import Line, LineKind, Requirements, read_requirements
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
    PipenvInstallFailedError,
    PipfileLockOutdatedError,
)
from portside.model.facts import DependencySource, PackageManager
from portside.model.interpreter import Interpreter
from portside.model.layers import KeyInput
from portside.model.source import Source


@dataclass(frozen=True, slots=True)
class DependenciesRequest:
    """What to install, for which interpreter, and where.

    ``prefix`` receives ``lib/`` and ``bin/``; ``work`` holds files that are needed only during
    the install. ``environ`` are the complete variables, config vars included. ``upgrade`` asks
    the indexes again for what isn't pinned.
    """

    app: Path
    source: Source
    dependencies: DependencySource
    interpreter: Interpreter
    prefix: Path
    uv: Path
    uv_cache: Path
    work: Path
    environ: Mapping[str, str]
    home: Path
    upgrade: bool = False


@dataclass(frozen=True, slots=True)
class InstallOutcome:
    """Which program installed the dependencies, and the name and version of each."""

    installer: Literal["uv", "pip"]
    distributions: tuple[tuple[str, str], ...]


def install_dependencies(
    request: DependenciesRequest,
    *,
    runner: ProcessRunner,
    on_line: Callable[[str], None],
    on_detail: Callable[[str], None],
) -> InstallOutcome:
    """Install the app's dependencies below the prefix.

    ``on_line`` gets the installer's output, ``on_detail`` sentences about decisions taken.
    Raises ``PipfileLockOutdatedError``, ``InstallFailedError`` or one of its leaves, and what
    reading the files of the package manager raises.
    """
    config = read_pip_config(request.environ, request.home)
    if request.dependencies.manager is PackageManager.PIPENV:
        jobs = _pipenv_jobs(request, config)
    else:
        jobs = _pip_jobs(request, config)
    request.work.mkdir(parents=True, exist_ok=True)
    installer = _Installer(request, config, runner, on_line, on_detail)
    used = {installer.run(job, number) for number, job in enumerate(jobs) if job.lines}
    _clean(request.prefix)
    return InstallOutcome(
        "pip" if "pip" in used else "uv",
        installed_distributions(request.prefix / request.interpreter.site_packages),
    )


def dependency_inputs(
    source: Source,
    dependencies: DependencySource,
    *,
    environ: Mapping[str, str],
    home: Path,
    app: Path,
) -> tuple[KeyInput, ...]:
    """Return everything that decides what an install puts in place, besides the interpreter.

    Credentials in URLs don't count. Raises what reading the files of the package manager raises.
    """
    config = read_pip_config(environ, home)
    if dependencies.manager is PackageManager.PIPENV:
        files: tuple[str, ...] = dependencies.files
        texts, paths = _pipenv_texts(source, dependencies, app)
    else:
        requirements = read_requirements(source, dependencies.manifest, variables=environ)
        files, texts = requirements.files, [line.text for line in requirements.lines]
        paths = _local_paths(requirements, app)
    raw = {name: source.read(name) for name in files}
    inputs = [KeyInput(name, hashlib.sha256(data).hexdigest()) for name, data in raw.items()]
    inputs += [KeyInput(_shown(path, app), _digest_path(path)) for path in dict.fromkeys(paths)]
    if any(b"$" in data for data in raw.values()):
        expanded = [_without_credentials(_expand(text, environ)) for text in texts]
        inputs.append(KeyInput("variables in the files", _digest(expanded)))
    inputs.append(KeyInput("index configuration", _digest(_configuration(config, environ, app))))
    return tuple(inputs)


def installed_distributions(site_packages: Path) -> tuple[tuple[str, str], ...]:
    """Return the name and version of each distribution in a directory, sorted by name."""
    found = []
    for pattern in ("*.dist-info/METADATA", "*.egg-info/PKG-INFO"):
        for path in site_packages.glob(pattern):
            head = path.read_text("utf-8", "replace").split("\n\n", 1)[0]
            fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
            found.append((fields.get("Name", "").strip(), fields.get("Version", "").strip()))
    return tuple(sorted(found, key=lambda item: item[0].lower()))


# --- What to install -------------------------------------------------------------------------


@dataclass(slots=True)
class _Options:
    """The state of pip's options as configuration and requirements files change it.

    The first of ``indexes`` is the main one; "" stands for the default.
    """

    indexes: list[str] = field(default_factory=lambda: [""])
    find_links: list[str] = field(default_factory=list)
    trusted: list[str] = field(default_factory=list)
    no_binary: set[str] = field(default_factory=set)
    only_binary: set[str] = field(default_factory=set)
    no_index: bool = False
    pre: bool = False
    require_hashes: bool = False

    def apply(self, name: str, value: str) -> None:
        """Change the state as pip does when it meets the option."""
        if name == "--no-index":
            self.no_index, self.indexes = True, [""]
        elif name == "--index-url":
            # It replaces the extra indexes that came before it, too.
            self.indexes = [value]
        elif name == "--extra-index-url":
            self.indexes.append(value)
        elif name == "--find-links":
            self.find_links.append(value)
        elif name == "--trusted-host":
            self.trusted.append(value)
        elif name == "--no-binary":
            _formats(value, self.no_binary, self.only_binary)
        elif name == "--only-binary":
            _formats(value, self.only_binary, self.no_binary)
        elif name == "--pre":
            self.pre = True
        elif name == "--require-hashes":
            self.require_hashes = True

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Return a phrase where uv would read the options differently."""
        both = self.no_binary and self.only_binary
        if both and ":all:" in self.no_binary | self.only_binary:
            return ("the app mixes --no-binary and --only-binary with :all:",)
        return ()


@dataclass(frozen=True, slots=True)
class _Job:
    """One run of an installer.

    ``lines`` are a flattened requirements file; ``pip_file`` is what pip reads in its place.
    """

    lines: tuple[str, ...]
    options: _Options
    constraints: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    no_deps: bool = False
    refresh: bool = False
    pip_file: str = ""


def _formats(value: str, target: set[str], other: set[str]) -> None:
    """Apply a value of --no-binary or --only-binary: each takes from the other."""
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if name == ":all:":
            other.clear()
            target.clear()
            target.add(name)
        elif name == ":none:":
            target.clear()
        else:
            other.discard(name)
            target.add(name)


def _configured(config: PipConfig) -> _Options:
    options = _Options(indexes=[config.index_url, *config.extra_index_urls])
    options.find_links = list(config.find_links)
    options.require_hashes = config.require_hashes
    for name, values in (("--no-binary", config.no_binary), ("--only-binary", config.only_binary)):
        for value in values:
            options.apply(name, value)
    if config.no_index:
        options.apply("--no-index", "")
    return options


def _pip_jobs(request: DependenciesRequest, config: PipConfig) -> tuple[_Job, ...]:
    manifest = request.dependencies.manifest
    requirements = read_requirements(request.source, manifest, variables=request.environ)
    options = _configured(config)
    for line in requirements.lines:
        if line.kind is LineKind.OPTION:
            options.apply(line.option, line.value)
    options.require_hashes |= requirements.has_hashes
    remote = tuple(line.text for line in requirements.lines if line.option == "--requirement")
    job = _Job(
        lines=(*_rendered(requirements, request.app, constraints=False), *remote),
        options=options,
        constraints=tuple(_rendered(requirements, request.app, constraints=True)),
        unsupported=(
            *config.unsupported,
            *requirements.unsupported,
            *_only_pip(requirements.lines),
            *options.unsupported,
        ),
        refresh=any(path.is_dir() for path in _local_paths(requirements, request.app)),
        pip_file=manifest,
    )
    return (job,)


def _rendered(requirements: Requirements, app: Path, *, constraints: bool) -> Iterator[str]:
    for line in requirements.lines:
        if line.option or (line.kind is LineKind.CONSTRAINT) is not constraints:
            continue
        if line.kind is LineKind.EDITABLE:
            yield f"-e {_absolute(line.text.removeprefix('-e ').strip(), app, editable=True)}"
        else:
            yield _absolute(line.text, app)


_ONLY_PIP_VCS = re.compile(r"(?:^|[\s@])(hg|svn|bzr)\+", re.IGNORECASE)
_VCS = re.compile(r"(git|hg|svn|bzr)\+", re.IGNORECASE)
_NAMED = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?\s*@\s*)(?P<target>\S+)")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_ARCHIVE = re.compile(r"\.(whl|zip|tar|tar\.gz|tgz|tar\.bz2|tbz|tar\.xz|txz)$", re.IGNORECASE)
_EXTRAS = re.compile(r"(\[[^\]]*\])$")
_EGG = re.compile(r"#egg=[^&]*$")


def _only_pip(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        where = f"line {line.number} of {line.file}"
        if line.kind is LineKind.EDITABLE and _VCS.match(line.text.removeprefix("-e ").strip()):
            yield f"{where} is an editable install from a repository"
        elif _ONLY_PIP_VCS.search(line.text):
            yield f"{where} names a repository that isn't Git's"


@dataclass(frozen=True, slots=True)
class _Local:
    """A local path in a requirement: what is before it, the path, and what follows."""

    before: str
    path: Path
    after: str

    def __str__(self) -> str:
        plain = str(self.path)
        return (
            f"{self.before}{plain if _PLAIN.fullmatch(plain) else self.path.as_uri()}{self.after}"
        )


_PLAIN = re.compile(r"[\w./+~-]+", re.ASCII)


def _absolute(text: str, app: Path, *, editable: bool = False) -> str:
    local = _local(text, app, editable=editable)
    return text if local is None else str(local)


def _local(text: str, app: Path, *, editable: bool = False) -> _Local | None:
    """Find the local path of a requirement as pip does, None where it has none."""
    named = _NAMED.match(text)
    before = named["name"] if named else ""
    target = named["target"] if named else re.split(r"\s|;", text, maxsplit=1)[0]
    after = text[len(before) + len(target) :]
    bare = _EGG.sub("", target)
    extras = _EXTRAS.search(bare)
    bare, extra = (bare[: extras.start()], extras[1]) if extras else (bare, "")
    path = _path_of(bare, app)
    if path is None or not _is_path(bare, path, editable=editable or bool(named)):
        return None
    return _Local(before, path, f"{extra}{after}")


def _path_of(target: str, app: Path) -> Path | None:
    if target.lower().startswith("file:"):
        target = unquote(target[5:])
        target = target.removeprefix("//localhost") if target.startswith("//localhost/") else target
        target = target.removeprefix("//")
    elif _SCHEME.match(target):
        return None
    return Path(os.path.normpath(app / target.partition("#")[0])) if target else None


def _is_path(target: str, path: Path, *, editable: bool) -> bool:
    """Return whether pip takes it for a path: a bare name is one only after -e or "@"."""
    if path.is_dir():
        return editable or "/" in target or target.startswith(".")
    return bool(_ARCHIVE.search(target.partition("#")[0])) and path.is_file()


def _local_paths(requirements: Requirements, app: Path) -> list[Path]:
    """Return every local project, archive and directory of links that the requirements name."""
    paths = []
    for line in requirements.lines:
        if line.option == "--find-links":
            links = _path_of(line.value, app)
            paths += [links] if links is not None and links.exists() else []
        elif not line.option:
            editable = line.kind is LineKind.EDITABLE
            text = line.text.removeprefix("-e ").strip() if editable else line.text
            local = _local(text, app, editable=editable)
            paths += [local.path] if local else []
    return paths


# --- Pipenv ----------------------------------------------------------------------------------


def _pipenv_jobs(request: DependenciesRequest, config: PipConfig) -> tuple[_Job, ...]:
    if request.dependencies.lock is None:
        return _lockless_jobs(request, config)
    _check_lock(request)
    lock = read_pipfile_lock(request.source)
    sources = tuple(_expanded(item, request.environ) for item in lock.sources)
    names = {item.name for item in sources}
    groups: dict[tuple[str, bool], list[LockedDistribution]] = {}
    for entry in lock.default:
        index = entry.index if entry.index in names and not entry.location else ""
        key = (index or sources[0].name, bool(entry.vcs) and entry.editable)
        groups.setdefault(key, []).append(entry)
    return tuple(
        _locked_job(request, config, entries, _order(sources, index, entries))
        for (index, _), entries in groups.items()
    )


def _check_lock(request: DependenciesRequest) -> None:
    """Raise ``PipfileLockOutdatedError`` where the lock isn't that of the Pipfile."""
    if not request.source.is_file(PIPFILE):
        return
    current = pipfile_hashes(request.source)
    locked = read_pipfile_lock(request.source).pipfile_hash
    if locked not in current:
        raise PipfileLockOutdatedError(locked=locked or "(none)", current=min(current))


def _order(
    sources: tuple[IndexSource, ...], index: str, entries: Iterable[LockedDistribution]
) -> tuple[IndexSource, ...]:
    """Return the index of a group; all of them where an old lock doesn't say which."""
    own = tuple(item for item in sources if item.name == index)[:1]
    if all(entry.index for entry in entries):
        return own
    return (*own, *(item for item in sources if item not in own))


def _locked_job(
    request: DependenciesRequest,
    config: PipConfig,
    entries: list[LockedDistribution],
    sources: tuple[IndexSource, ...],
) -> _Job:
    return replace(_pipenv_job(request, config, entries, sources), no_deps=True)


def _lockless_jobs(request: DependenciesRequest, config: PipConfig) -> tuple[_Job, ...]:
    wanted = lockless_requirements(request.source)
    sources = tuple(_expanded(item, request.environ) for item in wanted.sources)
    job = _pipenv_job(request, config, wanted.packages, sources)
    job.options.pre |= wanted.allow_prereleases
    return (job,)


def _pipenv_job(
    request: DependenciesRequest,
    config: PipConfig,
    entries: Iterable[LockedDistribution],
    sources: tuple[IndexSource, ...],
) -> _Job:
    entries = tuple(entries)
    options = _configured(config)
    extra = options.indexes[1:]
    options.indexes = [*(item.url for item in sources), *extra]
    options.trusted = [
        urlsplit(item.url).netloc.rpartition("@")[2] for item in sources if not item.verify_ssl
    ]
    return _Job(
        lines=tuple(_pipenv_line(entry, request) for entry in entries),
        options=options,
        unsupported=(*config.unsupported, *options.unsupported, *_pipenv_only_pip(entries)),
        refresh=any(entry.is_path for entry in entries),
    )


def _pipenv_only_pip(entries: Iterable[LockedDistribution]) -> Iterator[str]:
    for entry in entries:
        if entry.vcs and entry.editable:
            yield f"{entry.name} is an editable install from a repository"
        elif entry.vcs and entry.vcs != "git":
            yield f"{entry.name} comes from a repository that isn't Git's"


def _pipenv_line(entry: LockedDistribution, request: DependenciesRequest) -> str:
    if not entry.is_path:
        line = entry.requirement(_expand(entry.location, request.environ))
        return f"-e {line.split(' @ ', 1)[1]}#egg={entry.name}" if _is_editable(entry) else line
    path = Path(os.path.normpath(request.app / entry.location))
    plain = entry.editable and _PLAIN.fullmatch(str(path))
    return entry.requirement(str(path) if plain else path.as_uri())


def _is_editable(entry: LockedDistribution) -> bool:
    return bool(entry.vcs) and entry.editable and not entry.subdirectory and not entry.markers


def _expanded(index: IndexSource, environ: Mapping[str, str]) -> IndexSource:
    return replace(index, url=_expand(index.url, environ))


_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def _expand(text: str, environ: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: environ.get(match[1] or match[2], match[0]), text)


# --- Running an installer --------------------------------------------------------------------

_DROPPED = frozenset(
    {
        "CONDA_PREFIX",
        "PIP_CONFIG_FILE",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONUSERBASE",
        "VIRTUAL_ENV",
        "__PYVENV_LAUNCHER__",
    }
)
_UV_KEPT = re.compile(
    r"UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|INDEX_\w+_(USERNAME|PASSWORD)"
    r"|INSECURE_HOST|NATIVE_TLS|SYSTEM_CERTS|KEYRING_PROVIDER|OFFLINE"
    r"|HTTP_TIMEOUT|HTTP_RETRIES|HTTP_CONNECT_TIMEOUT|REQUEST_TIMEOUT|CONCURRENT_\w+)"
)
_FINAL = (IndexCredentialsError, IndexUnreachableError, HashMismatchError, DiskFullError)


@dataclass(frozen=True, slots=True)
class _Installer:
    request: DependenciesRequest
    config: PipConfig
    runner: ProcessRunner
    on_line: Callable[[str], None]
    on_detail: Callable[[str], None]

    def run(self, job: _Job, number: int) -> Literal["uv", "pip"]:
        """Install with uv, or pip where uv can't; raise ``InstallFailedError`` or a leaf."""
        if job.unsupported:
            self.on_detail(f"Installing with pip, because {_sentence(job.unsupported)}.")
            self._pip(job, number, None)
            return "pip"
        failed = self._uv(job, number)
        if failed is None:
            return "uv"
        if isinstance(failed, _FINAL):
            raise failed
        self.on_detail("uv couldn't install the dependencies, so pip is tried.")
        self._pip(job, number, failed)
        return "pip"

    def _uv(self, job: _Job, number: int) -> InstallFailedError | None:
        argv, env = self._uv_command(job, number)
        ended = self._execute(argv, env)
        if ended.ok:
            return None
        return self._classified(ended)

    def _uv_command(self, job: _Job, number: int) -> tuple[tuple[str, ...], dict[str, str]]:
        request = self.request
        argv = [
            *(str(request.uv), "pip", "install", "--python", str(request.interpreter.executable)),
            *("--prefix", str(request.prefix), "--link-mode", "hardlink", "--no-config"),
            *("--cache-dir", str(request.uv_cache), "--no-python-downloads"),
            *("--no-progress", "--color", "never"),
            *_uv_options(job.options),
            *self.config.arguments,
            *(["--no-deps"] if job.no_deps and "--no-deps" not in self.config.arguments else []),
            *(["--upgrade"] if request.upgrade else []),
            *(["--refresh"] if job.refresh and not request.upgrade else []),
        ]
        env = {**self._environment(), **self.config.environment, **_uv_indexes(job, request)}
        if len(_all_indexes(job, request.environ)) > 1 or job.options.find_links:
            # With one index the answer is the same, and uv says when it is refused.
            argv += ["--index-strategy", "unsafe-best-match"]
        for path in self.config.constraints:
            argv += ["--constraints", path]
        if job.constraints:
            argv += ["--constraints", self._file(f"constraints-{number}.txt", job.constraints)]
        argv += ["--requirements", self._file(f"requirements-{number}.txt", job.lines)]
        if "UV_DEFAULT_INDEX" in env:
            env.pop("UV_INDEX_URL", None)
        return tuple(argv), env

    def _pip(self, job: _Job, number: int, before: InstallFailedError | None) -> None:
        argv = [
            *(str(self.request.interpreter.executable), *_bundled_pip(self.request.interpreter)),
            *("install", "--prefix", str(self.request.prefix), "--ignore-installed"),
            *("--no-compile", "--no-warn-script-location", "--disable-pip-version-check"),
            *("--no-input", "--src", str(self.request.prefix / "src")),
            *(["--no-deps"] if job.no_deps else []),
            *("-r", job.pip_file or self._file(f"requirements-{number}.txt", job.lines)),
        ]
        env = {**self._environment(), **self.config.variables, "PYTHONNOUSERSITE": "1"}
        if not job.pip_file:
            env |= dict(_pip_variables(job.options))
        ended = self._execute(tuple(argv), env)
        if ended.ok:
            return
        failed = self._classified(ended)
        told = failed if before is None else _more_telling(before, failed)
        raise self._diagnosed(job, number, told)

    def _diagnosed(self, job: _Job, number: int, failed: InstallFailedError) -> InstallFailedError:
        """Look for a refused index, which uv tells of only when it asks one after the other."""
        argv, env = self._uv_command(job, number)
        is_missing = isinstance(failed, IndexNotFoundError | NoSolutionError)
        if not is_missing or "unsafe-best-match" not in argv:
            return failed
        ordered = tuple("first-index" if word == "unsafe-best-match" else word for word in argv)
        ended = self._run((*ordered, "--dry-run"), env, lambda _: None)
        found = None if ended.ok else self._classified(ended)
        return found if isinstance(found, IndexCredentialsError) else failed

    def _execute(self, argv: tuple[str, ...], env: Mapping[str, str]) -> Completed:
        return self._run(argv, env, self.on_line)

    def _run(
        self, argv: tuple[str, ...], env: Mapping[str, str], on_line: Callable[[str], None]
    ) -> Completed:
        try:
            return self.runner.run(Command(argv, self.request.app, env), on_line)
        except CouldNotStartError as error:
            return Completed(127, (str(error),), 0.0)

    def _environment(self) -> dict[str, str]:
        """Return the variables for an installer: all but those that lead to another Python."""
        return {
            name: value
            for name, value in self.request.environ.items()
            if name not in _DROPPED
            and not name.startswith("PIP_")
            and (not name.startswith("UV_") or _UV_KEPT.fullmatch(name))
        }

    def _file(self, name: str, lines: Iterable[str]) -> str:
        path = self.request.work / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return str(path)

    def _classified(self, ended: Completed) -> InstallFailedError:
        manager = self.request.dependencies.manager
        return classify(ended.tail, ended.exit_status, manager)


def _uv_options(options: _Options) -> Iterator[str]:
    """Return uv's arguments for pip's options, the indexes apart: those may hold credentials."""
    for name in sorted(options.no_binary):
        yield from ("--no-binary", name)
    for name in sorted(options.only_binary):
        yield from ("--only-binary", name)
    for host in dict.fromkeys(options.trusted):
        yield from ("--allow-insecure-host", host)
    for place in dict.fromkeys(options.find_links):
        yield from ("--find-links", place)
    if options.no_index:
        yield "--no-index"
    if options.pre:
        yield from ("--prerelease", "allow")
    if options.require_hashes:
        yield "--require-hashes"


def _pip_variables(options: _Options) -> Iterator[tuple[str, str]]:
    """Return pip's options for a job without a requirements file of its own; they may be secret."""
    main, *extra = options.indexes
    values = {
        "PIP_INDEX_URL": main,
        "PIP_EXTRA_INDEX_URL": " ".join(extra),
        "PIP_TRUSTED_HOST": " ".join(options.trusted),
        "PIP_PRE": "1" if options.pre else "",
    }
    yield from ((name, value) for name, value in values.items() if value)


def _all_indexes(job: _Job, environ: Mapping[str, str]) -> tuple[str, ...]:
    own = "UV_INDEX", "UV_EXTRA_INDEX_URL"
    more = [url for name in own for url in environ.get(name, "").split()]
    return tuple(dict.fromkeys([*job.options.indexes, *more]))


def _uv_indexes(job: _Job, request: DependenciesRequest) -> dict[str, str]:
    if job.options.no_index:
        return {}
    main, *extra = _all_indexes(job, request.environ)
    variables = {"UV_DEFAULT_INDEX": main} if main else {}
    return variables | {"UV_INDEX": " ".join(extra), "UV_EXTRA_INDEX_URL": ""}


def _bundled_pip(interpreter: Interpreter) -> tuple[str, ...]:
    """Return the arguments that start the pip that comes with the interpreter."""
    bundled = interpreter.root / f"lib/python{interpreter.version.series}/ensurepip/_bundled"
    wheels = sorted(bundled.glob("pip-*.whl"))
    return (str(wheels[-1] / "pip"),) if wheels else ("-m", "pip")


def _more_telling(uv: InstallFailedError, pip: InstallFailedError) -> InstallFailedError:
    """Choose what to say when both failed: uv's reason where it has a particular one."""
    generic = {InstallFailedError, PipenvInstallFailedError}
    if type(pip) in generic:
        return uv
    return pip if type(uv) in {*generic, NoSolutionError} else uv


def _sentence(phrases: tuple[str, ...]) -> str:
    first, *rest = tuple(dict.fromkeys(phrases))[:3]
    return f"{first}, and {' and '.join(rest)}" if rest else first


def _clean(prefix: Path) -> None:
    """Remove what uv leaves for itself: its lock and its notes about local projects."""
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


# --- Why an install failed -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cause:
    leaf: type[InstallFailedError]
    pattern: str
    cause: str
    fix: str


_CAUSES = (
    _Cause(
        DiskFullError,
        r"no space left on device|disk quota exceeded|os error 28\b",
        "There is no room left on the disk.",
        "Free some space, for example with `portside cache prune`, and build again.",
    ),
    _Cause(
        HashMismatchError,
        r"hash mismatch for|do not match the hashes",
        "A downloaded file isn't the one that was pinned.",
        "Find out why the file changed. If the new file is right, pin its hash and commit that.",
    ),
    _Cause(
        IndexCredentialsError,
        r"401 unauthorized|403 forbidden|lack of valid authentication|credentials not correct"
        r"|40[13] client error|http error 40[13]|could not read username|authentication failed"
        r"|permission denied \(publickey|missing credentials",
        "A package index or repository refused the credentials, or wants some.",
        "Check the address and the credentials; keep those in a config var and refer to it as\n"
        "    --index-url https://${INDEX_USER}:${INDEX_PASSWORD}@HOST/simple",
    ),
    _Cause(
        IndexNotFoundError,
        r"http status client error \((404|410)|http error 404|404 client error",
        "The address of a distribution doesn't exist.",
        "Correct the address, or the version, and commit the change.",
    ),
    _Cause(
        IndexUnreachableError,
        r"request failed after|error sending request|http status server error|5\d\d server error"
        r"|http error 5\d\d|connection refused|connection reset|dns error|name resolution"
        r"|timed out|incompleteread|connection broken|max retries exceeded"
        r"|error decoding response body|end of file before message|unexpected end of file"
        r"|unexpected eof|failed to download|failed to fetch:|invalid peer certificate"
        r"|sslcertverificationerror"
        r"|could not resolve host|unable to access '"
        r"|failed to extract|badzipfile|not a valid (zip|wheel)"
        r"|has an invalid wheel"
        r"|wheel .* is invalid",
        "A package index can't be reached, fails, or sends damaged files.",
        "Try again. If it stays so, check the index's address and whether this machine may "
        "reach it.",
    ),
    _Cause(
        IndexNotFoundError,
        r"failed to fetch branch or tag|failed to find (branch|tag|commit)|couldn't find remote ref"
        r"|not appear to be a git repository|repository not found|did not match any file",
        "A repository, or what was asked for in it, doesn't exist.",
        "Correct the address or the branch, tag or commit after '@', and commit the change.",
    ),
    _Cause(
        NoWheelForPythonError,
        r"no wheels with a matching|no usable wheels|building source distributions (for .* )?is "
        r"disabled|no wheels are available|has no usable",
        "A distribution has no wheel for this Python, and building it isn't allowed.",
        "Ask for a version that has one, use another Python version, or drop --only-binary.",
    ),
    _Cause(
        NoSolutionError,
        r"resolutionimpossible|conflicting dependencies|and you require [^\n]* we can conclude "
        r"that [^\n]* are incompatible|requirements contradict|conflicting urls",
        "The requirements contradict each other.",
        "Loosen one of the requirements that the output above names.",
    ),
    _Cause(
        BuildOfDistributionFailedError,
        r"failed to build|failed building wheel|metadata-generation-failed|build backend returned"
        r"|subprocess-exited-with-error|could not build wheels|egg_info did not run",
        "A distribution without a wheel couldn't be built.",
        "Use a version that has a wheel for this Python, or provide what the build asks for in\n"
        "the output above (often a system library or a compiler).",
    ),
    _Cause(
        IndexNotFoundError,
        r"was not found in the|there (is|are) no versions? of|no matching distribution found"
        r"|could not find a version that satisfies|not found in the provided package",
        "No package index has a distribution that was asked for.",
        "Check its name and version; they must exist for this Python version.",
    ),
    _Cause(
        NoSolutionError,
        r"no solution found",
        "The requirements contradict each other.",
        "Loosen one of the requirements that the output above names.",
    ),
)
_TELLING = re.compile(r"^\s*(error|cause|hint)\b[: ]", re.IGNORECASE)


def classify(tail: Iterable[str], exit_status: int, manager: PackageManager) -> InstallFailedError:
    """Return the error for an installer's output; the output must be redacted already."""
    lines = tuple(tail)
    text = "\n".join(lines)
    name = "Pipenv" if manager is PackageManager.PIPENV else "pip"
    for cause in _CAUSES:
        match = re.search(cause.pattern, text, re.IGNORECASE | re.MULTILINE)
        if match:
            line = text[text.rfind("\n", 0, match.start()) + 1 :].split("\n", 1)[0].strip()
            shown = f"{cause.cause}\n    {line[:_LONGEST]}"
            return cause.leaf(manager=name, exit_status=exit_status, cause=shown, fix=cause.fix)
    told = [line.strip() for line in lines if _TELLING.match(line)] or [*lines[-3:]]
    generic = PipenvInstallFailedError if name == "Pipenv" else InstallFailedError
    return generic(
        manager=name,
        exit_status=exit_status,
        cause="\n".join(line[:_LONGEST] for line in told[:5]) or "The installer said nothing.",
        fix="Correct what the output above names, commit the change and build again.",
    )


_LONGEST = 400

# --- The inputs of the layer -----------------------------------------------------------------

_SKIPPED = frozenset({".git", ".hg", ".svn", "__pycache__", ".venv", ".tox", ".mypy_cache"})
_BUILT = re.compile(r"(.*/)?(build/(lib|bdist|temp|scripts)[^/]*|[^/]+\.egg-info)")
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@]+@")
_UV_INPUTS = re.compile(r"UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS)")


def _pipenv_texts(
    source: Source, dependencies: DependencySource, app: Path
) -> tuple[list[str], list[Path]]:
    if dependencies.lock is None:
        wanted = lockless_requirements(source)
        sources, entries = wanted.sources, wanted.packages
    else:
        lock = read_pipfile_lock(source)
        sources, entries = lock.sources, lock.default
    paths = [Path(os.path.normpath(app / item.location)) for item in entries if item.is_path]
    return [*(item.url for item in sources), *(item.location for item in entries)], paths


def _configuration(config: PipConfig, environ: Mapping[str, str], app: Path) -> Iterator[str]:
    for name in sorted(config.inputs):
        yield f"{name}={_without_credentials(config.inputs[name])}"
    for name in sorted(environ):
        if _UV_INPUTS.fullmatch(name):
            yield f"{name}={_without_credentials(environ[name])}"
    for place in (*config.find_links, *environ.get("UV_FIND_LINKS", "").split(",")):
        path = _path_of(place, app) if place else None
        yield from _listing(path) if path is not None else ()
    for constraint in config.constraints:
        path = _path_of(constraint, app)
        yield _digest_path(path) if path is not None else ""


def _listing(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as found:
            return sorted(
                f"{item.name} {item.stat().st_size} {item.stat().st_mtime_ns}" for item in found
            )
    except OSError:
        return []


def _digest_path(path: Path) -> str:
    """Return the digest of a file, or of a project's tree without what builds leave in it."""
    if not path.is_dir():
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "absent"
    return _digest(_tree(path))


def _tree(root: Path) -> Iterator[str]:
    for directory, below, names in os.walk(root):
        inside = os.path.relpath(directory, root)
        below[:] = sorted(
            name
            for name in below
            if name not in _SKIPPED and not _BUILT.fullmatch(os.path.normpath(f"{inside}/{name}"))
        )
        for name in sorted(names):
            if not name.endswith(".pyc"):
                yield f"{inside}/{name} {_digest_file(os.path.join(directory, name))}"  # noqa: PTH118 (speed)


def _digest_file(path: str) -> str:
    try:
        status = os.lstat(path)
        if os.path.islink(path):  # noqa: PTH114 (speed)
            return f"-> {os.readlink(path)}"  # noqa: PTH115 (speed)
        if not os.path.isfile(path):  # noqa: PTH113 (speed)
            return "special"
        with open(path, "rb") as file:  # noqa: PTH123 (speed)
            return f"{status.st_mode & 0o111:o} {hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        return f"unreadable {error.errno}"


def _digest(parts: Iterable[str]) -> str:
    text = "\0".join(parts)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _without_credentials(text: str) -> str:
    return _CREDENTIALS.sub("", text)


def _shown(path: Path, app: Path) -> str:
    return path.relative_to(app).as_posix() if path.is_relative_to(app) else str(path)
