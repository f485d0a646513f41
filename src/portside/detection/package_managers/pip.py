"""pip: the app names its dependencies in requirements files."""

import re
from collections.abc import Mapping

from portside.detection.project import read_project
from portside.detection.requirements import Requirements, local_path, read_requirements
from portside.model.facts import DependencySource, Notice, PackageManager
from portside.model.names import names_of
from portside.model.source import Source

REQUIREMENTS = "requirements.txt"
TEST_REQUIREMENTS = "requirements-test.txt"
_SHOWN = 5
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# Where else they are kept. What is for production usually includes the others.
_LAYOUTS = (
    REQUIREMENTS,
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/heroku.txt",
    "requirements/deploy.txt",
    "requirements/requirements.txt",
    "requirements/main.txt",
    "requirements/base.txt",
    "requirements.in",
)


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:
    """Return the app's requirements file and all that it includes, None if it has none.

    Raises what ``read_requirements`` raises.
    """
    manifest = next((name for name in _LAYOUTS if source.is_file(name)), None)
    return read_manifest(source, manifest, variables) if manifest else None


def read_manifest(source: Source, manifest: str, variables: Mapping[str, str]) -> DependencySource:
    """Return a requirements file and all that it includes; raise what reading them raises."""
    requirements = read_requirements(source, manifest, variables=variables)
    return DependencySource(
        manager=PackageManager.PIP,
        manifest=manifest,
        lock=None,
        files=requirements.files,
        reason=f"there is a {manifest}",
        notices=_unused_project(source, manifest, requirements),
    )


def manifests(
    source: Source, dependencies: DependencySource, *, includes_tests: bool
) -> tuple[str, ...]:
    """Return the requirements files that an install starts from."""
    has_tests = includes_tests and source.is_file(TEST_REQUIREMENTS)
    return (dependencies.manifest, *([TEST_REQUIREMENTS] if has_tests else []))


def _unused_project(
    source: Source, manifest: str, requirements: Requirements
) -> tuple[Notice, ...]:
    """Return a warning where a pyproject.toml asks for what the requirements file doesn't have."""
    project = read_project(source)
    texts = [line.text.removeprefix("-e ") for line in requirements.lines if not line.option]
    # A path may be that of the project itself, which brings along what it needs; an address without
    # a name may be that of anything.
    is_open = any(local_path(text) is not None or _ADDRESS.match(text) for text in texts)
    if project is None or not project.dependencies or is_open:
        return ()
    named = {name for text in texts for name in names_of(text)}
    missing = [
        name
        for line in project.dependencies
        for name in names_of(line)
        if "[" not in name and name not in named
    ]
    if not missing:
        return ()
    shown = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
    return (
        Notice(
            "package-manager::project-unused",
            f"{manifest} is what gets installed. It lacks what pyproject.toml asks for: {shown}.",
            f"Add that to {manifest}, or delete the file so that pyproject.toml counts.",
        ),
    )
