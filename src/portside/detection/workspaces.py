"""uv workspaces: which one an app, or a project beside it, is a member of, and who else is.

https://docs.astral.sh/uv/concepts/projects/workspaces/
"""

import posixpath
from collections.abc import Iterator
from fnmatch import fnmatchcase

from portside.detection.documents import read_toml, value_at
from portside.model.names import canonical
from portside.model.source import Source, above, normalised

LOCK = "uv.lock"
_PYPROJECT = "pyproject.toml"


def find_uv_lock(source: Source) -> str | None:
    """Return the path of the uv.lock that pins an app: its own, or that of its workspace.

    Raises ``PythonVersionInvalidTomlError``.
    """
    if source.is_file(LOCK):
        return LOCK
    root = find_workspace(source)
    lock = f"{root}/{LOCK}"
    return lock if root is not None and source.is_file(lock) else None


def find_workspace(source: Source, project: str = ".") -> str | None:
    """Return where the workspace is that the app is a member of: ``..``, ``../..`` and so on.

    ``project`` is the path of another project, relative to the app. The nearest directory that
    declares a workspace decides. Raises ``PythonVersionInvalidTomlError``.
    """
    if not source.place or not source.is_file(_file_of(project)):
        return None
    if _declared(source, project) is not None:
        return None
    for directory, member in above(source, project):
        workspace = _declared(source, directory)
        if workspace is not None:
            is_member = _matches(workspace, "members", member)
            return directory if is_member and not _matches(workspace, "exclude", member) else None
    return None


def find_member(source: Source, workspace: str, name: str) -> str | None:
    """Return the path, relative to the app, of the member of a workspace that has a name.

    Raises ``PythonVersionInvalidTomlError``.
    """
    for pattern in _patterns(_declared(source, workspace), "members"):
        for place in _expanded(source, workspace, pattern):
            project = value_at(read_toml(source, _file_of(place)), "project", "name")
            if isinstance(project, str) and canonical(project) == canonical(name):
                return normalised(source, place)
    return None


def _file_of(project: str) -> str:
    return posixpath.normpath(f"{project}/{_PYPROJECT}")


def _declared(source: Source, project: str) -> object:
    """Return the table ``[tool.uv.workspace]`` of a project, None where there is none."""
    file = _file_of(project)
    if not source.is_file(file) or b"workspace" not in source.read(file):
        return None
    return value_at(read_toml(source, file), "tool", "uv", "workspace")


def _patterns(workspace: object, key: str) -> Iterator[list[str]]:
    """Yield the globs of a workspace, each as its parts."""
    patterns = value_at(workspace, key)
    for pattern in patterns if isinstance(patterns, list) else ():
        yield str(pattern).removeprefix("./").rstrip("/").split("/")


def _matches(workspace: object, key: str, member: str) -> bool:
    return any(_fits(pattern, member.split("/")) for pattern in _patterns(workspace, key))


def _expanded(source: Source, directory: str, pattern: list[str]) -> Iterator[str]:
    """Yield the directories that a glob fits; hidden and linked ones aren't entered."""
    if not pattern:
        yield directory
        return
    if pattern[0] == "**":
        yield from _expanded(source, directory, pattern[1:])
    for entry in source.entries(directory):
        if entry.is_dir and not entry.is_symlink and not entry.name.startswith("."):
            if pattern[0] == "**":
                yield from _expanded(source, entry.path, pattern)
            elif fnmatchcase(entry.name, pattern[0]):
                yield from _expanded(source, entry.path, pattern[1:])


def _fits(pattern: list[str], parts: list[str]) -> bool:
    """Return whether a glob fits a path; only ``**`` goes through several directories."""
    if not pattern or not parts:
        return not parts and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return _fits(pattern[1:], parts) or _fits(pattern, parts[1:])
    return fnmatchcase(parts[0], pattern[0]) and _fits(pattern[1:], parts[1:])
