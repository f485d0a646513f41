"""One process of a formation: it starts, comes up, crashes, starts again, and is stopped.

Nothing here waits: ``tick`` is called again and again and does what is due.
"""

import signal
import socket
from collections.abc import Mapping
from concurrent.futures import Executor, Future
from enum import Enum
from pathlib import Path

from msgspec import Struct

from portside.effects.process import (
    Command,
    CouldNotStartError,
    PipedProcess,
    shell_status,
    spawn_piped,
)
from portside.model.errors import BuildError
from portside.model.errors.run import ProcessNotStartedError
from portside.runtime.boot import Limits, WebProcess, reachable_hosts, wait_until_bound
from portside.runtime.launcher import Capacity, LaunchData, launch_environment, shell_command
from portside.runtime.ports import PortPool
from portside.runtime.router.backends import Backend, Backends, State
from portside.runtime.sockets import Listener, ProcessTree
from portside.runtime.supervisor.formation import STEADY_SECONDS, Slot, restart_delay
from portside.runtime.supervisor.lines import SELF, OnProcessLine, line_writer

_LEFTOVER_SECONDS = 5.0
_PROBE_SECONDS = 1.0


class Phase(Enum):
    """What a member is doing."""

    WAITING = "waiting to start"
    RUNNING = "running"
    ENDING = "ending"
    STOPPED = "stopped"


class Surroundings(Struct):
    """What all members of a formation share. ``env`` is what the user set."""

    slug: Path
    data: LaunchData
    capacity: Capacity
    env: Mapping[str, str]
    ports: PortPool
    backends: Backends
    booters: Executor
    limits: Limits
    stop_seconds: float
    on_line: OnProcessLine


