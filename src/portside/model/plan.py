"""The plan: what a build will do and why, as data that can be printed, kept and compared."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from portside.model.facts import DependencySource, Notice, Process
from portside.model.interpreter import InterpreterCandidate


class Action(StrEnum):
    """What becomes of a step: it runs, its earlier result is reused, or it isn't needed."""

    RUN = "run"
    REUSE = "reuse"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class RunHook:
    """Run one of the app's hooks; ``hook`` is its path in the app."""

    hook: str
    action: Action
    reason: str


@dataclass(frozen=True, slots=True)
class ProvideInterpreter:
    """Put a CPython in place: the first of ``candidates`` that can be had."""

    requested: str
    origin: str
    candidates: tuple[InterpreterCandidate, ...]
    action: Action
    reason: str


@dataclass(frozen=True, slots=True)
class InstallDependencies:
    """Install what the app's package manager names; ``key`` is the layer's digest if known."""

    dependencies: DependencySource
    key: str
    action: Action
    reason: str


@dataclass(frozen=True, slots=True)
class CopyApp:
    """Copy the app's files; ``digest`` is that of their paths, modes and contents."""

    files: int
    digest: str
    action: Action
    reason: str


@dataclass(frozen=True, slots=True)
class CollectStatic:
    """Run Django's ``collectstatic`` by way of ``manage_py`` (relative to the app)."""

    manage_py: str
    action: Action
    reason: str


@dataclass(frozen=True, slots=True)
class FinishSlug:
    """Write the launch data for ``processes`` and put the slug in its place."""

    processes: tuple[Process, ...]
    key: str
    action: Action
    reason: str


Step: TypeAlias = (
    RunHook | ProvideInterpreter | InstallDependencies | CopyApp | CollectStatic | FinishSlug
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a build in order. Those that won't run stay in, with their reason."""

    app: str
    steps: tuple[Step, ...]
    notices: tuple[Notice, ...]

    @property
    def unchanged(self) -> bool:
        """Return whether the last slug still is what this build would make."""
        return all(step.action is not Action.RUN for step in self.steps)
