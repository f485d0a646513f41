"""Runs a process of a slug as a platform would: its port, its environment, its signals, its end.

It prints nothing itself; lines for people go to ``on_line``.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

from msgspec import Struct, field

from portside.effects.host import Host
from portside.effects.process import (
    Command,
    CouldNotStartError,
    OnLine,
    adopt_orphans,
    shell_status,
    spawn,
    spawn_piped,
)
from portside.effects.redaction import Redactor
from portside.model.errors.formation import PortTakenError
from portside.model.errors.run import (
    CheckNeedsWebError,
    NotASlugError,
    NoWebProcessError,
    ProcessNotStartedError,
    UnknownProcessError,
    WebDidNotStopError,
)
from portside.runtime.boot import (
    Limits,
    WebProcess,
    fixed_port_warning,
    raise_if_exited,
    wait_for_answer,
    wait_until_bound,
)
from portside.runtime.dotenv import collect_env
from portside.runtime.launcher import (
    LaunchData,
    LaunchError,
    command_text,
    launch_environment,
    read_launch_data,
    shell_command,
)
from portside.runtime.memory import check_memory, read_memory, settled_memory
from portside.runtime.ports import choose_port
from portside.runtime.sockets import ProcessTree, read_children

STOP_SECONDS = 30.0
_LEFTOVER_SECONDS = 5.0
_POLL_SECONDS = 0.1
_ENDING = (signal.SIGINT, signal.SIGTERM)
_FORWARDED = (
    *_ENDING,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
)
# A terminal sends these to every process of the foreground group by itself.
_FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH)


class _Supervised(Struct):
    """A process being looked after; signals that come before it has started wait for it."""

    earlier: frozenset[int]
    shares_terminal: bool = False
    process: subprocess.Popen[bytes] | None = None
    stop_by: float | None = None
    ending: signal.Signals | None = None
    _waiting: list[signal.Signals] = field(default_factory=list)

    def started(self, process: subprocess.Popen[bytes]) -> ProcessTree:
        """Take the process, pass on the signals that waited, and return its tree."""
        self.process = process
        for number in self._waiting:
            self._send(process, number)
        return ProcessTree(process.pid, self.earlier)

    def is_stopping(self) -> bool:
        """Return whether a signal has told the process to end."""
        return self.stop_by is not None

    def forward(self, number: int, _frame: FrameType | None) -> None:
        """Pass a signal on; the first one that asks for the end starts the grace period."""
        received = signal.Signals(number)
        if received in _ENDING and self.stop_by is None:
            self.stop_by, self.ending = time.monotonic() + STOP_SECONDS, received
        if self.process is None:
            self._waiting.append(received)
        else:
            self._send(self.process, received)

    def _send(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if not self.shares_terminal:
                os.killpg(process.pid, number)
            elif not (number in _FROM_TERMINAL and os.isatty(0)):
                os.kill(process.pid, number)


def run_process(  # noqa: PLR0913 (each is one option of `portside run`, given by name)
    slug: Path,
    *,
    process: str | None,
    command: tuple[str, ...],
    port: int | None,
    env: Mapping[str, str],
    host: Host,
    on_line: OnLine,
    check: bool,
    boot_timeout: float = 60.0,
    memory_limit: int = 0,
    redact: Redactor | None = None,
) -> int:
    """Run a process type (web by default) or a one-off command and return its exit code.

    ``env`` is what the user set for this run; it wins over the slug's ``.env``, which wins over
    ``host.environ``. ``boot_timeout`` is in seconds, ``memory_limit`` in bytes; it and ``redact``
    are for ``check``, which returns 128 + N if signal N stopped it.
    Raises leaves of ``model.errors.run``.
    """
    slug = slug.resolve()
    data = read_data(slug)
    name = process or "web"
    dyno = "run.1" if command else f"{name}.1"
    user_env = {**host.environ, **collect_env(slug, env=env), "DYNO": dyno}
    if check and (command or name != "web"):
        raise CheckNeedsWebError(name=" ".join(command) or name)
    if command:
        launch_env = launch_environment(str(slug), user_env, defaults=data.env)
        text = command_text(command, launch_env["PATH"])
        return _run_one_off(_shell(slug, text, launch_env))
    text = _command_of(process, data)
    if name != "web":
        launch_env = launch_environment(str(slug), user_env, defaults=data.env)
        return _run_background(_shell(slug, text, launch_env), on_line)
    fixed = 0 if check else data.ports.get(name, 0)
    user_env["PORT"] = str(choose_port(port, {**data.env, **user_env}, on_line, taken=fixed))
    launch_env = launch_environment(str(slug), user_env, defaults=data.env, web=True)
    shell = _shell(slug, text, launch_env)
    if check:
        return _check_web(shell, on_line, boot_timeout, memory_limit, redact)
    return _run_web(shell, on_line, Limits(boot_timeout), fixed)


def _run_one_off(command: Command) -> int:
    """Run with this process's own streams and process group, so that a terminal works."""
    with _supervision(shares_terminal=True) as supervised:
        process = _start(command)
        tree = supervised.started(process)
        try:
            return _wait(process, tree, supervised)
        finally:
            _end_main(process)
            tree.reap()


