"""PDM: reads pdm.lock in its formats 4.x, and checks it as PDM does.

Most locks say of every entry which groups and markers it is for (the strategy
``inherit_metadata``); the others are followed from the project's own dependencies on.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from portside.detection.documents import value_at
from portside.detection.locks import (
    file_hashes,
    locked_project,
    read_lock_metadata,
    read_lock_tables,
)
from portside.detection.package_managers.lock_graph import Node, Wish, follow
from portside.detection.package_managers.markers import holds
from portside.detection.package_managers.pdm_project import (
    DEFAULT,
    PYPROJECT,
    PdmProject,
    read_wish,
)
from portside.model.errors.locks import (
    LockInvalidError,
    LockOutdatedError,
    LockTooNewError,
    LockWithoutGroupError,
)
from portside.model.facts import DependencySource, PackageManager
from portside.model.locked import LockedDistribution
from portside.model.names import canonical
from portside.model.source import Source

LOCK = "pdm.lock"
_COMMAND = "pdm lock"
_NEWEST = (4, 5)
_FORMATS = "4.0 to 4.5"
_INHERITS = "inherit_metadata"
_VCS = ("git", "hg", "svn", "bzr")
_ROOT = "${PROJECT_ROOT}"
_LOCAL = re.compile(rb"^(path = |url = \"file:)", re.MULTILINE)


class PdmLock(Struct, frozen=True):
    """A pdm.lock: what describes it, and its entries."""

    metadata: Mapping[str, object]
    entries: tuple[Mapping[str, object], ...]

    def entry(self, item: Mapping[str, object]) -> LockedDistribution:
        """Return what an entry pins."""
        name = canonical(str(item.get("name", "")))
        vcs = next((kind for kind in _VCS if kind in item), "")
        if vcs:
            return LockedDistribution(
                name,
                vcs=vcs,
                location=str(item[vcs]),
                ref=str(item.get("revision") or item.get("ref") or ""),
                subdirectory=str(item.get("subdirectory") or ""),
                editable=item.get("editable") is True,
            )
        location = _location(str(item.get("path") or item.get("url") or ""))
        hashes = tuple(self._hashes(item))
        if not location:
            return LockedDistribution(name, f"=={item.get('version')}", hashes)
        return LockedDistribution(
            name,
            hashes=hashes,
            location=location,
            subdirectory=str(item.get("subdirectory") or ""),
            editable=item.get("editable") is True,
        )

    def _hashes(self, item: Mapping[str, object]) -> Iterator[str]:
        """Yield an entry's hashes, which older formats keep at the end of the lock."""
        found = item.get("files")
        if found is None:
            key = f"{item.get('name')} {item.get('version')}"
            found = value_at(self.metadata, "files", key)
        yield from file_hashes(found)


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:  # noqa: ARG001 (the protocol)
    """Return the app's pdm.lock and its project, None if it has no lock.

    Raises ``LockInvalidError`` and ``LockWithoutProjectError``.
    """
    found = locked_project(source, PackageManager.PDM, LOCK)
    if found is not None:
        _check_format(read_lock_metadata(source, LOCK, command=_COMMAND))
    return found


def read_pdm_lock(source: Source) -> PdmLock:
    """Read the pdm.lock. Raises ``LockInvalidError`` and ``SourceUnreadableError``."""
    tables = read_lock_tables(source, LOCK, command=_COMMAND)
    _check_format(tables.metadata)
    return PdmLock(tables.metadata, tables.entries)


def local_packages(source: Source) -> tuple[LockedDistribution, ...]:
    """Return the archives and projects on this machine that the lock names.

    A lock without any, as most are, isn't parsed. Raises ``LockInvalidError``.
    """
    if not _LOCAL.search(source.read(LOCK)):
        return ()
    lock = read_pdm_lock(source)
    return tuple(entry for entry in map(lock.entry, lock.entries) if entry.is_path)


def check_pdm_lock(lock: PdmLock, project: PdmProject) -> None:
    """Raise ``LockOutdatedError`` where the lock isn't that of the project."""
    inputs = value_at(lock.metadata, "lock_inputs", "project", "groups")
    if isinstance(inputs, dict):
        is_fresh = _has_names(inputs, project) and _has_versions(lock, inputs, project)
    else:
        algorithm, _, value = str(lock.metadata.get("content_hash", "")).partition(":")
        try:
            is_fresh = value in project.content_hashes(algorithm)
        except ValueError:
            is_fresh = False
    if not is_fresh:
        raise LockOutdatedError(lock=LOCK, project=PYPROJECT, command=_COMMAND)


def select(
    lock: PdmLock,
    project: PdmProject,
    environment: Mapping[str, str],
    groups: frozenset[str] = frozenset({DEFAULT}),
) -> tuple[LockedDistribution, ...]:
    """Return what PDM installs of these groups. Raises ``LockInvalidError``."""
    try:
        found = _selected(lock, project, environment, groups)
    except ValueError as error:
        raise _invalid(str(error)) from error
    return tuple(entry for entry in found if entry.name not in project.excluded)


