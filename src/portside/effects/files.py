"""Copying, linking, measuring and removing trees of files; knows nothing of what they mean.

Every file is written as a new file: nothing is ever changed in place, because a file of the
store may be linked to from elsewhere.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from portside.model.errors.store import CopyFailedError, DiskFullError, NotWritableError

_WORKERS = 4
_SECOND = 1_000_000_000
_BATCH = 128
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_ASKS_FOR_EFFECTIVE_IDS = os.access in os.supports_effective_ids
NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
# Not only permissions: a place can also be below a file, on a broken disk, or gone meanwhile.
_NOT_POSSIBLE = {
    errno.EACCES,
    errno.EBUSY,
    errno.EEXIST,
    errno.EIO,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}


class FileStamp(Struct, frozen=True):
    """What tells a file from another without reading it. ``path`` is relative to its tree.

    ``origin`` is where the file is, for one that isn't in the tree yet.
    """

    path: str
    mode: int
    size: int
    mtime_ns: int
    target: str = ""
    origin: str = ""


class Twin(Struct, frozen=True):
    """A tree with the same files, which may be linked to.

    ``paths`` are those that are the same; None stands for all. ``must_be_protected`` leaves out
    what this process, and so what it starts, could write to.
    """

    tree: Path
    paths: frozenset[str] | None = None
    must_be_protected: bool = False


@contextmanager
def disk_errors(path: Path, what: str = "") -> Iterator[None]:
    """Turn a disk that can't take what is written into the error that says so.

    ``path`` is being written, ``what`` is what it will be.
    """
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            raise DiskFullError(path=str(path), needed=what) from error
        if error.errno in _NOT_POSSIBLE:
            cause = (error.strerror or str(error)).lower()
            raise NotWritableError(path=str(error.filename or path), cause=cause) from error
        raise


def scan(
    root: Path, skip: Callable[[str, "os.DirEntry[str]"], bool] = lambda _, __: False
) -> Iterator[FileStamp]:
    """Yield a stamp for each file, link and directory below ``root``, sorted within a directory.

    ``skip`` is asked with each relative path and its entry; a skipped directory is not entered.
    """
    pending = [""]
    while pending:
        directory = pending.pop()
        with os.scandir(os.path.join(root, directory)) as found:  # noqa: PTH118 (hot path)
            items = sorted(found, key=lambda item: item.name)
        for item in items:
            path = f"{directory}/{item.name}" if directory else item.name
            if skip(path, item):
                continue
            yield _stamp(item, path)
            if item.is_dir(follow_symlinks=False):
                pending.append(path)


def is_kept(stamp: FileStamp) -> bool:
    """Return whether this is a file, directory or link: no slug can hold sockets and the like."""
    kinds = (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK)
    return any(is_kind(stamp.mode) for is_kind in kinds)


def copy_tree(
    source: Path,
    destination: Path,
    stamps: tuple[FileStamp, ...],
    twin: Twin | None = None,
    *,
    may_be_rounded: bool = False,
) -> None:
    """Copy what ``stamps`` name from one tree into another that exists; times and modes are kept.

    Every directory must come before what it holds, as ``scan`` yields it. Files that are already
    there are replaced, never written to. What ``twin`` still has as it was is linked from there,
    which costs no space and little time. With ``may_be_rounded`` an archive may have cut the time
    of a file to whole seconds.

    Raises ``CopyFailedError`` where a file can't be read or was changed since it was stamped.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 (only builds copy)

    files = _make_directories_and_links(destination, stamps)
    batches = [files[start : start + _BATCH] for start in range(0, len(files), _BATCH)]

    def copy_batch(batch: list[FileStamp]) -> None:
        for stamp in batch:
            target = f"{destination}/{stamp.path}"
            if twin is None or not _lend(twin, target, stamp):
                place = stamp.origin or f"{source}/{stamp.path}"
                _copy_file(place, target, stamp, may_be_rounded=may_be_rounded)

    with ThreadPoolExecutor(_WORKERS) as pool:
        for _ in pool.map(copy_batch, batches):
            pass


def protect_files(root: Path, stamps: tuple[FileStamp, ...]) -> tuple[FileStamp, ...]:
    """Take everybody's right to write to the files of a tree; return the stamps they have then."""
    protected = []
    for stamp in stamps:
        if stat.S_ISREG(stamp.mode) and stamp.mode & _WRITABLE:
            mode = stamp.mode & ~_WRITABLE
            os.chmod(f"{root}/{stamp.path}", stat.S_IMODE(mode))  # noqa: PTH101 (hot path)
            protected.append(replace(stamp, mode=mode))
        else:
            protected.append(stamp)
    return tuple(protected)


def holds_exactly(root: Path, stamps: Iterable[FileStamp]) -> bool:
    """Return whether a tree has what ``stamps`` say and nothing else.

    Who may write to files and when directories were changed don't matter. Files that this process
    could write to don't count where they are linked from elsewhere.
    """
    expected = {stamp.path: _fingerprint(stamp) for stamp in stamps}
    try:
        found = {stamp.path: _fingerprint(stamp) for stamp in scan(root)}
    except OSError:
        return False
    return found == expected and not any(_is_open_link(f"{root}/{path}") for path in found)


def _fingerprint(stamp: FileStamp) -> tuple[object, ...]:
    if stat.S_ISDIR(stamp.mode):
        return ("directory",)
    mtime = stamp.mtime_ns if stat.S_ISREG(stamp.mode) else 0
    return stamp.mode | _WRITABLE, stamp.size, mtime, stamp.target


