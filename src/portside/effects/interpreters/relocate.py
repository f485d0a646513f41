"""Copies a CPython installation and makes a tree of one work wherever it is moved.

Nothing is changed in place: what is rewritten is written anew and renamed. Bytecode is the
business of ``bytecode``, which has to come afterwards.
"""

import ast
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from portside.effects.files import (
    FileStamp,
    copy_tree,
    disk_errors,
    remove_tree,
    scan,
    write_new,
)
from portside.effects.process import Captured, Command, ProcessRunner
from portside.effects.tools import find_patchelf
from portside.model.python_version import PythonVersion

# Prefixes that hold more than Python.
_SHARED_PREFIXES = (Path("/usr"), Path("/usr/local"))
_SYSTEM_PREFIX = "/usr"
_UNWANTED_AT_TOP = {
    "EXTERNALLY-MANAGED",  # it would keep installers out
    "_distutils_system_mod.py",  # Debian's other half of its patched sysconfig
    "build-details.json",  # absolute paths, for tools only (PEP 739)
    "idlelib",
    "site-packages",
    "sitecustomize.py",  # the system's, not the app's
    "turtledemo",
    "usercustomize.py",
}
_TEST_SUITES = {"test", "tests"}
_TEST_MODULES = ("_test", "_ctypes_test", "_xxtest", "xxlimited", "xxsubtype")
_RUNPATH_OF_PROGRAMS = "$ORIGIN/../lib"
_RUNPATH_OF_MODULES = "$ORIGIN/../.."
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
_FUNCTION_OF_SITE = re.compile(r"^def getsitepackages\(.*?(?=^\S)", re.MULTILINE | re.DOTALL)
_UPSTREAM_FUNCTION = '''\
def getsitepackages(prefixes=None):
    """Return the directories of packages; portside put this in place of the system's."""
    name = "python%d.%d" % sys.version_info[:2]
    found = []
    for prefix in PREFIXES if prefixes is None else prefixes:
        path = os.path.join(prefix, "lib", name, "site-packages")
        if prefix and path not in found:
            found.append(path)
    return found


'''
# Since 3.11 the module site is part of the program, and Debian's only knows ``dist-packages``.
_PATH_OF_FROZEN_SITE = (
    "import os, site, sys; site.addsitedir(os.path.join("
    "sys.prefix, 'lib', 'python%d.%d' % sys.version_info[:2], 'site-packages'))\n"
)
# Debian's schemes, turned into upstream's.
_SCHEME_CHANGES = (
    (re.compile(r"(\{(?:base|platbase)\})/local(?=[/'])"), r"\1"),
    (re.compile(r"/python3/dist-packages"), "/python{py_version_short}/site-packages"),
    (re.compile(r"/dist-packages"), "/site-packages"),
    (
        re.compile(r"""os\.path\.join\(prefix, "lib", "python3", "dist-packages"\)"""),
        'os.path.join(libpython, "site-packages")',
    ),
)


class RelocationError(Exception):
    """The tree can't be made relocatable; the text says why."""


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


def copy_interpreter(executable: Path, version: PythonVersion, destination: Path) -> None:
    """Copy the installation that ``executable`` belongs to, without tests and packages.

    The copy still has to be made relocatable. Raises ``FileNotFoundError`` where the installation
    has no standard library, other ``OSError`` where it can't be read, and the errors of
    ``files.disk_errors``.
    """
    program = executable.resolve(strict=True)
    prefix = program.parent.parent
    library = prefix / "lib" / f"python{version.series}"
    if not (library / "os.py").is_file():
        raise FileNotFoundError(f"{library}: no standard library")
    with disk_errors(destination, f"Python {version}"):
        for name in ("bin", "lib", "include"):
            (destination / name).mkdir(parents=True, exist_ok=True)
        _copy_programs(program, destination, version)
        is_unwanted = _unwanted_below_library(version)
        _copy_directory(
            library,
            destination / "lib" / library.name,
            lambda path: path == "dist-packages" or is_unwanted(path),
        )
        _copy_headers(prefix, destination, version)
        for directory in _library_directories(prefix):
            _copy_libraries(directory, destination / "lib", prefix, version)
            _copy_pkgconfig(directory / "pkgconfig", destination / "lib" / "pkgconfig", version)
        _empty_site_packages(destination, version)


def make_relocatable(root: Path, version: PythonVersion, runner: ProcessRunner) -> None:
    """Make the tree of a copied or downloaded interpreter independent of where it is.

    Raises ``RelocationError``, ``CouldNotStartError`` (of patchelf), ``OSError`` and the errors of
    ``files.disk_errors``.
    """
    with disk_errors(root, f"Python {version}"):
        _prune(root, version)
        _empty_site_packages(root, version)
        _link_programs(root / "bin", version)
        _rewrite_runpaths(root, version, runner)
        settings = _read_settings(root, version)
        for path in sorted((root / "lib" / "pkgconfig").glob("*.pc")):
            _rewrite_pkgconfig(path, settings)
        _rewrite_config_script(root / "bin" / f"python{version.series}-config", settings)
        if settings is not None:
            _rewrite_settings(settings)
        _undo_system_layout(root / "lib" / f"python{version.series}")