def check_groups(lock: PdmLock, groups: frozenset[str]) -> None:
    """Raise ``LockWithoutGroupError`` where a lock was made without one of the groups."""
    known = lock.metadata.get("groups")
    missing = sorted(groups - frozenset(known)) if isinstance(known, list) else []
    if missing:
        command = " ".join((_COMMAND, *(f"-G {name}" for name in missing)))
        raise LockWithoutGroupError(lock=LOCK, group=missing[0], command=command)


def _selected(
    lock: PdmLock, project: PdmProject, environment: Mapping[str, str], groups: frozenset[str]
) -> tuple[LockedDistribution, ...]:
    strategy = lock.metadata.get("strategy")
    if not isinstance(strategy, list) or _INHERITS not in strategy:
        nodes = [_node(lock, item) for item in lock.entries]
        return follow(nodes, project.wishes(groups), environment, frozenset())
    chosen = [
        lock.entry(item)
        for item in lock.entries
        if _is_in(item, groups) and holds(str(item.get("marker", "")), environment)
    ]
    # An entry for each set of extras of one distribution is the same to install.
    return tuple({entry.name: entry for entry in chosen}.values())


def _is_in(item: Mapping[str, object], groups: frozenset[str]) -> bool:
    found = item.get("groups")
    return not isinstance(found, list) or any(group in groups for group in found)


def _node(lock: PdmLock, item: Mapping[str, object]) -> Node:
    needs, extras = item.get("dependencies"), item.get("extras")
    python = str(item.get("requires_python", ""))
    return Node(
        entry=lock.entry(item),
        version=str(item.get("version", "0")),
        extras=frozenset(map(canonical, map(str, extras if isinstance(extras, list) else ()))),
        pythons=(python,) if python and python != "*" else (),
        wishes=tuple(read_wish(str(line)) for line in (needs if isinstance(needs, list) else ())),
    )


def _has_names(inputs: Mapping[str, object], project: PdmProject) -> bool:
    """Return whether groups name what they did when the lock was written.

    PDM compares all of each requirement but its version, in a spelling of its own; what comes
    from an address is only there as a digest. Versions are a matter of ``_has_versions``.
    """
    try:
        return all(_is_named(lines, project, group) for group, lines in inputs.items())
    except ValueError:
        return False


def _has_versions(lock: PdmLock, inputs: Mapping[str, object], project: PdmProject) -> bool:
    """Return whether what is locked is within the ranges that the project has now.

    That's how PDM lets a range be narrowed or widened around what is locked.
    """
    locked = lock.metadata.get("groups")
    groups = [name for name in inputs if not isinstance(locked, list) or name in locked]
    try:
        return all(
            _is_within(lock, wish, group)
            for group in groups
            for wish in project.wishes(frozenset({group}))
            if wish.versions and wish.name not in project.excluded | project.overridden
        )
    except ValueError:
        return False


def _is_within(lock: PdmLock, wish: Wish, group: str) -> bool:
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 (start-up time)

    versions = [
        str(item.get("version"))
        for item in lock.entries
        if canonical(str(item.get("name", ""))) == wish.name and _is_in(item, frozenset({group}))
    ]
    ranges = [SpecifierSet(text) for text in wish.versions]
    return all(
        specifiers.contains(version, prereleases=True)
        for version in versions
        for specifiers in ranges
    )


def _is_named(lines: object, project: PdmProject, group: str) -> bool:
    texts = [str(line) for line in lines] if isinstance(lines, list) else []
    then = {_key(read_wish(text)) for text in texts if not text.startswith("url-")}
    now = [_key(wish) for wish in project.wishes(frozenset({group}))]
    return len(now) == len(texts) and then <= set(now)


def _key(wish: Wish) -> tuple[str, frozenset[str]]:
    return wish.name, wish.extras


def _location(text: str) -> str:
    """Return where an archive or project is; a path within the project as a relative one."""
    text = re.sub(rf"^file:///?{re.escape(_ROOT)}/?", "./", text)
    return "./" if text == "." else text


def _check_format(metadata: Mapping[str, object]) -> None:
    text = str(metadata.get("lock_version", ""))
    match = re.match(r"(\d+)(?:\.(\d+))?", text)
    if match is None:
        raise _invalid("its [metadata] has no lock_version")
    version = int(match[1]), int(match[2] or 0)
    if version > _NEWEST:
        raise LockTooNewError(lock=LOCK, tool="PDM", found=text, known=_FORMATS)
    if version[0] < _NEWEST[0]:
        raise _invalid(f"its format is {text}, and what can be read is {_FORMATS}")


def _invalid(cause: str) -> LockInvalidError:
    return LockInvalidError(lock=LOCK, cause=cause, command=_COMMAND)
