"""The one way to run a program; it never uses a shell and never prints.

Each program gets an explicit environment and a process group of its own, is read to the end
before it is waited for, and is ended by TERM, a grace period, then KILL.
"""

import codecs
import contextlib
import errno
import os
import selectors
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TypeAlias

from msgspec import Struct

from portside.effects.redaction import Redactor

GRACE_SECONDS = 5.0
_TAIL_LINES = 200
_READ_SIZE = 65536
_LONGEST_LINE = 16384
_PR_SET_CHILD_SUBREAPER = 36
OnLine: TypeAlias = Callable[[str], None]


class CouldNotStartError(Exception):
    """The program couldn't be started at all: it isn't there, or may not be executed.

    ``is_text`` says that it may be executed and isn't a program: a script without a first line
    that names its interpreter (execve(2), ENOEXEC).
    """

    def __init__(self, program: str, cause: str, *, is_text: bool = False) -> None:
        """Take the program's path and the operating system's reason."""
        super().__init__(f"{program}: {cause}")
        self.program = program
        self.cause = cause
        self.is_text = is_text


class Command(Struct, frozen=True):
    """A program to run. ``timeout`` is in seconds; None waits as long as it takes."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    timeout: float | None = None


class Completed(Struct, frozen=True):
    """How a program ended.

    ``exit_status`` is 128 + N after signal N, as shells have it; ``tail`` holds the last lines of
    its output, redacted; ``duration`` is in seconds.
    """

    exit_status: int
    tail: tuple[str, ...]
    duration: float
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """Return whether the program ended with exit status 0."""
        return self.exit_status == 0


class Captured(Struct, frozen=True):
    """The output of a program that was run for its answer. Not redacted: never show it whole."""

    exit_status: int
    stdout: bytes
    stderr: str


class ProcessRunner:
    """Runs programs and streams what they print, line by line, with secrets redacted."""

    def __init__(self, redact: Redactor | None = None) -> None:
        """Take what masks secrets in the output."""
        self.redact = redact or Redactor()

    def run(self, command: Command, on_line: OnLine) -> Completed:
        """Run to the end, passing each line of stdout and stderr to ``on_line`` as it comes.

        Raises ``CouldNotStartError``. Whatever interrupts the wait ends the whole process group.
        """
        started = time.monotonic()
        process = _start(command, stderr=subprocess.STDOUT)
        tail: deque[str] = deque(maxlen=_TAIL_LINES)
        timed_out = False
        try:
            for line in self._lines(process, command.timeout):
                tail.append(line)
                on_line(line)
            exit_status = process.wait(_remaining(command.timeout, started))
        except subprocess.TimeoutExpired:
            timed_out = True
            exit_status = end_group(process)
        except BaseException:
            end_group(process)
            raise
        finally:
            _close(process)
        return Completed(
            shell_status(exit_status), tuple(tail), time.monotonic() - started, timed_out
        )

    def capture(self, command: Command) -> Captured:
        """Run for the output; stderr is decoded and redacted.

        Raises ``CouldNotStartError``, and ``TimeoutError`` when the time limit is over.
        """
        process = _start(command, stderr=subprocess.PIPE)
        try:
            stdout, stderr = process.communicate(timeout=command.timeout)
        except subprocess.TimeoutExpired:
            end_group(process)
            raise TimeoutError(f"{command.argv[0]} took over {command.timeout} s") from None
        except BaseException:
            end_group(process)
            raise
        text = self.redact(stderr.decode("utf-8", "replace"))
        return Captured(shell_status(process.returncode), stdout, text)

    def _lines(self, process: subprocess.Popen[bytes], timeout: float | None) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        pending = ""
        for chunk in _chunks(process, timeout):
            pending += decoder.decode(chunk)
            *lines, pending = pending.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            yield from (self.redact(line) for line in lines)
            if len(pending) > _LONGEST_LINE:
                yield self.redact(pending)
                pending = ""
        pending += decoder.decode(b"", final=True)
        if pending:
            yield self.redact(pending)


def spawn(command: Command, *, new_group: bool = True) -> subprocess.Popen[bytes]:
    """Start a program with this process's own standard streams and return its handle.

    Raises ``CouldNotStartError``.
    """
    return _popen(command, stdin=None, stdout=None, stderr=None, new_group=new_group)


class PipedProcess:
    """A program that runs while this one does other things; its lines come as it prints them."""

    def __init__(self, process: subprocess.Popen[bytes], on_line: OnLine, redact: Redactor) -> None:
        """Take a program started with a pipe. ``on_line`` is called in a thread of its own."""
        self.process = process
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._reader = threading.Thread(target=self._read, args=(on_line, redact), daemon=True)
        self._reader.start()

    @property
    def tail(self) -> tuple[str, ...]:
        """Return the last lines so far, redacted."""
        return tuple(self._tail.copy())

    def finish_reading(self) -> None:
        """Wait until everything that the program printed was passed on; it must have ended."""
        self._reader.join(GRACE_SECONDS)

    def _read(self, on_line: OnLine, redact: Redactor) -> None:
        is_shown = True
        for line in ProcessRunner(redact)._lines(self.process, None):  # noqa: SLF001 (same module)
            self._tail.append(line)
            if is_shown:
                try:
                    on_line(line)
                except OSError:
                    # Nobody reads any more; the program mustn't block on a full pipe for that.
                    is_shown = False
        _close(self.process)


def spawn_piped(command: Command, on_line: OnLine, redact: Redactor | None = None) -> PipedProcess:
    """Start a program in a group of its own, passing each line it prints to ``on_line``.

    Raises ``CouldNotStartError``.
    """
    process = _start(command, stderr=subprocess.STDOUT)
    return PipedProcess(process, on_line, redact or Redactor())


def adopt_orphans() -> None:
    """Make the orphans of this process's descendants its own children (prctl(2)), if possible."""
    import ctypes  # noqa: PLC0415 (only `portside run` needs it)

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def shell_status(status: int) -> int:
    """Return an exit status as shells have it: 128 + N after signal N."""
    return 128 - status if status < 0 else status


