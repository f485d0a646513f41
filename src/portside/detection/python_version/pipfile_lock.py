"""The Python version in Pipfile.lock's ``_meta.requires``, or the Pipfile's; no dependency."""

import re

from portside.detection.documents import value_at
from portside.detection.locks import find_conflict
from portside.detection.python_version.versions import parse_version
from portside.model.errors.dependencies import PipfileInvalidError, PipfileLockInvalidJsonError
from portside.model.errors.python_version import PipfileLockInvalidVersionError
from portside.model.facts import Notice
from portside.model.python_version import Origin, RequestedPython
from portside.model.source import Source

FILE = "Pipfile.lock"
_PIPFILE = "Pipfile"
# What Pipenv takes for whichever there is, and how a range begins (PEP 440).
_ANY = re.compile(r"\*|3(\.\*)?")
_RANGE = re.compile(r"[<>=!~]")
_FIELDS = ("python_full_version", "python_version")


def read_pipfile_lock(source: Source) -> RequestedPython | None:
    """Return the version in Pipfile.lock, or in a Pipfile without one; None where neither says it.

    Raises ``PipfileLockInvalidJsonError``, ``PipfileLockInvalidVersionError`` and
    ``PipfileInvalidError``.
    """
    if source.is_file(FILE):
        return parse_pipfile_lock(source.read(FILE))
    return _read_pipfile(source) if source.is_file(_PIPFILE) else None


def note_outranked(source: Source, requested: RequestedPython) -> tuple[Notice, ...]:
    """Return a warning where another file decides for a Python that the lock wasn't made for.

    Pipenv warns of that, too. Raises ``PipfileLockInvalidJsonError``.
    """
    if requested.origin.name == FILE or not source.is_file(FILE):
        return ()
    try:
        locked = read_pipfile_lock(source)
    except PipfileLockInvalidVersionError:
        return ()
    if locked is None or locked.series == requested.series:
        return ()
    return (
        Notice(
            "pipfile-lock::other-python",
            f"{FILE} was made for Python {locked}, but {requested.origin.name} decides for "
            f"{requested}.",
            f"Name {requested.series} as the python_version below [requires] in your Pipfile, and "
            "run:\n    pipenv lock",
        ),
    )


def parse_pipfile_lock(contents: bytes) -> RequestedPython | None:
    """Return the version in ``contents``, the full one before the series; None without either."""
    data = _parse_object(contents)
    for field in _FIELDS:
        value = value_at(data, "_meta", "requires", field)
        if value is not None:
            return _parse_field(field, value)
    return None


def read_pipfile_range(source: Source) -> tuple[str, str] | None:
    """Return the range in a Pipfile's [requires] and its field; raise ``PipfileInvalidError``."""
    field, text = _required(source)
    return (text, field) if _RANGE.match(text) else None


def _read_pipfile(source: Source) -> RequestedPython | None:
    field, text = _required(source)
    if not text or _ANY.fullmatch(text) or _RANGE.match(text):
        return None
    version = parse_version(text, Origin(_PIPFILE, field=field))
    if version is None:
        raise PipfileInvalidError(cause=f"its {field} '{text}' isn't a Python version")
    return version


def _required(source: Source) -> tuple[str, str]:
    from portside.detection.package_managers.pipenv import read_pipfile  # noqa: PLC0415 (few have one)

    requires = read_pipfile(source).get("requires")
    found = ((f"requires.{name}", value_at(requires, name)) for name in _FIELDS)
    return next(((field, str(value)) for field, value in found if value is not None), ("", ""))


def _parse_object(contents: bytes) -> object:
    import json  # noqa: PLC0415 (start-up time: only Pipenv's apps have the file)

    try:
        data: object = json.loads(contents)
    except (ValueError, RecursionError) as error:
        cause = find_conflict(contents) or str(error)
        raise PipfileLockInvalidJsonError(cause=cause) from error
    if not isinstance(data, dict):
        raise PipfileLockInvalidJsonError(cause="the file holds no object ('{…}')")
    return data


def _parse_field(field: str, value: object) -> RequestedPython:
    text = str(value)
    origin = Origin(FILE, field=f"_meta.requires.{field}")
    version = parse_version(text, origin) if isinstance(value, str) else None
    if version is None:
        raise PipfileLockInvalidVersionError(field=field, text=text)
    return version
