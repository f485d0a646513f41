"""Reads what a pyproject.toml says of the project itself (PEP 518, PEP 621, PEP 735)."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field

from portside.detection.documents import read_toml, value_at
from portside.detection.local_projects import from_root
from portside.model.errors.settings import GroupUnknownError
from portside.model.names import canonical, split_requirement
from portside.model.source import Source

PYPROJECT = "pyproject.toml"
_SCRIPTS = ("scripts", "gui-scripts", "entry-points")
# Where lists of requirements are; what may slip into a table that has texts only.
_LISTS = {
    "[project.optional-dependencies]": ("project", "optional-dependencies"),
    "[dependency-groups]": ("dependency-groups",),
}
_SLIPPED = ("dependencies", "dynamic")
_TEXT_TABLES = ("urls", "scripts", "gui-scripts")


class Project(Struct, frozen=True):
    """A project: its name, what it needs, and whether a backend can build it.

    ``dependencies`` are None where only building the project tells them.
    """

    name: str
    dependencies: tuple[str, ...] | None
    is_buildable: bool
    has_scripts: bool
    extras: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[object, ...]] = field(default_factory=dict)

    def chosen(self, extras: tuple[str, ...], groups: tuple[str, ...]) -> tuple[str, ...]:
        """Return what the project's extras and groups ask for (PEP 621, PEP 735).

        Raises ``GroupUnknownError``.
        """
        found = self._extras(extras, set())
        for name in groups:
            for line in self._group(name, ()):
                found += self._resolved(str(line), set())
        return tuple(found)

    def _extras(self, names: Iterable[str], seen: set[str]) -> list[str]:
        """Return what extras ask for; ``seen`` are those that were asked for already."""
        found: list[str] = []
        for name in names:
            if canonical(name) not in seen:
                seen.add(canonical(name))
                for line in self._find("extra", self.extras, name):
                    found += self._resolved(from_root(str(line)), seen)
        return found

    def _resolved(self, line: str, seen: set[str]) -> list[str]:
        """Return a requirement; for one of the project itself what its extras ask for.

        An index may have something else by the project's name.
        """
        found = split_requirement(line)
        if found is None or found[0] != canonical(self.name):
            return [line]
        return self._extras(found[1], seen)

    def _group(self, name: str, above: tuple[str, ...]) -> list[object]:
        if name in above:
            return []
        lines: list[object] = []
        for item in self._find("group", self.groups, name):
            included = item.get("include-group") if isinstance(item, dict) else None
            lines += [item] if included is None else self._group(str(included), (*above, name))
        return lines

    @staticmethod
    def _find(
        kind: str, declared: Mapping[str, tuple[object, ...]], name: str
    ) -> tuple[object, ...]:
        by_name = {canonical(key): value for key, value in declared.items()}
        if canonical(name) not in by_name:
            raise GroupUnknownError(kind=kind, name=name, known=tuple(declared))
        return by_name[canonical(name)]


def read_project(source: Source) -> Project | None:
    """Return the project that pyproject.toml describes, None where it only configures tools.

    Raises ``PythonVersionInvalidTomlError`` for a file that isn't TOML.
    """
    data = read_toml(source, PYPROJECT)
    project = value_at(data, "project")
    poetry = value_at(data, "tool", "poetry")
    # Poetry's backend refuses to build what isn't a package to Poetry.
    is_package = value_at(poetry, "package-mode") is not False
    is_buildable = is_package and isinstance(value_at(data, "build-system"), dict)
    if not isinstance(project, dict):
        return _read_poetry(data, is_buildable=is_buildable) if isinstance(data, dict) else None
    older = None
    if isinstance(poetry, dict) and isinstance(data, dict):
        older = _read_poetry(data, is_buildable=False)
    dependencies: tuple[str, ...] | None = tuple(map(from_root, _strings(project, "dependencies")))
    if "dependencies" in _strings(project, "dynamic"):
        dependencies = None
    if older is not None and not dependencies:
        # Poetry looks there where [project] has none (poetry-core, DependencyGroup.dependencies).
        dependencies = older.dependencies or dependencies
    return Project(
        str(project.get("name", "")),
        dependencies,
        is_buildable,
        has_scripts=any(project.get(name) for name in _SCRIPTS),
        extras=_lists(project.get("optional-dependencies")) or (older.extras if older else {}),
        groups={
            **(older.groups if older else {}),
            **_lists(value_at(data, "tool", "pdm", "dev-dependencies")),
            **_lists(value_at(data, "dependency-groups")),
        },
    )


def find_mistake(source: Source) -> str | None:
    """Return what isn't as the standards have it in a pyproject.toml, None where all of it is.

    Only what says what is to be installed is looked at (PEP 621, PEP 508, PEP 735), and a list that
    slipped into the wrong table. Raises ``PythonVersionInvalidTomlError``.
    """
    data = read_toml(source, PYPROJECT)
    project = value_at(data, "project")
    for key in _SLIPPED:
        for title in _TEXT_TABLES:
            if isinstance(value_at(project, title, key), list):
                return f"'{key}' is below [project.{title}], and belongs above it"
    lists = {"[project] dependencies": value_at(project, "dependencies")}
    for title, keys in _LISTS.items():
        table = value_at(data, *keys)
        if isinstance(table, dict):
            lists |= {f"{title} {name}": value for name, value in table.items()}
        elif table is not None:
            return f"{title} must be a table"
    mistakes = (_mistake_in(place, value) for place, value in lists.items())
    return next((mistake for mistake in mistakes if mistake), None)


def _mistake_in(place: str, value: object) -> str | None:
    from packaging.requirements import (  # noqa: PLC0415 (start-up time)
        InvalidRequirement,
        Requirement,
    )

    if value is None:
        return None
    if not isinstance(value, list):
        return f'{place} must be a list of requirements, such as ["flask>=3"]'
    for item in value:
        if isinstance(item, dict) and place.startswith("[dependency-groups]"):
            continue
        try:
            Requirement(from_root(item) if isinstance(item, str) else "")
        except InvalidRequirement:
            return f'{place} has {item!r}, which is no requirement such as "flask>=3"'
    return None


def _strings(table: Mapping[str, object], key: str) -> Iterator[str]:
    found = table.get(key)
    yield from (str(item) for item in (found if isinstance(found, list) else ()))


def _read_poetry(data: Mapping[str, object], *, is_buildable: bool) -> Project | None:
    """Return the project of a [tool.poetry] from before PEP 621."""
    poetry = value_at(data, "tool", "poetry")
    if not value_at(poetry, "dependencies") and not (poetry and is_buildable):
        return None
    from portside.detection.package_managers.poetry_project import (  # noqa: PLC0415 (start-up time)
        PoetryProject,
    )

    project = PoetryProject(data)
    try:
        lines = project.lines()
    except ValueError:
        # Poetry's backend says best what is wrong with it.
        return Project("", None, is_buildable, project.has_scripts)
    return Project(
        str(value_at(poetry, "name") or ""),
        lines.main,
        is_buildable,
        project.has_scripts,
        extras=lines.extras,
        groups=lines.groups,
    )


def _lists(table: object) -> dict[str, tuple[object, ...]]:
    items = table.items() if isinstance(table, dict) else ()
    return {str(name): tuple(value) for name, value in items if isinstance(value, list)}
