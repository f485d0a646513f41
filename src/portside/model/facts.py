"""What detection found in an app: facts with their evidence, and no decision about them."""

from enum import StrEnum

from portside.model.app_json import DeclaredVar
from portside.model.package_manager import (
    PackageManager as PackageManager,  # noqa: PLC0414 (for those who import it from here)
)
from portside.model.python_version import Origin, PythonConstraint, RequestedPython
from portside.model.record import Record
from portside.model.settings import Settings


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
    ``groups`` and ``extras`` are those to install beside what the app always needs; ``added`` are
    requirements that the app doesn't name, for the command that starts it.
    """

    manager: PackageManager
    manifest: str
    lock: str | None
    files: tuple[str, ...]
    reason: str
    notices: tuple[Notice, ...] = ()
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def added_names(self) -> tuple[str, ...]:
        """Return the names of what is added; each may stand there once per version of Python."""
        return tuple(dict.fromkeys(requirement.partition("==")[0] for requirement in self.added))


class Process(Record, frozen=True):
    """A process type and the shell command that starts it.

    ``port`` is one that it listens on whatever ``$PORT`` is, 0 where it has none of its own.
    """

    type: str
    command: str
    origin: Origin
    port: int = 0


class Facts(Record, frozen=True):
    """All that detection found. ``manage_py`` is Django's, relative to the app, if there is one.

    ``python_constraints`` are every range the project declares, for contradictions to be seen;
    ``excludes`` are patterns of files that don't go into the slug, ``config_vars`` what app.json
    declares.
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
    settings: Settings = Settings()
    excludes: tuple[str, ...] = ()
    config_vars: tuple[DeclaredVar, ...] = ()
