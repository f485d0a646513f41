"""One request and its response: from the choice of a web process to the line in the log.

It owns the connection to the web process, which serves this one request.
"""

import asyncio
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
from portside.runtime.router.upstream import Upstream

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


class Exchange:
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
        self._upstream: Upstream | None = None
        self._attempt: Upstream | None = None
        self._attempted = 0.0
        self._tried: set[str] = set()
        self._refusal: Failure | None = None
        self._waiting: asyncio.Task[None] | None = None
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
        """Look for a web process, once all of the request that has come is read."""
        asyncio.get_running_loop().call_soon(self._advance)

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
        if self._upstream is not None and (self.is_tunnel or not self._head.upgrade):
            self._upstream.write(data)
            return
        self._pending.append(data)
        self._pending_size += len(data)
        if self._pending_size > self._office.limits.buffered:
            self._client.hold("unsent")

    def client_ended(self) -> None:
        """Take the end of what the client sends."""
        if self.is_tunnel and self._upstream is not None:
            self._upstream.write_eof()
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
        limits = self._office.limits
        if self._attempt is not None and now - self._attempted > limits.connect:
            self._give_up_attempt(CONNECT_TIMEOUT)
        if self._upstream is None or self._is_over:
            return
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
        if self._upstream is not None:
            self._upstream.pause_reading()

    def resume_response(self) -> None:
        """Read again from the web process."""
        if self._upstream is not None:
            self._upstream.resume_reading()

    def _advance(self) -> None:
        """Try the next web process, wait for one, or fail; nothing was sent before."""
        backends = self._office.backends
        while not self._is_over and (backend := backends.pick(self._tried)) is not None:
            self._tried.add(backend.name)
            if self._connect_to(backend):
                return
        if self._is_over:
            return
        if backends.is_any_starting:
            self._waiting = asyncio.get_running_loop().create_task(self._wait_for_any())
        else:
            self.fail(self._refusal or backends.why_none())

    def _connect_to(self, backend: Backend) -> bool:
        """Begin to connect, and return whether that is under way."""
        self._backend = backend
        self._attempted = asyncio.get_running_loop().time()
        try:
            self._attempt = Upstream(self, backend.host, backend.port)
        except OSError:
            self._refusal = REFUSED
            return False
        self._attempt.open()
        return True

    async def _wait_for_any(self) -> None:
        """Wait until a web process is up."""
        left = self._started + self._office.limits.boot - asyncio.get_running_loop().time()
        if left <= 0:
            self.fail(BOOT_TIMEOUT)
            return
        await self._office.backends.wait_for_change(left)
        self._tried.clear()
        self._advance()

    def _give_up_attempt(self, refusal: Failure) -> None:
        """Go on with another web process."""
        if self._attempt is not None:
            self._attempt.abort()
        self._attempt, self._refusal = None, refusal
        self._advance()

    def connection_failed(self) -> None:
        """Try another web process: this one refuses."""
        self._give_up_attempt(REFUSED)

    def connection_made(self, upstream: Upstream) -> None:
        """Send the request, as far as it has come."""
        self._attempt, self._upstream = None, upstream
        self._touched = asyncio.get_running_loop().time()
        self._connect = self._touched - self._attempted
        head = forwarded_request(self._head, self._client.peer, self._request_id, time.time())
        if self._head.upgrade:
            upstream.write(head)
            return
        upstream.write(b"".join((head, *self._pending)))
        self._drop_pending()

    def data_received(self, data: bytes) -> None:
        """Pass what the web process sends on to the client."""
        if self._is_over:
            return
        if self.is_tunnel:
            self._touched = asyncio.get_running_loop().time()
            self._tunnel_bytes += len(data)
            self._client.write(data)
            return
        try:
            output = self._reader.feed(data)
        except ValueError:
            self.fail(INTERRUPTED if self._has_answered else MALFORMED)
            return
        if self._reader.response is not None:
            # Interim responses may come for ever: they are no answer.
            self._touched = asyncio.get_running_loop().time()
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
        if self._waiting is not None and not self._waiting.done():
            self._waiting.cancel()
        for upstream in (self._attempt, self._upstream):
            if upstream is not None:
                upstream.abort()
        self._attempt = self._upstream = None
        self._reader.close()
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
