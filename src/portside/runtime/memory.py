"""Measures the memory of a process tree, as /proc tells, and holds it against a limit.

A process's share is its PSS (proc_pid_smaps(5)): pages that forked workers share count once in
all, not once for each. Where the kernel doesn't tell it, RSS stands in for it.
"""

import contextlib
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Struct

from portside.model.errors.run import TooMuchMemoryError
from portside.model.settings import MEGABYTE

_PROC = Path("/proc")
_SHARE = re.compile(r"^(?:Pss|VmRSS):\s+(\d+) kB$", re.MULTILINE)
_SETTLE_SECONDS = 0.5
_LONGEST_SECONDS = 5.0
_STEADY = 0.02


class MemoryUse(Struct, frozen=True):
    """What a number of processes use together, in bytes."""

    size: int
    processes: int

    def __str__(self) -> str:
        """Return it for people."""
        noun = "process uses" if self.processes == 1 else "processes use"
        return f"{self.processes} {noun} {round(self.size / MEGABYTE)} MB of memory"


def read_memory(pids: Iterable[int], proc: Path = _PROC) -> MemoryUse:
    """Return the memory of those of ``pids`` that can be seen."""
    shares = [share for pid in pids if (share := _share(proc / str(pid))) is not None]
    return MemoryUse(sum(shares), len(shares))


def settled_memory(read: Callable[[], MemoryUse]) -> MemoryUse:
    """Return what ``read`` tells once it stays the same: other workers may be loading still."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    last = read()
    while time.monotonic() < deadline:
        time.sleep(_SETTLE_SECONDS)
        now = read()
        if abs(now.size - last.size) <= last.size * _STEADY:
            return now
        last = now
    return last


def check_memory(use: MemoryUse, *, command: str, limit: int) -> None:
    """Raise ``TooMuchMemoryError`` where more is used than ``limit`` bytes, 0 for no limit."""
    if limit and use.size > limit:
        raise TooMuchMemoryError(
            command=command, used=use.size, limit=limit, processes=use.processes
        )


def _share(directory: Path) -> int | None:
    for name in ("smaps_rollup", "status"):
        # A process that ended meanwhile, or a kernel without the first of them.
        with contextlib.suppress(OSError):
            match = _SHARE.search((directory / name).read_text("utf-8", "replace"))
            if match:
                return int(match[1]) * 1024
    return None
