"""A requirements directory without a file of the usual names; it reads no project."""

import posixpath
import re
from collections.abc import Mapping

from portside.detection.package_managers.pip import read_manifest
from portside.detection.pylock_files import is_shipped
from portside.detection.requirements import decode
from portside.model.errors.app import ManifestUndecidedError
from portside.model.facts import DependencySource
from portside.model.source import Source

_DIRECTORY = "requirements"
_PRODUCTION = f"{_DIRECTORY}/production.txt"
# What is no list of distributions to install: limits of other files, and other systems' packages.
_OTHERS = {"apk", "apt", "conda", "constraint", "constraints", "system"}
_INCLUDED = re.compile(r"^\s*(?:-r|--requirement)[ =]*(\S+)", re.MULTILINE)
_NAME = r"[A-Za-z0-9][\w.-]*\s*(\[[^\]]*\])?\s*"
# What only a requirements file has, a merge's marks in one included: whatever else is in it.
_SURE = re.compile(rf"\s*(-[cefir] .*|--[a-z-]+\b.*|{_NAME}(===?|~=|[<>!]=|@).*|<{{7}}.*)")
_LINE = re.compile(rf"\s*(#.*|[\w+.-]+:.*|[./].*|{_NAME}([=<>!~;@(#\\].*)?)?")


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:
    """Return the only file there that isn't for development, None where there is none.

    What another one includes is part of that. Raises ``ManifestUndecidedError`` for several, and
    what ``read_requirements`` raises.
    """
    paths = (
        entry.path
        for entry in source.entries(_DIRECTORY)
        if entry.name.endswith(".txt") and _may_count(entry.name) and source.is_file(entry.path)
    )
    texts = {path: decode(source.read(path), file=path) for path in paths}
    texts = {path: text for path, text in texts.items() if _is_list(text.splitlines())}
    included = {
        posixpath.normpath(f"{_DIRECTORY}/{name}")
        for text in texts.values()
        for name in _INCLUDED.findall(text)
    }
    found = tuple(path for path in texts if path not in included)
    if len(found) > 1:
        raise ManifestUndecidedError(files=found, name=_PRODUCTION)
    return read_manifest(source, found[0], variables) if found else None


def _may_count(name: str) -> bool:
    return is_shipped(name) and _OTHERS.isdisjoint(re.split(r"[-_.]", name.lower()))


def _is_list(lines: list[str]) -> bool:
    """Return whether a file is a list of requirements rather than a text about some."""
    return any(map(_SURE.fullmatch, lines)) or all(map(_LINE.fullmatch, lines))
