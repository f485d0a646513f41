"""Poetry: reads poetry.lock in all its formats, and checks it as Poetry does.

Locks from 2.1 on say of every entry which groups and markers it is for; older ones are followed
from the project's own dependencies on.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from portside.detection.documents import value_at
from portside.detection.locks import (
    file_hashes,
    locked_project,
    read_lock_metadata,
    read_lock_tables,
)
from portside.detection.package_managers.lock_graph import Node, follow
from portside.detection.package_managers.markers import holds
from portside.detection.package_managers.poetry_project import (
    MAIN,
    PYPROJECT,
    PoetryProject,
    read_poetry_project,
    read_wishes,
)
from portside.detection.python_version.requires_python import convert_poetry
from portside.model.errors.locks import (
    LockInvalidError,
    LockOutdatedError,
    LockTooNewError,
)
from portside.model.facts import DependencySource, Notice, NoticeLevel, PackageManager
from portside.model.locked import IndexSource, LockedDistribution
from portside.model.names import canonical
from portside.model.source import Source

LOCK = "poetry.lock"
PYPI = "pypi"
_COMMAND = "poetry lock"
# The formats that can be read, and the first that names groups and markers.
_KNOWN = ((1, 0), (2, 1))
_FORMATS = "1.0 to 2.1"
_WITH_GROUPS = (2, 1)
_LOCAL = re.compile(rb"^type = \"(directory|file)\"\r?$", re.MULTILINE)
_WRITER = re.compile(r"\bPoetry (\d+)\.(\d+)")


class PoetryLock(Struct, frozen=True):
    """A poetry.lock. ``writer`` is the version of Poetry that wrote it, where it says so."""

    entries: tuple[Mapping[str, object], ...]
    metadata: Mapping[str, object]
    writer: tuple[int, int] | None

    @property
    def sources(self) -> tuple[IndexSource, ...]:
        """Return the indexes that entries come from, PyPI apart."""
        found = {}
        for item in self.entries:
            if value_at(item, "source", "type") == "legacy":
                name = str(value_at(item, "source", "reference"))
                found[name] = IndexSource(name, str(value_at(item, "source", "url")))
        return tuple(found.values())

    def entry(self, item: Mapping[str, object]) -> LockedDistribution:
        """Return what an entry pins."""
        name = canonical(str(item.get("name", "")))
        source = item.get("source")
        kind, url = value_at(source, "type"), str(value_at(source, "url") or "")
        hashes = tuple(self._hashes(item)) if kind not in {"git", "directory"} else ()
        if kind == "git":
            return LockedDistribution(
                name,
                vcs="git",
                location=url,
                ref=str(value_at(source, "resolved_reference") or ""),
                subdirectory=str(value_at(source, "subdirectory") or ""),
                editable=item.get("develop") is True,
            )
        if kind in {"directory", "file", "url"}:
            # A dot alone would be no path for what reads it.
            location = url if url != "." else "./"
            editable = kind == "directory" and item.get("develop") is True
            return LockedDistribution(name, hashes=hashes, location=location, editable=editable)
        index = str(value_at(source, "reference")) if kind == "legacy" else PYPI
        return LockedDistribution(name, f"=={item.get('version')}", hashes, index=index)

    def _hashes(self, item: Mapping[str, object]) -> Iterator[str]:
        """Yield an entry's hashes, which older formats keep at the end of the lock."""
        found = item.get("files")
        if found is None:
            found = value_at(self.metadata, "files", str(item.get("name")))
        if found is None:
            bare = value_at(self.metadata, "hashes", str(item.get("name")))
            yield from (f"sha256:{text}" for text in bare) if isinstance(bare, list) else ()
        yield from file_hashes(found)


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:  # noqa: ARG001 (the protocol)
    """Return the app's poetry.lock and its project, None if it has no lock.

    Raises ``LockInvalidError`` and ``LockWithoutProjectError``.
    """
    found = locked_project(source, PackageManager.POETRY, LOCK)
    if found is None:
        return None
    version = _format(read_lock_metadata(source, LOCK, command=_COMMAND))
    return replace(found, notices=tuple(_notices(read_poetry_project(source), version)))


def read_poetry_lock(source: Source) -> PoetryLock:
    """Read the poetry.lock. Raises ``LockInvalidError`` and ``SourceUnreadableError``."""
    tables = read_lock_tables(source, LOCK, command=_COMMAND)
    _format(tables.metadata)
    first = source.read(LOCK).partition(b"\n")[0].decode("utf-8", "replace")
    writer = _WRITER.search(first)
    return PoetryLock(
        tables.entries, tables.metadata, (int(writer[1]), int(writer[2])) if writer else None
    )


