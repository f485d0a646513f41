"""What running steps say, as events; how each ended is kept for the report."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from portside.model.events import (
    Detail,
    Emit,
    Noticed,
    Outcome,
    Output,
    StepFinished,
    StepStarted,
)
from portside.model.facts import Notice
from portside.model.report import StepReport


class StepLog:
    """One step while it runs. ``outcome`` and ``reason`` are what its end will be told with."""

    def __init__(self, step: str, emit: Emit, reason: str) -> None:
        """Take the step's stable name, where events go, and why it runs."""
        self.step = step
        self.emit = emit
        self.reason = reason
        self.outcome = Outcome.DONE

    def on_line(self, line: str) -> None:
        """Tell a line that a program printed."""
        self.emit(Output(self.step, line))

    def on_detail(self, text: str) -> None:
        """Tell a sentence about what was found or chosen."""
        self.emit(Detail(self.step, text))

    def on_damaged(self, layer: str) -> None:
        """Tell that a stored layer of this kind had to be thrown away."""
        self.emit(Noticed(_damaged_layer(layer)))


class BuildLog:
    """The steps of one build: each is told as events and timed."""

    def __init__(self, emit: Emit) -> None:
        """Take where events go."""
        self.emit = emit
        self.steps: list[StepReport] = []

    @contextmanager
    def step(self, name: str, title: str, reason: str) -> Iterator[StepLog]:
        """Run the body as a step; it has failed if the body raises."""
        log = StepLog(name, self.emit, reason)
        started = time.monotonic()
        self.emit(StepStarted(name, title, reason))
        try:
            yield log
        except BaseException:
            log.outcome = Outcome.FAILED
            raise
        finally:
            duration = time.monotonic() - started
            self.emit(StepFinished(name, log.outcome, log.reason, duration))
            self.steps.append(StepReport(name, log.outcome, log.reason, duration))

    def notice(self, notice: Notice) -> None:
        """Tell a notice that belongs to no step."""
        self.emit(Noticed(notice))


def _damaged_layer(layer: str) -> Notice:
    return Notice(
        "store::damaged-layer",
        f"The stored {layer} layer is damaged, so it is made anew.",
        "If this happens again, check the disk that holds the store: portside cache dir",
    )
