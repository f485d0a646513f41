"""The lines of many processes as text with a coloured prefix, or as JSON lines.

A thread writes them, so that a slow reader (a stopped terminal, a full pipe) never holds up the
router: its lines are dropped then, and counted. The processes' own lines wait, as they would if
each wrote to the terminal itself.
"""

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from portside.console import Style
from portside.model.errors.store import StreamNotWritableError
from portside.runtime.supervisor.lines import ROUTER, SELF, ProcessLine

_WAITING_LINES = 10_000
_AT_ONCE = 500
_COLOURS = ("cyan", "yellow", "green", "magenta", "blue")
_FLUSH_SECONDS = 5.0
# Unseen by people, and most of the cost of a line: waking this thread takes the interpreter's
# lock from the router at its next system call.
_GATHER_SECONDS = 0.02


class ProcessLog:
    """Takes lines from any thread and writes them in the order in which they came."""

    def __init__(self, write: Callable[[str], None], render: Callable[[ProcessLine], str]) -> None:
        """Take what writes text (it adds the last line's end), and what renders a line."""
        self._write = write
        self._render = render
        self._queue: queue.Queue[ProcessLine | None] = queue.Queue(_WAITING_LINES)
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __call__(self, line: ProcessLine) -> None:
        """Take a line."""
        if line.source not in (ROUTER, SELF):
            self._queue.put(line)
            return
        try:
            self._queue.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Write what is left, unless nobody takes it."""
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=_FLUSH_SECONDS)
            self._thread.join(_FLUSH_SECONDS)

    def _run(self) -> None:
        is_readable = True
        is_open = True
        while is_open:
            lines = self._take()
            is_open = None not in lines
            texts = [self._render(line) for line in lines if line is not None]
            if texts and is_readable:
                try:
                    self._write("\n".join(texts))
                except (OSError, StreamNotWritableError):
                    # Nobody reads any more; the processes mustn't block on that.
                    is_readable = False

    def _take(self) -> list[ProcessLine | None]:
        """Wait for a line, and take those that are there already with it."""
        lines = [self._queue.get()]
        if lines[0] is not None and self._queue.qsize() < _AT_ONCE:
            time.sleep(_GATHER_SECONDS)
        with contextlib.suppress(queue.Empty):
            while len(lines) < _AT_ONCE:
                lines.append(self._queue.get_nowait())
        dropped, self._dropped = self._dropped, 0
        if dropped:
            text = f"{dropped} lines of the request log are lost: nobody took them in time"
            lines.insert(0, ProcessLine(time.time(), SELF, text))
        return lines


def text_renderer(names: tuple[str, ...], style: Style) -> Callable[[ProcessLine], str]:
    """Return what renders a line for people: local time, who said it, what was said."""
    width = max(map(len, (*names, ROUTER, SELF)))
    colours = {name: _COLOURS[at % len(_COLOURS)] for at, name in enumerate(names)}

    def render(line: ProcessLine) -> str:
        at = datetime.fromtimestamp(line.at)  # noqa: DTZ006 (a person's own clock)
        prefix = f"{at:%H:%M:%S}.{at.microsecond // 1000:03} {line.source:<{width}} |"
        return f"{style(colours.get(line.source, 'dim'), prefix)} {line.text}".rstrip()

    return render


def render_json(line: ProcessLine) -> str:
    """Return a line as one JSON object (docs/events.md)."""
    at = datetime.fromtimestamp(line.at, UTC).isoformat(timespec="milliseconds")
    return json.dumps(
        {"schema": 1, "time": at.replace("+00:00", "Z"), "process": line.source, "text": line.text}
    )
