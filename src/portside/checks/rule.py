"""What a rule is: its texts as data, and the function that finds where an app breaks it."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from portside.checks.app import App
from portside.model.findings import Finding, Severity


class Place(Struct, frozen=True):
    """Where an app breaks a rule. ``fix`` replaces the rule's own where one fits better."""

    path: str
    line: int
    message: str
    fix: str = ""


class Rule(Struct, frozen=True):
    """A rule: its name, how bad it is to break it, why, how to mend it, and what finds it.

    ``summary`` says in one sentence what is found. The name never changes: users switch rules off
    by it.
    """

    name: str
    severity: Severity
    summary: str
    reason: str
    fix: str
    find: Callable[[App], Iterable[Place]]

    def findings(self, app: App) -> tuple[Finding, ...]:
        """Return what breaks this rule in an app."""
        return tuple(
            Finding(
                self.name,
                self.severity,
                place.path,
                place.line,
                place.message,
                self.reason,
                place.fix or self.fix,
            )
            for place in self.find(app)
        )
