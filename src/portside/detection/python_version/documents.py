"""What the version files share: parsing a version, and looking into TOML; it chooses nothing."""

import re

from portside.model.errors.python_version import PythonVersionInvalidTomlError
from portside.model.python_version import Origin, RequestedPython, Series
from portside.model.source import Source

_NUMBER = "(0|[1-9][0-9]{0,4})"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}(?:\.{_NUMBER})?")


def parse_version(text: str, origin: Origin) -> RequestedPython | None:
    """Return the Python that ``text`` ("3.12", "3.12.7") asks for; None where it isn't that.

    Leading zeros are refused: "3.09" would silently become 3.9.
    """
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    major, minor, patch = match.groups()
    return RequestedPython(
        Series(int(major), int(minor)), None if patch is None else int(patch), origin
    )


def read_toml(source: Source, file: str, *, until: bytes | None = None) -> object:
    """Return the contents of a TOML file, None where there is no such file.

    A byte order mark is passed over, as uv and mise do. Of a big file only what stands before
    ``until`` need be parsed.

    Raises ``PythonVersionInvalidTomlError``, or ``SourceUnreadableError`` of the source.
    """
    if not source.is_file(file):
        return None
    import tomllib  # noqa: PLC0415 (start-up time: most apps have no TOML file)

    try:
        data = source.read(file)
        data = data if until is None else data.partition(until)[0]
        return tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise PythonVersionInvalidTomlError(file=file, cause=str(error)) from error


def value_at(data: object, *keys: str) -> object:
    """Return what nested tables hold below ``keys``; None where the way isn't there."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data