def local_packages(source: Source) -> tuple[LockedDistribution, ...]:
    """Return the archives and projects on this machine that the lock names.

    A lock without any, as most are, isn't parsed. Raises ``LockInvalidError``.
    """
    if not _LOCAL.search(source.read(LOCK)):
        return ()
    lock = read_poetry_lock(source)
    return tuple(entry for entry in map(lock.entry, lock.entries) if entry.is_path)


def check_poetry_lock(lock: PoetryLock, project: PoetryProject) -> None:
    """Raise ``LockOutdatedError`` where the lock isn't that of the project."""
    if lock.metadata.get("content-hash") not in project.content_hashes(lock.writer):
        raise LockOutdatedError(lock=LOCK, project=PYPROJECT, command=_COMMAND)


def select(
    lock: PoetryLock,
    project: PoetryProject,
    environment: Mapping[str, str],
    groups: frozenset[str] = frozenset({MAIN}),
    extras: frozenset[str] = frozenset(),
) -> tuple[LockedDistribution, ...]:
    """Return what Poetry installs of these groups and extras. Raises ``LockInvalidError``."""
    try:
        if _format(lock.metadata) < _WITH_GROUPS:
            nodes = (_node(lock, item) for item in lock.entries)
            return follow(nodes, project.wishes(groups), environment, extras)
        return tuple(
            lock.entry(item)
            for item in lock.entries
            if any(
                group in groups and holds(marker, environment, extras)
                for group, marker in _group_markers(item)
            )
        )
    except ValueError as error:
        raise _invalid(str(error)) from error


def _group_markers(item: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield each group of an entry and its marker there; one marker may be for all of them."""
    found, groups = item.get("markers", ""), item.get("groups", [])
    for group in groups if isinstance(groups, list) else ():
        marker = found.get(group, "") if isinstance(found, dict) else found
        yield canonical(str(group)), str(marker)


def _node(lock: PoetryLock, item: Mapping[str, object]) -> Node:
    needs, extras = item.get("dependencies"), item.get("extras")
    named = {
        canonical(str(extra)): frozenset(_named(text) for text in texts)
        for extra, texts in (extras.items() if isinstance(extras, dict) else ())
    }
    pythons = convert_poetry(str(item.get("python-versions", "*"))) or ""
    return Node(
        entry=lock.entry(item),
        version=str(item.get("version", "0")),
        pythons=tuple(pythons.split("||")) if pythons else (),
        wishes=tuple(read_wishes(needs if isinstance(needs, dict) else {}, named)),
    )


def _named(requirement: object) -> str:
    """Return whom a requirement names, in one of the several spellings of older locks."""
    return canonical(re.split(r"[\s\[(;<>=!~@]", str(requirement).strip(), maxsplit=1)[0])


def _format(metadata: Mapping[str, object]) -> tuple[int, int]:
    text = metadata.get("lock-version")
    match = re.fullmatch(r"(\d+)\.(\d+)(?:\.\d+)?", str(text))
    if match is None:
        raise _invalid("its [metadata] has no lock-version")
    version = int(match[1]), int(match[2])
    if version >= (_KNOWN[1][0] + 1, 0):
        raise LockTooNewError(lock=LOCK, tool="Poetry", found=text, known=_FORMATS)
    if version < _KNOWN[0]:
        raise _invalid(f"its format is {text}, and what can be read is {_FORMATS}")
    return version


def _invalid(cause: str) -> LockInvalidError:
    return LockInvalidError(lock=LOCK, cause=cause, command=_COMMAND)


def _notices(project: PoetryProject, version: tuple[int, int]) -> Iterator[Notice]:
    if version > _KNOWN[1]:
        yield Notice(
            "poetry::newer-lock",
            f"Your {LOCK} has the format {version[0]}.{version[1]}, newer than the known 2.1.",
            "What is new in it isn't read. Use a newer portside if something is missing.",
        )
    if project.has_scripts and not project.is_package:
        yield Notice(
            "poetry::scripts",
            "The project has scripts, but package-mode = false keeps them from being installed.",
            "Remove package-mode = false from [tool.poetry], or start what they name another way.",
            NoticeLevel.NOTE,
        )
    if project.is_package and not project.is_buildable:
        yield Notice(
            "poetry::no-build-system",
            "The project itself isn't installed: pyproject.toml doesn't say what builds it.",
            "Add these lines, or package-mode = false to [tool.poetry]:\n"
            '    [build-system]\n    requires = ["poetry-core"]\n'
            '    build-backend = "poetry.core.masonry.api"',
        )
