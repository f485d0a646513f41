"""Lists the distributions that are installed in a directory; it never changes it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from portside.model.names import canonical
from portside.model.python_version import PythonVersion

_REQUIRES = r"(?m)^Requires-Dist: (.*[=<>~]=.*\d(?:a|b|c|rc|[._-]?dev).*)$"
# pip takes a prerelease for wanted where one of these names one.
_NAMING = frozenset({"==", "===", ">=", "<=", "~="})


def list_distributions(site_packages: Path) -> tuple[tuple[str, str], ...]:
    """Return the name and version of each distribution in a directory, sorted by name."""
    found = []
    for pattern in ("*.dist-info/METADATA", "*.egg-info/PKG-INFO"):
        for path in site_packages.glob(pattern):
            head = path.read_text("utf-8", "replace").split("\n\n", 1)[0]
            fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
            found.append((fields.get("Name", "").strip(), fields.get("Version", "").strip()))
    return tuple(sorted(found, key=lambda item: item[0].lower()))


def required_prereleases(site_packages: Path, python: PythonVersion) -> frozenset[str]:
    """Return the names that installed distributions ask prereleases of, but have none installed.

    What only extras ask for is left out.
    """
    version = {"python_version": str(python.series), "python_full_version": str(python)}
    found = []
    for path in site_packages.glob("*.dist-info/METADATA"):
        head = path.read_text("utf-8", "replace").split("\n\n", 1)[0]
        found += [item for text in re.findall(_REQUIRES, head) for item in _parsed(text)]
    wanted = named_prereleases(
        str(item)
        for item in found
        if item.marker is None or item.marker.evaluate({**version, "extra": ""})
    )
    installed = {canonical(name): version for name, version in list_distributions(site_packages)}
    return frozenset(name for name in wanted if not _is_prerelease("==", installed.get(name, "")))


def named_prereleases(requirements: Iterable[str]) -> frozenset[str]:
    """Return the names in requirements that ask for prereleases, by pip's rule."""
    return frozenset(
        canonical(item.name)
        for text in requirements
        for item in _parsed(text.partition(" --")[0])
        if any(_is_prerelease(spec.operator, spec.version) for spec in item.specifier)
    )


def _is_prerelease(operator: str, version: str) -> bool:
    try:
        return operator in _NAMING and Version(version.removesuffix(".*")).is_prerelease
    except InvalidVersion:
        return False


def _parsed(text: str) -> Iterator[Requirement]:
    try:
        yield Requirement(text)
    except InvalidRequirement:
        return