class Member:
    """One process of the formation, over all its lives."""

    def __init__(self, slot: Slot, around: Surroundings, now: float) -> None:
        """Take which process it is; it starts at the next tick."""
        self.slot = slot
        self.phase = Phase.WAITING
        self._around = around
        self._say = line_writer(SELF, around.on_line)
        self._backend: Backend | None = None
        if slot.is_web:
            self._backend = around.backends.add(slot.name)
        self._due = now
        self._started = now
        self._crashes = 0
        self._port = 0
        self._piped: PipedProcess | None = None
        self._tree: ProcessTree | None = None
        self._boot: Future[Listener | None] | None = None
        self._is_stopping = False

    @property
    def is_over(self) -> bool:
        """Return whether it was stopped, and nothing of it is left."""
        return self.phase is Phase.STOPPED

    def owns(self, pid: int) -> bool:
        """Return whether ``pid`` is its first process, which is its own to reap."""
        process = self._piped.process if self._piped is not None else None
        return process is not None and process.pid == pid and process.returncode is None

    def tick(self, now: float) -> None:
        """Do what is due."""
        match self.phase:
            case Phase.WAITING if now >= self._due:
                self._start(now)
            case Phase.RUNNING:
                self._watch(now)
            case Phase.ENDING:
                self._finish_ending(now)
            case _:
                pass

    def stop(self, now: float) -> None:
        """Send SIGTERM to the process and all it started; SIGKILL follows when time is up."""
        if self._is_stopping:
            return
        self._is_stopping = True
        self._set_state(State.STOPPING)
        if self.phase is Phase.WAITING:
            self.phase = Phase.STOPPED
            return
        self._end(now, self._around.stop_seconds)

    def kill(self) -> None:
        """Send SIGKILL at the next tick."""
        self._due = 0.0

    def finish_reading(self) -> None:
        """Wait for the last lines of a process that has ended."""
        if self._piped is not None:
            self._piped.finish_reading()

    def _start(self, now: float) -> None:
        around = self._around
        self._port = around.ports.take()
        user_env = {**around.env, "PORT": str(self._port), "DYNO": self.slot.name}
        env = launch_environment(
            str(around.slug),
            user_env,
            defaults=around.data.env,
            capacity=around.capacity,
            web=self.slot.is_web,
        )
        command = Command(shell_command(self.slot.command, str(around.slug)), around.slug, env)
        self._say(f"{self.slot.name}: starting, PORT={self._port}: {self.slot.command}")
        try:
            piped = spawn_piped(command, line_writer(self.slot.name, around.on_line))
        except CouldNotStartError as error:
            raise ProcessNotStartedError(program=error.program, cause=error.cause) from error
        self._piped, self._started = piped, now
        self._tree = ProcessTree(piped.process.pid, None)
        self.phase = Phase.RUNNING
        if self._backend is not None:
            self._set_state(State.STARTING)
            fixed = around.data.ports.get(self.slot.type, 0)
            web = WebProcess(piped, self._tree, self.slot.command, self._port, fixed)
            self._boot = around.booters.submit(
                wait_until_bound, web, around.limits, self._has_to_end
            )

    def _has_to_end(self) -> bool:
        return self._is_stopping

    def _watch(self, now: float) -> None:
        if self._boot is not None and self._boot.done():
            boot, self._boot = self._boot, None
            self._take_boot(boot, now)
        elif self._process_status() is not None and self._boot is None:
            self._say_end()
            self._crash(now)

    def _take_boot(self, boot: "Future[Listener | None]", now: float) -> None:
        try:
            listener = boot.result()
        except BuildError as error:
            self._say(f"{self.slot.name}: {error.summary}")
            for line in f"{error.detail}\n{error.hint}".splitlines():
                self._say(f"{self.slot.name}:     {line}")
            self._crash(now)
            return
        if listener is not None:
            self._say(f"{self.slot.name}: up after {now - self._started:.1f} s")
            if listener.port != self._port:
                self._say(
                    f"{self.slot.name}: Warning: it listens on port {listener.port}, which is in "
                    "its code, and not on $PORT. Only here do requests go there."
                )
            self._set_state(State.UP, _reachable(listener), listener.port)

    def _crash(self, now: float) -> None:
        """End what is left of it, to start again later."""
        self._set_state(State.CRASHED)
        self._crashes = 1 if now - self._started >= STEADY_SECONDS else self._crashes + 1
        self._end(now, _LEFTOVER_SECONDS)

    def _end(self, now: float, seconds: float) -> None:
        self._due = now + seconds
        self.phase = Phase.ENDING
        if self._tree is not None:
            self._tree.signal(signal.SIGTERM)

    def _finish_ending(self, now: float) -> None:
        if self._tree is None:
            return
        self._process_status()
        if self._tree.alive():
            if now >= self._due:
                self._tree.signal(signal.SIGKILL)
            return
        self._around.ports.give_back(self._port)
        if self._is_stopping:
            self._say(f"{self.slot.name}: stopped")
            self.phase = Phase.STOPPED
            return
        delay = restart_delay(self._crashes)
        self._say(f"{self.slot.name}: starts again in {delay:g} s")
        self._due = now + delay
        self.phase = Phase.WAITING

    def _say_end(self) -> None:
        status = shell_status(self._process_status() or 0)
        note = f" (signal {status - 128})" if status > 128 else ""  # noqa: PLR2004 (as shells)
        self._say(f"{self.slot.name}: ended with exit status {status}{note}")

    def _process_status(self) -> int | None:
        return self._piped.process.poll() if self._piped is not None else None

    def _set_state(self, state: State, host: str = "", port: int = 0) -> None:
        if self._backend is not None:
            self._around.backends.change(self._backend, state, host, port)


def _reachable(listener: Listener) -> str:
    """Return the address that takes connections; a socket on ``::`` may take IPv4 too or not."""
    hosts = reachable_hosts(listener.address)
    for host in hosts[:-1]:
        try:
            socket.create_connection((host, listener.port), _PROBE_SECONDS).close()
        except OSError:
            continue
        return host
    return hosts[-1]
