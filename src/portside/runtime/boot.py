"""Waits until a web process can be reached on its port, and says why when it can't be.

It starts and ends nothing: the process is given to it.
"""

import http.client
import re
import time
from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from portside.effects.process import PipedProcess, shell_status
from portside.model.errors.run import (
    AddressInUse,
    ExitCause,
    MissingCommand,
    MissingModule,
    MissingVariable,
    NoAnswerError,
    ServerErrorAnswerError,
    WebDidNotBindError,
    WebExitedError,
    WrongAddressError,
    WrongPortError,
)
from portside.runtime.sockets import Listener, ProcessTree

_POLL_SECONDS = 0.1
_REQUEST_SECONDS = 10.0
_FIXED_SETTLE_SECONDS = 0.5
_BUSY_TICKS_PER_SECOND = 20
_FIRST_SERVER_ERROR = 500
_MODULE = re.compile(r"(?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)'?")
_VARIABLES = (
    re.compile(r"KeyError: '([A-Z][A-Z0-9_]*)'"),
    re.compile(r"Set the ([A-Z][A-Z0-9_]*) environment variable"),
    re.compile(r"UndefinedValueError: (\w+) not found"),
)
_COMMANDS = (
    re.compile(r"(?:bash|sh): (?:line )?\d+: ([^\s:]+): (?:command )?not found"),
    re.compile(r"(?:bash|sh): (?:line \d+: )?([^\s:]+): (?:command not found|No such file)"),
)
_TRACEBACK = "Traceback (most recent call last):"
_LINES_AFTER_TRACEBACK = 12
_IN_USE = re.compile(r"Address already in use|Errno 98\b|EADDRINUSE|Connection in use: ")
IsStopping: TypeAlias = Callable[[], bool]


class Limits(Struct, frozen=True):
    """How long to wait, in seconds: ``boot`` in all, ``settle`` to call a wrong port final."""

    boot: float = 60.0
    settle: float = 5.0


class WebProcess(Struct, frozen=True):
    """A web process that was started, the command it runs and the port it should listen on.

    ``fixed`` is one in its code that it listens on anyway, 0 for none.
    """

    piped: PipedProcess
    tree: ProcessTree
    command: str
    port: int
    fixed: int = 0


class _Window(Struct, frozen=True):
    """What the process listened on since a moment, and the CPU time it had used by then."""

    since: float
    listeners: tuple[Listener, ...]
    ticks: int


def find_reachable(listeners: tuple[Listener, ...], port: int) -> Listener | None:
    """Return the socket that others can reach on ``port``, if there is one."""
    found = (one for one in listeners if one.port == port and not one.is_loopback)
    return next(found, None)


def bind_error(
    listeners: tuple[Listener, ...], command: str, port: int, limit: float
) -> WebDidNotBindError | WrongPortError | WrongAddressError:
    """Return what is wrong with what the process listens on, none of it being reachable."""
    addresses = tuple(one.address for one in listeners if one.port == port)
    if addresses:
        return WrongAddressError(command=command, port=port, addresses=addresses)
    if listeners:
        bound = tuple(sorted({one.port for one in listeners}))
        return WrongPortError(command=command, port=port, bound=bound)
    return WebDidNotBindError(command=command, port=port, limit=limit)


def find_exit_cause(tail: tuple[str, ...]) -> ExitCause | None:
    """Return the likely cause of a process's end from its last lines; the last one that fits."""
    for line in reversed(tail):
        cause = _cause_in(line)
        if cause is not None:
            return cause
    return None


def until_traceback_ends(tail: tuple[str, ...]) -> tuple[str, ...]:
    """Return a process's last lines without what a server said after a traceback, if it did.

    Gunicorn has a handful of lines of its own after its worker's, which say less.
    """
    starts = [at for at, line in enumerate(tail) if line == _TRACEBACK]
    if not starts:
        return tail
    ends = (at for at in range(starts[-1] + 1, len(tail)) if tail[at][:1].strip())
    end = next(ends, len(tail)) + 1
    return tail[:end] if len(tail) - end <= _LINES_AFTER_TRACEBACK else tail


