"""What to install for a project that only a pyproject.toml describes."""

from portside.detection.project import PYPROJECT, read_project
from portside.effects.pip_config import PipConfig
from portside.steps.dependencies.jobs import Job, configured_options
from portside.steps.dependencies.local_paths import absolute, extras_text, local_paths_of, path_text
from portside.steps.dependencies.managers import Inputs, Query
from portside.steps.dependencies.request import DependenciesRequest


def inputs(query: Query) -> Inputs:
    """Return the pyproject.toml and, where it is to be built, the project."""
    project = read_project(query.source)
    if project is None:
        return Inputs(files=(PYPROJECT,))
    chosen = project.chosen(query.dependencies.extras, query.dependencies.groups)
    return Inputs(
        files=(PYPROJECT,),
        paths=local_paths_of((*(project.dependencies or ()), *chosen), query.app),
        projects=(query.app,) if project.is_buildable else (),
    )


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job, ...]:
    """Return a job for what the project needs and one for the project itself.

    Where only building it tells what it needs, both are one. A project that has no programs
    needn't be installed for its app to run, so that a failure to build it is no failure then.
    """
    project = read_project(request.source)
    if project is None:
        return ()
    extras, groups = request.dependencies.extras, request.dependencies.groups
    link = f"-e {path_text(request.app)}"
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
