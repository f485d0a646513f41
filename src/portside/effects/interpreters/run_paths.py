"""The run paths of an interpreter's programs and libraries, made relative to each file.

A file is never changed in place: a copy gets the run path and then takes the file's place.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from portside.effects.interpreters.tree import RelocationError, copy_file
from portside.effects.process import Captured, Command, ProcessRunner
from portside.effects.tools import find_patchelf
from portside.model.python_version import PythonVersion

_RUNPATH_OF_PROGRAMS = "$ORIGIN/../lib"
_RUNPATH_OF_MODULES = "$ORIGIN/../.."


def rewrite_run_paths(root: Path, version: PythonVersion, runner: ProcessRunner) -> None:
    """Let each file of the tree at ``root`` look for libraries relative to itself.

    Only run paths with an absolute directory are replaced. Raises ``RelocationError``,
    ``CouldNotStartError`` (of patchelf) and ``OSError``.
    """
    patchelf = str(find_patchelf())
    libraries = sorted(p for p in (root / "lib").glob("lib*.so*") if not p.is_symlink())
    modules = sorted((root / "lib" / f"python{version.series}" / "lib-dynload").glob("*.so"))
    programs = [root / "bin" / f"python{version.series}"]
    groups = (
        (programs, _RUNPATH_OF_PROGRAMS),
        (libraries, _RUNPATH_OF_PROGRAMS),
        (modules[::2], _RUNPATH_OF_MODULES),
        (modules[1::2], _RUNPATH_OF_MODULES),
    )

    def rewrite(group: tuple[list[Path], str]) -> None:
        absolute = _with_absolute_runpath(group[0], patchelf, runner)
        if absolute:
            _set_runpath(absolute, group[1], patchelf, runner, root)

    with ThreadPoolExecutor(len(groups)) as pool:
        for _ in pool.map(rewrite, groups):
            pass


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
            copy_file(path, copy)
        answer = _run_patchelf((patchelf, "--set-rpath", runpath, *map(str, copies)), runner)
        if answer.exit_status != 0:
            raise RelocationError(f"patchelf: {answer.stderr.strip()[-500:]}")
        for path, copy in zip(paths, copies, strict=True):
            copy.replace(path)


def _run_patchelf(argv: tuple[str, ...], runner: ProcessRunner) -> Captured:
    return runner.capture(Command(argv, Path("/"), {}))
