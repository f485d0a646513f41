"""Runs a formation: the release command, then every process, the router before the web ones."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from portside.effects.host import Host
from portside.effects.process import (
    Command,
    CouldNotStartError,
    PipedProcess,
    adopt_orphans,
    shell_status,
    spawn_piped,
)
from portside.model.errors.formation import PortTakenError, ReleaseFailedError
from portside.model.errors.run import ProcessNotStartedError
from portside.runtime.boot import Limits
from portside.runtime.dotenv import collect_env
from portside.runtime.launcher import (
    Capacity,
    launch_environment,
    read_capacity,
    shell_command,
)
from portside.runtime.ports import PortPool, choose_port
from portside.runtime.router.backends import Backends
from portside.runtime.router.server import Router
from portside.runtime.run import STOP_SECONDS, read_data
from portside.runtime.sockets import ProcessTree, read_children, stray_processes
from portside.runtime.supervisor.formation import RELEASE, Formation, share_capacity
from portside.runtime.supervisor.lines import ROUTER, SELF, OnProcessLine, line_writer
from portside.runtime.supervisor.member import Member, Surroundings

_TICK_SECONDS = 0.1
_STRAY_SECONDS = 5.0
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class Timing(Struct, frozen=True):
    """How long to wait, in seconds; see docs/run.md."""

    boot: float = 60.0
    drain: float = 10.0
    stop: float = STOP_SECONDS


def run_formation(  # noqa: PLR0913 (as run_process)
    slug: Path,
    *,
    formation: Formation,
    port: int | None,
    env: Mapping[str, str],
    host: Host,
    on_line: OnProcessLine,
    timing: Timing,
    capacity: Capacity | None = None,
) -> int:
    """Run a formation until a signal ends it; return 128 plus its number.

    ``env`` is what the user set for this run; ``capacity`` that of this machine, read if not given.
    Raises leaves of ``model.errors.run`` and
    ``model.errors.formation``.
    """
    slug = slug.resolve()
    data = read_data(slug)
    user_env = {**host.environ, **collect_env(slug, env=env)}
    say = line_writer(SELF, on_line)
    web_port = choose_port(port, {**data.env, **user_env}, say)
    web_count = sum(slot.is_web for slot in formation.slots)
    with ThreadPoolExecutor(max(1, web_count)) as booters:
        around = Surroundings(
            slug=slug,
            data=data,
            capacity=share_capacity(capacity or read_capacity(), len(formation.slots)),
            env=user_env,
            ports=PortPool(web_port),
            backends=Backends(),
            booters=booters,
            limits=Limits(boot=timing.boot),
            stop_seconds=timing.stop,
            on_line=on_line,
        )
        supervisor = Supervisor(formation, around, web_port, timing)
        return asyncio.run(supervisor.run())


class Supervisor:
    """Looks after the processes of one formation."""

    def __init__(
        self, formation: Formation, around: Surroundings, port: int, timing: Timing
    ) -> None:
        """Take what to run, and the port that the router listens on."""
        self._formation = formation
        self._around = around
        self._port = port
        self._timing = timing
        self._say = line_writer(SELF, around.on_line)
        self._members: list[Member] = []
        self._router: Router | None = None
        self._signal: signal.Signals | None = None
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._earlier: frozenset[int] = frozenset()

    async def run(self) -> int:
        """Run until a signal comes, and end everything then."""
        adopt_orphans()
        self._earlier = read_children()
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            if signal.getsignal(number) is signal.SIG_IGN:
                continue  # as nohup(1) wants it for SIGHUP
            loop.add_signal_handler(number, self._take_signal, number)
        try:
            await self._run_release()
            await self._start()
            await self._watch_until_stopped()
        finally:
            await self._end_strays()
            for member in self._members:
                member.finish_reading()
        return 128 + (self._signal or signal.SIGTERM)

    def _take_signal(self, number: signal.Signals) -> None:
        """Stop; a second Ctrl-C means at once."""
        if self._signal is not None:
            if number is signal.SIGINT:
                self._hurry.set()
            return
        self._signal = number
        self._say(f"stopping after {signal.Signals(number).name}")
        self._stopping.set()

    async def _run_release(self) -> None:
        """Run the release command to its end. Raises ``ReleaseFailedError``."""
        text = self._formation.release
        if text is None:
            return
        self._say(f"running the release command: {text}")
        piped = self._spawn_release(text)
        tree = ProcessTree(piped.process.pid, None)
        kill_at: float | None = None
        while piped.process.poll() is None:
            if self._signal is not None and kill_at is None:
                tree.signal(signal.SIGTERM)
                kill_at = time.monotonic() + self._timing.stop
            elif self._hurry.is_set() or (kill_at is not None and time.monotonic() >= kill_at):
                tree.signal(signal.SIGKILL)
            await asyncio.sleep(_TICK_SECONDS / 2)
        await asyncio.to_thread(piped.finish_reading)
        status = shell_status(piped.process.returncode)
        if status and self._signal is None:
            raise ReleaseFailedError(command=text, exit_status=status, tail=piped.tail)

    def _spawn_release(self, text: str) -> PipedProcess:
        around = self._around
        user_env = {**around.env, "DYNO": f"{RELEASE}.1"}
        env = launch_environment(str(around.slug), user_env, defaults=around.data.env)
        command = Command(shell_command(text, str(around.slug)), around.slug, env)
        try:
            return spawn_piped(command, line_writer(f"{RELEASE}.1", around.on_line))
        except CouldNotStartError as error:
            raise ProcessNotStartedError(program=error.program, cause=error.cause) from error

    async def _start(self) -> None:
        if self._signal is not None:
            return
        if any(slot.is_web for slot in self._formation.slots):
            self._router = Router(self._around.backends, line_writer(ROUTER, self._around.on_line))
            try:
                await self._router.start(self._port)
            except OSError as error:
                cause = os.strerror(error.errno) if error.errno else str(error)
                raise PortTakenError(port=self._port, cause=cause) from error
            self._say(f"listening on port {self._port}")
        now = time.monotonic()
        self._members = [Member(slot, self._around, now) for slot in self._formation.slots]

    async def _watch_until_stopped(self) -> None:
        ticking = asyncio.create_task(self._tick_forever())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((ticking, stopping), return_when=asyncio.FIRST_COMPLETED)
            await self._stop_members()
        finally:
            stopping.cancel()
            ticking.cancel()
            await asyncio.wait((ticking, stopping))
        if not ticking.cancelled():
            ticking.result()

    async def _tick_forever(self) -> None:
        while True:
            self._tick()
            await asyncio.sleep(_TICK_SECONDS)

    def _tick(self) -> None:
        self._reap_orphans()
        now = time.monotonic()
        for member in self._members:
            member.tick(now)

    async def _stop_members(self) -> None:
        """Stop all; web processes once the requests in flight are answered."""
        for member in self._members:
            if not member.slot.is_web:
                member.stop(time.monotonic())
        if self._router is not None:
            await self._drain(self._router)
        for member in self._members:
            member.stop(time.monotonic())
        while not all(member.is_over for member in self._members):
            if self._hurry.is_set():
                for member in self._members:
                    member.kill()
            self._tick()
            await asyncio.sleep(_TICK_SECONDS / 2)
        if self._router is not None:
            await self._router.close()

    async def _drain(self, router: Router) -> None:
        draining = asyncio.create_task(router.drain(self._timing.drain))
        hurrying = asyncio.create_task(self._hurry.wait())
        await asyncio.wait((draining, hurrying), return_when=asyncio.FIRST_COMPLETED)
        for task in (draining, hurrying):
            task.cancel()

    def _reap_orphans(self) -> None:
        """Collect children that have ended, but for the members' own, which they look at."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None or any(member.owns(ended.si_pid) for member in self._members):
                return
            os.waitpid(ended.si_pid, os.WNOHANG)

    async def _end_strays(self) -> None:
        """End whatever else was left behind, daemons included."""
        tree = stray_processes(self._earlier)
        tree.signal(signal.SIGTERM)
        deadline = time.monotonic() + _STRAY_SECONDS
        while True:
            self._reap_orphans()
            if not tree.alive():
                return
            if time.monotonic() >= deadline or self._hurry.is_set():
                tree.signal(signal.SIGKILL)
            await asyncio.sleep(_TICK_SECONDS / 2)
