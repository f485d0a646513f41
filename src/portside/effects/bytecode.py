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
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

from msgspec import Struct

from portside.effects.files import NO_SPACE, digest_file
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
    owned: set[str] = set()
    missing: dict[str, list[str]] = {}
    reused = 0
    # Compiling begins with the first distribution that has no bytecode yet.
    with _Compiler(site, interpreter.executable, runner, work) as compiler:
        for info in sorted(site.glob("*.dist-info")):
            sources = _sources(site, info / "RECORD")
            owned.update(sources)
            if not sources or info.name.partition("-")[0] in left_out:
                continue
            key = _digest(site, sources)
            if _link_in(shelf / key, site, sources, tag):
                reused += 1
            else:
                missing[key] = sources
                compiler.add(sources)
        compiler.add(sorted(set(_all_sources(site)) - owned))
        status = compiler.finish()
    # What wasn't compiled to the end is no good for others.
    for key, sources in missing.items() if status == 0 else ():
        _link_out(shelf / key, site, sources, tag)
    return BytecodeOutcome(len(missing), reused)


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
    sources: Sequence[str], root: Path, python: Path, runner: ProcessRunner, work: Path
) -> int:
    """Byte-compile ``sources`` (relative to ``root``) with the interpreter that will import them.

    What doesn't compile is left without bytecode. ``work`` is a scratch directory. Returns 0, or
    the exit status of a process that didn't come to its end. Raises ``CouldNotStartError``, and
    ``OSError`` where the disk is full.
    """
    with _Compiler(root, python, runner, work) as compiler:
        compiler.add(sources)
        return compiler.finish()


class _Compiler:
    """Processes that compile what was added so far while there is more to come."""

    def __init__(self, root: Path, python: Path, runner: ProcessRunner, work: Path) -> None:
        self._root, self._python, self._runner, self._work = root, python, runner, work
        self._workers = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._workers)
        self._waiting: list[str] = []
        self._running: list[Future[int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, sources: Iterable[str]) -> None:
        """Take sources, relative to the root."""
        self._waiting += sources
        if len(self._waiting) >= _LARGEST_BATCH:
            self._start()

    def finish(self) -> int:
        """Return 0, or the exit status of a process that didn't come to its end.

        Raises ``CouldNotStartError``, and ``OSError`` where the disk is full.
        """
        self._start()
        status = next(filter(None, [running.result() for running in self._running]), 0)
        if status in NO_SPACE:
            raise OSError(status, os.strerror(status), str(self._root))
        return status

    def _start(self) -> None:
        batches = _batches(self._waiting, self._workers)
        self._waiting = []
        self._running += [self._pool.submit(self._compile, batch) for batch in batches]

    def _compile(self, batch: list[str]) -> int:
        descriptor, listing = tempfile.mkstemp(prefix="compile-", dir=self._work)
        with os.fdopen(descriptor, "wb") as file:
            file.write("\0".join(batch).encode("utf-8", "surrogateescape"))
        arguments = (listing, str(self._root), str(os.getpid()))
        argv = (str(self._python), "-I", "-S", "-B", str(_WORKER), *arguments)
        command = Command(argv, self._work, {"PATH": "/usr/bin:/bin"})
        return self._runner.run(command, lambda _: None).exit_status


def _batches(sources: Sequence[str], workers: int) -> list[list[str]]:
    """Split the work so that all workers have some of it until the end."""
    rounds = math.ceil(len(sources) / (_LARGEST_BATCH * workers))
    count = min(rounds * workers, math.ceil(len(sources) / _SMALLEST_BATCH))
    # Large modules lie beside each other, in one distribution.
    return [list(sources[number::count]) for number in range(count)]
