"""What to install for a project that a setup.py or setup.cfg describes."""

import re

from portside.detection.package_managers.setup import SETUP, setup_cfg_requirements
from portside.effects.pip_config import PipConfig
from portside.steps.dependencies.jobs import Job, configured_options
from portside.steps.dependencies.local_paths import extras_text, path_text
from portside.steps.dependencies.managers import Inputs, Query
from portside.steps.dependencies.request import DependenciesRequest

# What is compiled would be put beside the sources, which a reused layer doesn't do again.
_COMPILES = re.compile(rb"\b(ext_modules|cffi_modules|rust_extensions|cythonize)\b")


def inputs(query: Query) -> Inputs:
    """Return the files that describe the project, and all of it where it is to be built."""
    is_built = query.source.is_file(SETUP)
    # A setup.cfg may name files that have the lines.
    contents = None
    if not is_built:
        contents = setup_cfg_requirements(query.source, query.dependencies.extras)
    paths = (query.app,) if is_built else ()
    return Inputs(files=query.dependencies.files, paths=paths, contents=contents)


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job, ...]:
    """Return the one job: the project as a link to its sources, or a copy where it compiles.

    No tool builds a project that has a setup.cfg only: what that asks for is installed.
    """
    options, extras = configured_options(config), request.dependencies.extras
    if not request.source.is_file(SETUP):
        return (Job(setup_cfg_requirements(request.source, extras), options),)
    compiles = any(_COMPILES.search(request.source.read(f)) for f in request.dependencies.files)
    path = path_text(request.app) + extras_text(extras)
    return (Job((path if compiles else f"-e {path}",), options, refresh=True),)
