"""uv: the app's project is described in pyproject.toml, and uv.lock pins what it needs.

In a workspace the lock is that of the workspace, above the app, and pins what all members need.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from portside.detection.locks import locked_project, refuse_conflicts
from portside.detection.project import PYPROJECT
from portside.detection.workspaces import LOCK as LOCK  # noqa: PLC0414 (for those who ask uv)
from portside.detection.workspaces import find_uv_lock
from portside.model.facts import DependencySource, PackageManager
from portside.model.names import canonical
from portside.model.source import Source, leads_out, normalised

# How uv writes where a package of the project's own comes from.
_LOCAL = re.compile(
    r"^source = \{ (editable|virtual|directory|path) = \"((?:[^\"\\]|\\.)*)\"", re.MULTILINE
)
_NAME = re.compile(r"name = \"([^\"]+)\"")
# Name, version and source are the first lines of an entry.
_BEGINNING = 5000
_ENTRY = "\n[[package]]\n"
_MEMBERS = re.compile(r"^members = \[[^\]]*\]\n", re.MULTILINE)
_CONFLICT = "\n<<<<<<<"
_TABLE = re.compile(r"^\[package\.([a-z-]+)\]$", re.MULTILINE)
_LIST = re.compile(r"^([\w.-]+|\"[^\"]+\") = \[(.*?)\]$", re.MULTILINE | re.DOTALL)
_NEEDED = re.compile(r"\{ name = \"([^\"]+)\"(?:[^}]*?\bextra = \[([^\]]*)\])?")


class LocalPackage(Struct, frozen=True):
    """A package that the lock takes from this machine.

    ``kind`` is uv's: ``editable``, ``virtual``, ``directory`` or ``path`` (an archive); ``path`` is
    relative to the app. ``is_needed`` says whether anything of the app's needs it.
    """

    name: str
    kind: str
    path: str
    is_needed: bool = True


class _Package(Struct, frozen=True):
    """An entry of the lock. What it needs is by table and name there: "" for always."""

    name: str
    kind: str
    path: str
    needs: Mapping[tuple[str, str], tuple[tuple[str, str], ...]]
    text: str


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:  # noqa: ARG001 (the protocol)
    """Return the app's uv.lock and its project, None if it has no lock.

    Raises ``LockWithoutProjectError``, and ``LockInvalidError`` for a merge's marks.
    """
    lock = find_uv_lock(source)
    if lock is None or lock == LOCK:
        return locked_project(source, PackageManager.UV, LOCK)
    refuse_conflicts(source.read(lock), lock, command="uv lock")
    workspace = posixpath.dirname(lock)
    return DependencySource(
        manager=PackageManager.UV,
        manifest=PYPROJECT,
        lock=lock,
        files=(lock, PYPROJECT, f"{workspace}/{PYPROJECT}"),
        reason=f"the app is a member of the workspace in '{workspace}', which has a {LOCK}",
    )


def local_packages(
    source: Source,
    lock: str = LOCK,
    *,
    groups: tuple[str, ...] | None = (),
    extras: tuple[str, ...] = (),
) -> tuple[LocalPackage, ...]:
    """Return the packages that the lock takes from this machine.

    ``groups`` and ``extras`` are those of the app that count; None stands for all groups.
    """
    text = source.read(lock).decode("utf-8", "replace")
    if not _LOCAL.search(text):
        return ()
    packages = _placed(source, lock, text)
    needed = _needed(packages, groups, extras)
    return tuple(
        LocalPackage(package.name, package.kind, package.path, package.name in needed)
        for package in packages
        if package.kind
    )


def members_apart(source: Source, dependencies: DependencySource) -> tuple[str, ...]:
    """Return the directories of projects in the app that the lock has and the app doesn't need.

    They are members of the workspace whose root the app is, and aren't installed with it.
    """
    if dependencies.lock != LOCK:
        return ()
    groups, extras = dependencies.groups, dependencies.extras
    found = local_packages(source, LOCK, groups=groups, extras=extras)
    places = (item.path for item in found if item.kind != "path" and not item.is_needed)
    return tuple(place for place in places if place != "." and not leads_out(place))


def needed_names(source: Source, lock: str, *, groups: tuple[str, ...]) -> frozenset[str]:
    """Return the names of what the app needs with these groups and no extra."""
    text = source.read(lock).decode("utf-8", "replace")
    return _needed(_placed(source, lock, text), groups, ())


def counting_text(
    source: Source, lock: str, *, groups: tuple[str, ...] | None, extras: tuple[str, ...]
) -> str:
    """Return what counts of a workspace's lock for one member: what pins what it needs.

    All of it counts that isn't an entry, but for the list of members.
    """
    text = source.read(lock).decode("utf-8", "replace")
    packages = _placed(source, lock, text)
    needed = _needed(packages, groups, extras)
    if _CONFLICT in text or len(needed) == len(packages):
        return text
    head = _MEMBERS.sub("", text.partition(_ENTRY)[0])
    return _ENTRY.join([head, *(item.text for item in packages if item.name in needed)])


def _placed(source: Source, lock: str, text: str) -> tuple[_Package, ...]:
    """Return the entries of a lock, with paths relative to the app."""
    directory = posixpath.dirname(lock)
    return tuple(
        replace(item, path=normalised(source, posixpath.join(directory, item.path)))
        if item.path
        else item
        for item in _packages(text)
    )


@lru_cache(maxsize=1)
def _packages(text: str) -> tuple[_Package, ...]:
    return tuple(_parsed(text))


def _parsed(text: str) -> Iterator[_Package]:
    for entry in text.split(_ENTRY)[1:]:
        # Most of a lock are the files of each entry, which are passed over as a whole.
        head, _, rest = entry.partition("\n[package.")
        beginning, _, following = head.partition("\ndependencies = [")
        name, local = _NAME.match(beginning), _LOCAL.search(beginning, 0, _BEGINNING)
        if name is None:
            continue
        tables = _TABLE.split(f"[package.{rest}") if rest else []
        needs = {
            (table, key.strip('"')): tuple(_wishes(items))
            for table, lines in zip(tables[1::2], tables[2::2], strict=True)
            for key, items in _LIST.findall(lines)
        }
        needs["", "dependencies"] = tuple(_wishes(following.partition("\n]")[0]))
        kind, path = (local[1], local[2]) if local else ("", "")
        yield _Package(name[1], kind, path, needs, entry)


def _wishes(items: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each package that is asked for, and it again with each of its extras."""
    for name, extras in _NEEDED.findall(items):
        yield name, ""
        yield from ((name, extra) for extra in re.findall(r"\"([^\"]+)\"", extras))


def _needed(
    packages: Iterable[_Package], groups: tuple[str, ...] | None, extras: tuple[str, ...]
) -> frozenset[str]:
    """Return the names of what the app needs; of all there are where it isn't in the lock."""
    by_name: dict[str, list[_Package]] = {}
    for package in packages:
        by_name.setdefault(package.name, []).append(package)
    app = next((package for package in packages if package.kind and package.path == "."), None)
    if app is None:
        return frozenset(by_name)
    pending = [(app.name, extra) for extra in ("", *map(canonical, extras))]
    for (table, group), wishes in app.needs.items():
        if table == "dev-dependencies" and (groups is None or group in map(canonical, groups)):
            pending += wishes
    seen: set[tuple[str, str]] = set()
    while pending:
        wish = pending.pop()
        if wish not in seen:
            seen.add(wish)
            for package in by_name.get(wish[0], ()):
                key = ("optional-dependencies", wish[1]) if wish[1] else ("", "dependencies")
                pending += package.needs.get(key, ())
    return frozenset(name for name, _ in seen)
