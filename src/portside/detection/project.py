"""Reads what a pyproject.toml says of the project itself (PEP 518, PEP 621, PEP 735)."""

from msgspec import Struct

from portside.detection.python_version.documents import read_toml, value_at
from portside.model.source import Source

PYPROJECT = "pyproject.toml"
_SCRIPTS = ("scripts", "gui-scripts", "entry-points")


class Project(Struct, frozen=True):
    """A project: its name, what it needs, and whether a backend can build it.

    ``dependencies`` are None where only building the project tells them.
    """

    name: str
    dependencies: tuple[str, ...] | None
    is_buildable: bool
    has_scripts: bool


def read_project(source: Source) -> Project | None:
    """Return the project that pyproject.toml describes, None where it only configures tools.

    Raises ``PythonVersionInvalidTomlError`` for a file that isn't TOML.
    """
    data = read_toml(source, PYPROJECT)
    project = value_at(data, "project")
    poetry = value_at(data, "tool", "poetry")
    is_buildable = isinstance(value_at(data, "build-system"), dict)
    if not isinstance(project, dict):
        has_scripts = bool(value_at(poetry, "scripts"))
        return Project("", None, is_buildable, has_scripts) if poetry and is_buildable else None
    dependencies: tuple[str, ...] | None = tuple(map(str, project.get("dependencies", ())))
    if "dependencies" in project.get("dynamic", ()):
        dependencies = None
    has_scripts = any(project.get(name) for name in _SCRIPTS)
    return Project(str(project.get("name", "")), dependencies, is_buildable, has_scripts)
