"""Getting an interpreter from wherever it can be had, relocatable and checked."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from portside.effects.host import Host
from portside.effects.interpreters.bytecode import BytecodeError, convert_bytecode
from portside.effects.interpreters.check import check_interpreter
from portside.effects.interpreters.download import download_interpreter
from portside.effects.interpreters.installation import copy_interpreter
from portside.effects.interpreters.relocate import make_relocatable
from portside.effects.interpreters.tree import RelocationError
from portside.effects.process import CouldNotStartError, OnLine, ProcessRunner
from portside.effects.removal import remove_tree
from portside.model.errors.interpreter import InterpreterUnusableError
from portside.model.interpreter import InterpreterCandidate, InterpreterSource


class Obtained(Struct, frozen=True):
    """What was obtained.

    ``origin`` says from where, in words; ``uncompiled`` names the sources of the standard library,
    relative to its directory, that still have no bytecode.
    """

    origin: str
    uncompiled: tuple[str, ...]


def obtain_interpreter(
    candidate: InterpreterCandidate,
    destination: Path,
    *,
    runner: ProcessRunner,
    host: Host,
    uv: Path,
    on_line: OnLine,
) -> Obtained:
    """Put a relocatable interpreter at ``destination``, which works but may lack bytecode.

    The candidate isn't one of the store: what is there is finished.
    ``destination`` exists and is empty, and is so again when this raises: the errors of
    ``download_interpreter`` and ``files.disk_errors``, and ``InterpreterUnusableError``.
    """
    try:
        if candidate.source is InterpreterSource.LOCAL:
            with _unusable(candidate, runner):
                copy_interpreter(Path(candidate.location), candidate.version, destination)
        else:
            download_interpreter(
                candidate, destination, runner=runner, host=host, uv=uv, on_line=on_line
            )
        with _unusable(candidate, runner):
            make_relocatable(destination, candidate.version, runner)
            library = destination / "lib" / f"python{candidate.version.series}"
            executable = destination / "bin" / f"python{candidate.version.series}"
            uncompiled = convert_bytecode(library, executable, runner)
        _check(candidate, destination, runner)
    except BaseException:
        remove_tree(destination)
        destination.mkdir()
        raise
    return Obtained(describe_origin(candidate), tuple(uncompiled))


def describe_origin(candidate: InterpreterCandidate) -> str:
    """Return where an interpreter comes from, as a phrase for people and without credentials."""
    if candidate.source is InterpreterSource.LOCAL:
        return f"copied from {candidate.location}"
    if candidate.source is InterpreterSource.STORE:
        return "cached"
    parts = urlsplit(candidate.location)
    return f"downloaded from {parts.hostname}" if parts.hostname else f"unpacked from {parts.path}"


@contextmanager
def _unusable(candidate: InterpreterCandidate, runner: ProcessRunner) -> Iterator[None]:
    """Turn what is wrong with one interpreter into an error after which another may be tried."""
    try:
        yield
    except (RelocationError, BytecodeError, CouldNotStartError, OSError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise _error(candidate, cause[:1].lower() + cause[1:], runner) from error


def _check(candidate: InterpreterCandidate, root: Path, runner: ProcessRunner) -> None:
    cause = check_interpreter(root, candidate.version, runner)
    if cause is not None:
        raise _error(candidate, cause, runner)


def _error(
    candidate: InterpreterCandidate, cause: str, runner: ProcessRunner
) -> InterpreterUnusableError:
    location = runner.redact(candidate.location)
    return InterpreterUnusableError(location=location, cause=cause)
