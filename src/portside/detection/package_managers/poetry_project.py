"""What a pyproject.toml says to Poetry: requirements, groups, extras, sources; nothing is resolved.

https://python-poetry.org/docs/pyproject/
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from msgspec import Struct

from portside.detection.documents import read_toml, value_at
from portside.detection.package_managers.lock_graph import Wish
from portside.detection.python_version.requires_python import convert_poetry
from portside.model.locked import IndexSource, LockedDistribution
from portside.model.names import canonical
from portside.model.source import Source

PYPROJECT = "pyproject.toml"
MAIN = "main"
_LEGACY_KEYS = ("dependencies", "source", "extras", "dev-dependencies")
_PROJECT_KEYS = ("requires-python", "dependencies", "optional-dependencies")
_LOCATIONS = ("git", "path", "url", "file")

# What ^1.2 and ~1.2 come to.
_RANGE = re.compile(r">=(\d+(?:\.\d+)*),<(\d+(?:\.\d+)*)")


class PoetryProject(Struct, frozen=True):
    """The project as Poetry sees it. ``is_package`` says that Poetry installs it, too."""

    data: Mapping[str, object]

    @property
    def is_package(self) -> bool:
        """Return whether the project itself is to be installed."""
        return value_at(self.data, "tool", "poetry", "package-mode") is not False

    @property
    def is_buildable(self) -> bool:
        """Return whether there is something to build it with."""
        return isinstance(value_at(self.data, "build-system"), dict)

    @property
    def has_scripts(self) -> bool:
        """Return whether installing the project makes programs or plugins known."""
        poetry, project = value_at(self.data, "tool", "poetry"), value_at(self.data, "project")
        names = "scripts", "gui-scripts", "entry-points", "plugins"
        return any(value_at(table, name) for table in (poetry, project) for name in names)

    @property
    def sources(self) -> tuple[IndexSource, ...]:
        """Return the indexes that have an address; Poetry's own name for PyPI has none."""
        found = value_at(self.data, "tool", "poetry", "source")
        return tuple(
            IndexSource(str(item["name"]), str(item["url"]))
            for item in (found if isinstance(found, list) else ())
            if isinstance(item, dict) and "name" in item and "url" in item
        )

    @property
    def groups(self) -> frozenset[str]:
        """Return the names of all groups that the project has beside the main one."""
        legacy = {"dev"} if value_at(self.data, "tool", "poetry", "dev-dependencies") else set()
        standard = _table(value_at(self.data, "dependency-groups"))
        return frozenset(map(canonical, (*legacy, *standard, *self._own_groups)))

    @property
    def default_groups(self) -> frozenset[str]:
        """Return those of the groups that Poetry installs unless told otherwise."""
        own = self._own_groups.items()
        optional = {canonical(name) for name, item in own if value_at(item, "optional") is True}
        return self.groups - optional

    @property
    def extras(self) -> frozenset[str]:
        """Return the names of the extras."""
        own = _table(value_at(self.data, "tool", "poetry", "extras"))
        standard = _table(value_at(self.data, "project", "optional-dependencies"))
        return frozenset(map(canonical, (*own, *standard)))

    @property
    def _own_groups(self) -> Mapping[str, object]:
        return _table(value_at(self.data, "tool", "poetry", "group"))

    def wishes(self, groups: frozenset[str]) -> tuple[Wish, ...]:
        """Return what [tool.poetry] asks for in these groups.

        Raises ValueError for what isn't a requirement.
        """
        extras = {name: frozenset(items) for name, items in self.named_by_extras().items()}
        return tuple(
            wish
            for name, table in self.tables().items()
            if name in groups
            for wish in read_wishes(table, extras)
        )

    def tables(self) -> Mapping[str, Mapping[str, object]]:
        """Return what [tool.poetry] says of each group, the main one first."""
        poetry = value_at(self.data, "tool", "poetry")
        found = {MAIN: _table(value_at(poetry, "dependencies"))}
        for name, item in self._own_groups.items():
            found[canonical(name)] = _table(value_at(item, "dependencies"))
        legacy = _table(value_at(poetry, "dev-dependencies"))
        return {**found, "dev": {**found.get("dev", {}), **legacy}} if legacy else found

    def named_by_extras(self) -> Mapping[str, tuple[str, ...]]:
        """Return the names of the distributions that each extra of [tool.poetry] adds."""
        found = _table(value_at(self.data, "tool", "poetry", "extras"))
        return {
            canonical(name): tuple(canonical(str(item)) for item in items)
            for name, items in found.items()
            if isinstance(items, list)
        }

    def lines(self) -> "PoetryLines":
        """Return what [tool.poetry] asks for as lines of a requirements file.

        Raises ValueError for what isn't a requirement.
        """
        tables = {name: dict(_lines(table)) for name, table in self.tables().items()}
        named, main = self.named_by_extras(), tables.pop(MAIN)
        always = (lines for lines, is_optional in main.values() if not is_optional)
        return PoetryLines(
            main=tuple(line for lines in always for line in lines),
            extras={
                extra: tuple(line for name in names if name in main for line in main[name][0])
                for extra, names in named.items()
            },
            groups={
                group: tuple(line for lines, _ in table.values() for line in lines)
                for group, table in tables.items()
            },
        )

    def content_hashes(self, writer: tuple[int, int] | None) -> frozenset[str]:
        """Return the hashes that Poetry takes for those of this project.

        ``writer`` is the version of Poetry that wrote the lock, None for one before it said so.
        """
        project = _picked(value_at(self.data, "project"), _PROJECT_KEYS)
        groups = _table(value_at(self.data, "dependency-groups"))
        poetry = _table(value_at(self.data, "tool", "poetry"))
        hashes = {_digest(_relevant(project, groups, poetry))}
        if writer is None or writer < (2, 3):
            # Dependency groups count since 2.3, and [project] since 2.0.
            hashes.add(_digest(_relevant(project, {}, poetry)))
        if writer is None or writer < (2, 0):
            hashes.add(_digest(_relevant({}, {}, poetry)))
        if writer is None:
            # Poetry 1.1 knew of no groups.
            hashes.add(_digest({key: poetry.get(key) for key in _LEGACY_KEYS}))
        return frozenset(hashes)


