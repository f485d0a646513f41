"""The report of a build: what was chosen and how long each step took, in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepReport:
    """How one step ended: its outcome, the reason and its duration in seconds."""

    step: str
    outcome: str
    reason: str
    duration: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a build did that made a slug."""

    app: str
    python_version: str
    python_version_origin: str
    package_manager: str
    installer: str
    distributions: tuple[str, ...]
    steps: tuple[StepReport, ...]
    total_duration: float
