"""What to install for a project that a setup.py or setup.cfg describes."""

import re

from portside.effects.pip_config import PipConfig
from portside.steps.dependencies.jobs import Job, configured_options
from portside.steps.dependencies.local_paths import extras_text, path_text
from portside.steps.dependencies.managers import Inputs, Query
from portside.steps.dependencies.request import DependenciesRequest

# What is compiled would be put beside the sources, which a reused layer doesn't do again.
_COMPILES = re.compile(rb"\b(ext_modules|cffi_modules|rust_extensions|cythonize)\b")


def inputs(query: Query) -> Inputs:
    """Return the files that describe the project, and all of the project."""
    return Inputs(files=query.dependencies.files, paths=(query.app,))


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job, ...]:
    """Return the one job: the project as a link to its sources, or a copy where it compiles."""
    compiles = any(_COMPILES.search(request.source.read(f)) for f in request.dependencies.files)
    path = path_text(request.app) + extras_text(request.dependencies.extras)
    return (Job((path if compiles else f"-e {path}",), configured_options(config), refresh=True),)
