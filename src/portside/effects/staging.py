"""Private directories for work in progress, which vanish at the end however a build ends.

The owner holds a lock in its directory that the system drops when the process ends: what a killed
build left behind is removed by the next one that works beside it.
"""

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portside.effects.removal import remove_tree

# What such directories are called outside the store, so that no slug takes one in.
VISIBLE_PREFIX = ".portside-"
_ALIVE = "alive"
_OWN_NAME = r"[0-9]+-[0-9a-f]{12}"
# Between its making and its lock a directory looks abandoned.
_GRACE_SECONDS = 60.0


@contextmanager
def private_directory(parent: Path, prefix: str = "") -> Iterator[Path]:
    """Make a directory in ``parent`` for this process alone; it is removed at the end.

    Raises ``OSError`` where none can be made.
    """
    remove_abandoned(parent, prefix)
    root = make_private_directory(parent, prefix)
    # It gets its name when it is locked: without a lock it would mean that the owner is gone.
    unlocked = root / f"{_ALIVE}.new"
    descriptor = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        unlocked.rename(root / _ALIVE)
        yield root
    finally:
        _remove(root)
        os.close(descriptor)


def make_private_directory(parent: Path, prefix: str) -> Path:
    """Make and return a directory with a name that nothing else has, for this user alone."""
    while True:
        path = parent / f"{prefix}{os.getpid()}-{os.urandom(6).hex()}"
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            continue
        return path


def remove_abandoned(parent: Path, prefix: str = "") -> None:
    """Remove the private directories in ``parent`` whose owners are gone."""
    name = re.compile(re.escape(prefix) + _OWN_NAME)
    try:
        found = [path for path in parent.iterdir() if name.fullmatch(path.name)]
    except OSError:
        return
    for path in found:
        if not _has_owner(path):
            _remove(path)


def _remove(root: Path) -> None:
    """Remove a private directory, its lock last.

    What is left after a kill, or because a child of a killed build still wrote there, is then
    known to be abandoned.
    """
    with contextlib.suppress(OSError):
        for entry in root.iterdir():
            if entry.name != _ALIVE:
                remove_tree(entry)
        if not any(entry.name != _ALIVE for entry in root.iterdir()):
            remove_tree(root)


def _has_owner(root: Path) -> bool:
    try:
        return is_held(root / _ALIVE)
    except OSError:
        with contextlib.suppress(OSError):
            return time.time() - root.stat().st_mtime < _GRACE_SECONDS
        return True


def is_held(lock: Path) -> bool:
    """Return whether a process holds a lock. Raises ``OSError`` where the file can't be opened."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
