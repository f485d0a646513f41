"""One request and its response: from the choice of a web process to the line in the log.

It is the protocol of the connection to the web process, which serves this one request.
"""

import asyncio
import contextlib
import os
import time
from typing import Literal, Protocol, TypeAlias

from portside.runtime.router.backends import Backend, Backends
from portside.runtime.router.failures import (
    BOOT_TIMEOUT,
    CLIENT_GONE,
    CLIENT_IDLE,
    CLOSED,
    CONNECT_TIMEOUT,
    IDLE,
    INTERRUPTED,
    MALFORMED,
    REFUSED,
    TIMEOUT,
    Failure,
    failure_response,
)
from portside.runtime.router.heads import Peer, RequestHead, forwarded_request
from portside.runtime.router.limits import Limits
from portside.runtime.router.readers import ResponseReader
from portside.runtime.router.request_log import Entry

_LAST_WORDS = 1 << 18
Hold: TypeAlias = Literal["queue", "unsent", "upstream"]


class Client(Protocol):
    """The client's side of an exchange."""

    peer: Peer

    def write(self, data: bytes) -> None:
        """Send to the client."""

    def write_end(self) -> None:
        """Send no more to the client (of a tunnel)."""

    def hold(self, reason: Hold) -> None:
        """Read nothing more from the client until ``release``."""

    def release(self, *reasons: Hold) -> None:
        """Read again, unless another reason holds."""

    @property
    def unsent(self) -> int:
        """Return how many bytes the client hasn't taken yet."""

    def finished(self, *, keeps_alive: bool) -> None:
        """Take the end of the exchange."""

    def cut(self) -> None:
        """End the connection at once: the response can't be completed."""


class Office(Protocol):
    """What all exchanges share."""

    limits: Limits
    backends: Backends
    is_draining: bool

    def log(self, entry: Entry) -> None:
        """Write the line of a request that is over."""


