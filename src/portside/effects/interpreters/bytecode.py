"""Makes an interpreter's own bytecode valid whatever the time stamps of its sources are."""

import contextlib
import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from portside.effects.process import Command, ProcessRunner

_HEADER = struct.Struct("<4sI8s")
_TIMESTAMP = struct.Struct("<II")
_BY_TIMESTAMP, _UNCHECKED, _CHECKED = 0b00, 0b01, 0b11
_32_BITS = 0xFFFFFFFF
# The hash of a source depends on the interpreter's magic number, so the target computes it.
_DESCRIBE = """
import importlib.util, json, os, sys
hashes = {}
for directory, _, names in os.walk(sys.argv[1]):
    for name in names:
        if name.endswith(".py"):
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                hashes[path] = importlib.util.source_hash(file.read()).hex()
magic = importlib.util.MAGIC_NUMBER.hex()
print(json.dumps({"magic": magic, "tag": sys.implementation.cache_tag, "hashes": hashes}))
"""


class BytecodeError(Exception):
    """The interpreter didn't tell what its bytecode has to look like."""


class _Target(Struct, frozen=True):
    """What the target's bytecode looks like; ``hashes`` is by the absolute path of a source."""

    magic: bytes
    tag: str
    hashes: dict[str, bytes]

    def bytecode_path(self, source: str) -> str:
        directory, name = os.path.split(source)
        return f"{directory}/__pycache__/{name.removesuffix('.py')}.{self.tag}.pyc"


def convert_bytecode(directory: Path, executable: Path, runner: ProcessRunner) -> list[str]:
    """Make the bytecode below ``directory`` such that it is never checked against its source.

    Returns the sources, relative to ``directory``, that have no valid bytecode and are still to
    be compiled. Files are replaced, never written to. Raises ``BytecodeError``,
    ``CouldNotStartError`` and ``OSError``.
    """
    if not any(path.endswith(".pyc") for path in _files(directory)):
        # Interpreters to download come without; asking them for hashes would only take time.
        found = [path for path in _files(directory) if path.endswith(".py")]
        return sorted(os.path.relpath(path, directory) for path in found)
    target = _describe(directory, executable, runner)
    missing = [
        os.path.relpath(source, directory)
        for source, source_hash in sorted(target.hashes.items())
        if not _convert(source, target.bytecode_path(source), target.magic, source_hash)
    ]
    _remove_orphans(directory, target)
    return missing


def _files(directory: Path) -> Iterator[str]:
    for parent, _, names in os.walk(directory):
        for name in names:
            yield f"{parent}/{name}"


def _describe(directory: Path, executable: Path, runner: ProcessRunner) -> _Target:
    argv = (str(executable), "-I", "-S", "-B", "-c", _DESCRIBE, str(directory))
    answer = runner.capture(Command(argv, directory, {}))
    try:
        facts: object = json.loads(answer.stdout)
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or answer.exit_status != 0:
        raise BytecodeError(f"{executable}: {answer.stderr.strip()[-500:]}")
    hashes: object = facts.get("hashes")
    return _Target(
        bytes.fromhex(str(facts.get("magic"))),
        str(facts.get("tag")),
        {str(path): bytes.fromhex(str(value)) for path, value in hashes.items()}
        if isinstance(hashes, dict)
        else {},
    )


def _convert(source: str, bytecode: str, magic: bytes, source_hash: bytes) -> bool:
    """Make valid bytecode unchecked; remove what isn't valid. Return whether it is there."""
    try:
        with open(bytecode, "rb") as file:  # noqa: PTH123 (hot path)
            data = file.read()
    except FileNotFoundError:
        return False
    flags = _valid_flags(data, source, magic, source_hash)
    if flags is None:
        os.unlink(bytecode)  # noqa: PTH108 (hot path)
    elif flags != _UNCHECKED:
        header = _HEADER.pack(magic, _UNCHECKED, source_hash)
        _replace(bytecode, header + data[_HEADER.size :])
    return flags is not None


def _valid_flags(data: bytes, source: str, magic: bytes, source_hash: bytes) -> int | None:
    """Return the flags of bytecode that fits its source, or None."""
    if len(data) <= _HEADER.size:
        return None
    actual_magic, flags, stamp = _HEADER.unpack_from(data)
    if actual_magic != magic or flags not in (_BY_TIMESTAMP, _UNCHECKED, _CHECKED):
        return None
    status = os.stat(source)  # noqa: PTH116 (hot path)
    expected = source_hash
    if flags == _BY_TIMESTAMP:
        expected = _TIMESTAMP.pack(int(status.st_mtime) & _32_BITS, status.st_size & _32_BITS)
    return flags if stamp == expected else None


def _replace(path: str, data: bytes) -> None:
    """Put a new file in the place of another."""
    temporary = f"{path}.{os.getpid()}"
    try:
        with open(temporary, "xb") as file:  # noqa: PTH123 (hot path)
            file.write(data)
            os.fchmod(file.fileno(), 0o644)
        os.replace(temporary, path)  # noqa: PTH105 (hot path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108 (hot path)
        raise


def _remove_orphans(directory: Path, target: _Target) -> None:
    """Remove cached bytecode that the target would never load, or only if it was checked."""
    wanted = {target.bytecode_path(source) for source in target.hashes}
    for path in _files(directory):
        if path.endswith(".pyc") and "/__pycache__/" in path and path not in wanted:
            os.unlink(path)  # noqa: PTH108 (hot path)
