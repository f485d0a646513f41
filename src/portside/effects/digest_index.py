"""Digests of an app's files from one build to the next, so that only what changed is read again.

One line a file (size, time, digest, path): it stays small for an app of any size, where a document
of the same contents would be held several times over.
"""

import contextlib
import time
from pathlib import Path

from portside.effects.files import FileStamp, digest_file, write_new

# Within this time of its last change a file's stamp can't tell two versions apart.
_RACY_NS = 2_000_000_000


class DigestIndex:
    """The digests that the last build left, and those that this one will leave."""

    def __init__(self, path: Path) -> None:
        """Take the index's place; what can't be read there counts as absent."""
        self._path = path
        self._known = _read(path)
        self._lines: list[bytes] = []
        self._is_changed = False
        self._now = time.time_ns()

    def digest(self, root: Path, stamp: FileStamp) -> str:
        """Return the SHA-256 of a file, read from disk unless its stamp is a known one.

        Raises ``OSError`` where it can't be read.
        """
        name = _name(stamp.path)
        head = b"%d %d " % (stamp.size, stamp.mtime_ns)
        line = self._known.get(name)
        if line is None or not line.startswith(head):
            digest = digest_file(f"{root}/{stamp.path}")
            line = b"%s%s %s\n" % (head, digest.encode(), name)
            self._is_changed = True
        if self._now - stamp.mtime_ns > _RACY_NS:
            self._lines.append(line)
        return line.split(b" ", 3)[2].decode()

    def save(self) -> None:
        """Keep the digests for the next build; raise ``OSError`` where that's not possible."""
        if self._is_changed or len(self._lines) != len(self._known):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_new(self._path, b"".join(self._lines))


def _read(path: Path) -> dict[bytes, bytes]:
    known: dict[bytes, bytes] = {}
    with contextlib.suppress(OSError), path.open("rb") as file:
        for line in file:
            fields = line.rstrip(b"\n").split(b" ", 3)
            if len(fields) == 4 and len(fields[2]) == 64:  # noqa: PLR2004 (as they are written)
                known[fields[3]] = line
    return known


def _name(path: str) -> bytes:
    """Return a path as bytes without line ends, as the index has it."""
    name = path.encode("utf-8", "surrogateescape")
    return name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
