"""Pipenv: reads the Pipfile and the Pipfile.lock; it never resolves or fetches anything."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date, time

from msgspec import Struct

from portside.detection.locks import find_conflict
from portside.model.errors.dependencies import PipfileInvalidError, PipfileLockInvalidJsonError
from portside.model.errors.locks import LockMissingError, LockTooNewError
from portside.model.facts import DependencySource, Notice, PackageManager
from portside.model.locked import IndexSource, LockedDistribution
from portside.model.names import canonical
from portside.model.source import Source

PIPFILE = "Pipfile"
LOCK = "Pipfile.lock"
_NEWEST = 6


class PipfileLock(Struct, frozen=True):
    """A Pipfile.lock: the hash of the Pipfile it was made for, the indexes and what it pins.

    ``packages`` are the default ones, and those for development where they were asked for.
    """

    pipfile_hash: str
    sources: tuple[IndexSource, ...]
    packages: tuple[LockedDistribution, ...]


class LocklessRequirements(Struct, frozen=True):
    """What a Pipfile without a lock asks for, in its own order."""

    sources: tuple[IndexSource, ...]
    packages: tuple[LockedDistribution, ...]
    allow_prereleases: bool = False


_NO_LOCK = Notice(
    "pipenv::no-lock",
    "There is no Pipfile.lock, so nothing pins what is installed.",
    "Run `pipenv lock` and commit the Pipfile.lock that it writes.",
)


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:  # noqa: ARG001 (the protocol)
    """Return the app's Pipfile and its lock, None if it has neither."""
    files = tuple(name for name in (PIPFILE, LOCK) if source.is_file(name))
    if not files:
        return None
    lock = LOCK if LOCK in files else None
    return DependencySource(
        manager=PackageManager.PIPENV,
        manifest=files[0],
        lock=lock,
        files=files,
        reason=f"there is a {' and a '.join(files)}",
        notices=() if lock else (_NO_LOCK,),
    )


def read_pipfile_lock(source: Source, *, includes_tests: bool = False) -> PipfileLock:
    """Read the Pipfile.lock, for its hash alone or for what is to be installed.

    Raises ``PipfileLockInvalidJsonError``, ``LockTooNewError`` and ``SourceUnreadableError``.
    """
    raw = source.read(LOCK)
    try:
        data: object = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise PipfileLockInvalidJsonError(cause=find_conflict(raw) or str(error)) from error
    if not isinstance(data, dict) or not isinstance(data.get("_meta"), dict):
        raise PipfileLockInvalidJsonError(cause='there is no "_meta" in it')
    meta = _table(data, "_meta")
    spec = meta.get("pipfile-spec", _NEWEST)
    if not isinstance(spec, int):
        raise PipfileLockInvalidJsonError(cause=f'its "pipfile-spec" is {spec}, and no number')
    if spec > _NEWEST:
        raise LockTooNewError(lock=LOCK, tool="Pipenv", found=spec, known=str(_NEWEST))
    entries = _locked_entries(data, ("develop", "default") if includes_tests else ("default",))
    return PipfileLock(_text(_table(meta, "hash"), "sha256"), _sources(meta, "sources"), entries)


def _locked_entries(
    data: Mapping[str, object], categories: tuple[str, ...]
) -> tuple[LockedDistribution, ...]:
    """Return the entries of these categories; where two have one name the last one counts."""
    merged: dict[str, object] = {}
    for category in categories:
        entries = data.get(category, {})
        if not isinstance(entries, dict):
            raise PipfileLockInvalidJsonError(cause=f'"{category}" must be an object')
        merged |= entries
    try:
        return tuple(_entry(str(name), value) for name, value in merged.items())
    except ValueError as error:
        raise PipfileLockInvalidJsonError(cause=str(error)) from error


def pipfile_hashes(source: Source) -> frozenset[str]:
    """Return the hashes that a lock of this Pipfile may carry: Pipenv's and plette's differ.

    Raises ``PipfileInvalidError`` and ``SourceUnreadableError``.
    """
    data = read_pipfile(source)
    return frozenset({_hash(data, with_normal_names=True), _hash(data, with_normal_names=False)})


def lockless_requirements(source: Source, *, includes_tests: bool = False) -> LocklessRequirements:
    """Return what a Pipfile without a lock asks for.

    Raises ``PipfileInvalidError``, ``SourceUnreadableError``, and ``LockMissingError`` where an
    entry is from one of several indexes: what it needs may be from the others.
    """
    data = read_pipfile(source)
    sections = ("packages", "dev-packages") if includes_tests else ("packages",)
    wanted = [item for section in sections for item in _table(data, section).items()]
    try:
        packages = tuple(_entry(name, value) for name, value in wanted)
    except ValueError as error:
        raise PipfileInvalidError(cause=str(error)) from error
    sources = _sources(data, "source")
    pinned = next((item for item in packages if item.index), None)
    if pinned is not None and len(sources) > 1:
        cause = f"the Pipfile has several sources, and takes {pinned.name} from '{pinned.index}'"
        raise LockMissingError(cause=cause, command="pipenv lock")
    allow = _table(data, "pipenv").get("allow_prereleases") is True
    return LocklessRequirements(sources, packages, allow)


