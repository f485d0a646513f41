"""pylock.toml (PEP 751): a lock that any tool may have written, and any may install."""

import re
from collections.abc import Mapping

from portside.detection.documents import read_toml, value_at
from portside.detection.locks import refuse_conflicts
from portside.detection.pylock_files import DEFAULT_PYLOCK, pylock_files
from portside.model.errors.app import ManifestUndecidedError
from portside.model.errors.locks import LockInvalidError, LockTooNewError
from portside.model.errors.python_version import PythonVersionInvalidTomlError
from portside.model.facts import DependencySource, PackageManager
from portside.model.source import Source

_NEWEST = 1
_PACKAGES = b"\n[[packages]]"
# uv writes the command into the file.
_UV_COMMAND = re.compile(rb"^#    (uv [^\r\n]*)", re.MULTILINE)
_COMMANDS = {
    "pdm": "pdm export --format pylock --prod --output {}",
    "pip": "pip lock --output {} -r requirements.txt",
    "poetry": "poetry export --format pylock.toml --output {}",
}
_DEFAULT_COMMAND = "uv export --format pylock.toml --no-dev --output-file {}"


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:  # noqa: ARG001 (the protocol)
    """Return the app's lock, None if it has none.

    Raises ``LockInvalidError``, ``LockTooNewError``, and ``ManifestUndecidedError`` where there are
    several.
    """
    found = pylock_files(source)
    if len(found) > 1:
        raise ManifestUndecidedError(files=found, name=DEFAULT_PYLOCK)
    for lock in found:
        refuse_conflicts(source.read(lock), lock, command=_command(source, lock))
        _check_format(read_pylock(source, lock, is_head=True), source, lock)
        return DependencySource(PackageManager.PYLOCK, lock, lock, (lock,), f"there is a {lock}")
    return None


def read_pylock(source: Source, lock: str, *, is_head: bool = False) -> object:
    """Return what a pylock.toml says, or only what stands before its packages.

    Raises ``LockInvalidError``.
    """
    try:
        return read_toml(source, lock, until=_PACKAGES if is_head else None)
    except PythonVersionInvalidTomlError as error:
        cause = error.detail.removeprefix("The parser says: ")
        command = _command(source, lock)
        raise LockInvalidError(lock=lock, cause=cause, command=command) from error


def _check_format(head: object, source: Source, lock: str) -> None:
    """Refuse a major version that isn't known (PEP 751, lock-version)."""
    text = str(value_at(head, "lock-version") or "")
    major = text.partition(".")[0]
    if not major.isdecimal():
        cause = f"its lock-version is '{text}'" if text else "there is no lock-version in it"
        raise LockInvalidError(lock=lock, cause=cause, command=_command(source, lock))
    if int(major) > _NEWEST:
        tool = "the tool that wrote it"
        raise LockTooNewError(lock=lock, tool=tool, found=text, known=f"{_NEWEST}.0")


def _command(source: Source, lock: str) -> str:
    """Return what makes the lock anew: what it says itself, or what its writer usually takes."""
    head = source.read(lock).partition(_PACKAGES)[0]
    told = _UV_COMMAND.search(head)
    if told is not None:
        return told[1].decode("utf-8", "replace").strip()
    writer = re.search(rb"^created-by = [\"']([\w-]+)", head, re.MULTILINE)
    return _COMMANDS.get(writer[1].decode() if writer else "", _DEFAULT_COMMAND).format(lock)
