"""Events as text for people, or as JSON lines.

Plain lines everywhere; on a terminal also a line that tells how long a step has been running once
it takes over a second.
"""

import json
import os
import shlex
import sys
import threading
import time
from collections.abc import Mapping
from typing import IO

from portside.console import Style, wants_colours, write_line
from portside.model.codec import encode
from portside.model.events import (
    BuildFailed,
    BuildFinished,
    BuildStarted,
    Detail,
    Event,
    Noticed,
    Outcome,
    Output,
    StepFinished,
    StepStarted,
)
from portside.model.facts import Notice, NoticeLevel

_SHOWN_AFTER = 1.0
_TICK = 0.2
_COLUMNS = 80


class TextLog:
    """Renders events for people, on standard error."""

    def __init__(self, environ: Mapping[str, str], stream: IO[str] | None = None) -> None:
        """Take the environment, and where to write (standard error unless given)."""
        self._stream = stream or sys.stderr
        # A terminal that can't clear a line would show the escape codes.
        self._shows_progress = self._stream.isatty() and environ.get("TERM") != "dumb"
        self._style = Style(colours=wants_colours(self._stream, environ))
        self._lock = threading.Lock()
        self._ticker: _Ticker | None = None

    def __call__(self, event: Event) -> None:
        """Render one event."""
        if isinstance(event, StepFinished | BuildFailed):
            self._stop_ticking()
        with self._lock:
            for line in self._lines(event):
                self._write(line)
        if isinstance(event, StepStarted) and self._shows_progress:
            self._ticker = _Ticker(self._stream, self._lock, event.title)

    def _stop_ticking(self) -> None:
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def _write(self, line: str) -> None:
        clear = "\r\033[K" if self._ticker is not None else ""
        write_line(self._stream, f"{clear}{line}")

    def _lines(self, event: Event) -> list[str]:  # noqa: PLR0911 (one case per event)
        match event:
            case BuildStarted():
                return [self._style("bold", f"Building {event.app}") + f" from {event.source}"]
            case StepStarted():
                return [f"{self._style('bold', '----->')} {event.title}"]
            case Output():
                return [_indented(event.text)]
            case Detail():
                return [self._style("dim", _indented(event.text))]
            case Noticed():
                return render_notice(event.notice, self._style)
            case StepFinished():
                return self._finished(event)
            case BuildFinished():
                return self._done(event)
            case BuildFailed():
                # The command line renders the error itself, once.
                return []

    def _finished(self, event: StepFinished) -> list[str]:
        match event.outcome:
            case Outcome.REUSED:
                return [self._style("dim", f"       {event.step}: reused, {event.reason}")]
            case Outcome.SKIPPED:
                return [self._style("dim", f"       {event.step}: skipped, {event.reason}")]
            case Outcome.DONE:
                return [self._style("dim", f"       done in {event.duration:.1f} s")]
            case Outcome.FAILED:
                return [self._style("red", f"       failed after {event.duration:.1f} s")]

    def _done(self, event: BuildFinished) -> list[str]:
        what = "Nothing changed" if event.unchanged else "Built"
        lines = [self._style("green", f"{what} in {event.duration:.2f} s")]
        lines += [f"  {artifact}" for artifact in event.artifacts]
        return [*lines, f"Run it:  portside run {shlex.quote(event.artifacts[0])}"]


class JsonLog:
    """Writes each event as one JSON object a line, on standard output (see docs/events.md)."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        """Take where to write (standard output unless given)."""
        self._stream = stream or sys.stdout

    def __call__(self, event: Event) -> None:
        """Write one event."""
        write_line(self._stream, json.dumps({"schema": 1, "event": encode(event)}))


class _Ticker:
    """Shows on a terminal how long a step has been running, from its first second on."""

    def __init__(self, stream: IO[str], lock: threading.Lock, title: str) -> None:
        self._stream = stream
        self._lock = lock
        self._title = title
        self._stopped = threading.Event()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        with self._lock:
            self._stream.write("\r\033[K")
            self._stream.flush()

    def _columns(self) -> int:
        try:
            # A pseudo-terminal of no size says 0.
            return os.get_terminal_size(self._stream.fileno()).columns or _COLUMNS
        except (OSError, ValueError):
            return _COLUMNS

    def _run(self) -> None:
        while not self._stopped.wait(_TICK):
            elapsed = time.monotonic() - self._started
            if elapsed < _SHOWN_AFTER:
                continue
            with self._lock:
                line = _fitting(f"       … {self._title}", f", {elapsed:.0f} s", self._columns())
                self._stream.write(f"\r\033[K{line}")
                self._stream.flush()


def _indented(text: str) -> str:
    """Return ``text`` below a step's title; an empty line stays one."""
    return f"       {text}" if text else ""


def _fitting(text: str, end: str, columns: int) -> str:
    """Return ``text`` with ``end``, cut so that the line doesn't wrap.

    A carriage return goes back to the start of one row only.
    """
    room = max(0, columns - 1 - len(end))
    return (text[:room] + end)[: max(0, columns - 1)]


def render_notice(notice: Notice, style: Style) -> list[str]:
    """Return a notice as lines for people."""
    if notice.level is NoticeLevel.NOTE:
        return [f"       {notice.summary}"]
    hint = [f" !     {line}".rstrip() for line in notice.hint.splitlines()]
    return [style("yellow", line) for line in (f" !     Warning: {notice.summary}", *hint)]
