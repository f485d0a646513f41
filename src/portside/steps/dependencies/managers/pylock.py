"""What to install for an app with a pylock.toml: uv reads it itself."""

from pathlib import Path

from portside.detection.documents import read_toml, value_at
from portside.detection.package_managers.pylock import LOCK
from portside.effects.pip_config import PipConfig
from portside.steps.dependencies.jobs import Job, Pylock, configured_options
from portside.steps.dependencies.local_paths import path_of
from portside.steps.dependencies.managers import Inputs, Query
from portside.steps.dependencies.request import DependenciesRequest


def inputs(query: Query) -> Inputs:
    """Return the lock, and the local projects and archives that it names.

    Raises ``PythonVersionInvalidTomlError``.
    """
    packages = value_at(read_toml(query.source, LOCK), "packages")
    places = [
        str(value_at(package, kind, "path") or "")
        for package in (packages if isinstance(packages, list) else ())
        for kind in ("directory", "archive")
    ]
    found = (path_of(place, query.app) for place in places if place)
    return Inputs(files=(LOCK,), paths=tuple(path for path in found if path is not None))


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job, ...]:
    """Return the one job; nothing is resolved."""
    chosen = request.dependencies
    pylock = Pylock(str(Path(request.app) / LOCK), chosen.groups, chosen.extras)
    return (Job((), configured_options(config), pylock=pylock),)
