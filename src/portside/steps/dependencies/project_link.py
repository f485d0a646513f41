"""What projects have in common, whichever tool locked them: links to sources, groups, extras."""

from pathlib import Path

from portside.detection.local_projects import outside_parts
from portside.effects.pip_config import PipConfig
from portside.model.errors.settings import GroupUnknownError
from portside.model.locked import LockedDistribution
from portside.model.names import canonical
from portside.steps.dependencies.jobs import Job, configured_options
from portside.steps.dependencies.local_paths import path_text
from portside.steps.dependencies.locked import Locked, local_projects
from portside.steps.dependencies.managers import Query
from portside.steps.dependencies.request import DependenciesRequest


def link_to_project(request: DependenciesRequest, config: PipConfig, *, is_optional: bool) -> Job:
    """Return the job that installs the app's own project, and nothing that it needs."""
    return Job(
        (own_project(request),),
        configured_options(config),
        no_deps=True,
        refresh=True,
        is_optional=is_optional,
    )


def own_project(request: DependenciesRequest) -> str:
    """Return the line for the app's own project: a link, or a copy where parts are beside it."""
    path = path_text(request.app)
    return path if outside_parts(request.source) else f"-e {path}"


def chosen(kind: str, names: tuple[str, ...], known: frozenset[str]) -> frozenset[str]:
    """Return the groups or extras that settings name. Raises ``GroupUnknownError``."""
    for name in names:
        if canonical(name) not in known:
            raise GroupUnknownError(kind=kind, name=name, known=tuple(sorted(known)))
    return frozenset(map(canonical, names))


def split_projects(
    packages: tuple[LockedDistribution, ...], query: Query
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the local projects that are installed as links, and what is installed as a copy."""
    links = tuple(item for item in packages if item.editable)
    copies = tuple(item for item in packages if not item.editable)
    return (
        local_projects(Locked(links, ()), query.environ, query.app),
        local_projects(Locked(copies, ()), query.environ, query.app),
    )