# Copying


def _copy_programs(program: Path, destination: Path, version: PythonVersion) -> None:
    name = f"python{version.series}"
    _copy_one(program, destination / "bin" / name)
    config = program.with_name(f"{name}-config")
    if config.is_file():
        _copy_one(config, destination / "bin" / config.name)
    _link_programs(destination / "bin", version)


def _link_programs(directory: Path, version: PythonVersion) -> None:
    """Make ``python`` and ``python3`` links to the versioned program, likewise for its config."""
    series = str(version.series)
    for suffix in ("", "-config"):
        target = f"python{series}{suffix}"
        if not (directory / target).exists():
            continue
        for name in (f"python3{suffix}", f"python{suffix}"):
            (directory / name).unlink(missing_ok=True)
            (directory / name).symlink_to(target)


def _copy_one(source: Path, destination: Path) -> None:
    """Copy a file, or what a link leads to, as a new file that its owner may write."""
    destination.unlink(missing_ok=True)
    shutil.copy2(source, destination)
    destination.chmod(stat.S_IMODE(destination.stat().st_mode) | stat.S_IWUSR)


def _copy_directory(source: Path, destination: Path, unwanted: Callable[[str], bool]) -> None:
    destination.mkdir(parents=True, exist_ok=True)
    found = (
        _without_outside_link(source, stamp)
        for stamp in scan(source, lambda path, _: unwanted(path))
    )
    copy_tree(source, destination, tuple(stamp for stamp in found if stamp is not None))


def _without_outside_link(source: Path, stamp: FileStamp) -> FileStamp | None:
    """Return the stamp of the file itself for a link out of ``source``; None if it's no file."""
    if not stat.S_ISLNK(stamp.mode):
        return stamp
    target = (source / stamp.path).resolve()
    if target.is_relative_to(source) and not stamp.target.startswith("/"):
        return stamp
    if not target.is_file():
        return None
    status = target.stat()
    return replace(
        stamp, mode=status.st_mode, size=status.st_size, mtime_ns=status.st_mtime_ns, target=""
    )


def _copy_headers(prefix: Path, destination: Path, version: PythonVersion) -> None:
    name = f"python{version.series}"
    source = prefix / "include" / name
    if not source.is_dir():
        return
    _copy_directory(source, destination / "include" / name, lambda _: False)
    # Debian's own pyconfig.h only includes the one of the architecture, by its path below /usr.
    if prefix in _SHARED_PREFIXES:
        for config in (prefix / "include").glob(f"{_machine()}-linux-*/{name}/pyconfig.h"):
            _copy_one(config, destination / "include" / name / config.name)


def _library_directories(prefix: Path) -> list[Path]:
    directories = [prefix / "lib"]
    if prefix in _SHARED_PREFIXES:
        directories += sorted((prefix / "lib").glob(f"{_machine()}-linux-*"))
    return directories


def _machine() -> str:
    return os.uname().machine


def _copy_libraries(source: Path, destination: Path, prefix: Path, version: PythonVersion) -> None:
    """Copy libpython, and any other shared library where the prefix is Python's own."""
    patterns = [f"libpython{version.series}.so*", "libpython3.so"]
    if prefix not in _SHARED_PREFIXES:
        patterns.append("lib*.so*")
    names = {path.name for pattern in patterns for path in source.glob(pattern)}
    _copy_names(source, destination, names)


def _copy_pkgconfig(source: Path, destination: Path, version: PythonVersion) -> None:
    patterns = (f"python-{version.series}*.pc", "python3.pc", "python3-embed.pc")
    found = [path for pattern in patterns for path in source.glob(pattern)]
    ours = f"python-{version.series}"
    _copy_names(source, destination, {p.name for p in found if p.resolve().name.startswith(ours)})


def _copy_names(source: Path, destination: Path, names: set[str]) -> None:
    """Copy some files of a directory; a link stays one if it leads to another of them."""
    if names:
        destination.mkdir(exist_ok=True)
    for name in sorted(names):
        path = source / name
        if path.is_symlink() and str(path.readlink()) in names:
            (destination / name).unlink(missing_ok=True)
            (destination / name).symlink_to(path.readlink())
        elif path.is_file():
            _copy_one(path, destination / name)


# Pruning


def _unwanted_below_library(version: PythonVersion) -> Callable[[str], bool]:
    """Return what tells whether a path below ``lib/python3.N`` isn't wanted."""
    bytecode = f".cpython-{version.major}{version.minor}.pyc"

    def is_unwanted(path: str) -> bool:
        top, _, rest = path.partition("/")
        name = path.rpartition("/")[2]
        return (
            top in _UNWANTED_AT_TOP
            or top.startswith(("config-", "_sysconfig_vars_"))
            or name in _TEST_SUITES
            or (top == "lib-dynload" and rest.startswith(_TEST_MODULES))
            or name.endswith(".a")
            or (name.endswith((".pyc", ".pyo")) and not name.endswith(bytecode))
        )

    return is_unwanted


