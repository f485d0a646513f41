"""uv: the app's project is described in pyproject.toml, and uv.lock pins what it needs."""

import re
from collections.abc import Mapping

from portside.detection.locks import locked_project
from portside.model.facts import DependencySource, PackageManager
from portside.model.source import Source

LOCK = "uv.lock"
# How uv writes where a package of the project's own comes from.
_LOCAL = re.compile(
    r"^source = \{ (editable|virtual|directory|path) = \"((?:[^\"\\]|\\.)*)\"", re.MULTILINE
)


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:  # noqa: ARG001 (the protocol)
    """Return the app's uv.lock and its project, None if it has no lock.

    Raises ``LockWithoutProjectError``.
    """
    return locked_project(source, PackageManager.UV, LOCK)


def local_packages(source: Source) -> tuple[tuple[str, str], ...]:
    """Return the kind and the path of each package that the lock takes from this machine.

    The kinds are uv's: ``editable``, ``virtual``, ``directory`` and ``path`` (an archive).
    """
    text = source.read(LOCK).decode("utf-8", "replace")
    return tuple((kind, path) for kind, path in _LOCAL.findall(text))
