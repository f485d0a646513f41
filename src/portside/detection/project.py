"""Reads what a pyproject.toml says of the project itself (PEP 518, PEP 621, PEP 735)."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from portside.detection.documents import read_toml, value_at
from portside.detection.local_projects import from_root
from portside.model.errors.settings import GroupUnknownError
from portside.model.names import canonical, split_requirement
from portside.model.source import Source

PYPROJECT = "pyproject.toml"
_SCRIPTS = ("scripts", "gui-scripts", "entry-points")


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
    lines = map(str, project.get("dependencies", ()))
    dependencies: tuple[str, ...] | None = tuple(map(from_root, lines))
    if "dependencies" in project.get("dynamic", ()):
        dependencies = None
    return Project(
        str(project.get("name", "")),
        dependencies,
        is_buildable,
        has_scripts=any(project.get(name) for name in _SCRIPTS),
        extras=_lists(project.get("optional-dependencies")),
        groups=_lists(value_at(data, "dependency-groups")),
    )


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
