"""Copies a CPython installation of this machine, which is only read.

The copy still names the places it was built for; ``relocate`` is what changes that.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from portside.effects.files import FileStamp, copy_tree, disk_errors, scan
from portside.effects.interpreters.pruning import unwanted_below_library
from portside.effects.interpreters.tree import copy_file, link_programs, make_site_packages
from portside.model.python_version import PythonVersion

# Prefixes that hold more than Python.
_SHARED_PREFIXES = (Path("/usr"), Path("/usr/local"))


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
        is_unwanted = unwanted_below_library(version)
        _copy_directory(
            library,
            destination / "lib" / library.name,
            lambda path: path == "dist-packages" or is_unwanted(path),
        )
        _copy_headers(prefix, destination, version)
        for directory in _library_directories(prefix):
            _copy_libraries(directory, destination / "lib", prefix, version)
            _copy_pkgconfig(directory / "pkgconfig", destination / "lib" / "pkgconfig", version)
        make_site_packages(destination, version)


def _copy_programs(program: Path, destination: Path, version: PythonVersion) -> None:
    name = f"python{version.series}"
    copy_file(program, destination / "bin" / name)
    config = program.with_name(f"{name}-config")
    if config.is_file():
        copy_file(config, destination / "bin" / config.name)
    link_programs(destination / "bin", version)


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
            copy_file(config, destination / "include" / name / config.name)


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
            copy_file(path, destination / name)
