"""The app's directory on disk as a Source; it only reads."""

import errno
import os
import stat
from pathlib import Path

from portside.model.errors.app import (
    AppNotADirectoryError,
    AppNotFoundError,
    NotAFileError,
    SourceUnreadableError,
)
from portside.model.source import Entry


class DirectorySource:
    """A read-only view of a directory. Links are followed; a loop counts as not there."""

    def __init__(self, root: Path, place: str = "") -> None:
        """Take the app's directory, which must exist, and where it is in its source root.

        Raises ``AppNotFoundError``, ``AppNotADirectoryError`` or ``SourceUnreadableError``.
        """
        self.given = root
        self.place = place
        try:
            self.root = root.resolve(strict=True)
            if not stat.S_ISDIR(self.root.stat().st_mode):
                raise AppNotADirectoryError(path=str(root))
            with os.scandir(self.root):
                pass
        except (FileNotFoundError, NotADirectoryError, RuntimeError):
            raise AppNotFoundError(path=str(root)) from None
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENAMETOOLONG}:
                raise AppNotFoundError(path=str(root)) from None
            raise SourceUnreadableError(path=str(root), cause=_cause(error)) from error

    @property
    def name(self) -> str:
        """Return the directory's own name."""
        return self.root.name or "app"

    def is_file(self, path: str) -> bool:
        """Return whether ``path`` is a regular file (through links).

        Raises ``NotAFileError`` for a pipe or socket: only names that mean something are asked
        for, and as if nothing were there would be a puzzle.
        """
        mode = self._mode(path)
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            raise NotAFileError(path=path, kind="pipe" if stat.S_ISFIFO(mode) else "socket")
        return stat.S_ISREG(mode)

    def is_dir(self, path: str) -> bool:
        """Return whether ``path`` is a directory (through links)."""
        return stat.S_ISDIR(self._mode(path))

    def size(self, path: str) -> int:
        """Return how many bytes a file holds; 0 where there is none."""
        try:
            return (self.root / path).stat().st_size
        except (OSError, ValueError):
            return 0

    def read(self, path: str) -> bytes:
        """Return a file's contents; raise ``SourceUnreadableError`` where it can't be read."""
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            raise SourceUnreadableError(path=path, cause=_cause(error)) from error

    def entries(self, path: str = "") -> tuple[Entry, ...]:
        """Return what a directory holds, sorted by name; () where there is no directory.

        Raises ``SourceUnreadableError`` where the directory may not be read.
        """
        prefix = f"{path}/" if path else ""
        try:
            with os.scandir(self.root / path) as found:
                entries = [
                    Entry(f"{prefix}{item.name}", _is_dir(item), item.is_symlink())
                    for item in found
                ]
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            raise SourceUnreadableError(path=path or ".", cause=_cause(error)) from error
        return tuple(sorted(entries, key=lambda entry: entry.path))

    def _mode(self, path: str) -> int:
        try:
            return (self.root / path).stat().st_mode
        except (OSError, ValueError):
            return 0


def _is_dir(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:
        return False


def _cause(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
