"""Reads TOML files of an app and looks into them; what is returned must not be changed."""

from functools import lru_cache

from portside.model.errors.python_version import PythonVersionInvalidTomlError
from portside.model.source import Source


def read_toml(source: Source, file: str, *, until: bytes | None = None) -> object:
    """Return the contents of a TOML file, None where there is no such file.

    A byte order mark is passed over, as uv and mise do. Of a big file only what stands before
    ``until`` need be parsed.

    Raises ``PythonVersionInvalidTomlError``, or ``SourceUnreadableError`` of the source.
    """
    if not source.is_file(file):
        return None
    data = source.read(file)
    try:
        return _parse(data if until is None else data.partition(until)[0])
    except (ValueError, RecursionError) as error:
        raise PythonVersionInvalidTomlError(file=file, cause=str(error)) from error


def value_at(data: object, *keys: str) -> object:
    """Return what nested tables hold below ``keys``; None where the way isn't there."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


# Several questions are asked of one pyproject.toml, each by a module of its own.
@lru_cache(maxsize=8)
def _parse(data: bytes) -> object:
    import tomllib  # noqa: PLC0415 (start-up time: most apps have no TOML file)

    return tomllib.loads(data.decode("utf-8-sig"))
