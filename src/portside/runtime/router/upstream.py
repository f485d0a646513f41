"""A connection to a web process. It knows bytes alone, not HTTP.

Not a transport of asyncio: that takes a task and eight callbacks more to connect, send and close
for what is one request here, a fifth of what a request cost (docs/performance.md).
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Protocol

_PIECE = 1 << 16
_HIGH_WATER = 1 << 16
_LOW_WATER = 1 << 14


class Owner(Protocol):
    """Who uses the connection."""

    def connection_made(self, upstream: "Upstream") -> None:
        """Take the connection, now that it can be written to."""

    def connection_failed(self) -> None:
        """Take that there is no connection; nothing was sent."""

    def data_received(self, data: bytes) -> None:
        """Take what the web process sent."""

    def eof_received(self) -> bool:
        """Take the end of that; return whether there may still be something to send."""

    def connection_lost(self, error: Exception | None) -> None:
        """Take the end of the connection; not called after ``abort``."""

    def pause_writing(self) -> None:
        """Send less than before: the web process takes it slowly."""

    def resume_writing(self) -> None:
        """Send again."""


class Upstream:
    """One connection, from the attempt to its end."""

    def __init__(self, owner: Owner, host: str, port: int) -> None:
        """Begin to connect to an IP address. Raises ``OSError`` where that fails at once."""
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._unsent = bytearray()
        self._error: OSError | None = None
        self._is_closed = self._is_reading = self._is_writing = False
        self._is_held = self._has_ended = self._ends = False
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(BlockingIOError):
                self._socket.connect((host, port))
        except OSError:
            self._socket.close()
            raise
        self._descriptor = self._socket.fileno()

    def open(self) -> None:
        """Call the owner once connected: at once where, as on one machine, it is already."""
        if self._is_connected():
            self._made()
        elif not self._is_closed:
            self._watch_writing(self._settle)

    def write(self, data: bytes) -> None:
        """Send now what the socket takes, and the rest when it takes more."""
        if self._is_closed or self._error is not None:
            return
        if not self._unsent:
            sent = self._send(data)
            if sent == len(data) or self._error is not None:
                return
            data = data[sent:]
            self._watch_writing(self._flush)
        self._unsent += data
        if len(self._unsent) > _HIGH_WATER and not self._is_held:
            self._is_held = True
            self._owner.pause_writing()

    def write_eof(self) -> None:
        """Send no more after what is still unsent."""
        self._ends = True
        if not self._unsent and not self._is_closed:
            self._shut_down()

    def pause_reading(self) -> None:
        """Read nothing more until ``resume_reading``."""
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._descriptor)

    def resume_reading(self) -> None:
        """Read again."""
        if not (self._is_reading or self._is_closed or self._has_ended):
            self._is_reading = True
            self._loop.add_reader(self._descriptor, self._read)

    def abort(self) -> None:
        """Close at once; the owner isn't called again."""
        if self._is_closed:
            return
        self._is_closed = True
        self.pause_reading()
        self._unwatch_writing()
        self._unsent.clear()
        self._socket.close()

    def _is_connected(self) -> bool:
        """Return whether it is; tell the owner where it never will be."""
        try:
            self._socket.getpeername()
        except OSError:
            if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._fail()
            return False
        return True

    def _fail(self) -> None:
        self.abort()
        self._owner.connection_failed()

    def _made(self) -> None:
        self.resume_reading()
        self._owner.connection_made(self)

    def _watch_writing(self, then: Callable[[], None]) -> None:
        self._is_writing = True
        self._loop.add_writer(self._descriptor, then)

    def _unwatch_writing(self) -> None:
        if self._is_writing:
            self._is_writing = False
            self._loop.remove_writer(self._descriptor)

    def _settle(self) -> None:
        """Take the outcome of an attempt that took a while."""
        self._unwatch_writing()
        if self._is_connected():
            self._made()
        elif not self._is_closed:
            self._fail()

    def _send(self, data: bytes | bytearray) -> int:
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self._break(error)
            return 0

    def _flush(self) -> None:
        sent = self._send(self._unsent)
        if self._error is not None:
            return
        del self._unsent[:sent]
        if not self._unsent:
            self._unwatch_writing()
            if self._ends:
                self._shut_down()
        if self._is_held and len(self._unsent) <= _LOW_WATER:
            self._is_held = False
            self._owner.resume_writing()

    def _shut_down(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._break(error)

    def _break(self, error: OSError) -> None:
        """Send nothing more, but read on: an answer may have come before the end."""
        self._error = error
        self._unsent.clear()
        self._unwatch_writing()
        if self._has_ended:
            self._loop.call_soon(self._lose, error)
        elif self._is_held:
            self._is_held = False
            self._owner.resume_writing()

    def _read(self) -> None:
        try:
            data = self._socket.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        if data:
            self._owner.data_received(data)
            return
        self._has_ended = True
        self.pause_reading()
        if not self._owner.eof_received() or self._error is not None:
            self._lose(self._error)

    def _lose(self, error: OSError | None) -> None:
        if not self._is_closed:
            self.abort()
            self._owner.connection_lost(error)
