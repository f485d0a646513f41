"""What a pyproject.toml says to PDM: requirements, groups and sources; nothing is resolved.

https://pdm-project.org/en/latest/reference/pep621/
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from portside.detection.documents import read_toml, value_at
from portside.detection.package_managers.lock_graph import Wish
from portside.model.names import canonical
from portside.model.source import Source

PYPROJECT = "pyproject.toml"
DEFAULT = "default"
_EGG = re.compile(r"#(?:[^#]*&)?egg=([A-Za-z0-9._-]+)")


class PdmSource(Struct, frozen=True):
    """An index as [[tool.pdm.source]] names it; texts may hold ``${NAME}`` still."""

    name: str
    url: str
    verify_ssl: bool = True
    username: str = ""
    password: str = ""


class PdmProject(Struct, frozen=True):
    """The project as PDM sees it."""

    data: Mapping[str, object]

    @property
    def is_distribution(self) -> bool:
        """Return whether PDM installs the project itself, too."""
        settings = _table(value_at(self.data, "tool", "pdm"))
        if not value_at(self.data, "project", "name"):
            return False
        if "package-type" in settings:
            return settings["package-type"] == "library"
        return settings.get("distribution", True) is not False

    @property
    def has_scripts(self) -> bool:
        """Return whether installing the project makes programs or plugins known."""
        project = value_at(self.data, "project")
        names = "scripts", "gui-scripts", "entry-points"
        return any(value_at(project, name) for name in names)

    @property
    def sources(self) -> tuple[PdmSource, ...]:
        """Return the indexes that the project names."""
        found = value_at(self.data, "tool", "pdm", "source")
        tables = [_table(item) for item in (found if isinstance(found, list) else ())]
        return tuple(
            PdmSource(
                name=str(item.get("name", "")),
                url=str(item["url"]),
                verify_ssl=item.get("verify_ssl") is not False,
                username=str(item.get("username", "")),
                password=str(item.get("password", "")),
            )
            for item in tables
            if item.get("url") and item.get("type", "index") == "index"
        )

    @property
    def excluded(self) -> frozenset[str]:
        """Return the names that PDM never installs."""
        found = value_at(self.data, "tool", "pdm", "resolution", "excludes")
        return frozenset(map(canonical, map(str, found if isinstance(found, list) else ())))

    @property
    def overridden(self) -> frozenset[str]:
        """Return the names that PDM takes in a version of the project's own choice."""
        found = value_at(self.data, "tool", "pdm", "resolution", "overrides")
        return frozenset(map(canonical, _table(found)))

    @property
    def development(self) -> Mapping[str, list[object]]:
        """Return the groups for development, those of PDM and those of PEP 735 together."""
        groups: dict[str, list[object]] = {}
        for place in (("dependency-groups",), ("tool", "pdm", "dev-dependencies")):
            for name, items in _table(value_at(self.data, *place)).items():
                groups.setdefault(canonical(name), []).extend(_list(items))
        return groups

    @property
    def extras(self) -> frozenset[str]:
        """Return the names of the extras, which are groups to PDM."""
        found = _table(value_at(self.data, "project", "optional-dependencies"))
        return frozenset(map(canonical, found))

    def wishes(self, groups: frozenset[str]) -> tuple[Wish, ...]:
        """Return what the project asks for in these groups. Raises ValueError."""
        extras = _table(value_at(self.data, "project", "optional-dependencies"))
        found = {canonical(name): _list(items) for name, items in extras.items()}
        found |= self.development
        found[DEFAULT] = _list(value_at(self.data, "project", "dependencies"))
        lines = (line for group in sorted(groups) for line in _lines(found, group, frozenset()))
        return tuple(read_wish(line) for line in lines)

    def content_hashes(self, algorithm: str) -> frozenset[str]:
        """Return the hashes that PDM takes, or took, for those of this project.

        Raises ValueError for an algorithm that isn't one.
        """
        project, settings = (
            _table(value_at(self.data, *keys)) for keys in (("project",), ("tool", "pdm"))
        )
        resolution = _table(settings.get("resolution"))
        common: dict[str, object] = {
            "sources": settings.get("source", []),
            "dependencies": project.get("dependencies", []),
            "dev-dependencies": self.development,
            "optional-dependencies": project.get("optional-dependencies", {}),
            "requires-python": project.get("requires-python", ""),
        }
        # Older releases hashed the overrides alone, and the oldest only PDM's own groups.
        older = {**common, "overrides": resolution.get("overrides", {})}
        own = {"dev-dependencies": settings.get("dev-dependencies", {})}
        contents = ({**common, "resolution": resolution}, older, {**older, **own})
        return frozenset(_digest(content, algorithm) for content in contents)


def read_pdm_project(source: Source) -> PdmProject:
    """Return the app's project. Raises ``PythonVersionInvalidTomlError``."""
    return PdmProject(_table(read_toml(source, PYPROJECT)))


def read_wish(line: str) -> Wish:
    """Return what a requirement asks for. Raises ValueError for what isn't one."""
    from packaging.requirements import Requirement  # noqa: PLC0415 (start-up time)

    egg = _EGG.search(line)
    if egg is not None and (line.startswith("-e ") or " @ " not in line):
        return Wish(canonical(egg[1]))
    read = Requirement(line)
    return Wish(
        name=canonical(read.name),
        extras=frozenset(map(canonical, read.extras)),
        marker=str(read.marker or ""),
        versions=(str(read.specifier),) if str(read.specifier) else (),
    )


def _lines(groups: Mapping[str, list[object]], name: str, within: frozenset[str]) -> Iterator[str]:
    """Yield a group's requirements and those of the groups that it includes."""
    for item in groups.get(name, ()) if name not in within else ():
        included = value_at(item, "include-group")
        if isinstance(item, str):
            yield item
        elif isinstance(included, str):
            yield from _lines(groups, canonical(included), within | {name})


def _digest(content: Mapping[str, object], algorithm: str) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.new(algorithm, text.encode()).hexdigest()


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _table(value: object) -> dict[str, object]:
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}
