"""The report of a build: what was chosen and how long each step took, in seconds."""

from portside.model.record import Record


class StepReport(Record, frozen=True):
    """How one step ended: its outcome, the reason and its duration in seconds."""

    step: str
    outcome: str
    reason: str
    duration: float


class Report(Record, frozen=True):
    """What a build did that made a slug."""

    app: str
    python_version: str
    python_version_origin: str
    package_manager: str
    installer: str
    distributions: tuple[str, ...]
    steps: tuple[StepReport, ...]
    total_duration: float
