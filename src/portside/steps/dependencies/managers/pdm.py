"""What to install for an app with a pdm.lock: its entries, and the project itself."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlsplit, urlunsplit

from portside.detection.package_managers.markers import marker_environment
from portside.detection.package_managers.pdm import (
    LOCK,
    check_groups,
    check_pdm_lock,
    local_packages,
    read_pdm_lock,
    select,
)
from portside.detection.package_managers.pdm_project import (
    DEFAULT,
    PdmProject,
    PdmSource,
    read_pdm_project,
)
from portside.effects.pip_config import PipConfig
from portside.model.locked import IndexSource
from portside.steps.dependencies.jobs import Job
from portside.steps.dependencies.locked import (
    Locked,
    expand_variables,
    locked_jobs,
    relative_places,
)
from portside.steps.dependencies.managers import Inputs, Query, outside_of
from portside.steps.dependencies.project_link import chosen, link_to_project, split_projects
from portside.steps.dependencies.request import DependenciesRequest

_PYPI = "pypi"
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def inputs(query: Query) -> Inputs:
    """Return the lock, the project, and the local projects and archives that the lock names.

    Raises what reading them raises.
    """
    project = read_pdm_project(query.source)
    packages = local_packages(query.source)
    links, paths = split_projects(packages, query)
    return Inputs(
        files=query.dependencies.files,
        texts=tuple(expand_variables(item.url, query.environ) for item in project.sources),
        paths=paths,
        projects=(*links, *([query.app] if project.is_distribution else [])),
        outside=outside_of(query.source, relative_places(packages, query.environ), LOCK),
    )


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job, ...]:
    """Return what `pdm install --prod` does; with tests, what it does by default.

    Raises ``LockOutdatedError`` and what reading the lock and the project raises.
    """
    project, lock = read_pdm_project(request.source), read_pdm_lock(request.source)
    check_pdm_lock(lock, project)
    environment = marker_environment(str(request.interpreter.version))
    groups = _groups(request, project)
    check_groups(lock, groups)
    packages = select(lock, project, environment, groups)
    sources = tuple(_indexes(project.sources, config, request.environ))
    itself = link_to_project(request, config, is_optional=not project.has_scripts)
    return (
        *locked_jobs(request, config, Locked(packages, sources)),
        *([itself] if project.is_distribution else []),
    )


def _groups(request: DependenciesRequest, project: PdmProject) -> frozenset[str]:
    development = frozenset(project.development)
    groups = chosen("group", request.dependencies.groups, development)
    groups |= development if request.includes_tests else frozenset()
    extras = chosen("extra", request.dependencies.extras, project.extras)
    return frozenset({DEFAULT}) | groups | extras


def _indexes(
    sources: tuple[PdmSource, ...], config: PipConfig, environ: Mapping[str, str]
) -> Iterator[IndexSource]:
    """Yield the indexes, PyPI first where the project doesn't give that name to another."""
    if all(item.name != _PYPI for item in sources):
        yield IndexSource(_PYPI, environ.get("PDM_PYPI_URL", config.index_url))
    for item in sources:
        yield IndexSource(item.name, _with_login(item, environ), item.verify_ssl)


def _with_login(item: PdmSource, environ: Mapping[str, str]) -> str:
    """Return an index's address with its credentials, variables in them replaced."""
    parts = urlsplit(item.url)
    login, _, host = parts.netloc.rpartition("@")
    if not login and item.username:
        login = f"{item.username}:{item.password}" if item.password else item.username
    expanded = _VARIABLE.sub(lambda m: quote(environ.get(m[1], m[0]), safe=""), login)
    return urlunsplit(parts._replace(netloc=f"{expanded}@{host}" if expanded else host))
