"""What a running step says, as events; how it will have ended is kept with it."""

from portside.model.events import Detail, Emit, Noticed, Outcome, Output
from portside.model.facts import Notice


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


def _damaged_layer(layer: str) -> Notice:
    return Notice(
        "store::damaged-layer",
        f"The stored {layer} layer is damaged, so it is made anew.",
        "If this happens again, check the disk that holds the store: portside cache dir",
    )