class Exchange(asyncio.Protocol):
    """One request on its way through."""

    def __init__(self, head: RequestHead, client: Client, office: Office) -> None:
        """Take the request's head; ``start`` sends it on its way."""
        self._head = head
        self._client = client
        self._office = office
        self._started = self._touched = asyncio.get_running_loop().time()
        self._request_id = head.request_id or _new_request_id()
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._reader = ResponseReader(
            head, office.limits, may_keep_alive=lambda: self._may_keep_alive
        )
        self._backend: Backend | None = None
        self._connect: float | None = None
        self._is_received = False
        self._has_answered = False
        self._is_over = False
        self._is_held = False
        self._unsent = 0
        self._tunnel_bytes = 0
        self._ended: set[str] = set()

    def start(self) -> None:
        """Look for a web process; the rest follows."""
        self._task = asyncio.get_running_loop().create_task(self._find_backend())

    @property
    def is_received(self) -> bool:
        """Return whether the whole request has come."""
        return self._is_received

    @property
    def is_tunnel(self) -> bool:
        """Return whether the connection isn't HTTP any more."""
        return self._reader.is_switched

    @property
    def _may_keep_alive(self) -> bool:
        return self._head.keeps_alive and self._is_received and not self._office.is_draining

    def body_received(self, data: bytes) -> None:
        """Take a piece of the request's body."""
        if self._head.framing == "chunked":
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self.send(data)

    def request_received(self) -> None:
        """Take the end of the request."""
        self._is_received = True
        self._touched = asyncio.get_running_loop().time()
        if self._head.framing == "chunked":
            self.send(b"0\r\n\r\n")

    def send(self, data: bytes) -> None:
        """Send to the web process, or keep it until there is a connection."""
        if self._is_over or not data:
            return
        self._touched = asyncio.get_running_loop().time()
        if self._transport is not None and (self.is_tunnel or not self._head.upgrade):
            self._transport.write(data)
            return
        self._pending.append(data)
        self._pending_size += len(data)
        if self._pending_size > self._office.limits.buffered:
            self._client.hold("unsent")

    def client_ended(self) -> None:
        """Take the end of what the client sends."""
        if self.is_tunnel and self._transport is not None:
            self._transport.write_eof()
            self._end_tunnel("client")
        elif not self._is_received or self._head.upgrade:
            self.client_lost()

    def client_lost(self) -> None:
        """Take the loss of the client's connection."""
        if not self._is_over:
            self._end(None if self.is_tunnel else CLIENT_GONE)

    def fail(self, failure: Failure) -> None:
        """End with a failure: by a page if no answer has begun, else by cutting it off."""
        if self._is_over:
            return
        if self._has_answered:
            self._end(failure)
            self._client.cut()
            return
        page = failure_response(failure, with_body=self._head.method != b"HEAD")
        self._client.write(page)
        self._end(failure)
        self._client.finished(keeps_alive=False)

    def check(self, now: float) -> None:
        """End the exchange if a time limit is over."""
        unsent = self._client.unsent
        if unsent != self._unsent:
            self._unsent, self._touched = unsent, now
        if self._transport is None or self._is_over:
            return
        limits = self._office.limits
        idle = now - self._touched
        if self._has_answered:
            if idle > limits.rolling:
                self.fail(CLIENT_IDLE if unsent else IDLE)
        elif self._is_received:
            if idle > limits.first_byte:
                self.fail(TIMEOUT)
        elif idle > limits.rolling:
            self.fail(TIMEOUT if self._is_held else CLIENT_IDLE)

    def pause_response(self) -> None:
        """Read nothing more from the web process: the client is slower."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_response(self) -> None:
        """Read again from the web process."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    async def _find_backend(self) -> None:
        failure = await self._connect_to_any()
        if failure is not None:
            self.fail(failure)

    async def _connect_to_any(self) -> Failure | None:
        """Connect to the first web process that takes the connection; nothing was sent before."""
        backends, limits = self._office.backends, self._office.limits
        loop = asyncio.get_running_loop()
        tried: set[str] = set()
        failure: Failure | None = None
        while True:
            backend = backends.pick(tried)
            if backend is not None:
                failure = await self._connect_to(backend)
                if failure is None:
                    return None
                tried.add(backend.name)
                continue
            if not backends.is_any_starting:
                return failure or backends.why_none()
            remaining = self._started + limits.boot - loop.time()
            if remaining <= 0:
                return BOOT_TIMEOUT
            await backends.wait_for_change(remaining)
            tried.clear()

    async def _connect_to(self, backend: Backend) -> Failure | None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._backend = backend
        try:
            async with asyncio.timeout(self._office.limits.connect):
                await loop.create_connection(lambda: self, backend.host, backend.port)
        except TimeoutError:
            return CONNECT_TIMEOUT
        except OSError:
            return REFUSED
        self._connect = loop.time() - started
        return None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request, as far as it has come."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream transport is needed")
        if self._is_over:
            transport.abort()
            return
        self._transport = transport
        self._touched = asyncio.get_running_loop().time()
        head = forwarded_request(self._head, self._client.peer, self._request_id, time.time())
        if self._head.upgrade:
            transport.write(head)
            return
        transport.write(b"".join((head, *self._pending)))
        self._drop_pending()

    def data_received(self, data: bytes) -> None:
        """Pass what the web process sends on to the client."""
        if self._is_over:
            return
        self._touched = asyncio.get_running_loop().time()
        if self.is_tunnel:
            self._tunnel_bytes += len(data)
            self._client.write(data)
            return
        try:
            output = self._reader.feed(data)
        except ValueError:
            self.fail(INTERRUPTED if self._has_answered else MALFORMED)
            return
        self._pass_on(output)

    def eof_received(self) -> bool:
        """Pass a half-close of a tunnel on; any other end is the end of the response."""
        if self.is_tunnel:
            self._client.write_end()
            self._end_tunnel("process")
        return self.is_tunnel

    def connection_lost(self, error: Exception | None) -> None:
        """Complete a response that ends with the connection, or fail."""
        if self._is_over:
            return
        if self.is_tunnel:
            self._end(None)
            self._client.finished(keeps_alive=False)
            return
        if error is not None and self._has_last_words():
            return
        output = self._reader.finish() if error is None else None
        if output is None:
            self.fail(INTERRUPTED if self._has_answered else CLOSED)
            return
        self._pass_on(output)

    def pause_writing(self) -> None:
        """Read nothing more from the client: the web process is slower."""
        self._is_held = True
        self._client.hold("upstream")

    def resume_writing(self) -> None:
        """Read again from the client."""
        self._is_held = False
        self._touched = asyncio.get_running_loop().time()
        self._client.release("upstream")

    def _has_last_words(self) -> bool:
        """Read an answer that came before a failed write; return whether it was whole.

        asyncio closes the socket when this is over, without a look at what there is to read.
        """
        if self._transport is None:
            return False
        descriptor: int = self._transport.get_extra_info("socket").fileno()
        data = bytearray()
        with contextlib.suppress(OSError):
            while len(data) < _LAST_WORDS and (piece := os.read(descriptor, _LAST_WORDS)):
                data += piece
        if data:
            self.data_received(bytes(data))
        return self._is_over

    def _end_tunnel(self, side: str) -> None:
        """Close a tunnel once both sides have ended."""
        self._ended.add(side)
        if len(self._ended) > 1 and not self._is_over:
            self._end(None)
            self._client.finished(keeps_alive=False)

    def _pass_on(self, output: bytes) -> None:
        if output:
            self._has_answered = self._has_answered or self._reader.response is not None
            self._client.write(output)
        if self.is_tunnel:
            self._open_tunnel()
        elif self._reader.is_done:
            self._end(None)
            self._client.finished(keeps_alive=self._reader.keeps_alive and self._is_received)

    def _open_tunnel(self) -> None:
        pending = b"".join(self._pending)
        self._drop_pending()
        self.send(pending)

    def _drop_pending(self) -> None:
        if self._pending_size > self._office.limits.buffered:
            self._client.release("unsent")
        self._pending, self._pending_size = [], 0

    def _end(self, failure: Failure | None) -> None:
        """Log the request and let go of the web process, once."""
        self._is_over = True
        if self._task is not None and not self._task.done():
            self._task.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._pending = []
        self._office.log(self._entry(failure))

    def _entry(self, failure: Failure | None) -> Entry:
        head, response = self._head, self._reader.response
        address = self._client.peer.address
        chain = head.forwarded_for.decode("latin-1")
        return Entry(
            method=head.method.decode("ascii"),
            path=head.target.decode("ascii", "backslashreplace"),
            host=head.host.decode("ascii"),
            request_id=self._request_id.decode("ascii"),
            forwarded_for=f"{chain}, {address}" if chain else address,
            process=self._backend.name if self._backend is not None else "",
            connect=self._connect,
            service=asyncio.get_running_loop().time() - self._started,
            status=failure.status if failure else response.status if response else 0,
            body_bytes=self._reader.body_bytes + self._tunnel_bytes,
            failure=failure,
        )


def _new_request_id() -> bytes:
    """Return a random id in the form of a UUID of version 4 (RFC 9562)."""
    digits = bytearray(os.urandom(16))
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}".encode("ascii")
