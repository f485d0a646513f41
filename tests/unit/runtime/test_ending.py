"""How the end of a process is noticed."""

import os
import subprocess

from portside.runtime.run import _is_anything_left
from portside.runtime.sockets import ProcessTree


class EndsWhenLookedAt(ProcessTree):
    """A tree whose process ends just before it is looked at."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        super().__init__(process.pid, None)
        self.process = process

    def alive(self) -> tuple[()]:
        os.kill(self.process.pid, 9)
        # It has ended, and isn't collected by this.
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        return ()


def test_a_process_that_ends_meanwhile_is_collected() -> None:
    process = subprocess.Popen(["sleep", "60"])
    assert not _is_anything_left(process, EndsWhenLookedAt(process))
    assert process.returncode == -9
