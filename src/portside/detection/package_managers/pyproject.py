"""pyproject.toml alone: it says what the project needs, and nothing pins that."""

from collections.abc import Mapping

from portside.detection.documents import read_toml, value_at
from portside.detection.package_managers.uv_only import local_choice, uv_choice
from portside.detection.project import PYPROJECT, find_mistake, read_project
from portside.model.errors.dependencies import ProjectInvalidError
from portside.model.errors.locks import LockMissingError
from portside.model.facts import DependencySource, Notice, PackageManager
from portside.model.source import Source

_TOOLS = ("poetry", "pdm")
_UV_TABLE = "[tool.uv]"
# What builds a project tells which tool made it, where no table of the tool's own does.
_BACKENDS = {"poetry.core.masonry.api": "poetry", "pdm.backend": "pdm"}
# Where distributions come from, and what PDM puts in the place of what is asked for.
_PLACES = {"poetry": ("source",), "pdm": ("source", "resolution")}


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:  # noqa: ARG001 (the protocol)
    """Return the project, None where there is no pyproject.toml that describes one.

    Raises ``PythonVersionInvalidTomlError``, ``ProjectInvalidError`` and ``LockMissingError``.
    """
    if read_project(source) is None:
        return None
    if mistake := find_mistake(source):
        raise ProjectInvalidError(cause=mistake)
    _refuse_choices(source)
    reason = f"there is a {PYPROJECT} that describes a project, and no lock"
    if choice := choice_of_uv(source):
        reason += f"; {choice}"
    return DependencySource(
        manager=PackageManager.PYPROJECT,
        manifest=PYPROJECT,
        lock=None,
        files=(PYPROJECT,),
        reason=reason,
        notices=(_no_lock(source),),
    )


def choice_of_uv(source: Source) -> str | None:
    """Return what the project says that only uv reads, in a phrase; uv resolves such a project.

    Raises ``PythonVersionInvalidTomlError``.
    """
    table = value_at(read_toml(source, PYPROJECT), "tool", "uv")
    return uv_choice(source, table, _UV_TABLE)


def _refuse_choices(source: Source) -> None:
    """Refuse what only a tool's own lock can make exact.

    Another index may have something else by the same name.
    """
    data = read_toml(source, PYPROJECT)
    tables = value_at(data, "tool")
    cause = local_choice(source, value_at(tables, "uv"), _UV_TABLE)
    is_alone = not source.place and not value_at(tables, "uv", "workspace")
    is_standard = value_at(data, "project") and not value_at(tables, "poetry", "dependencies")
    if not cause and not (is_alone and is_standard):
        # uv reads the workspace as well, and knows no other description of a project.
        cause = choice_of_uv(source)
    if cause:
        raise LockMissingError(cause=cause, command="uv lock")
    found = [
        (tool, key)
        for tool, keys in _PLACES.items()
        for key in keys
        if not _is_default(value_at(tables, tool, key))
    ]
    for tool, key in found[:1]:
        cause = f"[tool.{tool}] has '{key}', which only {PackageManager[tool.upper()].tool} reads"
        raise LockMissingError(cause=cause, command=f"{tool} lock")


def _is_default(value: object) -> bool:
    """Return whether a table says nothing, or what is so without it: that PyPI is asked."""
    sources = value if isinstance(value, list) else ()
    return not value or (
        bool(sources)
        and all(
            str(value_at(one, "name")).lower() == "pypi" and not value_at(one, "url")
            for one in sources
        )
    )


def _no_lock(source: Source) -> Notice:
    data = read_toml(source, PYPROJECT)
    backend = str(value_at(data, "build-system", "build-backend"))
    tables = value_at(data, "tool")
    own = next((name for name in _TOOLS if value_at(tables, name)), None)
    tool = own or _BACKENDS.get(backend, "uv")
    return Notice(
        "pyproject::no-lock",
        "No lock pins what pyproject.toml asks for, so every build may install something else.",
        "Lock it with the tool you use, and commit what it writes; with "
        f"{PackageManager[tool.upper()].tool} that is:\n    {tool} lock",
    )