def end_group(process: subprocess.Popen[bytes], grace: float = GRACE_SECONDS) -> int:
    """End a program and all of its process group: TERM, ``grace`` seconds, KILL.

    Returns the program's own exit status.
    """
    _signal_group(process, signal.SIGTERM)
    try:
        status = process.wait(grace)
    except subprocess.TimeoutExpired:
        _signal_group(process, signal.SIGKILL)
        return process.wait()
    _signal_group(process, signal.SIGKILL)
    return status


def _start(command: Command, *, stderr: int) -> subprocess.Popen[bytes]:
    return _popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, new_group=True
    )


def _popen(
    command: Command, *, stdin: int | None, stdout: int | None, stderr: int | None, new_group: bool
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env=dict(command.env),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=new_group,
        )
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        is_text = getattr(error, "errno", None) == errno.ENOEXEC
        raise CouldNotStartError(command.argv[0], cause, is_text=is_text) from error


def _chunks(process: subprocess.Popen[bytes], timeout: float | None) -> Iterator[bytes]:
    """Yield output until its end, or until the program is gone and only a stray child holds it."""
    pipe = _pipe(process)
    started = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            remaining = _remaining(timeout, started)
            if selector.select(min(remaining, 0.2) if remaining is not None else 0.2):
                chunk = os.read(pipe.fileno(), _READ_SIZE)
                if not chunk:
                    return
                yield chunk
            elif process.poll() is not None:
                # A daemon the program left behind may hold the pipe open for ever.
                return
            elif remaining == 0:
                raise subprocess.TimeoutExpired(process.args, timeout or 0)


def _pipe(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdout is None:
        raise RuntimeError("the program was started without a pipe")
    return process.stdout


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdout is not None:
        process.stdout.close()


def _remaining(timeout: float | None, started: float) -> float | None:
    return None if timeout is None else max(0.0, started + timeout - time.monotonic())


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
