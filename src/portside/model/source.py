"""The read-only view of an app's source that detection works on; it never writes."""

import posixpath
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

    A path that begins with ``..`` is beside the app, in its source root.

    Symbolic links are followed as long as they stay readable; a dangling one does not exist.
    """

    @property
    def name(self) -> str:
        """Return the app's name: that of its directory."""
        ...

    @property
    def place(self) -> str:
        """Return where the app is in its source root; "" where there is no root but the app."""
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


def leads_out(path: str) -> bool:
    """Return whether a normalised path, relative to the app, is not in the app."""
    return path == ".." or path.startswith("../")


def is_in_root(source: Source, path: str) -> bool:
    """Return whether a normalised path, relative to the app, is in the app's source root."""
    levels = len(source.place.split("/")) if source.place else 0
    return path.split("/").count("..") <= levels


def normalised(source: Source, path: str) -> str:
    """Return a path, relative to the app, in its one shortest form; "." is the app itself."""
    path = posixpath.normpath(path)
    if not leads_out(path) or not is_in_root(source, path):
        return path
    app = f"/{source.place}"
    return posixpath.relpath(posixpath.join(app, path), app)


def above(source: Source, project: str = ".") -> Iterator[tuple[str, str]]:
    """Yield each directory above a project in the source root, and the project's path in it.

    The nearest comes first. ``project`` and the directories are relative to the app.
    """
    if not source.place:
        return
    parts = posixpath.normpath(posixpath.join(source.place, project)).split("/")
    for level in range(len(parts) - 1, -1, -1):
        directory = posixpath.relpath("/" + "/".join(parts[:level]), f"/{source.place}")
        yield directory, "/".join(parts[level:])
