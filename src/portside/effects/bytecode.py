"""Bytecode of installed distributions: compiled once per interpreter, then linked from the store.

A distribution's bytecode is known by the contents of all its sources, read from disk: what a
RECORD file claims isn't believed. Links are only made between files of the store.
"""

import contextlib
import csv
import hashlib
import math
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from portside.effects.files import digest_file
from portside.effects.process import Command, ProcessRunner
from portside.model.interpreter import Interpreter

_WORKER = Path(__file__).with_name("compile_worker.py")
_LARGEST_BATCH, _SMALLEST_BATCH = 400, 20
_IMPORTABLE = re.compile(r"[^\0]+\.py")


class BytecodeOutcome(Struct, frozen=True):
    """How many distributions were compiled, and how many came from the store."""

    compiled: int
    reused: int


def provide_bytecode(
    tree: Path,
    interpreter: Interpreter,
    bytecode_store: Path,
    runner: ProcessRunner,
    work: Path,
    *,
    left_out: frozenset[str] = frozenset(),
) -> BytecodeOutcome:
    """Give every module below ``tree``'s site-packages its bytecode.

    ``tree`` must belong to the store: its bytecode is linked with ``bytecode_store``. ``left_out``
    names distributions that get none.
    """
    site = tree / interpreter.site_packages
    if not site.is_dir():
        return BytecodeOutcome(0, 0)
    tag = f"cpython-{interpreter.version.major}{interpreter.version.minor}"
    shelf = bytecode_store / str(interpreter.version)
    installed = _distributions(site)
    distributions = {
        name: sources
        for name, sources in installed.items()
        if sources and name.partition("-")[0] not in left_out
    }
    keys = {name: _digest(site, sources) for name, sources in distributions.items()}
    missing = [n for n in keys if not _link_in(shelf / keys[n], site, distributions[n], tag)]
    owned = {source for sources in installed.values() for source in sources}
    to_compile = [s for n in missing for s in distributions[n]]
    to_compile += sorted(set(_all_sources(site)) - owned)
    compile_sources(to_compile, site, interpreter.executable, runner, work)
    for name in missing:
        _link_out(shelf / keys[name], site, distributions[name], tag)
    return BytecodeOutcome(len(missing), len(keys) - len(missing))


def _distributions(site: Path) -> dict[str, list[str]]:
    return {info.name: _sources(site, info / "RECORD") for info in sorted(site.glob("*.dist-info"))}


def _sources(site: Path, record: Path) -> list[str]:
    try:
        with record.open(encoding="utf-8", newline="") as file:
            paths = {row[0] for row in csv.reader(file) if row}
    except (OSError, ValueError, csv.Error):
        return []
    return sorted(
        path
        for path in paths
        if _IMPORTABLE.fullmatch(path)
        and not path.startswith(("/", "../"))
        and (site / path).is_file()
    )


def _digest(site: Path, sources: list[str]) -> str:
    total = hashlib.sha256()
    for source in sources:
        total.update(
            f"{source}\0{digest_file(f'{site}/{source}')}\0".encode("utf-8", "surrogateescape")
        )
    return total.hexdigest()


def _bytecode_path(site: Path, source: str, tag: str) -> str:
    directory, _, name = source.rpartition("/")
    parent = f"{site}/{directory}" if directory else str(site)
    return f"{parent}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"


def _link_in(shelf: Path, site: Path, sources: list[str], tag: str) -> bool:
    """Link a distribution's stored bytecode into the tree; return whether there was any."""
    if not (shelf / "complete").is_file():
        return False
    for number, source in enumerate(sources):
        target = _bytecode_path(site, source, tag)
        with contextlib.suppress(FileExistsError):
            os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120 (hot path)
            try:
                os.link(f"{shelf}/{number}", target)
            except FileNotFoundError:
                continue  # a source that doesn't compile has no bytecode
    return True


def _link_out(shelf: Path, site: Path, sources: list[str], tag: str) -> None:
    shelf.mkdir(parents=True, exist_ok=True)
    for number, source in enumerate(sources):
        with contextlib.suppress(FileExistsError, FileNotFoundError):
            os.link(_bytecode_path(site, source, tag), f"{shelf}/{number}")
    # Written last: a kill before this only means that it is compiled again.
    (shelf / "complete").touch()


def _all_sources(site: Path) -> list[str]:
    found = []
    for directory, names, files in os.walk(site):
        if "__pycache__" in names:
            names.remove("__pycache__")
        prefix = os.path.relpath(directory, site)
        found += [
            name if prefix == "." else f"{prefix}/{name}" for name in files if name.endswith(".py")
        ]
    return found


def compile_sources(
    sources: list[str], root: Path, python: Path, runner: ProcessRunner, work: Path
) -> None:
    """Byte-compile ``sources`` (relative to ``root``) with the interpreter that will import them.

    What doesn't compile is left without bytecode. ``work`` is a scratch directory.
    """
    workers = os.cpu_count() or 1
    batches = _batches(sources, workers)

    def compile_batch(number: int) -> None:
        listing = work / f"compile-{number}"
        listing.write_bytes("\0".join(batches[number]).encode("utf-8", "surrogateescape"))
        argv = (str(python), "-I", "-S", str(_WORKER), str(listing), str(root))
        runner.run(Command(argv, work, {"PATH": "/usr/bin:/bin"}), lambda _: None)

    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(compile_batch, range(len(batches))):
            pass


def _batches(sources: list[str], workers: int) -> list[list[str]]:
    """Split the work so that all workers have some of it until the end."""
    rounds = math.ceil(len(sources) / (_LARGEST_BATCH * workers))
    count = min(rounds * workers, math.ceil(len(sources) / _SMALLEST_BATCH))
    # Large modules lie beside each other, in one distribution.
    return [sources[number::count] for number in range(count)]
