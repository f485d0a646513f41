"""pyproject.toml alone: it says what the project needs, and nothing pins that."""

from collections.abc import Mapping

from portside.detection.project import PYPROJECT, read_project
from portside.model.facts import DependencySource, Notice, PackageManager
from portside.model.source import Source

_NO_LOCK = Notice(
    "pyproject::no-lock",
    "No lock pins what pyproject.toml asks for, so every build may install something else.",
    "Lock it with the tool you use, and commit what it writes; with uv that is:\n    uv lock",
)


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:  # noqa: ARG001 (the protocol)
    """Return the project, None where there is no pyproject.toml that describes one.

    Raises ``PythonVersionInvalidTomlError``.
    """
    if read_project(source) is None:
        return None
    return DependencySource(
        manager=PackageManager.PYPROJECT,
        manifest=PYPROJECT,
        lock=None,
        files=(PYPROJECT,),
        reason=f"there is a {PYPROJECT} that describes a project, and no lock",
        notices=(_NO_LOCK,),
    )
