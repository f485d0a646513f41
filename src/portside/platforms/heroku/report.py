"""The report of a classic build: one flat JSON object with the contract's keys."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from portside.effects.files import write_new

PLACE = "build-data/python.json"
# The report of the last build that succeeded, until the next one does: it may be another
# buildpack's, whose version is sticky.
LAST_PLACE = "build-data/python-last.json"


class BuildReport:
    """The keys of one build, kept as they become known."""

    def __init__(self) -> None:
        """Begin at once: the total duration counts from here."""
        self.values: dict[str, str | bool | float] = {}
        self._started = time.monotonic()

    @contextmanager
    def timing(self, key: str) -> Iterator[None]:
        """Measure the body, whether it succeeds or not, in seconds."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.values[key] = round(time.monotonic() - started, 3)

    def fail(self, reason: str, detail: str) -> None:
        """Note why the build failed."""
        self.values["failure_reason"] = reason
        if detail:
            self.values["failure_detail"] = detail

    def begin(self, cache: Path) -> None:
        """Put the last report aside, and one that tells of an abort in its place.

        It stays where this build is killed. `libexec/start` does the same for what comes before.
        Raises ``OSError`` where the cache can't be written.
        """
        place, last = cache / PLACE, cache / LAST_PLACE
        if place.exists() and not (last.exists() and b'"failure_reason"' in place.read_bytes()):
            place.replace(last)
        place.parent.mkdir(parents=True, exist_ok=True)
        write_new(place, b'{"failure_reason": "internal-error::abort"}\n')

    def write(self, cache: Path) -> None:
        """Keep the report for `bin/report`, even where a hook has removed the cache.

        Raises ``OSError`` where the cache can't be written.
        """
        self.values["total_duration"] = round(time.monotonic() - self._started, 3)
        place = cache / PLACE
        place.parent.mkdir(parents=True, exist_ok=True)
        write_new(place, json.dumps(self.values, indent=2, sort_keys=True).encode() + b"\n")


def read_last_report(cache: Path) -> dict[str, object]:
    """Return the report before this build's; {} where there is none that can be read."""
    for place in (LAST_PLACE, PLACE):
        with suppress(OSError, ValueError):
            data: object = json.loads((cache / place).read_bytes())
            if isinstance(data, dict):
                return data
    return {}
