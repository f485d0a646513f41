"""What a project beside the app takes from this machine, by its pyproject.toml.

Its own tool, or uv in its place, looks for these when the project is built.
"""

import posixpath
import re
from collections.abc import Iterator

from portside.detection.documents import read_toml, value_at
from portside.detection.workspaces import find_member, find_workspace
from portside.model.names import canonical, names_of
from portside.model.source import Source, is_in_root, leads_out, normalised

# https://pdm-project.org/latest/usage/dependency/, https://hatch.pypa.io/latest/config/context/
_FROM_ROOT = re.compile(
    r"@\s*(?:file:///?\$\{PROJECT_ROOT\}|(?:file://)?\{root((?::parent)*)(?::uri)?\})/"
)
_BACKENDS = ("hatch", "setuptools", "poetry", "pdm", "flit", "polylith")
_OTHERS = frozenset(
    {"dependencies", "dev-dependencies", "group", "optional-dependencies", "packages", "source"}
)
_RELATIVE = re.compile(r"([A-Za-z0-9][\w.-]*)[^@;]*@ (\./[^\s;#]+)")


def linked_projects(source: Source, project: str) -> tuple[tuple[str, str], ...]:
    """Return the names of projects and archives that a project takes from paths, and these paths.

    They are relative to the app.

    Raises ``PythonVersionInvalidTomlError``.
    """
    data = read_toml(source, f"{project}/pyproject.toml")
    tables = (
        value_at(data, "tool", "uv", "sources"),
        value_at(data, "tool", "poetry", "dependencies"),
    )
    named = [item for table in tables for item in _places(table)]
    named += _of_requirements(value_at(data, "project", "dependencies"))
    return (
        *(
            (name, normalised(source, f"{project}/{place}"))
            for name, place in named
            if not place.startswith("/")
        ),
        *_of_workspace(source, project, data),
    )


def outside_parts(source: Source, project: str = ".") -> tuple[str, ...]:
    """Return the paths, relative to the app, that a project is built from outside its directory.

    Such as files that Hatch puts into a wheel, and only what there is beside the app in its source
    root. Raises ``PythonVersionInvalidTomlError``.
    """
    if not source.place:
        return ()
    data = read_toml(source, posixpath.normpath(f"{project}/pyproject.toml"))
    if not isinstance(value_at(data, "build-system"), dict):
        return ()
    tables = [value_at(data, "project"), value_at(data, "tool", "uv", "build-backend")]
    tables += [value_at(data, "tool", backend) for backend in _BACKENDS]
    texts = (text for table in tables for text in _texts(table) if text.startswith("../"))
    places = dict.fromkeys(normalised(source, f"{project}/{text}") for text in texts)
    return tuple(
        place
        for place in places
        if leads_out(place)
        and is_in_root(source, place)
        and (source.is_file(place) or source.is_dir(place))
    )


def _texts(value: object) -> Iterator[str]:
    """Yield all texts in a table, keys included, but for what names other distributions.

    Poetry's packages from elsewhere don't count either: its backend can't put them into a wheel.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in _OTHERS:
                yield str(key)
                yield from _texts(item)


def _of_workspace(source: Source, project: str, data: object) -> Iterator[tuple[str, str]]:
    """Yield the members of its workspace that a project needs, and the file that declares it.

    What the workspace says of where things come from holds for its members, too.
    """
    workspace = find_workspace(source, project) if leads_out(project) else None
    if workspace is None:
        return
    declared = f"{workspace}/pyproject.toml"
    yield "", declared
    shared = value_at(read_toml(source, declared), "tool", "uv", "sources")
    own = value_at(data, "tool", "uv", "sources")
    lines = value_at(data, "project", "dependencies")
    for line in lines if isinstance(lines, list) else ():
        name = next(names_of(str(line)), "")
        taken = _source_of(own, name) or _source_of(shared, name)
        member = find_member(source, workspace, name) if taken and "workspace" in taken else None
        if member is not None:
            yield name, member


def _source_of(table: object, name: str) -> dict[str, object]:
    """Return where a table says that a distribution comes from; nothing where it doesn't."""
    for key, value in table.items() if isinstance(table, dict) else ():
        if canonical(str(key)) == name:
            first = value[0] if isinstance(value, list) and value else value
            return first if isinstance(first, dict) else {}
    return {}


def from_root(requirement: str) -> str:
    """Return a requirement with a path relative to its project where it is one in disguise.

    A requirement can't have a relative path (PEP 508), but PDM knows a variable for the project's
    directory, and Hatch fields that are filled in.
    """
    return _FROM_ROOT.sub(
        lambda found: f"@ ./{'../' * (found[1] or '').count(':parent')}", requirement
    )


def _of_requirements(lines: object) -> Iterator[tuple[str, str]]:
    for line in lines if isinstance(lines, list) else ():
        found = _RELATIVE.match(from_root(str(line)))
        if found is not None:
            yield found[1], found[2]


def _places(table: object) -> Iterator[tuple[str, str]]:
    for name, value in table.items() if isinstance(table, dict) else ():
        for item in value if isinstance(value, list) else [value]:
            path = value_at(item, "path")
            if isinstance(path, str):
                yield str(name), path
