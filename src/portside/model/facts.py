"""What detection found in an app: facts with their evidence, and no decision about them."""

from enum import StrEnum

from portside.model.python_version import Origin, PythonConstraint, RequestedPython
from portside.model.record import Record


class PackageManager(StrEnum):
    """How the app sees its dependencies."""

    PIP = "pip"
    PIPENV = "pipenv"
    POETRY = "poetry"
    UV = "uv"
    PDM = "pdm"
    PYLOCK = "pylock.toml"
    PYPROJECT = "pyproject.toml"
    SETUP = "setup.py"
    SCRIPT = "inline script metadata"
    NONE = "none"

    @property
    def phrase(self) -> str:
        """Return what says after "dependencies" how they are named: a tool, or a file."""
        if self is PackageManager.NONE:
            return "(there are none)"
        return f"{'with' if self in _TOOLS else 'of'} {self.value}"

    @property
    def tool(self) -> str:
        """Return the tool that reads the app's files, as it spells itself."""
        return _TOOLS.get(self, "pip")


_TOOLS = {
    PackageManager.PIP: "pip",
    PackageManager.PIPENV: "Pipenv",
    PackageManager.POETRY: "Poetry",
    PackageManager.UV: "uv",
    PackageManager.PDM: "PDM",
}


class NoticeLevel(StrEnum):
    """How much a notice matters: for information, or something to change."""

    NOTE = "note"
    WARNING = "warning"


class Notice(Record, frozen=True):
    """Something the developer should know that doesn't stop the build."""

    code: str
    summary: str
    hint: str = ""
    level: NoticeLevel = NoticeLevel.WARNING


class DependencySource(Record, frozen=True):
    """Which package manager the app uses and the files that say so.

    ``manifest`` is the file that names the dependencies and ``lock`` the file that pins them, if
    there is one; ``files`` are all that are read, nested ones included. Paths are relative to the
    app. ``reason`` is a sentence for people. ``notices`` are what the developer should know of it.
    """

    manager: PackageManager
    manifest: str
    lock: str | None
    files: tuple[str, ...]
    reason: str
    notices: tuple[Notice, ...] = ()


class Process(Record, frozen=True):
    """A process type and the shell command that starts it."""

    type: str
    command: str
    origin: Origin


class Facts(Record, frozen=True):
    """All that detection found. ``manage_py`` is Django's, relative to the app, if there is one.

    ``python_constraints`` are every range the project declares, for contradictions to be seen.
    """

    app_name: str
    python: RequestedPython
    python_constraints: tuple[PythonConstraint, ...]
    dependencies: DependencySource
    manage_py: str | None
    pre_compile_hook: str | None
    post_compile_hook: str | None
    processes: tuple[Process, ...]
    notices: tuple[Notice, ...]