def _prune(root: Path, version: PythonVersion) -> None:
    library = root / "lib" / f"python{version.series}"
    is_unwanted = _unwanted_below_library(version)
    unwanted = list((root / "lib").glob("*.a"))

    def skip(path: str, _: "os.DirEntry[str]") -> bool:
        if is_unwanted(path):
            unwanted.append(library / path)
            return True
        return False

    for _ in scan(library, skip):
        pass
    unwanted += _unwanted_programs(root / "bin", version)
    for path in unwanted:
        if path.is_dir() and not path.is_symlink():
            remove_tree(path)
        else:
            path.unlink()
    for path in (root / "bin").iterdir():
        if not path.exists():
            path.unlink()


def _unwanted_programs(directory: Path, version: PythonVersion) -> list[Path]:
    """Return the scripts and the links that lead out of the directory.

    Nothing that the scripts would run is left, except ``python3.N-config`` where it's for sh.
    """
    found = []
    for path in directory.iterdir():
        if path.is_symlink():
            if path.readlink().is_absolute():
                found.append(path)
            continue
        with path.open("rb") as file:
            first_line = file.readline(1000)
        is_config = path.name == f"python{version.series}-config" and b"python" not in first_line
        if first_line.startswith(b"#!") and not is_config:
            found.append(path)
    return found


def _empty_site_packages(root: Path, version: PythonVersion) -> None:
    (root / "lib" / f"python{version.series}" / "site-packages").mkdir(parents=True, exist_ok=True)


# Shared libraries


def _rewrite_runpaths(root: Path, version: PythonVersion, runner: ProcessRunner) -> None:
    patchelf = str(find_patchelf())
    libraries = sorted(p for p in (root / "lib").glob("lib*.so*") if not p.is_symlink())
    modules = sorted((root / "lib" / f"python{version.series}" / "lib-dynload").glob("*.so"))
    programs = [root / "bin" / f"python{version.series}"]
    for paths, runpath in (
        (programs, _RUNPATH_OF_PROGRAMS),
        (libraries, _RUNPATH_OF_PROGRAMS),
        (modules, _RUNPATH_OF_MODULES),
    ):
        absolute = _with_absolute_runpath(paths, patchelf, runner)
        if absolute:
            _set_runpath(absolute, runpath, patchelf, runner, root)


def _with_absolute_runpath(paths: list[Path], patchelf: str, runner: ProcessRunner) -> list[Path]:
    if not paths:
        return []
    answer = _run_patchelf((patchelf, "--print-rpath", *map(str, paths)), runner)
    lines = answer.stdout.decode("utf-8", "surrogateescape").splitlines()
    if answer.exit_status == 0 and len(lines) == len(paths):
        entries = zip(paths, lines, strict=True)
        return [path for path, line in entries if any(p.startswith("/") for p in line.split(":"))]
    if len(paths) == 1:
        # Linked statically, such as a program for musl: nothing is searched for.
        return []
    return [found for path in paths for found in _with_absolute_runpath([path], patchelf, runner)]


def _set_runpath(
    paths: list[Path], runpath: str, patchelf: str, runner: ProcessRunner, root: Path
) -> None:
    """Give copies of the files the run path, then put them in the files' places."""
    with tempfile.TemporaryDirectory(prefix=".runpath-", dir=root) as work:
        copies = [Path(work, path.name) for path in paths]
        for path, copy in zip(paths, copies, strict=True):
            _copy_one(path, copy)
        answer = _run_patchelf((patchelf, "--set-rpath", runpath, *map(str, copies)), runner)
        if answer.exit_status != 0:
            raise RelocationError(f"patchelf: {answer.stderr.strip()[-500:]}")
        for path, copy in zip(paths, copies, strict=True):
            copy.replace(path)


def _run_patchelf(argv: tuple[str, ...], runner: ProcessRunner) -> Captured:
    return runner.capture(Command(argv, Path("/"), {}))


# Build settings


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


# Debian's layout


def _undo_system_layout(library: Path) -> None:
    """Turn Debian's directories of packages back into upstream's ``site-packages``."""
    site = library / "site.py"
    path_file = library / "dist-packages" / "portside.pth"
    if path_file.exists() or "dist-packages" not in site.read_text(encoding="utf-8"):
        return
    _edit(site, lambda text: _FUNCTION_OF_SITE.sub(lambda _: _UPSTREAM_FUNCTION, text))
    for name in (
        "sysconfig.py",
        "sysconfig/__init__.py",
        "distutils/sysconfig.py",
        "distutils/command/install.py",
    ):
        if (library / name).is_file():
            _edit(library / name, _with_upstream_schemes)
    path_file.parent.mkdir(exist_ok=True)
    write_new(path_file, _PATH_OF_FROZEN_SITE.encode("ascii"))


def _with_upstream_schemes(text: str) -> str:
    for pattern, new in _SCHEME_CHANGES:
        text = pattern.sub(new, text)
    return text


def _edit(path: Path, change: Callable[[str], str]) -> None:
    old = path.read_text(encoding="utf-8")
    new = change(old)
    if new != old:
        write_new(path, new.encode("utf-8"))
