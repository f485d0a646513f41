"""pip: the app names its dependencies in requirements.txt."""

from collections.abc import Mapping

from portside.detection.requirements import decode, read_requirements
from portside.model.facts import DependencySource, PackageManager
from portside.model.source import Source

REQUIREMENTS = "requirements.txt"
TEST_REQUIREMENTS = "requirements-test.txt"


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:
    """Return the app's requirements.txt and all that it includes, None if it has none.

    Raises what ``read_requirements`` raises.
    """
    if not source.is_file(REQUIREMENTS):
        return None
    requirements = read_requirements(source, REQUIREMENTS, variables=variables)
    return DependencySource(
        manager=PackageManager.PIP,
        manifest=REQUIREMENTS,
        lock=None,
        files=requirements.files,
        reason=f"there is a {REQUIREMENTS}",
    )


def manifests(source: Source, *, includes_tests: bool) -> tuple[str, ...]:
    """Return the requirements files that an install starts from."""
    has_tests = includes_tests and source.is_file(TEST_REQUIREMENTS)
    return (REQUIREMENTS, TEST_REQUIREMENTS) if has_tests else (REQUIREMENTS,)


def is_exported(source: Source) -> bool:
    """Return whether requirements.txt is what `pipenv requirements` prints."""
    text = decode(source.read(REQUIREMENTS), file=REQUIREMENTS)
    return text.lstrip().startswith("-i http")
