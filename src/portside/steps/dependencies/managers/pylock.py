"""What to install for an app with a pylock.toml: uv reads it itself."""

import re
from collections.abc import Iterator
from pathlib import Path

from portside.detection.documents import value_at
from portside.detection.package_managers.pylock import read_pylock
from portside.effects.pip_config import PipConfig
from portside.model.errors.settings import GroupUnknownError
from portside.model.facts import DependencySource
from portside.model.names import canonical
from portside.model.source import Source, leads_out, normalised
from portside.steps.dependencies.jobs import Job, Pylock, configured_options
from portside.steps.dependencies.local_paths import path_of
from portside.steps.dependencies.managers import Inputs, Query, outside_of
from portside.steps.dependencies.request import DependenciesRequest

_LOCAL = re.compile(rb"\b(directory|archive)\b")


def inputs(query: Query) -> Inputs:
    """Return the lock, and the local projects and archives that it names.

    Raises ``LockInvalidError``.
    """
    lock = query.dependencies.manifest
    # A lock without any, as most are, isn't parsed.
    is_local = _LOCAL.search(query.source.read(lock))
    places = [
        str(value_at(package, kind, "path") or "")
        for package in (_packages(query.source, lock) if is_local else ())
        for kind in ("directory", "archive")
    ]
    found = (path_of(place, query.app) for place in places if place)
    return Inputs(
        files=(lock,),
        paths=tuple(path for path in found if path is not None),
        outside=outside_of(query.source, places, lock),
    )


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job, ...]:
    """Return the one job; nothing is resolved. Raises ``GroupUnknownError``."""
    chosen = request.dependencies
    _check_choices(request.source, chosen)
    copies = tuple(_copies(request.source, chosen.manifest))
    pylock = Pylock(str(Path(request.app) / chosen.manifest), chosen.groups, chosen.extras, copies)
    return (Job((), configured_options(config), pylock=pylock),)


def _check_choices(source: Source, chosen: DependencySource) -> None:
    """Refuse groups and extras that the lock doesn't have: uv passes over them."""
    head = read_pylock(source, chosen.manifest, is_head=True)
    for kind, key, names in (
        ("group", "dependency-groups", chosen.groups),
        ("extra", "extras", chosen.extras),
    ):
        listed = value_at(head, key)
        known = tuple(map(str, listed)) if isinstance(listed, list) else ()
        for name in names:
            if canonical(name) not in map(canonical, known):
                raise GroupUnknownError(kind=kind, name=name, known=known)


def _packages(source: Source, lock: str) -> tuple[object, ...]:
    packages = value_at(read_pylock(source, lock), "packages")
    return tuple(packages) if isinstance(packages, list) else ()


def _copies(source: Source, lock: str) -> Iterator[str]:
    """Yield the names of projects beside the app: a slug can't have links to them."""
    for package in _packages(source, lock):
        path = str(value_at(package, "directory", "path") or "")
        if path.startswith("/") or leads_out(normalised(source, path or ".")):
            yield str(value_at(package, "name"))