class PoetryLines(Struct, frozen=True):
    """What a project asks for always, and with each of its extras and groups."""

    main: tuple[str, ...]
    extras: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, tuple[str, ...]]


def read_poetry_project(source: Source) -> PoetryProject:
    """Return the app's project. Raises ``PythonVersionInvalidTomlError``."""
    return PoetryProject(_table(read_toml(source, PYPROJECT)))


def read_wishes(
    table: Mapping[str, object], extras: Mapping[str, frozenset[str]]
) -> Iterator[Wish]:
    """Yield what a table of dependencies asks for, in a project or in a lock.

    ``extras`` are the names that each extra adds. Raises ValueError.
    """
    for name, value in table.items():
        if canonical(name) == "python":
            continue
        for item in value if isinstance(value, list) else [value]:
            details = item if isinstance(item, dict) else {"version": item}
            yield _wish(canonical(name), _table(details), extras)


def _lines(table: Mapping[str, object]) -> Iterator[tuple[str, tuple[tuple[str, ...], bool]]]:
    """Yield each name that a table asks for, the lines of it, and whether it is optional."""
    for name, value in table.items():
        if canonical(name) == "python":
            continue
        items = value if isinstance(value, list) else [value]
        found = [_table(item) if isinstance(item, dict) else {"version": item} for item in items]
        lines = tuple(_line(canonical(name), item) for item in found)
        yield canonical(name), (lines, any(item.get("optional") is True for item in found))


def _line(name: str, details: Mapping[str, object]) -> str:
    """Return a dependency as PEP 508 has it."""
    git = str(details.get("git", ""))
    path = str(details.get("path") or details.get("file") or "")
    path = path if not path or path.startswith((".", "/")) else f"./{path}"
    references = (details.get(key) for key in ("rev", "tag", "branch"))
    extras = details.get("extras", ())
    versions = () if is_located(details) else _versions(name, details.get("version", "*"))
    return LockedDistribution(
        name=name,
        version=_joined(versions),
        markers=_marker(name, details),
        extras=tuple(map(str, extras if isinstance(extras, list) else ())),
        vcs="git" if git else "",
        location=git or path or str(details.get("url", "")),
        ref=next((str(item) for item in references if item), ""),
        subdirectory=str(details.get("subdirectory", "")),
    ).requirement()


