"""Listens for clients, watches time limits, and drains at the end."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Callable

from msgspec.structs import replace

from portside.runtime.router.backends import Backends
from portside.runtime.router.clients import ClientConnection
from portside.runtime.router.limits import Limits
from portside.runtime.router.request_log import Entry, request_line

_BACKLOG = 2048
_FILES = 65536
# A client has a connection of its own and one to a web process.
_FILES_PER_CLIENT = 2
# What the program itself has open, and clients that are being refused.
_OTHER_FILES = 48
_QUIET_SECONDS = 1.0
_POLL_SECONDS = 0.05


class Router:
    """The HTTP front: what all connections share, and their beginning and end."""

    def __init__(
        self, backends: Backends, on_line: Callable[[str], None], limits: Limits | None = None
    ) -> None:
        """Take where requests may go and who gets the lines of the request log."""
        self.backends = backends
        self.limits = limits or Limits()
        self.is_draining = False
        self._on_line = on_line
        self._clients: set[ClientConnection] = set()
        self._servers: list[asyncio.Server] = []
        self._sweep: asyncio.Task[None] | None = None
        self._has_lacked_files = False

    async def start(self, port: int) -> None:
        """Listen on ``port`` of every address. Raises ``OSError`` if that is taken."""
        room = (_raise_file_limit() - _OTHER_FILES) // _FILES_PER_CLIENT
        self.limits = replace(self.limits, connections=max(1, min(self.limits.connections, room)))
        asyncio.get_running_loop().set_exception_handler(self._on_exception)
        self._servers.append(await self._listen("0.0.0.0", port))  # noqa: S104 (the contract)
        with contextlib.suppress(OSError):  # a machine without IPv6
            self._servers.append(await self._listen("::", port))
        self._sweep = asyncio.create_task(self._check_limits())

    def log(self, entry: Entry) -> None:
        """Write the line of a request that is over."""
        self._on_line(request_line(entry))

    async def drain(self, seconds: float) -> None:
        """Take no new connections, and wait for the requests in flight, tunnels excepted.

        A connection that was used a moment ago may have a request on its way, so it is closed
        with its next answer or when it has been quiet for a second.
        """
        await asyncio.sleep(0)
        self.is_draining = True
        for server in self._servers:
            server.close()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline:
            for client in tuple(self._clients):
                if client.is_idle(loop.time(), _QUIET_SECONDS):
                    client.close_idle()
            if not any(c.is_busy or c.is_idle(loop.time(), 0) for c in self._clients):
                return
            await asyncio.sleep(_POLL_SECONDS)

    async def close(self) -> None:
        """End what is left."""
        for server in self._servers:
            server.close()
        for client in tuple(self._clients):
            client.force()
        await asyncio.sleep(_POLL_SECONDS)
        if self._sweep is not None:
            self._sweep.cancel()

    async def _listen(self, host: str, port: int) -> asyncio.Server:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return await asyncio.get_running_loop().create_server(
            lambda: ClientConnection(self, self._clients),
            host,
            port,
            family=family,
            backlog=_BACKLOG,
        )

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """Tell once that files are lacking, where asyncio would do so thousands of times.

        It tries again after a second (``socket.accept() out of system resource``).
        """
        if not str(context.get("message")).startswith("socket.accept() out of"):
            loop.default_exception_handler(context)
        elif not self._has_lacked_files:
            self._has_lacked_files = True
            self._on_line('at=warning desc="The system has no files left for connections"')

    async def _check_limits(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.limits.sweep)
            now = loop.time()
            for client in tuple(self._clients):
                client.check(now)


def _raise_file_limit() -> int:
    """Allow as many connections as the machine does; return how many files that are at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
        return soft
    return wanted if soft == resource.RLIM_INFINITY else soft
