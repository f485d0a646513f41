"""Splits portside in two processes that watch each other, so that no app process outlives both.

The first, which the caller knows, only waits: it adopts whatever the second leaves behind,
however that ended, ends it, and exits as the second did. The second does the work, and is told to
stop (SIGTERM) by the kernel when the first is gone. A SIGKILL to either is survived by the other;
a session of its own keeps the second out of reach of one to the whole process group.
"""

import contextlib
import ctypes
import os
import signal
import time
from types import FrameType

from portside.effects.process import GRACE_SECONDS, adopt_orphans, shell_status
from portside.runtime.sockets import ProcessTree, read_children

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.05
_FORWARDED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
# A terminal sends these to every process of the foreground group by itself.
_FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT)


def split_off_guardian(*, own_session: bool) -> None:
    """Fork; this returns in the second process only. Call it before any thread is started.

    The first raises ``SystemExit`` at the end, with the exit code of the second. Without
    ``own_session`` both stay in the terminal's session, as a program that reads from it needs.
    """
    adopt_orphans()
    earlier = read_children()
    guardian = os.getpid()
    # A signal that comes now waits until it is known which process it has to reach.
    signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
    worker = os.fork()
    if worker == 0:
        _become_worker(guardian, own_session=own_session)
        return
    _Guardian(worker, own_session=own_session).install()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
    status = _wait_for(worker)
    _end_leftovers(ProcessTree(worker, earlier))
    raise SystemExit(shell_status(os.waitstatus_to_exitcode(status)))


class _Guardian:
    """Passes signals on to the process that does the work."""

    def __init__(self, worker: int, *, own_session: bool) -> None:
        self._worker = worker
        self._own_session = own_session

    def install(self) -> None:
        for number in _FORWARDED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._forward)

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        if not self._own_session and number in _FROM_TERMINAL and os.isatty(0):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._worker, number)


def _become_worker(guardian: int, *, own_session: bool) -> None:
    if own_session:
        os.setsid()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
    if os.getppid() != guardian:
        # It ended before the kernel knew that this process wants to be told.
        os.kill(os.getpid(), signal.SIGTERM)


def _wait_for(worker: int) -> int:
    """Reap whatever ends until it is the worker; return its status."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == worker:
            return status


def _end_leftovers(tree: ProcessTree) -> None:
    tree.reap()
    if not tree.alive():
        return
    tree.signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while tree.alive():
        if time.monotonic() >= deadline:
            tree.signal(signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
        tree.reap()
