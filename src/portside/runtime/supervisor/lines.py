"""A line of the log of all processes, as data; rendering it is somebody else's."""

import time
from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

ROUTER = "router"
SELF = "portside"


class ProcessLine(Struct, frozen=True):
    """What ``source`` (``web.1``, ``router``, ``portside``) said ``at`` (seconds since 1970)."""

    at: float
    source: str
    text: str


OnProcessLine: TypeAlias = Callable[[ProcessLine], None]


def line_writer(source: str, on_line: OnProcessLine) -> Callable[[str], None]:
    """Return what takes the text of ``source``'s lines, from any thread."""
    return lambda text: on_line(ProcessLine(time.time(), source, text))
