"""Everything that happens in a build, as data. One module renders it; nothing else prints.

The JSON form is documented in docs/events.md.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from portside.model.facts import Notice
from portside.model.record import Record


class Outcome(StrEnum):
    """How a step ended."""

    DONE = "done"
    REUSED = "reused"
    SKIPPED = "skipped"
    FAILED = "failed"


class BuildStarted(Record, frozen=True):
    """A build of ``app`` (its name) at ``source`` (its path) began."""

    app: str
    source: str


class StepStarted(Record, frozen=True):
    """A step began. ``step`` is its stable name, ``title`` what people read."""

    step: str
    title: str
    reason: str


class Output(Record, frozen=True):
    """One line that a program printed, undecodable bytes replaced, secrets redacted."""

    step: str
    text: str


class Detail(Record, frozen=True):
    """One sentence about what a step found or chose, for people to follow."""

    step: str
    text: str


class Noticed(Record, frozen=True):
    """A notice was raised."""

    notice: Notice


class StepFinished(Record, frozen=True):
    """A step ended after ``duration`` seconds; ``reason`` says why it had this outcome."""

    step: str
    outcome: Outcome
    reason: str
    duration: float


class BuildFinished(Record, frozen=True):
    """A build ended well after ``duration`` seconds; ``artifacts`` are what it handed out."""

    artifacts: tuple[str, ...]
    unchanged: bool
    duration: float


class BuildFailed(Record, frozen=True):
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
