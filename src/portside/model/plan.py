"""The plan: what a build will do and why, as data that can be printed, kept and compared."""

from enum import StrEnum
from typing import TypeAlias

from portside.model.facts import DependencySource, Notice, Process
from portside.model.interpreter import InterpreterCandidate
from portside.model.record import Record


class Action(StrEnum):
    """What becomes of a step: it runs, its earlier result is reused, or it isn't needed."""

    RUN = "run"
    REUSE = "reuse"
    SKIP = "skip"


class RunHook(Record, frozen=True):
    """Run one of the app's hooks; ``hook`` is its path in the app."""

    hook: str
    action: Action
    reason: str


class ProvideInterpreter(Record, frozen=True):
    """Put a CPython in place: the first of ``candidates`` that can be had."""

    requested: str
    origin: str
    candidates: tuple[InterpreterCandidate, ...]
    action: Action
    reason: str


class InstallDependencies(Record, frozen=True):
    """Install what the app's package manager names; ``key`` is the layer's digest if known."""

    dependencies: DependencySource
    key: str
    action: Action
    reason: str


class CopyApp(Record, frozen=True):
    """Copy the app's files; ``digest`` is that of their paths, modes and contents."""

    files: int
    digest: str
    action: Action
    reason: str


class CollectStatic(Record, frozen=True):
    """Run Django's ``collectstatic`` by way of ``manage_py`` (relative to the app)."""

    manage_py: str
    action: Action
    reason: str


class CheckBoot(Record, frozen=True):
    """Boot the web process as production would; the build fails if that does."""

    action: Action
    reason: str


class FinishSlug(Record, frozen=True):
    """Write the launch data for ``processes`` and put the slug in its place."""

    processes: tuple[Process, ...]
    key: str
    action: Action
    reason: str


Step: TypeAlias = (
    RunHook
    | ProvideInterpreter
    | InstallDependencies
    | CopyApp
    | CollectStatic
    | CheckBoot
    | FinishSlug
)


class Plan(Record, frozen=True):
    """The steps of a build in order. Those that won't run stay in, with their reason."""

    app: str
    steps: tuple[Step, ...]
    notices: tuple[Notice, ...]

    @property
    def unchanged(self) -> bool:
        """Return whether the last slug still is what this build would make."""
        return all(step.action is not Action.RUN for step in self.steps)
