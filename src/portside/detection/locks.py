"""Reads locks that have a table ``[metadata]`` and a list of ``[[package]]``: Poetry's and PDM's.

For the few lines that describe a lock as a whole a big lock is never parsed.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from portside.detection.documents import value_at
from portside.detection.project import PYPROJECT
from portside.model.errors.locks import LockInvalidError, LockWithoutProjectError
from portside.model.facts import DependencySource, PackageManager
from portside.model.source import Source

# The table's own lines and its subtables, up to what is listed: that is nearly all of a lock.
_METADATA = re.compile(
    rb"^\[metadata\][^\0]*?(?=^\[(?:\[?package|metadata\.files|metadata\.hashes)|\Z)", re.MULTILINE
)
_NO_METADATA = "there is no [metadata] in it, so it may have been cut off"
_START = b"\n[metadata]"
# What Git leaves in a file that it couldn't merge. They are looked for one by one, since a pattern
# takes as long as all else in detection.
MERGE_MARKS = ("<<<<<<<", "=======", ">>>>>>>")


def locked_project(source: Source, manager: PackageManager, lock: str) -> DependencySource | None:
    """Return the project that a lock beside a pyproject.toml pins, None where there is no lock.

    Raises ``LockWithoutProjectError``, and ``LockInvalidError`` for one with a merge's marks in it.
    """
    if not source.is_file(lock):
        return None
    if not source.is_file(PYPROJECT):
        raise LockWithoutProjectError(lock=lock, project=PYPROJECT)
    refuse_conflicts(source.read(lock), lock, command=f"{manager.value} lock")
    return DependencySource(
        manager=manager,
        manifest=PYPROJECT,
        lock=lock,
        files=(lock, PYPROJECT),
        reason=f"there is a {lock}",
    )


class LockTables(Struct, frozen=True):
    """A whole lock: what describes it, and its entries."""

    metadata: Mapping[str, object]
    entries: tuple[Mapping[str, object], ...]


def read_lock_tables(source: Source, lock: str, *, command: str) -> LockTables:
    """Return what a lock says. Raises ``LockInvalidError`` and ``SourceUnreadableError``."""
    raw = source.read(lock)
    refuse_conflicts(raw, lock, command=command)
    data = _parse(raw, lock, command=command)
    metadata, found = data.get("metadata"), data.get("package", [])
    if not isinstance(metadata, dict):
        raise LockInvalidError(lock=lock, cause=_NO_METADATA, command=command)
    entries = tuple(found) if isinstance(found, list) else ()
    if not all(isinstance(item, dict) and "name" in item for item in entries):
        cause = "every [[package]] must be a table with a name"
        raise LockInvalidError(lock=lock, cause=cause, command=command)
    return LockTables(metadata, entries)


def file_hashes(files: object) -> Iterator[str]:
    """Yield the hashes in a list of files, as entries and older formats' metadata have it."""
    for file in files if isinstance(files, list) else ():
        digest = value_at(file, "hash")
        if isinstance(digest, str):
            yield digest


def read_lock_metadata(source: Source, lock: str, *, command: str) -> Mapping[str, object]:
    """Return the table ``[metadata]`` of a lock, wherever in the lock it stands.

    ``command`` is what makes the lock anew. Raises ``LockInvalidError`` for a lock that isn't
    whole, or isn't TOML there.
    """
    data = b"\n" + source.read(lock).removeprefix(b"\xef\xbb\xbf")
    start = data.rfind(_START)
    found = _METADATA.search(data, max(start, 0) + 1)
    if start < 0 or found is None:
        raise LockInvalidError(lock=lock, cause=_NO_METADATA, command=command)
    table = _parse(found[0], lock, command=command).get("metadata")
    return {str(key): value for key, value in table.items()} if isinstance(table, dict) else {}


def _parse(data: bytes, lock: str, *, command: str) -> Mapping[str, object]:
    """Return what a lock, or a part of one, says. Raises ``LockInvalidError``."""
    import tomllib  # noqa: PLC0415 (start-up time: only apps with a lock need it)

    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LockInvalidError(lock=lock, cause=str(error), command=command) from error


def refuse_conflicts(data: bytes, lock: str, *, command: str) -> None:
    """Raise ``LockInvalidError`` for a lock that has the marks of a merge in it."""
    cause = find_conflict(data)
    if cause:
        raise LockInvalidError(lock=lock, cause=cause, command=command)


def find_conflict(data: bytes) -> str:
    """Return where a merge left its marks in a file, "" where there are none."""
    lines = b"\n" + data
    starts = [start for mark in MERGE_MARKS if (start := lines.find(f"\n{mark}".encode())) >= 0]
    if not starts:
        return ""
    start = min(starts)
    line = lines.count(b"\n", 0, start) + 1
    mark = lines[start:].split(b"\n", 2)[1].decode("utf-8", "replace").strip()
    return f"line {line} is what a merge left: {mark}"
