"""What to install for an app with a poetry.lock: a job for each index, and the project itself."""

from portside.detection.package_managers.markers import marker_environment
from portside.detection.package_managers.poetry import (
    LOCK,
    PYPI,
    check_poetry_lock,
    local_packages,
    read_poetry_lock,
    select,
)
from portside.detection.package_managers.poetry_project import (
    MAIN,
    PoetryProject,
    read_poetry_project,
)
from portside.effects.pip_config import PipConfig
from portside.model.locked import IndexSource
from portside.steps.dependencies.jobs import Job
from portside.steps.dependencies.locked import Locked, locked_jobs, relative_places
from portside.steps.dependencies.managers import Inputs, Query, outside_of
from portside.steps.dependencies.poetry_logins import PoetryLogins
from portside.steps.dependencies.project_link import chosen, link_to_project, split_projects
from portside.steps.dependencies.request import DependenciesRequest


def inputs(query: Query) -> Inputs:
    """Return the lock, the project, and the local projects and archives that the lock names.

    Raises what reading them raises.
    """
    packages = local_packages(query.source)
    links, paths = split_projects(packages, query)
    itself = (query.app,) if _is_linked(read_poetry_project(query.source)) else ()
    return Inputs(
        files=query.dependencies.files,
        paths=paths,
        projects=(*links, *itself),
        outside=outside_of(query.source, relative_places(packages, query.environ), LOCK),
    )


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job, ...]:
    """Return what `poetry install --only main` does; with tests, what it does by default.

    Raises ``LockOutdatedError`` and what reading the lock and the project raises.
    """
    project, lock = read_poetry_project(request.source), read_poetry_lock(request.source)
    check_poetry_lock(lock, project)
    packages = select(
        lock,
        project,
        marker_environment(str(request.interpreter.version)),
        _groups(request, project),
        chosen("extra", request.dependencies.extras, project.extras),
    )
    # What the project says of an index may hold credentials, which a lock never does.
    named = {item.name: item for item in (*lock.sources, *project.sources)}
    logins = PoetryLogins(tuple(named.values()), request.environ)
    locked = Locked(
        tuple(map(logins.with_login, packages)),
        (IndexSource(PYPI, config.index_url), *map(logins.source, named.values())),
    )
    itself = link_to_project(request, config, is_optional=not project.has_scripts)
    return (
        *locked_jobs(request, config, locked),
        *([itself] if _is_linked(project) else []),
    )


def _groups(request: DependenciesRequest, project: PoetryProject) -> frozenset[str]:
    defaults = project.default_groups if request.includes_tests else frozenset()
    return (
        frozenset({MAIN}) | defaults | chosen("group", request.dependencies.groups, project.groups)
    )


def _is_linked(project: PoetryProject) -> bool:
    return project.is_package and project.is_buildable
