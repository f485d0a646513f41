"""Reads the few lines that describe a lock as a whole; a big lock is never parsed for them."""

import re
from collections.abc import Mapping

from portside.model.errors.locks import LockInvalidError
from portside.model.source import Source

# The table's own lines and its subtables, up to what is listed: that is nearly all of a lock.
_METADATA = re.compile(
    rb"^\[metadata\][^\0]*?(?=^\[(?:\[?package|metadata\.files|metadata\.hashes)|\Z)", re.MULTILINE
)
_START = b"\n[metadata]"
# What Git leaves in a file that it couldn't merge. They are looked for one by one, since a pattern
# takes as long as all else in detection.
_MARKS = (b"\n<<<<<<<", b"\n=======", b"\n>>>>>>>")


def read_lock_metadata(source: Source, lock: str, *, command: str) -> Mapping[str, object]:
    """Return the table ``[metadata]`` of a lock, wherever in the lock it stands.

    ``command`` is what makes the lock anew. Raises ``LockInvalidError`` for a lock that isn't
    whole, has the marks of a merge in it, or isn't TOML there.
    """
    data = b"\n" + source.read(lock).removeprefix(b"\xef\xbb\xbf")
    refuse_conflicts(data, lock, command=command)
    start = data.rfind(_START)
    found = _METADATA.search(data, max(start, 0) + 1)
    if start < 0 or found is None:
        cause = "there is no [metadata] in it, so it may have been cut off"
        raise LockInvalidError(lock=lock, cause=cause, command=command)
    table = parse_lock(found[0], lock, command=command).get("metadata")
    return {str(key): value for key, value in table.items()} if isinstance(table, dict) else {}


def parse_lock(data: bytes, lock: str, *, command: str) -> Mapping[str, object]:
    """Return what a lock, or a part of one, says. Raises ``LockInvalidError``."""
    import tomllib  # noqa: PLC0415 (start-up time: only apps with a lock need it)

    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LockInvalidError(lock=lock, cause=str(error), command=command) from error


def refuse_conflicts(data: bytes, lock: str, *, command: str) -> None:
    """Raise ``LockInvalidError`` for a lock that has the marks of a merge in it.

    ``data`` is what the lock holds, with an empty line before it.
    """
    starts = [start for mark in _MARKS if (start := data.find(mark)) >= 0]
    if starts:
        start = min(starts)
        line = data.count(b"\n", 0, start) + 1
        mark = data[start:].split(b"\n", 2)[1].decode("utf-8", "replace").strip()
        cause = f"line {line} is what a merge left: {mark}"
        raise LockInvalidError(lock=lock, cause=cause, command=command)
