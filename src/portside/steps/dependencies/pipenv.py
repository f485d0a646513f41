"""What to install for an app with a Pipfile: a job for each index that its lock names."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec.structs import replace

from portside.detection.package_managers.pipenv import (
    PIPFILE,
    IndexSource,
    LockedDistribution,
    expand_variables,
    lockless_requirements,
    pipfile_hashes,
    read_pipfile_lock,
)
from portside.effects.pip_config import PipConfig
from portside.model.errors.dependencies import PipfileLockOutdatedError
from portside.steps.dependencies.jobs import Job, configured_options
from portside.steps.dependencies.local_paths import path_text
from portside.steps.dependencies.request import DependenciesRequest


def pipenv_jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job, ...]:
    """Return the jobs of an app with a Pipfile: one for each index its lock names, or just one.

    Raises ``PipfileLockOutdatedError`` and what reading the Pipfile and its lock raises.
    """
    if request.dependencies.lock is None:
        return _lockless_jobs(request, config)
    _check_lock(request)
    lock = read_pipfile_lock(request.source, includes_tests=request.includes_tests)
    sources = tuple(_expanded(item, request.environ) for item in lock.sources)
    names = {item.name for item in sources}
    groups: dict[tuple[str, bool], list[LockedDistribution]] = {}
    for entry in lock.packages:
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
) -> Job:
    return replace(_pipenv_job(request, config, entries, sources), no_deps=True)


def _lockless_jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job, ...]:
    wanted = lockless_requirements(request.source, includes_tests=request.includes_tests)
    sources = tuple(_expanded(item, request.environ) for item in wanted.sources)
    job = _pipenv_job(request, config, wanted.packages, sources)
    job.options.pre |= wanted.allow_prereleases
    return (job,)


def _pipenv_job(
    request: DependenciesRequest,
    config: PipConfig,
    entries: Iterable[LockedDistribution],
    sources: tuple[IndexSource, ...],
) -> Job:
    entries = tuple(entries)
    options = configured_options(config)
    extra = options.indexes[1:]
    options.indexes = [*(item.url for item in sources), *extra]
    options.trusted = [
        urlsplit(item.url).netloc.rpartition("@")[2] for item in sources if not item.verify_ssl
    ]
    return Job(
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
        line = entry.requirement(expand_variables(entry.location, request.environ))
        return f"-e {line.split(' @ ', 1)[1]}#egg={entry.name}" if _is_editable(entry) else line
    path = Path(os.path.normpath(request.app / entry.location))
    return entry.requirement(path_text(path) if entry.editable else path.as_uri())


def _is_editable(entry: LockedDistribution) -> bool:
    return bool(entry.vcs) and entry.editable and not entry.subdirectory and not entry.markers


def _expanded(index: IndexSource, environ: Mapping[str, str]) -> IndexSource:
    return replace(index, url=expand_variables(index.url, environ))
