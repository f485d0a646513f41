"""What to install for an app with a uv.lock: all of it by one run of ``uv sync``."""

import os
from pathlib import Path

from portside.detection.package_managers.uv import local_packages
from portside.detection.project import read_project
from portside.effects.pip_config import PipConfig
from portside.steps.dependencies.jobs import ProjectSync
from portside.steps.dependencies.managers import Inputs, Query
from portside.steps.dependencies.request import DependenciesRequest


def inputs(query: Query) -> Inputs:
    """Return the lock, the project, and the local projects and archives that the lock names."""
    found = local_packages(query.source)
    places = [(kind, Path(os.path.normpath(query.app / path))) for kind, path in found]
    return Inputs(
        files=query.dependencies.files,
        paths=tuple(place for kind, place in places if kind in {"directory", "path"}),
        projects=tuple(place for kind, place in places if kind in {"editable", "virtual"}),
    )


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[ProjectSync, ...]:  # noqa: ARG001 (pip's configuration isn't uv's)
    """Return the one run of ``uv sync``."""
    project = read_project(request.source)
    is_optional = project is None or not project.has_scripts
    return (
        ProjectSync(
            groups=request.dependencies.groups,
            extras=request.dependencies.extras,
            includes_tests=request.includes_tests,
            is_optional_project=is_optional,
        ),
    )
