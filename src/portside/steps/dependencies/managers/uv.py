"""What to install for an app with a uv.lock: all of it by one run of ``uv sync``."""

import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

from portside.detection.documents import read_toml, value_at
from portside.detection.local_projects import outside_parts
from portside.detection.package_managers.uv import (
    LOCK,
    LocalPackage,
    counting_text,
    local_packages,
)
from portside.detection.project import PYPROJECT, read_project
from portside.effects.pip_config import PipConfig
from portside.model.facts import DependencySource
from portside.model.source import Source, leads_out
from portside.steps.dependencies.jobs import ProjectSync
from portside.steps.dependencies.managers import Inputs, Outside, Query
from portside.steps.dependencies.request import DependenciesRequest

SETTINGS = "uv.toml"


def inputs(query: Query) -> Inputs:
    """Return the lock, the project, and the local projects and archives that the lock names.

    Beside the app only what it needs counts, but uv compares the lock with all members of a
    workspace, so that it has to read what these say of themselves.
    """
    source, lock = query.source, query.dependencies.lock or LOCK
    found = _packages(source, query.dependencies, includes_tests=query.includes_tests)
    counting = [item for item in found if not leads_out(item.path) or _is_installed(item)]
    places = [(item.kind, Path(os.path.normpath(query.app / item.path))) for item in counting]
    outside = [
        part
        for item in found
        if leads_out(item.path)
        for part in ([Outside(item.path, lock)] if _is_installed(item) else _read(source, item))
    ]
    if leads_out(settings := posixpath.join(posixpath.dirname(lock), SETTINGS)):
        outside += [Outside(settings, lock, counts=False)] if source.is_file(settings) else []
    # It counts in the place of [tool.uv].
    own = (SETTINGS,) if source.is_file(SETTINGS) else ()
    return Inputs(
        files=(*query.dependencies.files, *own),
        paths=tuple(place for kind, place in places if kind in {"directory", "path"}),
        projects=tuple(place for kind, place in places if kind in {"editable", "virtual"}),
        outside=tuple(outside),
        parts={lock: _counting(query, lock)} if leads_out(lock) else {},
    )


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[ProjectSync, ...]:  # noqa: ARG001 (pip's configuration isn't uv's)
    """Return the one run of ``uv sync``."""
    project = read_project(request.source)
    is_optional = project is None or not project.has_scripts
    found = _packages(request.source, request.dependencies, includes_tests=request.includes_tests)
    return (
        ProjectSync(
            groups=request.dependencies.groups,
            extras=request.dependencies.extras,
            copies=tuple(
                item.name
                for item in found
                if item.kind == "editable"
                and (leads_out(item.path) or (item.path == "." and outside_parts(request.source)))
            ),
            includes_tests=request.includes_tests,
            is_optional_project=is_optional,
        ),
    )


def _packages(
    source: Source, dependencies: DependencySource, *, includes_tests: bool
) -> tuple[LocalPackage, ...]:
    groups = None if includes_tests else dependencies.groups
    lock = dependencies.lock or LOCK
    return local_packages(source, lock, groups=groups, extras=dependencies.extras)


def _counting(query: Query, lock: str) -> str:
    groups = None if query.includes_tests else query.dependencies.groups
    return counting_text(query.source, lock, groups=groups, extras=query.dependencies.extras)


def _is_installed(item: LocalPackage) -> bool:
    return item.is_needed and item.kind != "virtual"


def _read(source: Source, item: LocalPackage) -> Iterator[Outside]:
    """Yield what uv reads of a package that isn't installed: what it says of itself."""
    project = f"{item.path}/{PYPROJECT}"
    if item.kind == "path":
        yield Outside(item.path, LOCK, counts=False)
    elif item.path.endswith("..") or not value_at(read_toml(source, project), "project", "dynamic"):
        if source.is_file(project):
            yield Outside(project, LOCK, counts=False)
    else:
        # Only its backend knows the rest.
        yield Outside(item.path, LOCK, counts=False)