def _run_background(command: Command, on_line: OnLine) -> int:
    """Run a process that serves no port."""
    with _supervision() as supervised, _starting():
        piped = spawn_piped(command, on_line)
        tree = supervised.started(piped.process)
        try:
            status = _wait(piped.process, tree, supervised)
        finally:
            _end(piped.process, tree, supervised)
        piped.finish_reading()
        return status


def _check_web(
    command: Command, on_line: OnLine, limit: float, memory_limit: int, redact: Redactor | None
) -> int:
    """Boot, get an answer, measure the memory, stop; say what was found."""
    with _supervision() as supervised, _starting():
        piped = spawn_piped(command, on_line, redact)
        tree = supervised.started(piped.process)
        web = WebProcess(piped, tree, command.argv[-1], int(command.env["PORT"]))
        try:
            _check_boot(web, supervised, limit, memory_limit, on_line)
        finally:
            stopping = time.monotonic()
            ended = _end(piped.process, tree, supervised)
            seconds = time.monotonic() - stopping
        piped.finish_reading()
    if supervised.ending is not None:
        return 128 + supervised.ending
    if not ended:
        raise WebDidNotStopError(command=web.command, limit=STOP_SECONDS)
    on_line(f"Boot check: it ended {seconds:.1f} s after SIGTERM.")
    return 0


def _check_boot(
    web: WebProcess, supervised: _Supervised, limit: float, memory_limit: int, on_line: OnLine
) -> None:
    listener = wait_until_bound(web, Limits(limit), supervised.is_stopping)
    if listener is None:
        return
    status = wait_for_answer(web, listener, limit, supervised.is_stopping)
    if status is None:
        return
    on_line(f"Boot check: GET / on port {web.port} was answered with HTTP status {status}.")
    use = settled_memory(lambda: read_memory(process.pid for process in web.tree.alive()))
    raise_if_exited(web, supervised.is_stopping)
    if not supervised.is_stopping():
        on_line(f"Boot check: {use} after boot.")
        check_memory(use, command=web.command, limit=memory_limit)


def _run_web(command: Command, on_line: OnLine, limits: Limits, fixed: int) -> int:
    port = int(command.env["PORT"])
    with _supervision() as supervised, _starting():
        piped = spawn_piped(command, on_line)
        tree = supervised.started(piped.process)
        web = WebProcess(piped, tree, command.argv[-1], port, fixed)
        try:
            status = _boot(web, supervised, limits, on_line)
        finally:
            _end(piped.process, tree, supervised)
        piped.finish_reading()
        return status


