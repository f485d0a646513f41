"""The app's own files: which of them go into a slug, and the digest of their contents."""

import hashlib
import os
import stat
from pathlib import Path

from msgspec import Struct

from portside.detection.kept import excluding
from portside.effects.borrowed import Lender
from portside.effects.digest_index import DigestIndex
from portside.effects.files import FileStamp, is_kept, scan
from portside.effects.staging import VISIBLE_PREFIX
from portside.model.errors.app import SourceUnreadableError

# Version control, caches and secrets of the developer's machine are no part of what runs.
_LEFT_OUT = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".env",
        ".portside",
        "__pycache__",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".tox",
        ".nox",
    }
)


class AppFiles(Struct, frozen=True):
    """The app's files as they were read. ``digest`` covers paths, modes and contents.

    ``dangling`` are links whose target isn't there: they are kept as they are.
    """

    stamps: tuple[FileStamp, ...]
    digest: str
    dangling: tuple[str, ...]

    @property
    def count(self) -> int:
        """Return the number of files and links."""
        return sum(not stat.S_ISDIR(stamp.mode) for stamp in self.stamps)


def read_app_files(
    root: Path,
    index: Path,
    outputs: tuple[Path, ...] = (),
    excludes: tuple[str, ...] = (),
    shown: str = "",
    reach: Path | None = None,
) -> AppFiles:
    """Return the app's files; contents are read only where ``index`` doesn't know them.

    ``outputs`` are what builds of this app write: they are no part of it, wherever they are.
    ``excludes`` are patterns of what isn't either, as in .gitignore. ``shown`` is what errors have
    before paths. What links lead to in ``reach``, but out of ``root``, is taken for theirs.

    Raises ``LinkOutsideAppError`` and ``SourceUnreadableError``.
    """
    digests = DigestIndex(index)
    total = hashlib.sha256()
    stamps: list[FileStamp] = []
    dangling: list[str] = []
    try:
        written = frozenset(os.path.relpath(os.path.realpath(path), root) for path in outputs)
        is_excluded = excluding(excludes)

        def skip(path: str, item: "os.DirEntry[str]") -> bool:
            if path in written or _is_left_out(item):
                return True
            return bool(excludes) and is_excluded(path, item.is_dir(follow_symlinks=False))

        for found in Lender(root, reach, skip, shown).with_borrowed(scan(root, skip)):
            if not is_kept(found):
                continue
            stamp = _readable(found)
            stamps.append(stamp)
            digest = _digest(root, stamp, digests)
            if stamp.target and not os.path.exists(f"{root}/{stamp.path}"):  # noqa: PTH110 (hot path)
                dangling.append(stamp.path)
            line = f"{stamp.path}\0{stat.S_IMODE(stamp.mode):o}\0{digest}\0"
            total.update(line.encode("utf-8", "surrogateescape"))
    except OSError as error:
        path = _joined(shown, os.path.relpath(error.filename or root, root))
        cause = (error.strerror or str(error)).lower()
        raise SourceUnreadableError(path=path, cause=cause) from error
    digests.save()
    return AppFiles(tuple(stamps), total.hexdigest(), tuple(dangling))


def _is_left_out(item: "os.DirEntry[str]") -> bool:
    """Return whether this is no part of the app; virtual environments and slugs are found out."""
    if item.name in _LEFT_OUT or item.name.startswith(VISIBLE_PREFIX):
        return True
    return item.is_dir(follow_symlinks=False) and any(
        os.path.isfile(f"{item.path}/{sign}")  # noqa: PTH113 (hot path)
        for sign in ("pyvenv.cfg", ".portside/slug.json")
    )


def _readable(stamp: FileStamp) -> FileStamp:
    """Return the stamp with the mode that Git would keep: a slug runs as any user."""
    if not stat.S_ISREG(stamp.mode):
        return stamp
    mode = stat.S_IFREG | (0o755 if stamp.mode & stat.S_IXUSR else 0o644)
    return FileStamp(stamp.path, mode, stamp.size, stamp.mtime_ns, origin=stamp.origin)


def _digest(root: Path, stamp: FileStamp, digests: DigestIndex) -> str:
    if stamp.target:
        return f"-> {stamp.target}"
    if stat.S_ISDIR(stamp.mode):
        return "directory"
    return digests.digest(root, stamp)


def _joined(shown: str, path: str) -> str:
    return f"{shown}/{path}" if shown else path
