"""What to install for a script that names its dependencies itself (PEP 723)."""

from portside.detection.package_managers.script import read_script
from portside.effects.pip_config import PipConfig
from portside.steps.dependencies.jobs import Job, configured_options
from portside.steps.dependencies.local_paths import absolute, local_paths_of
from portside.steps.dependencies.managers import Inputs, Query
from portside.steps.dependencies.request import DependenciesRequest


def inputs(query: Query) -> Inputs:
    """Return what the script names; the rest of it doesn't count."""
    lines = read_script(query.source, query.dependencies.manifest)
    return Inputs(files=(), contents=lines, paths=local_paths_of(lines, query.app))


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job, ...]:
    """Return the one job: what the script names."""
    named = read_script(request.source, request.dependencies.manifest)
    lines = tuple(absolute(line, request.app) for line in named)
    return (Job(lines, configured_options(config)),)
