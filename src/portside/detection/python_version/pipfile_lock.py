"""The Python version in Pipfile.lock's ``_meta.requires``; it reads no dependency."""

from portside.detection.documents import value_at
from portside.detection.python_version.versions import parse_version
from portside.model.errors.dependencies import PipfileLockInvalidJsonError
from portside.model.errors.python_version import PipfileLockInvalidVersionError
from portside.model.python_version import Origin, RequestedPython
from portside.model.source import Source

FILE = "Pipfile.lock"
_FIELDS = ("python_full_version", "python_version")


def read_pipfile_lock(source: Source) -> RequestedPython | None:
    """Return the version in Pipfile.lock; None where it, or the file, isn't there.

    Raises ``PipfileLockInvalidJsonError`` and ``PipfileLockInvalidVersionError``.
    """
    return parse_pipfile_lock(source.read(FILE)) if source.is_file(FILE) else None


def parse_pipfile_lock(contents: bytes) -> RequestedPython | None:
    """Return the version in ``contents``, the full one before the series; None without either."""
    data = _parse_object(contents)
    for field in _FIELDS:
        value = value_at(data, "_meta", "requires", field)
        if value is not None:
            return _parse_field(field, value)
    return None


def _parse_object(contents: bytes) -> object:
    import json  # noqa: PLC0415 (start-up time: only Pipenv's apps have the file)

    try:
        data: object = json.loads(contents)
    except (ValueError, RecursionError) as error:
        raise PipfileLockInvalidJsonError(cause=str(error)) from error
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
