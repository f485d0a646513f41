"""What to install for a project that only a pyproject.toml describes."""

from portside.detection.documents import read_toml, value_at
from portside.detection.local_projects import outside_parts
from portside.detection.package_managers.pyproject import choice_of_uv
from portside.detection.package_managers.uv import LOCK
from portside.detection.project import PYPROJECT, Project, read_project
from portside.detection.requirements import local_path
from portside.effects.pip_config import PipConfig
from portside.model.names import canonical
from portside.steps.dependencies.jobs import Job, ProjectSync, configured_options
from portside.steps.dependencies.local_paths import absolute, extras_text, local_paths_of
from portside.steps.dependencies.managers import Inputs, Query, outside_of, uv
from portside.steps.dependencies.project_link import own_project
from portside.steps.dependencies.request import DependenciesRequest

_OF_TESTS = {"dev", "test", "tests"}


def inputs(query: Query) -> Inputs:
    """Return the pyproject.toml and, where it is to be built, the project."""
    project = read_project(query.source)
    if project is None:
        return Inputs(files=(PYPROJECT,))
    groups = _groups(project, query.dependencies.groups, includes_tests=query.includes_tests)
    chosen = project.chosen(query.dependencies.extras, groups)
    lines = (*(project.dependencies or ()), *chosen)
    # What uv reads beside it; a lock only where the settings chose pyproject.toml before it.
    beside = (uv.SETTINGS, LOCK) if choice_of_uv(query.source) else ()
    return Inputs(
        files=(PYPROJECT, *(name for name in beside if query.source.is_file(name))),
        paths=local_paths_of(lines, query.app),
        outside=outside_of(query.source, (local_path(line) or "" for line in lines), PYPROJECT),
        projects=(query.app,) if project.is_buildable or _is_package_of_uv(query) else (),
    )


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job | ProjectSync, ...]:
    """Return a job for what the project needs and one for the project itself.

    Where only building it tells what it needs, both are one, and so they are where it says what
    only uv reads. A project that has no programs needn't be installed for its app to run, so that a
    failure to build it is no failure then.
    """
    project = read_project(request.source)
    if project is None:
        return ()
    extras, chosen = request.dependencies.extras, request.dependencies.groups
    groups = _groups(project, chosen, includes_tests=request.includes_tests)
    if choice_of_uv(request.source):
        return (
            ProjectSync(
                is_locked=False,
                groups=groups,
                extras=extras,
                copies=(project.name,) if outside_parts(request.source) else (),
                is_optional_project=not project.has_scripts,
            ),
        )
    link = own_project(request)
    if project.dependencies is None:
        lines = (link + extras_text(extras), *project.chosen((), groups))
        return (Job(lines, configured_options(config), refresh=True),)
    named = (*project.dependencies, *project.chosen(extras, groups))
    lines = tuple(absolute(line, request.app) for line in named)
    needed = Job(lines, configured_options(config))
    if not project.is_buildable:
        return (needed,)
    itself = Job(
        (link,),
        configured_options(config),
        no_deps=True,
        refresh=True,
        is_optional=not project.has_scripts,
    )
    return (needed, itself)


def _is_package_of_uv(query: Query) -> bool:
    """Return whether uv builds a project that names no backend: with setuptools, then."""
    return value_at(read_toml(query.source, PYPROJECT), "tool", "uv", "package") is True


def _groups(project: Project, chosen: tuple[str, ...], *, includes_tests: bool) -> tuple[str, ...]:
    """Return the groups that count: those that were chosen, and those that tests usually need."""
    own = [name for name in project.groups if canonical(name) in _OF_TESTS and includes_tests]
    return tuple(dict.fromkeys((*chosen, *own)))
