"""What to install for an app with requirements files: their lines as the installers take them."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from portside.detection.package_managers.pip import manifests
from portside.detection.requirements import Line, LineKind, Requirements, read_requirements
from portside.effects.pip_config import PipConfig
from portside.steps.dependencies.jobs import Job, configured_options
from portside.steps.dependencies.local_paths import absolute, local_paths
from portside.steps.dependencies.managers import Inputs, Query
from portside.steps.dependencies.request import DependenciesRequest

_ONLY_PIP_VCS = r"(?i)(?:^|[\s@])(hg|svn|bzr)\+"
_VCS = r"(?i)(git|hg|svn|bzr)\+"


def inputs(query: Query) -> Inputs:
    """Return the requirements files and the local projects that they name.

    Raises what ``read_requirements`` raises.
    """
    wanted = manifests(query.source, query.dependencies, includes_tests=query.includes_tests)
    requirements = read_requirements(query.source, *wanted, variables=query.environ)
    return Inputs(
        files=requirements.files,
        texts=tuple(line.text for line in requirements.lines),
        paths=tuple(local_paths(requirements, query.app)),
    )


def jobs(request: DependenciesRequest, config: PipConfig) -> tuple[Job, ...]:
    """Return the one job of an app with requirements files: all are resolved together.

    Raises what ``read_requirements`` raises.
    """
    files = manifests(request.source, request.dependencies, includes_tests=request.includes_tests)
    requirements = read_requirements(request.source, *files, variables=request.environ)
    options = configured_options(config)
    for line in requirements.lines:
        if line.kind is LineKind.OPTION:
            options.apply(line.option, line.value)
    options.require_hashes |= requirements.has_hashes
    remote = tuple(line.text for line in requirements.lines if line.option == "--requirement")
    job = Job(
        lines=(*_rendered(requirements, request.app, constraints=False), *remote),
        options=options,
        constraints=tuple(_rendered(requirements, request.app, constraints=True)),
        unsupported=(
            *config.unsupported,
            *requirements.unsupported,
            *_only_pip(requirements.lines),
            *options.unsupported,
        ),
        refresh=any(path.is_dir() for path in local_paths(requirements, request.app)),
        pip_files=files,
    )
    return (job,)


def _rendered(requirements: Requirements, app: Path, *, constraints: bool) -> Iterator[str]:
    for line in requirements.lines:
        if line.option or (line.kind is LineKind.CONSTRAINT) is not constraints:
            continue
        if line.kind is LineKind.EDITABLE:
            yield f"-e {absolute(line.text.removeprefix('-e ').strip(), app, editable=True)}"
        else:
            yield absolute(line.text, app)


def _only_pip(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        where = f"line {line.number} of {line.file}"
        if line.kind is LineKind.EDITABLE and re.match(_VCS, line.text.removeprefix("-e ").strip()):
            yield f"{where} is an editable install from a repository"
        elif re.search(_ONLY_PIP_VCS, line.text):
            yield f"{where} names a repository that isn't Git's"
