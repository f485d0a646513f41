"""The version managers' files .tool-versions (asdf, mise) and mise.toml; it reads no other tool's.

https://mise.jdx.dev/configuration.html has the places, and the versions that aren't numbers.
"""

import codecs
import re

from portside.detection.documents import read_toml, value_at
from portside.detection.python_version.versions import parse_version
from portside.model.errors.python_version import ToolVersionsInvalidVersionError
from portside.model.policy import PythonPolicy
from portside.model.python_version import Origin, RequestedPython
from portside.model.source import Source

ASDF_FILE = ".tool-versions"
# In mise's own order. Its local files (mise.local.toml) are a developer's, not the app's.
MISE_FILES = (
    "mise.toml",
    ".mise.toml",
    "mise/config.toml",
    ".mise/config.toml",
    ".config/mise.toml",
    ".config/mise/config.toml",
)

# The developer's own Python is wanted, which says nothing about the version.
_SYSTEM = "system"
_LATEST = "latest"
# "The newest version that starts so", which a series means anyway.
_PREFIX = "prefix:"
_MAJOR = re.compile("[1-9][0-9]{0,2}")


def read_tool_versions(source: Source, policy: PythonPolicy) -> RequestedPython | None:
    """Return the version these files name, .tool-versions first; None where none does.

    ``latest`` and a major version stand for the newest supported series of it; older ones will
    do as well. Raises ``ToolVersionsInvalidVersionError`` and ``PythonVersionInvalidTomlError``.
    """
    found = _read_asdf(source, policy)
    for file in MISE_FILES:
        found = found or parse_mise(read_toml(source, file), file, policy)
    return found


def _read_asdf(source: Source, policy: PythonPolicy) -> RequestedPython | None:
    if not source.is_file(ASDF_FILE):
        return None
    return parse_tool_versions(_decode(source.read(ASDF_FILE)), policy)


def _decode(contents: bytes) -> str:
    """Decode what Windows tools write too: taken for UTF-8 it would silently name no version."""
    is_utf_16 = contents.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return contents.decode("utf-16" if is_utf_16 else "utf-8-sig", "replace")


def parse_tool_versions(text: str, policy: PythonPolicy) -> RequestedPython | None:
    """Return the first version on the line of ``python``; None where there is no such line."""
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if words[:1] == ["python"]:
            return _parse(" ".join(words[1:2]), Origin(ASDF_FILE, line=number), policy)
    return None


def parse_mise(data: object, file: str, policy: PythonPolicy) -> RequestedPython | None:
    """Return the version of ``tools.python``: a string, a table with one, or a list of these."""
    value = value_at(data, "tools", "python")
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value_at(value, "version")
    if value is None:
        return None
    origin = Origin(file, field="tools.python")
    if not isinstance(value, str):
        raise ToolVersionsInvalidVersionError(origin=origin, text=f"{value} (without quotes)")
    return _parse(value, origin, policy)


def _parse(text: str, origin: Origin, policy: PythonPolicy) -> RequestedPython | None:
    wanted = text.removeprefix(_PREFIX)
    version = parse_version(wanted, origin) or _newest(wanted, origin, policy)
    if version is None and text != _SYSTEM:
        raise ToolVersionsInvalidVersionError(origin=origin, text=text)
    return version


def _newest(text: str, origin: Origin, policy: PythonPolicy) -> RequestedPython | None:
    """Return the newest supported series that ``latest`` or a major version stands for."""
    if text != _LATEST and not _MAJOR.fullmatch(text):
        return None
    fitting = [one for one in policy.supported if text in (_LATEST, str(one.major))]
    if not fitting:
        return None
    return RequestedPython(fitting[0], None, origin, tuple(fitting[1:]))
