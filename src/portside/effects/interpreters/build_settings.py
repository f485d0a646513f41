"""What an interpreter was built with, in ``sysconfig``, pkg-config's files and ``python3-config``.

The paths in them are made to follow the tree; nothing here decides what is in the tree.
"""

import ast
import re
from pathlib import Path

from msgspec import Struct

from portside.effects.files import write_new
from portside.effects.interpreters.tree import RelocationError
from portside.model.python_version import PythonVersion

_SYSTEM_PREFIX = "/usr"
_SETTINGS_HEADER = """\
# Written by portside: the paths follow the interpreter wherever it is moved.
import sys

_p = sys.base_prefix
build_time_vars = {
"""
# In the shared prefix /usr, only these are paths of the installation itself.
_OWN_PATHS = {
    "BINDIR", "BINLIBDEST", "CONFINCLUDEDIR", "CONFINCLUDEPY", "DESTDIRS", "DESTLIB",
    "DESTSHARED", "EXENAME", "INCLDIRSTOMAKE", "INCLUDEDIR", "INCLUDEPY", "LIBDEST", "LIBDIR",
    "LIBPC", "LIBPL", "MACHDESTLIB", "MANDIR", "SCRIPTDIR", "datarootdir", "exec_prefix", "prefix",
}  # fmt: skip
# python-build-standalone is built by a compiler that isn't there where it is used.
_TOOL_SETTINGS = {"AR", "BLDSHARED", "CC", "CXX", "LDCXXSHARED", "LDSHARED", "LINKCC"}
_TOOLS = {"clang": "cc", "clang++": "c++", "llvm-ar": "ar"}
_TOOL = re.compile(r"^(?:\S*/)?(clang\+\+|clang|llvm-ar)(?=\s|$)")


class _Settings(Struct, frozen=True):
    """What the interpreter was built with: its ``_sysconfigdata`` module."""

    path: Path
    variables: dict[str, object]

    @property
    def prefix(self) -> str:
        return str(self.variables.get("prefix") or "")

    @property
    def library_directory(self) -> str:
        return str(self.variables.get("LIBDIR") or "")


def rewrite_build_settings(root: Path, version: PythonVersion) -> None:
    """Let the build settings of the tree at ``root`` follow it wherever it is moved.

    Raises ``RelocationError`` where they can't be understood, and ``OSError``.
    """
    settings = _read_settings(root, version)
    for path in sorted((root / "lib" / "pkgconfig").glob("*.pc")):
        _rewrite_pkgconfig(path, settings)
    _rewrite_config_script(root / "bin" / f"python{version.series}-config", settings)
    if settings is not None:
        _rewrite_settings(settings)


def _read_settings(root: Path, version: PythonVersion) -> _Settings | None:
    """Return the build settings as they were written by the build; None if rewritten before."""
    library = root / "lib" / f"python{version.series}"
    for path in sorted(library.glob("_sysconfigdata_*.py")):
        if path.is_symlink():
            continue
        text = path.read_text(encoding="utf-8")
        if not text.startswith(_SETTINGS_HEADER):
            return _Settings(path, _parse_settings(text, path))
    return None


def _parse_settings(text: str, path: Path) -> dict[str, object]:
    try:
        for statement in ast.parse(text).body:
            if isinstance(statement, ast.Assign) and _assigns_settings(statement):
                value: object = ast.literal_eval(statement.value)
                if isinstance(value, dict):
                    return {str(key): item for key, item in value.items()}
    except (SyntaxError, ValueError) as error:
        raise RelocationError(f"{path.name} can't be understood: {error}") from error
    raise RelocationError(f"{path.name} has no build_time_vars")


def _assigns_settings(statement: ast.Assign) -> bool:
    return any(isinstance(t, ast.Name) and t.id == "build_time_vars" for t in statement.targets)


def _rewrite_settings(settings: _Settings) -> None:
    lines = [_SETTINGS_HEADER]
    for name, value in settings.variables.items():
        lines.append(f"    {name!r}: {_expression(name, value, settings)},\n")
    write_new(settings.path, "".join([*lines, "}\n"]).encode("utf-8"))


def _expression(name: str, value: object, settings: _Settings) -> str:
    """Return the value as Python, its prefix computed when it's evaluated."""
    if not isinstance(value, str):
        return repr(value)
    if name in _TOOL_SETTINGS:
        value = _TOOL.sub(lambda match: _TOOLS[match[1]], value)
    if settings.prefix in ("", "/") or (
        settings.prefix == _SYSTEM_PREFIX and name not in _OWN_PATHS
    ):
        return repr(value)
    pieces = _split_at_prefix(value, settings)
    return repr(value) if len(pieces) == 1 else f"_p.join({tuple(pieces)!r})"


def _split_at_prefix(text: str, settings: _Settings) -> list[str]:
    """Split at each use of the prefix as the start of a path."""
    libraries = settings.library_directory
    if libraries.startswith(f"{settings.prefix}/"):
        text = _path_pattern(libraries).sub(lambda _: f"{settings.prefix}/lib", text)
    return _path_pattern(settings.prefix).split(text)


def _path_pattern(path: str) -> re.Pattern[str]:
    """Return what matches ``path`` where a path starts: not the end of /usr/bin/install."""
    return re.compile(rf"(?:(?<=-[ILR])|(?<![\w./-])){re.escape(path)}(?![\w.-])")


def _rewrite_pkgconfig(path: Path, settings: _Settings | None) -> None:
    if path.is_symlink():
        return
    old = path.read_text(encoding="utf-8")
    new = re.sub(r"^prefix=.*$", "prefix=${pcfiledir}/../..", old, flags=re.MULTILINE)
    new = re.sub(r"^libdir=.*$", "libdir=${prefix}/lib", new, flags=re.MULTILINE)
    new = re.sub(r" -I\$\{includedir\}/\w+-linux-\w+/\S+", "", new)
    if settings is not None and settings.prefix not in ("", "/", _SYSTEM_PREFIX):
        new = "${prefix}".join(_split_at_prefix(new, settings))
    if new != old:
        write_new(path, new.encode("utf-8"))


def _rewrite_config_script(path: Path, settings: _Settings | None) -> None:
    """Let ``python3.N-config`` use the prefix it finds itself at throughout."""
    if settings is None or settings.prefix in ("", "/", _SYSTEM_PREFIX) or not path.is_file():
        return
    old = path.read_text(encoding="utf-8")
    new = "${prefix_real}".join(_split_at_prefix(old, settings))
    if new != old and "prefix_real=" in old:
        write_new(path, new.encode("utf-8"), 0o755)