def _joined(alternatives: tuple[str, ...]) -> str:
    """Return one specifier set for alternatives; the last of those that none can stand for.

    PEP 440 has no "or": ``>=1,<2 || >=3,<4`` is ``>=1,<4,!=2.*``.
    """
    found = [_RANGE.fullmatch(text) for text in alternatives]
    ranges = sorted((_numbers(m[1]), _numbers(m[2])) for m in found if m is not None)
    if len(ranges) < max(len(alternatives), 2):
        return alternatives[-1] if alternatives else ""
    gaps: list[str] = []
    for (_, upper), (lower, _) in pairwise(ranges):
        if len(upper) != len(lower) or upper[:-1] != lower[:-1]:
            return alternatives[-1]
        between = range(upper[-1], lower[-1])
        gaps += [".".join(map(str, (*upper[:-1], number))) for number in between]
    first, last = (".".join(map(str, numbers)) for numbers in (ranges[0][0], ranges[-1][1]))
    return ",".join([f">={first}", f"<{last}", *(f"!={gap}.*" for gap in gaps)])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _wish(name: str, details: Mapping[str, object], extras: Mapping[str, frozenset[str]]) -> Wish:
    optional = details.get("optional") is True
    only_for = frozenset(extra for extra, names in extras.items() if name in names)
    found = details.get("extras", ())
    return Wish(
        name=name,
        extras=frozenset(map(canonical, map(str, found if isinstance(found, list) else ()))),
        marker=_marker(name, details),
        versions=() if is_located(details) else _versions(name, details.get("version", "*")),
        only_for=(only_for or frozenset({"(none)"})) if optional else frozenset(),
    )


def is_located(details: Mapping[str, object]) -> bool:
    """Return whether a dependency comes from a place of its own and not from an index."""
    return any(key in details for key in _LOCATIONS)


def _marker(name: str, details: Mapping[str, object]) -> str:
    """Join the three ways to say where a dependency counts."""
    parts = [str(details.get("markers", ""))]
    if "platform" in details:
        parts.append(f"sys_platform == '{details['platform']}'")
    if "python" in details:
        parts.append(_python_marker(_versions(name, details["python"])))
    present = [f"({part})" for part in parts if part and part != "*"]
    return " and ".join(present)


def _python_marker(versions: tuple[str, ...]) -> str:
    sets = [
        " and ".join(
            f"python_full_version {match[1]} '{match[2]}'"
            for match in re.finditer(r"([<>=!~]+)\s*([^\s,]+)", text)
        )
        for text in versions
    ]
    return " or ".join(f"({text})" for text in sets)


def _versions(name: str, text: object) -> tuple[str, ...]:
    converted = convert_poetry(str(text))
    if converted is None:
        raise ValueError(f"{text!r} is no version of {name}")
    return tuple(part.strip() for part in converted.split("||")) if converted else ()


def _relevant(
    project: Mapping[str, object], groups: Mapping[str, object], poetry: Mapping[str, object]
) -> Mapping[str, object]:
    """Return what Poetry hashes: [tool.poetry] alone where nothing else says anything."""
    kept = {
        key: poetry.get(key)
        for key in (*_LEGACY_KEYS, "group")
        if key in poetry or (key in _LEGACY_KEYS and not project and not groups)
    }
    if not project and not groups:
        return kept
    content: dict[str, object] = {"tool": {"poetry": kept}}
    content |= {"project": project} if project else {}
    return content | ({"dependency-groups": groups} if groups else {})


def _digest(content: Mapping[str, object]) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _picked(table: object, keys: tuple[str, ...]) -> dict[str, object]:
    return {key: value for key, value in _table(table).items() if key in keys}


def _table(value: object) -> dict[str, object]:
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}
