"""pip: the app names its dependencies in requirements files."""

from collections.abc import Mapping

from portside.detection.requirements import read_requirements
from portside.model.facts import DependencySource, PackageManager
from portside.model.source import Source

REQUIREMENTS = "requirements.txt"
TEST_REQUIREMENTS = "requirements-test.txt"
# Where else they are kept. What is for production usually includes the others.
_LAYOUTS = (
    REQUIREMENTS,
    "requirements/production.txt",
    "requirements/prod.txt",
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
    if manifest is None:
        return None
    requirements = read_requirements(source, manifest, variables=variables)
    return DependencySource(
        manager=PackageManager.PIP,
        manifest=manifest,
        lock=None,
        files=requirements.files,
        reason=f"there is a {manifest}",
    )


def manifests(
    source: Source, dependencies: DependencySource, *, includes_tests: bool
) -> tuple[str, ...]:
    """Return the requirements files that an install starts from."""
    has_tests = includes_tests and source.is_file(TEST_REQUIREMENTS)
    return (dependencies.manifest, *([TEST_REQUIREMENTS] if has_tests else []))
