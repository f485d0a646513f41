"""Run one command and measure it: wall clock, CPU, peak memory."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.005


class CommandFailedError(Exception):
    """A timed or preparing command exited non-zero."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One timed run: seconds of wall clock and CPU, peak memory in KiB.

    `own_kib` is portside's process alone; `tree_kib` is the largest process
    of its tree (what wait4 reports on Linux covers waited-for children too).
    """

    wall: float
    cpu: float
    own_kib: int
    tree_kib: int


def run(command: Sequence[str | Path], environment: Mapping[str, str], cwd: Path) -> Sample:
    """Run one command to its end and measure it; its output is kept only for a failure."""
    with tempfile.TemporaryFile() as log:
        start = time.perf_counter()
        child = subprocess.Popen(
            command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        peak = PeakMemory(child.pid)
        peak.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        peak.join()
        if child.returncode != 0:
            log.seek(0)
            tail = log.read().decode(errors="replace").splitlines()[-12:]
            raise CommandFailedError("\n".join([" ".join(map(str, command)), *tail]))
    return Sample(wall, usage.ru_utime + usage.ru_stime, peak.kib, usage.ru_maxrss)


class PeakMemory(threading.Thread):
    """Follow one process's high-water mark until it is gone.

    The last reading counts, not the largest: before exec the mark is ours.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{pid}/status")
        self.kib = 0

    def run(self) -> None:
        while (kib := self._read()) is not None:
            self.kib = kib
            time.sleep(SAMPLE_SECONDS)

    def _read(self) -> int | None:
        try:
            lines = self._status.read_text().splitlines()
        except OSError:
            return None
        return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)


def added(samples: Sequence[Sample]) -> Sample:
    return Sample(
        wall=sum(one.wall for one in samples),
        cpu=sum(one.cpu for one in samples),
        own_kib=max(one.own_kib for one in samples),
        tree_kib=max(one.tree_kib for one in samples),
    )
