"""The read-only view of an app's source that detection works on; it never writes."""

from collections.abc import Iterator
from typing import Protocol

from portside.model.record import Record


class Entry(Record, frozen=True):
    """One name in a directory of the app. ``path`` is relative to the app, with ``/``."""

    path: str
    is_dir: bool
    is_symlink: bool = False

    @property
    def name(self) -> str:
        """Return the last component of the path."""
        return self.path.rsplit("/", 1)[-1]


class Source(Protocol):
    """A read-only app tree. Paths are relative to the app's root, with ``/``; "" is the root.

    Symbolic links are followed as long as they stay readable; a dangling one does not exist.
    """

    @property
    def name(self) -> str:
        """Return the app's name: that of its directory."""
        ...

    def is_file(self, path: str) -> bool:
        """Return whether ``path`` is a regular file (through links)."""
        ...

    def is_dir(self, path: str) -> bool:
        """Return whether ``path`` is a directory (through links)."""
        ...

    def size(self, path: str) -> int:
        """Return how many bytes a file holds; 0 where there is none."""
        ...

    def read(self, path: str) -> bytes:
        """Return the contents of a file.

        Raises ``SourceUnreadableError`` where it can't be read.
        """
        ...

    def entries(self, path: str = "") -> tuple[Entry, ...]:
        """Return what a directory holds, sorted by name; () where there is no directory."""
        ...


def walk(source: Source, path: str = "", *, depth: int) -> Iterator[Entry]:
    """Yield the entries below ``path``, nearest first, at most ``depth`` levels down.

    Linked directories are yielded but never entered, so that a link loop can't trap a caller.
    """
    level = [path]
    for _ in range(depth):
        below: list[str] = []
        for directory in level:
            for entry in source.entries(directory):
                yield entry
                if entry.is_dir and not entry.is_symlink:
                    below.append(entry.path)
        level = below
