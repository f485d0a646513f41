"""Takes out of an interpreter's tree what no app runs: test suites, static libraries, scripts.

It only ever removes; what stays isn't changed.
"""

import os
from collections.abc import Callable
from pathlib import Path

from portside.effects.files import scan
from portside.effects.removal import remove_tree
from portside.model.python_version import PythonVersion

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


def prune(root: Path, version: PythonVersion) -> None:
    """Remove what isn't wanted from the tree at ``root``. Raises ``OSError``."""
    library = root / "lib" / f"python{version.series}"
    is_unwanted = unwanted_below_library(version)
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


def unwanted_below_library(version: PythonVersion) -> Callable[[str], bool]:
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
