"""What a lock pins becomes jobs: one for each index that its entries come from."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from portside.effects.pip_config import PipConfig
from portside.model.locked import IndexSource, LockedDistribution
from portside.steps.dependencies.jobs import Job, configured_options
from portside.steps.dependencies.local_paths import path_of, path_text
from portside.steps.dependencies.request import DependenciesRequest

_VARIABLE = r"\$(?:\{(\w+)\}|(\w+))"


class Locked(Struct, frozen=True):
    """The entries of a lock and the indexes that it names, the main one first."""

    packages: tuple[LockedDistribution, ...]
    sources: tuple[IndexSource, ...]


def locked_jobs(request: DependenciesRequest, config: PipConfig, locked: Locked) -> tuple[Job, ...]:
    """Return one job for each index that the entries come from; none resolves anything."""
    sources = tuple(_expanded(item, request.environ) for item in locked.sources)
    names = {item.name for item in sources}
    groups: dict[tuple[str, bool], list[LockedDistribution]] = {}
    for entry in locked.packages:
        index = entry.index if entry.index in names and not entry.location else ""
        key = (index or sources[0].name, bool(entry.vcs) and entry.editable)
        groups.setdefault(key, []).append(entry)
    return tuple(
        replace(
            job_of(request, config, Locked(tuple(entries), _order(sources, index, entries))),
            no_deps=True,
        )
        for (index, _), entries in groups.items()
    )


def job_of(request: DependenciesRequest, config: PipConfig, locked: Locked) -> Job:
    """Return one job for all entries, with all indexes."""
    options = configured_options(config)
    extra = options.indexes[1:]
    sources = tuple(_expanded(item, request.environ) for item in locked.sources)
    options.indexes = [*(item.url for item in sources), *extra]
    options.trusted = [
        urlsplit(item.url).netloc.rpartition("@")[2] for item in sources if not item.verify_ssl
    ]
    options.authority = next((item.authority for item in sources if item.authority), "")
    return Job(
        lines=tuple(_line(entry, request) for entry in locked.packages),
        options=options,
        unsupported=(*config.unsupported, *options.unsupported, *_only_pip(locked.packages)),
        refresh=any(entry.is_path for entry in locked.packages),
    )


def texts_of(locked: Locked, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the addresses in a lock with variables replaced."""
    texts = (*(item.url for item in locked.sources), *(item.location for item in locked.packages))
    return tuple(expand_variables(text, environ) for text in texts)


def local_projects(locked: Locked, environ: Mapping[str, str], app: Path) -> tuple[Path, ...]:
    """Return the paths on this machine that a lock names."""
    places = [expand_variables(e.location, environ) for e in locked.packages if not e.vcs]
    return tuple(path for place in places if (path := path_of(place, app)) is not None)


def relative_places(
    packages: Iterable[LockedDistribution], environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the relative paths that entries of a lock have."""
    return tuple(expand_variables(entry.location, environ) for entry in packages if entry.is_path)


def expand_variables(text: str, variables: Mapping[str, str]) -> str:
    """Replace ``$NAME`` and ``${NAME}`` as Pipenv does; what isn't set stays as it is."""
    return re.sub(_VARIABLE, lambda match: variables.get(match[1] or match[2], match[0]), text)


def _order(
    sources: tuple[IndexSource, ...], index: str, entries: Iterable[LockedDistribution]
) -> tuple[IndexSource, ...]:
    """Return the index of a group; all of them where an old lock doesn't say which."""
    own = tuple(item for item in sources if item.name == index)[:1]
    if all(entry.index for entry in entries):
        return own
    return (*own, *(item for item in sources if item not in own))


def _only_pip(entries: Iterable[LockedDistribution]) -> Iterator[str]:
    for entry in entries:
        if entry.vcs and entry.editable:
            yield f"{entry.name} is an editable install from a repository"
        elif entry.vcs and entry.vcs != "git":
            yield f"{entry.name} comes from a repository that isn't Git's"


def _line(entry: LockedDistribution, request: DependenciesRequest) -> str:
    if not entry.is_path:
        line = entry.requirement(expand_variables(entry.location, request.environ))
        return f"-e {line.split(' @ ', 1)[1]}#egg={entry.name}" if _is_editable(entry) else line
    path = Path(os.path.normpath(request.app / entry.location))
    if entry.editable and path.is_relative_to(request.app):
        return entry.requirement(path_text(path))
    return replace(entry, editable=False).requirement(path.as_uri())


def _is_editable(entry: LockedDistribution) -> bool:
    return bool(entry.vcs) and entry.editable and not entry.subdirectory and not entry.markers


def _expanded(index: IndexSource, environ: Mapping[str, str]) -> IndexSource:
    return replace(index, url=expand_variables(index.url, environ))
