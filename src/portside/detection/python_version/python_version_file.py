"""The .python-version file, and files that are meant as one; it reads nothing else."""

import codecs
import re

from msgspec.structs import replace

from portside.detection.python_version.versions import parse_version
from portside.model.errors.python_version import (
    PythonVersionFileInvalidEncodingError,
    PythonVersionFileInvalidVersionError,
    PythonVersionFileMisspelledError,
    PythonVersionFileMultipleVersionsError,
    PythonVersionFileNoVersionError,
)
from portside.model.python_version import Origin, RequestedPython
from portside.model.source import Source, above

FILE = ".python-version"

# Editors' own copies (".python-version~", "#.python-version#", ".bak") aren't meant as the file,
# and "python_version.py" without a leading mark is an ordinary module.
_MARKS = "[^a-z0-9~#]*"
_MISSPELT = re.compile(
    rf"{_MARKS}python[^a-z0-9]*versions?{_MARKS}(?:(?:txt|text|rtf|docx?|py){_MARKS})?"
)
_MODULE = re.compile(r"[a-z][a-z_-]*\.py")

# The longer marks first: UTF-32's little-endian mark starts with UTF-16's.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "UTF-8 with a byte order mark"),
    (codecs.BOM_UTF32_LE, "UTF-32 (little-endian)"),
    (codecs.BOM_UTF32_BE, "UTF-32 (big-endian)"),
    (codecs.BOM_UTF16_LE, "UTF-16 (little-endian)"),
    (codecs.BOM_UTF16_BE, "UTF-16 (big-endian)"),
)


def read_python_version_file(source: Source) -> RequestedPython | None:
    """Return the version that .python-version names; None where there is no such file.

    Raises ``PythonVersionFileMisspelledError`` even where a correct file is there too, and the
    other ``PythonVersionFile…`` errors about the contents.
    """
    for entry in source.entries():
        if not entry.is_dir and is_misspelt(entry.name):
            raise PythonVersionFileMisspelledError(name=entry.name)
    return parse_python_version_file(source.read(FILE)) if source.is_file(FILE) else None


def read_version_above(source: Source) -> RequestedPython | None:
    """Return the version that the nearest .python-version above the app names, in its source root.

    Raises the errors about the contents of such a file.
    """
    for directory, _ in above(source):
        path = f"{directory}/{FILE}"
        if source.is_file(path):
            found = parse_python_version_file(source.read(path))
            return replace(found, origin=replace(found.origin, name=path))
    return None


def is_misspelt(name: str) -> bool:
    """Return whether a file called ``name`` seems to be meant as .python-version."""
    lower = name.lower()
    if name == FILE or _MODULE.fullmatch(lower):
        return False
    return _MISSPELT.fullmatch(lower) is not None


def parse_python_version_file(contents: bytes) -> RequestedPython:
    """Return the one version in ``contents``; raise a ``PythonVersionFile…`` error otherwise."""
    lines = enumerate(_decode(contents).splitlines(), start=1)
    versions = [
        _parse_line(text.strip(), number)
        for number, text in lines
        if text.strip() and not text.strip().startswith("#")
    ]
    if not versions:
        raise PythonVersionFileNoVersionError
    if len(versions) > 1:
        raise PythonVersionFileMultipleVersionsError(versions=tuple(map(str, versions)))
    return versions[0]


def _parse_line(text: str, number: int) -> RequestedPython:
    version = parse_version(text, Origin(FILE, line=number))
    if version is None:
        raise PythonVersionFileInvalidVersionError(line=number, text=text)
    return version


def _decode(contents: bytes) -> str:
    encoding = _foreign_encoding(contents)
    if encoding is not None:
        raise PythonVersionFileInvalidEncodingError(encoding=encoding)
    return contents.decode("utf-8")


def _foreign_encoding(contents: bytes) -> str | None:
    """Return the name of the encoding; None where it is plain UTF-8."""
    for mark, name in _BYTE_ORDER_MARKS:
        if contents.startswith(mark):
            return name
    if b"\0" in contents:  # Windows tools write UTF-16 without a mark as well
        return _without_mark(contents)
    try:
        contents.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"unknown (byte 0x{contents[error.start]:02x} isn't valid UTF-8)"
    return None


def _without_mark(contents: bytes) -> str:
    if b"\0" not in contents[::2]:
        return "UTF-16 (little-endian)"
    if b"\0" not in contents[1::2]:
        return "UTF-16 (big-endian)"
    return "binary data"
