"""Events as text: what a terminal of any width and kind shows while a step takes long."""

import fcntl
import io
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Iterator

import pytest

from portside.event_log import TextLog
from portside.model.events import (
    BuildFailed,
    Detail,
    Noticed,
    Outcome,
    Output,
    StepFinished,
    StepStarted,
)
from portside.model.facts import Notice

COLUMNS = 30
TITLE = "Installing a great many distributions from a slow index"
STARTED = StepStarted("dependencies", TITLE, "they changed")
FAILED = StepFinished("dependencies", Outcome.FAILED, "they changed", 1.5)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Yield both ends of a narrow terminal: what the user sees, and what is written to."""
    seen, written = pty.openpty()
    fcntl.ioctl(written, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    yield seen, written
    os.close(seen)
    os.close(written)


def read_until(seen: int, text: str, seconds: float) -> str:
    """Return what the terminal shows up to ``text``, or within some seconds."""
    shown = b""
    deadline = time.monotonic() + seconds
    while text.encode() not in shown and (left := deadline - time.monotonic()) > 0:
        if select.select([seen], [], [], left)[0]:
            shown += os.read(seen, 65536)
    return shown.decode()


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_a_terminal_gets_colours_unless_they_are_unwanted(
    terminal: tuple[int, int], environ: dict[str, str], *, coloured: bool
) -> None:
    seen, written = terminal
    with open(written, "w", closefd=False, encoding="utf-8") as stream:
        TextLog(environ, stream)(FAILED)
    shown = read_until(seen, "failed after 1.5 s", 10)
    assert "failed after 1.5 s" in shown
    assert ("\x1b[31m" in shown) is coloured


def test_what_is_no_terminal_gets_no_colours() -> None:
    stream = io.StringIO()
    TextLog({"TERM": "xterm"}, stream)(FAILED)
    assert "failed after 1.5 s" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    "end",
    [
        StepFinished("dependencies", Outcome.DONE, "they changed", 1.5),
        BuildFailed("a::code", "It failed.", "", "", 1.5),
    ],
    ids=["finished", "failed"],
)
def test_a_long_step_shows_progress_in_one_row_until_it_ends(
    terminal: tuple[int, int], end: StepFinished | BuildFailed
) -> None:
    seen, written = terminal
    with open(written, "w", closefd=False, encoding="utf-8") as stream:
        log = TextLog({"TERM": "xterm"}, stream)
        log(STARTED)
        shown = read_until(seen, ", 1 s", 10)
        log(end)
        shown += read_until(seen, "\0", 1)
    rows = [part for part in shown.replace("\n", "\r").split("\r") if "…" in part]
    assert rows
    assert all(len(row.removeprefix("\033[K")) < COLUMNS for row in rows)
    # The row is cleared, and nothing has been shown there since.
    assert shown.rindex("\r\033[K") > shown.rindex("…")


def test_a_terminal_that_cannot_clear_a_row_gets_plain_lines(terminal: tuple[int, int]) -> None:
    seen, written = terminal
    with open(written, "w", closefd=False, encoding="utf-8") as stream:
        log = TextLog({"TERM": "dumb"}, stream)
        log(STARTED)
        shown = read_until(seen, "…", 2)
        log(StepFinished("dependencies", Outcome.DONE, "they changed", 2.0))
        shown += read_until(seen, "\0", 0.5)
    assert shown.split("\r\n") == [f"-----> {TITLE}", "       done in 2.0 s", ""]


def test_an_empty_line_stays_empty() -> None:
    stream = io.StringIO()
    log = TextLog({}, stream)
    for event in (Output("hook", "one"), Output("hook", ""), Detail("hook", "two")):
        log(event)
    log(Noticed(Notice("a::code", "Three.", "four:\n\n    five")))
    assert stream.getvalue().splitlines() == [
        *("       one", "", "       two"),
        *(" !     Warning: Three.", " !     four:", " !", " !         five"),
    ]
