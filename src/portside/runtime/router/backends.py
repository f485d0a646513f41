"""The web processes that requests may go to, and which is next. It starts and ends none."""

import asyncio
import contextlib
from enum import Enum

from portside.runtime.router.failures import CRASHED, NO_WEB, Failure


class State(Enum):
    """What a web process is doing, as far as requests are concerned."""

    STARTING = "starting"
    UP = "up"
    CRASHED = "crashed"
    STOPPING = "stopping"


class Backend:
    """One web process: its name, where it listens and its state."""

    __slots__ = ("host", "name", "port", "state")

    def __init__(self, name: str, host: str = "", port: int = 0) -> None:
        """Take its name; where it listens is known once it does."""
        self.name = name
        self.host = host
        self.port = port
        self.state = State.STARTING


class Backends:
    """All web processes, taken in turn."""

    def __init__(self) -> None:
        """Start with none."""
        self._all: list[Backend] = []
        self._next = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def add(self, name: str) -> Backend:
        """Add a web process that is starting."""
        backend = Backend(name)
        self._all.append(backend)
        return backend

    def change(self, backend: Backend, state: State, host: str = "", port: int = 0) -> None:
        """Set a web process's state, and where it listens once it is up."""
        backend.state = state
        if state is State.UP:
            backend.host, backend.port = host, port
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    def pick(self, tried: set[str]) -> Backend | None:
        """Return the next one that is up and wasn't tried, if there is one."""
        for _ in self._all:
            backend = self._all[self._next % len(self._all)]
            self._next = (self._next + 1) % len(self._all)
            if backend.state is State.UP and backend.name not in tried:
                return backend
        return None

    @property
    def is_any_starting(self) -> bool:
        """Return whether a request may wait for a web process."""
        return any(backend.state is State.STARTING for backend in self._all)

    def why_none(self) -> Failure:
        """Return why there is none to send a request to."""
        return CRASHED if self._all else NO_WEB

    async def wait_for_change(self, seconds: float) -> None:
        """Wait until a state changes, for at most ``seconds``."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await waiting
        finally:
            self._waiting.discard(waiting)
