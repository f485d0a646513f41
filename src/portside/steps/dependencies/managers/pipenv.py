"""What to install for an app with a Pipfile: a job for each index that its lock names."""

from portside.detection.package_managers.pipenv import (
    PIPFILE,
    lockless_requirements,
    pipfile_hashes,
    read_pipfile_lock,
)
from portside.effects.pip_config import PipConfig
from portside.model.errors.dependencies import PipfileLockOutdatedError
from portside.steps.dependencies.jobs import Job
from portside.steps.dependencies.locked import (
    Locked,
    job_of,
    local_projects,
    locked_jobs,
    relative_places,
    texts_of,
)
from portside.steps.dependencies.managers import Inputs, Query, outside_of
from portside.steps.dependencies.request import DependenciesRequest


def inputs(query: Query) -> Inputs:
    """Return the Pipfile, its lock and the local projects that they name.

    Raises what reading them raises.
    """
    if query.dependencies.lock is None:
        wanted = lockless_requirements(query.source, includes_tests=query.includes_tests)
        found = Locked(wanted.packages, wanted.sources)
    else:
        lock = read_pipfile_lock(query.source, includes_tests=query.includes_tests)
        found = Locked(lock.packages, lock.sources)
    return Inputs(
        files=query.dependencies.files,
        texts=texts_of(found, query.environ),
        paths=local_projects(found, query.environ, query.app),
        outside=outside_of(
            query.source,
            relative_places(found.packages, query.environ),
            query.dependencies.manifest,
        ),
    )


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job, ...]:
    """Return the jobs of an app with a Pipfile: one for each index its lock names, or just one.

    Raises ``PipfileLockOutdatedError`` and what reading the Pipfile and its lock raises.
    """
    if request.dependencies.lock is None:
        wanted = lockless_requirements(request.source, includes_tests=request.includes_tests)
        # What names no index is from the first one (Pipenv, "Specifying Package Indexes").
        job = job_of(request, config, Locked(wanted.packages, wanted.sources[:1]))
        job.options.pre |= wanted.allow_prereleases
        return (job,)
    _check_lock(request)
    lock = read_pipfile_lock(request.source, includes_tests=request.includes_tests)
    return locked_jobs(request, config, Locked(lock.packages, lock.sources))


def _check_lock(request: DependenciesRequest) -> None:
    """Raise ``PipfileLockOutdatedError`` where the lock isn't that of the Pipfile."""
    if not request.source.is_file(PIPFILE):
        return
    current = pipfile_hashes(request.source)
    locked = read_pipfile_lock(request.source).pipfile_hash
    if locked not in current:
        raise PipfileLockOutdatedError(locked=locked or "(none)", current=min(current))