def _boot(web: WebProcess, supervised: _Supervised, limits: Limits, on_line: OnLine) -> int:
    """Wait for the port, then for the process's end."""
    listener = wait_until_bound(web, limits, supervised.is_stopping)
    if listener is not None and listener.port != web.port:
        on_line(fixed_port_warning(web))
        with _forwarded(web):
            return _wait(web.piped.process, web.tree, supervised)
    return _wait(web.piped.process, web.tree, supervised)


@contextlib.contextmanager
def _forwarded(web: WebProcess) -> Iterator[None]:
    """Let $PORT lead to the port that is in the code. Raises ``PortTakenError``."""
    from portside.runtime.forwarder import PortForwarder  # noqa: PLC0415 (few apps need it)

    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(PortForwarder(web.port, web.fixed))
        except OSError as error:
            raise PortTakenError(port=web.port, cause=error.strerror or str(error)) from error
        yield


def _wait(process: subprocess.Popen[bytes], tree: ProcessTree, supervised: _Supervised) -> int:
    """Wait for the process, reaping orphans, and kill it when its grace period is over."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return shell_status(process.wait(_POLL_SECONDS))
        tree.reap()
        if supervised.stop_by is not None and time.monotonic() >= supervised.stop_by:
            tree.signal(signal.SIGKILL)


def _end(process: subprocess.Popen[bytes], tree: ProcessTree, supervised: _Supervised) -> bool:
    """End the process and all it started: TERM, grace, KILL. Return whether TERM was enough."""
    stop_by = supervised.stop_by
    if stop_by is None:
        grace = STOP_SECONDS if process.poll() is None else _LEFTOVER_SECONDS
        stop_by = time.monotonic() + grace
        tree.signal(signal.SIGTERM)
    else:
        # A second SIGTERM makes some servers drop the requests they are finishing.
        tree.signal(signal.SIGTERM, beside=process.pid)
    is_over = False
    while _is_anything_left(process, tree) and not is_over:
        is_over = time.monotonic() >= stop_by
        time.sleep(_POLL_SECONDS / 2)
    while _is_anything_left(process, tree):
        tree.signal(signal.SIGKILL)
        time.sleep(_POLL_SECONDS / 2)
    return not is_over


def _is_anything_left(process: subprocess.Popen[bytes], tree: ProcessTree) -> bool:
    tree.reap()
    is_alive = bool(tree.alive())
    # Asked last: it may have ended since, and is only collected by this.
    return process.poll() is None or is_alive


def _end_main(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _supervision(*, shares_terminal: bool = False) -> Iterator[_Supervised]:
    """Adopt orphans and pass on signals for as long as the context lasts."""
    adopt_orphans()
    supervised = _Supervised(read_children(), shares_terminal)
    previous = {}
    try:
        # Handlers, not SIG_IGN: a program inherits ignored signals, but not handlers.
        with contextlib.suppress(ValueError):  # only a main thread may; others get no signals
            for number in _FORWARDED:
                previous[number] = signal.signal(number, supervised.forward)
        yield supervised
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _start(command: Command) -> subprocess.Popen[bytes]:
    with _starting():
        return spawn(command, new_group=False)


@contextlib.contextmanager
def _starting() -> Iterator[None]:
    try:
        yield
    except CouldNotStartError as error:
        raise ProcessNotStartedError(program=error.program, cause=error.cause) from error


def _shell(slug: Path, text: str, env: Mapping[str, str]) -> Command:
    return Command(shell_command(text, str(slug)), slug, env)


def read_data(slug: Path) -> LaunchData:
    """Return the slug's launch data. Raises ``NotASlugError``."""
    try:
        return read_launch_data(str(slug))
    except LaunchError as error:
        raise NotASlugError(path=str(slug), cause=str(error)) from error


def _command_of(process: str | None, data: LaunchData) -> str:
    name = process or "web"
    if name in data.processes:
        return data.processes[name]
    known = tuple(sorted(data.processes))
    if process is None or name == "web":
        raise NoWebProcessError(known=known)
    raise UnknownProcessError(name=name, known=known)
