"""Everything that happens in a build, as data. One module renders it; nothing else prints.

The JSON form is documented in docs/events.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from portside.model.facts import Notice


class Outcome(StrEnum):
    """How a step ended."""

    DONE = "done"
    REUSED = "reused"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BuildStarted:
    """A build of ``app`` (its name) at ``source`` (its path) began."""

    app: str
    source: str


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step began. ``step`` is its stable name, ``title`` what people read."""

    step: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Output:
    """One line that a program printed, undecodable bytes replaced, secrets redacted."""

    step: str
    text: str


@dataclass(frozen=True, slots=True)
class Detail:
    """One sentence about what a step found or chose, for people to follow."""

    step: str
    text: str


@dataclass(frozen=True, slots=True)
class Noticed:
    """A notice was raised."""

    notice: Notice


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step ended after ``duration`` seconds; ``reason`` says why it had this outcome."""

    step: str
    outcome: Outcome
    reason: str
    duration: float


@dataclass(frozen=True, slots=True)
class BuildFinished:
    """A build ended well after ``duration`` seconds; ``artifacts`` are what it handed out."""

    artifacts: tuple[str, ...]
    unchanged: bool
    duration: float


@dataclass(frozen=True, slots=True)
class BuildFailed:
    """A build ended with an error. ``code`` is the error's stable name."""

    code: str
    summary: str
    detail: str
    hint: str
    duration: float


Event: TypeAlias = (
    BuildStarted
    | StepStarted
    | Output
    | Detail
    | Noticed
    | StepFinished
    | BuildFinished
    | BuildFailed
)
Emit: TypeAlias = Callable[[Event], None]
