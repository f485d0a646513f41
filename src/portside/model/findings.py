"""What a check of an app found; no behaviour."""

from enum import StrEnum

from portside.model.record import Record


class Severity(StrEnum):
    """How much a finding will hurt: it breaks or endangers the app, may do so, or is good to know.

    Only an error makes ``portside check`` fail.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(Record, frozen=True):
    """One thing in an app that will hurt in production, where it is, why, and what to do.

    ``path`` is relative to the app, with ``/``; ``line`` counts from 1.
    """

    rule: str
    severity: Severity
    path: str
    line: int
    message: str
    reason: str
    fix: str
