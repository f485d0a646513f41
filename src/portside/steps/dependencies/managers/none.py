"""What to install for an app that needs nothing."""

from portside.effects.pip_config import PipConfig
from portside.steps.dependencies.jobs import Job
from portside.steps.dependencies.managers import Inputs, Query
from portside.steps.dependencies.request import DependenciesRequest


def inputs(query: Query) -> Inputs:  # noqa: ARG001 (the protocol)
    """Return nothing."""
    return Inputs(files=())


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job, ...]:  # noqa: ARG001 (the protocol)
    """Return no job."""
    return ()