def wait_until_bound(
    web: WebProcess, limits: Limits, is_stopping: IsStopping = lambda: False
) -> Listener | None:
    """Return the socket that others can reach; None if the process was told to stop meanwhile.

    Where a port is known to be fixed, that is a socket on it, reachable or not.
    Raises ``WebExitedError``, ``WrongPortError``, ``WrongAddressError`` or
    ``WebDidNotBindError``.
    """
    started = time.monotonic()
    window = _Window(started, (), 0)
    # What is known to listen elsewhere needn't be waited for as long as what isn't.
    settle = min(limits.settle, _FIXED_SETTLE_SECONDS) if web.fixed else limits.settle
    while not is_stopping():
        raise_if_exited(web, is_stopping)
        listeners = web.tree.listeners()
        reachable = find_reachable(listeners, web.port)
        if reachable is not None:
            return reachable
        window = _moved_on(window, listeners, _ticks(web.tree), settle)
        now = time.monotonic()
        is_final = bool(listeners) and now - window.since >= settle
        fixed = next((one for one in listeners if one.port == web.fixed), None)
        if is_final and fixed is not None and web.fixed != web.port:
            return fixed
        if is_final or now - started >= limits.boot:
            raise bind_error(listeners, web.command, web.port, limits.boot)
        time.sleep(_POLL_SECONDS)
    return None


def wait_for_answer(
    web: WebProcess, listener: Listener, limit: float, is_stopping: IsStopping = lambda: False
) -> int | None:
    """Return the HTTP status of ``GET /``, below 500; None if told to stop meanwhile.

    Raises ``ServerErrorAnswerError``, ``NoAnswerError`` after ``limit`` seconds, or
    ``WebExitedError``.
    """
    deadline = time.monotonic() + limit
    while not is_stopping():
        raise_if_exited(web, is_stopping)
        remaining = deadline - time.monotonic()
        answer = _request(listener, min(_REQUEST_SECONDS, max(remaining, _POLL_SECONDS)))
        if isinstance(answer, int):
            if answer >= _FIRST_SERVER_ERROR:
                raise ServerErrorAnswerError(
                    status=answer, tail=until_traceback_ends(web.piped.tail)
                )
            return answer
        if time.monotonic() >= deadline:
            raise_if_exited(web, is_stopping)
            raise NoAnswerError(port=web.port, limit=limit, cause=answer)
        time.sleep(_POLL_SECONDS)
    return None


def fixed_port_warning(web: WebProcess) -> str:
    """Return what to say of a process whose port is passed on to the one in its code."""
    return (
        f"Warning: the web process listens on port {web.fixed}, which is in its code, and not on "
        f"$PORT. Port {web.port} leads there, but only here: no platform does so."
    )


def raise_if_exited(web: WebProcess, is_stopping: IsStopping) -> None:
    """Raise ``WebExitedError`` if the process has ended by itself."""
    status = web.piped.process.poll()
    if status is None or is_stopping():
        return
    web.piped.finish_reading()
    tail = web.piped.tail
    raise WebExitedError(
        command=web.command,
        exit_status=shell_status(status),
        tail=until_traceback_ends(tail),
        cause=find_exit_cause(tail),
    )


def _moved_on(
    window: _Window, listeners: tuple[Listener, ...], ticks: int, settle: float
) -> _Window:
    """Start anew when something changed, or when the process was still busy: it may be loading."""
    now = time.monotonic()
    is_over = now - window.since >= settle
    is_busy = ticks - window.ticks > settle * _BUSY_TICKS_PER_SECOND
    if listeners != window.listeners or (is_over and is_busy):
        return _Window(now, listeners, ticks)
    return window


def _ticks(tree: ProcessTree) -> int:
    return sum(process.ticks for process in tree.alive())


def _request(listener: Listener, timeout: float) -> int | str:
    """Return the status of ``GET /``, or what went wrong."""
    answer: int | str = ""
    for host in reachable_hosts(listener.address):
        answer = _get(host, listener.port, timeout)
        if isinstance(answer, int):
            break
    return answer


def reachable_hosts(address: str) -> tuple[str, ...]:
    """Return where to reach a socket: one bound to every address through this machine's own.

    One on ``::`` may be for IPv6 alone, and "localhost" often is an IPv4 address only.
    """
    if address == "0.0.0.0":  # noqa: S104 (nothing is bound here)
        return ("127.0.0.1",)
    return ("::1", "127.0.0.1") if address == "::" else (address,)


def _get(host: str, port: int, timeout: float) -> int | str:
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", "/", headers={"User-Agent": "portside-check"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}".rstrip(": .")
    finally:
        connection.close()


def _cause_in(line: str) -> ExitCause | None:
    if match := _MODULE.search(line):
        return MissingModule(match[1])
    if match := _first_match(_VARIABLES, line):
        return MissingVariable(match[1])
    if match := _first_match(_COMMANDS, line):
        return MissingCommand(match[1])
    return AddressInUse() if _IN_USE.search(line) else None


def _first_match(patterns: tuple[re.Pattern[str], ...], line: str) -> re.Match[str] | None:
    return next((match for pattern in patterns if (match := pattern.search(line))), None)
