"""What to install for a script that names its dependencies itself (PEP 723)."""

from msgspec.structs import replace

from portside.detection.package_managers.script import choice_of_uv, read_script, script_block
from portside.detection.package_managers.uv import local_packages
from portside.detection.requirements import local_path
from portside.effects.pip_config import PipConfig
from portside.model.source import leads_out
from portside.steps.dependencies.jobs import Job, ProjectSync, configured_options
from portside.steps.dependencies.local_paths import absolute, local_paths_of
from portside.steps.dependencies.managers import Inputs, Query, outside_of, uv
from portside.steps.dependencies.request import DependenciesRequest


def inputs(query: Query) -> Inputs:
    """Return what the script names, and its lock; the rest of it doesn't count."""
    dependencies, script = query.dependencies, query.dependencies.manifest
    if dependencies.lock is not None:
        # uv compares the lock with all that the block says.
        own = replace(query, dependencies=replace(dependencies, files=(dependencies.lock,)))
        return replace(uv.inputs(own), contents=(script_block(query.source, script),))
    lines = read_script(query.source, script)
    choice = choice_of_uv(query.source, script)
    return Inputs(
        files=(uv.SETTINGS,) if choice and query.source.is_file(uv.SETTINGS) else (),
        contents=(script_block(query.source, script),) if choice else lines,
        paths=local_paths_of(lines, query.app),
        outside=outside_of(query.source, (local_path(line) or "" for line in lines), script),
    )


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job | ProjectSync, ...]:
    """Return the one job: what the script's lock pins, or what the script names.

    uv does it by itself where the script says what only uv reads.
    """
    script, lock = request.dependencies.manifest, request.dependencies.lock
    if lock is not None:
        found = local_packages(request.source, lock)
        copies = (i.name for i in found if i.kind == "editable" and leads_out(i.path))
        return (ProjectSync(script=script, copies=tuple(copies)),)
    if choice_of_uv(request.source, script):
        return (ProjectSync(script=script, is_locked=False),)
    lines = tuple(absolute(line, request.app) for line in read_script(request.source, script))
    return (Job(lines, configured_options(config)),)
