"""What to install for an app with requirements files: their lines as the installers take them."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from portside.detection.package_managers.pip import manifests
from portside.detection.requirements import (
    Line,
    LineKind,
    Requirements,
    local_path,
    read_requirements,
)
from portside.effects.pip_config import PipConfig
from portside.model.source import Source
from portside.steps.dependencies.jobs import Job, configured_options
from portside.steps.dependencies.local_paths import absolute, link_or_copy, local_paths
from portside.steps.dependencies.managers import Inputs, Outside, Query, outside_of
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
        outside=tuple(_outside(query.source, requirements)),
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
    lines = (*_rendered(requirements, request.app, constraints=False), *remote)
    has_copies = any(
        line.kind is LineKind.EDITABLE
        and not link_or_copy(_target(line), request.app).startswith("-e ")
        for line in requirements.lines
    )
    said = tuple(
        line.text for line in requirements.lines if line.option not in {"", "--requirement"}
    )
    job = Job(
        lines=lines,
        options=options,
        constraints=tuple(_rendered(requirements, request.app, constraints=True)),
        unsupported=(
            *config.unsupported,
            *requirements.unsupported,
            *_only_pip(requirements.lines),
            *options.unsupported,
        ),
        refresh=any(path.is_dir() for path in local_paths(requirements, request.app)),
        # pip would link to what isn't in the app, as its own files say.
        pip_files=() if has_copies else files,
        pip_lines=(*said, *lines) if has_copies else (),
    )
    return (job,)


def _outside(source: Source, requirements: Requirements) -> Iterator[Outside]:
    for line in requirements.lines:
        named_in = f"line {line.number} of {line.file}"
        if line.option == "--find-links" and "://" not in line.value:
            yield from outside_of(source, [line.value], named_in)
        elif not line.option:
            path = local_path(_target(line))
            yield from outside_of(source, [path or ""], named_in)


def _target(line: Line) -> str:
    return line.text.removeprefix("-e ").strip()


def _rendered(requirements: Requirements, app: Path, *, constraints: bool) -> Iterator[str]:
    for line in requirements.lines:
        if line.option or (line.kind is LineKind.CONSTRAINT) is not constraints:
            continue
        if line.kind is LineKind.EDITABLE:
            yield link_or_copy(_target(line), app)
        else:
            yield absolute(line.text, app)


def _only_pip(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        where = f"line {line.number} of {line.file}"
        if line.kind is LineKind.EDITABLE and re.match(_VCS, _target(line)):
            yield f"{where} is an editable install from a repository"
        elif re.search(_ONLY_PIP_VCS, line.text):
            yield f"{where} names a repository that isn't Git's"