_VCS = ("git", "hg", "svn", "bzr")
_PYPI = {"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": True}
_KNOWN_SECTIONS = frozenset(
    {"source", "packages", "dev-packages", "requires", "scripts", "pipfile", "pipenv"}
)
_CATEGORIES_OF_THE_LOCK = frozenset({"default", "develop"})


def read_pipfile(source: Source) -> dict[str, object]:
    """Return what the Pipfile says; raise ``PipfileInvalidError`` where it can't be read."""
    import tomllib  # noqa: PLC0415 (slow to import, and most apps have no Pipfile)

    raw = source.read(PIPFILE)
    try:
        data: dict[str, object] = tomllib.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise PipfileInvalidError(cause=find_conflict(raw) or str(error)) from error
    for name in ("packages", "dev-packages", "requires", "pipenv"):
        if not isinstance(data.get(name, {}), dict):
            raise PipfileInvalidError(cause=f"[{name}] must be a table")
    return data


def _hash(data: Mapping[str, object], *, with_normal_names: bool) -> str:
    """Hash the Pipfile's contents as Pipenv does; comments, scripts and settings don't count."""

    def section(value: object) -> object:
        if with_normal_names and isinstance(value, dict):
            return {canonical(str(name)): item for name, item in value.items()}
        return value

    sources = data.get("source", data.get("sources", [_PYPI]))
    content: dict[str, object] = {
        "_meta": {"sources": sources, "requires": data.get("requires", {})},
        "default": section(data.get("packages", {})),
        "develop": section(data.get("dev-packages", {})),
    }
    for name, value in data.items():
        if name not in _KNOWN_SECTIONS | _CATEGORIES_OF_THE_LOCK:
            content[name] = section(value)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_date)
    return hashlib.sha256(text.encode()).hexdigest()


def _date(value: object) -> str:
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _sources(data: Mapping[str, object], key: str) -> tuple[IndexSource, ...]:
    return tuple(_each_source(data.get(key))) or (IndexSource("pypi", "https://pypi.org/simple"),)


def _each_source(value: object) -> Iterator[IndexSource]:
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict) and isinstance(item.get("url"), str):
            verify = item.get("verify_ssl", True)
            is_verified = verify not in {False, "false", "False", "0"}
            yield IndexSource(_text(item, "name"), _text(item, "url"), is_verified)


def _entry(name: str, value: object) -> LockedDistribution:
    """Return an entry of a lock or a Pipfile; raise ValueError where it makes no sense."""
    if isinstance(value, str):
        return LockedDistribution(name, _specifier(value))
    if not isinstance(value, dict):
        raise ValueError(f"the entry for {name} must be a string or a table")  # noqa: TRY004 (one kind)
    table: dict[str, object] = {str(key): item for key, item in value.items()}
    vcs = next((kind for kind in _VCS if kind in table), "")
    location = _text(table, vcs) if vcs else _text(table, "path") or _text(table, "file")
    if location == ".":
        location = "./"
    return LockedDistribution(
        name=name,
        version="" if location else _specifier(_text(table, "version")),
        hashes=_texts(table, "hashes"),
        markers=_markers(table),
        extras=_texts(table, "extras"),
        index=_text(table, "index"),
        vcs=vcs,
        location=location,
        ref=_text(table, "ref"),
        subdirectory=_text(table, "subdirectory"),
        editable=table.get("editable") is True,
    )


def _specifier(version: str) -> str:
    version = version.strip()
    if version == "*":
        return ""
    return f"=={version}" if version[:1].isdigit() else version


_MARKER_KEYS = (
    "os_name",
    "sys_platform",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "python_version",
    "python_full_version",
    "implementation_name",
    "implementation_version",
)


def _markers(table: Mapping[str, object]) -> str:
    """Join ``markers`` and the spelling with one key for each marker variable."""
    parts = [_text(table, "markers")]
    parts += [f"{key} {_text(table, key)}" for key in _MARKER_KEYS if key in table]
    present = [part for part in parts if part]
    return present[0] if len(present) == 1 else " and ".join(f"({part})" for part in present)


def _table(data: Mapping[str, object], key: str) -> dict[str, object]:
    value = data.get(key)
    return {str(name): item for name, item in value.items()} if isinstance(value, dict) else {}


def _text(data: Mapping[str, object], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _texts(data: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = data.get(key)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