def _is_open_link(path: str) -> bool:
    status = os.stat(path, follow_symlinks=False)  # noqa: PTH116 (hot path)
    return stat.S_ISREG(status.st_mode) and status.st_nlink > 1 and _may_write(path)


def _may_write(path: str) -> bool:
    return os.access(path, os.W_OK, effective_ids=_ASKS_FOR_EFFECTIVE_IDS)


@contextmanager
def common_modes() -> Iterator[None]:
    """Make files that everybody may read, whatever the umask of the user who builds.

    What is built must run as any user. The umask is the whole process's: children inherit it.
    """
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def write_new(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that it is either whole and on disk, or not changed at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def exchange(first: Path, second: Path) -> bool:
    """Swap two paths in one atomic step; return False where the system can't."""
    import ctypes  # noqa: PLC0415 (only for a slug that replaces another)

    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    arguments = (_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    return bool(libc.renameat2(*arguments) == 0)


def digest_file(path: str) -> str:
    """Return the SHA-256 of a file's contents."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (hot path)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamp(item: "os.DirEntry[str]", path: str) -> FileStamp:
    status = item.stat(follow_symlinks=False)
    target = os.readlink(item.path) if stat.S_ISLNK(status.st_mode) else ""  # noqa: PTH115 (hot path)
    size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    return FileStamp(path, status.st_mode, size, status.st_mtime_ns, target)


def _make_directories_and_links(
    destination: Path, stamps: tuple[FileStamp, ...]
) -> list[FileStamp]:
    files = []
    for stamp in stamps:
        target = f"{destination}/{stamp.path}"
        if stat.S_ISDIR(stamp.mode):
            os.makedirs(target, exist_ok=True)  # noqa: PTH103 (hot path)
        elif stat.S_ISLNK(stamp.mode):
            _make_link(target, stamp.target)
        elif stat.S_ISREG(stamp.mode):
            files.append(stamp)
    return files


def _make_link(path: str, target: str) -> None:
    try:
        os.symlink(target, path)  # noqa: PTH211 (hot path)
    except FileExistsError:
        Path(path).unlink()
        Path(path).symlink_to(target)


def _copy_file(source: str, destination: str, stamp: FileStamp, *, may_be_rounded: bool) -> None:
    mode = stat.S_IMODE(stamp.mode) | stat.S_IWUSR
    read = _open_stamped(source, stamp, may_be_rounded=may_be_rounded)
    try:
        write = _open_new(destination, mode)
        try:
            _transfer(read, write, stamp.size)
            os.utime(write, ns=(stamp.mtime_ns, stamp.mtime_ns))
        finally:
            os.close(write)
    finally:
        os.close(read)


def _open_stamped(path: str, stamp: FileStamp, *, may_be_rounded: bool) -> int:
    # A file may have become a pipe since: opening that must not wait for a writer.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        is_link = error.errno == errno.ELOOP
        cause = "" if is_link else (error.strerror or str(error)).lower()
        raise CopyFailedError(path=path, cause=cause) from error
    status = os.fstat(descriptor)
    is_same = status.st_size == stamp.size and (
        status.st_mtime_ns == stamp.mtime_ns
        or (may_be_rounded and status.st_mtime_ns == rounded(stamp.mtime_ns))
    )
    if not stat.S_ISREG(status.st_mode) or not is_same:
        os.close(descriptor)
        raise CopyFailedError(path=path)
    return descriptor


def rounded(mtime_ns: int) -> int:
    """Return a time as archives keep it that know whole seconds only."""
    return mtime_ns // _SECOND * _SECOND


def linked_paths(one: Path, other: Path, stamps: tuple[FileStamp, ...]) -> frozenset[str]:
    """Return which files of one tree are the very same files (by inode) in another."""
    return frozenset(
        stamp.path
        for stamp in stamps
        if stat.S_ISREG(stamp.mode) and _inode(one, stamp.path) == _inode(other, stamp.path)
    )


def _inode(tree: Path, path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(f"{tree}/{path}", follow_symlinks=False)  # noqa: PTH116 (hot path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _lend(twin: Twin, destination: str, stamp: FileStamp) -> bool:
    """Link a file that is still what ``stamp`` says; return False where it isn't."""
    if twin.paths is not None and stamp.path not in twin.paths:
        return False
    lent = f"{twin.tree}/{stamp.path}"
    if twin.must_be_protected and _may_write(lent):
        return False
    try:
        status = os.stat(lent, follow_symlinks=False)  # noqa: PTH116 (hot path)
        found = (status.st_mode | _WRITABLE, status.st_size, status.st_mtime_ns)
        if found != (stamp.mode | _WRITABLE, stamp.size, stamp.mtime_ns):
            return False
        os.link(lent, destination, follow_symlinks=False)
    except OSError:
        return False
    return True


def _open_new(path: str, mode: int) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, mode)
    except FileExistsError:
        os.unlink(path)  # noqa: PTH108 (hot path)
        return os.open(path, flags, mode)


def _transfer(read: int, write: int, size: int) -> None:
    """Copy ``size`` bytes within the kernel, sharing blocks where the file system can."""
    while size > 0:
        try:
            copied = os.copy_file_range(read, write, size)
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}:
                raise
            copied = os.sendfile(write, read, None, size)
        if copied == 0:
            break
        size -= copied
