"""Passes connections on from one TCP port to another of this machine; it looks at no byte."""

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Self

_READ_SIZE = 65536
_ANY = "0.0.0.0"  # noqa: S104 (it stands in for a web process, which listens there)
_HERE = "localhost"


class PortForwarder:
    """While it is entered, whoever connects to ``port`` talks to ``target``."""

    def __init__(self, port: int, target: int) -> None:
        """Take the port to listen on and the one that a process listens on."""
        self._port = port
        self._target = target
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)

    def __enter__(self) -> Self:
        """Start; raise OSError where the port can't be had."""
        self._thread.start()
        self._ready.result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop; connections are closed."""
        loop, stop = self._ready.result()
        loop.call_soon_threadsafe(stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        stop = asyncio.Event()
        try:
            server = await asyncio.start_server(self._pass_on, _ANY, self._port)
        except OSError as error:
            self._ready.set_exception(error)
            return
        self._ready.set_result((asyncio.get_running_loop(), stop))
        await stop.wait()
        server.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            try:
                there, back = await asyncio.open_connection(_HERE, self._target)
            except OSError:
                return
            with contextlib.closing(back):
                await asyncio.gather(_copy(reader, back), _copy(there, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy to the end, and say that it is one."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_READ_SIZE):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
