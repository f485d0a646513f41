"""Ports for tests. The kernel's own (bind to 0) may be another test's before they are used."""

import itertools
import os
import socket

# For each of xdist's workers a range of its own below the ephemeral ports; another session on this
# machine has most likely others. They are five apart: a formation's processes get the next ones.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_FIRST = 10_000 + (_WORKER + os.getppid() * 7) % 40 * 500
_CANDIDATES = itertools.cycle(range(_FIRST, _FIRST + 500, 5))


def free_port() -> int:
    """Return a port that nobody uses, and that no other worker's tests are given."""
    return next(port for port in itertools.islice(_CANDIDATES, 100) if _is_free(port))


def _is_free(port: int) -> bool:
    """Return whether it can be bound even by who doesn't set SO_REUSEADDR."""
    for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        try:
            with socket.socket(family) as probe:
                probe.bind((host, port))
        except OSError:
            if family == socket.AF_INET or os.path.exists("/proc/net/if_inet6"):  # noqa: PTH110
                return False
    return True
