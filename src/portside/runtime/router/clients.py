"""A client's connection: its requests in turn, its pauses, its end."""

import asyncio
from collections import deque

from portside.runtime.router.exchange import Exchange, Hold, Office
from portside.runtime.router.failures import (
    CLIENT_IDLE,
    CONNECTIONS,
    FORCED,
    Failure,
    Refused,
    failure_response,
)
from portside.runtime.router.heads import Peer, RequestHead
from portside.runtime.router.readers import RequestReader
from portside.runtime.router.request_log import Entry

# How many of those beyond the limit of connections are told so at once.
_ANSWERED = 16


class ClientConnection(asyncio.Protocol):
    """One connection; requests that come before earlier ones are answered wait in a queue."""

    def __init__(self, office: Office, clients: "set[ClientConnection]") -> None:
        """Take what all share, and the set this one is in while it is open."""
        self._office = office
        self._clients = clients
        self._reader = RequestReader(self, office.limits)
        self._queue: deque[Exchange | Refused] = deque()
        self._current: Exchange | None = None
        self._receiving: Exchange | None = None
        self._tunnel: Exchange | None = None
        self._holds: set[Hold] = set()
        self._transport: asyncio.Transport | None = None
        self._since = asyncio.get_running_loop().time()
        self._unsent = 0
        self._discarded = 0
        self._is_discarding = False
        self._is_half_closed = False
        self._is_slow = False
        self.peer = Peer("", 0)

    @property
    def is_busy(self) -> bool:
        """Return whether a request is in flight that isn't a tunnel."""
        return self._current is not None and not self._current.is_tunnel

    @property
    def unsent(self) -> int:
        """Return how many bytes the client hasn't taken yet."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def is_idle(self, now: float, seconds: float) -> bool:
        """Return whether nothing has come for ``seconds`` and nothing is in flight."""
        return self._current is None and self._reader.is_between and now - self._since >= seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection, unless there are too many."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream transport is needed")
        self._transport = transport
        self.peer = _peer(transport)
        self._clients.add(self)
        beyond = len(self._clients) - self._office.limits.connections
        if beyond > _ANSWERED:
            # Each answer keeps a file open until the client has it.
            transport.abort()
        elif beyond > 0:
            self._answer(CONNECTIONS)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._tunnel is not None:
            self._tunnel.send(data)
        elif self._is_discarding:
            self._discard(len(data))
        else:
            self._read(data)

    def eof_received(self) -> bool:
        """Take the end of what the client sends; it may still wait for its answer."""
        self._is_half_closed = True
        if self._tunnel is not None:
            self._tunnel.client_ended()
        elif self._receiving is not None:
            self._receiving.client_lost()
            self._close()
        elif self._current is None:
            self._close()
        return True

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 (asyncio's name)
        """Let go of everything that was for this client."""
        self._clients.discard(self)
        self._queue.clear()
        current, self._current = self._current, None
        if current is not None:
            current.client_lost()

    def pause_writing(self) -> None:
        """Take less from the web process than it sends: the client is slower."""
        self._is_slow = True
        if self._current is not None:
            self._current.pause_response()

    def resume_writing(self) -> None:
        """Go on, now that the client has taken what it was sent."""
        self._is_slow = False
        if self._current is not None:
            self._current.resume_response()
        else:
            self._next()

    def head_received(self, head: RequestHead) -> None:
        """Begin an exchange, or queue it behind the one that is under way."""
        exchange = Exchange(head, self, self._office)
        self._receiving = exchange
        if head.upgrade:
            self._tunnel = exchange
        self._queue.append(exchange)
        if self._current is None and not self._is_slow:
            self._next()
        else:
            self.hold("queue")

    def body_received(self, data: bytes) -> None:
        """Pass a piece of a body on."""
        if self._receiving is not None:
            self._receiving.body_received(data)

    def request_received(self) -> None:
        """Pass the end of a request on."""
        if self._receiving is not None:
            self._receiving.request_received()
            self._receiving = None

    def write(self, data: bytes) -> None:
        """Send to the client."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def write_end(self) -> None:
        """Send no more to the client (of a tunnel)."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def hold(self, reason: Hold) -> None:
        """Read nothing more from the client until ``release``."""
        if not self._holds and self._transport is not None and not self._is_half_closed:
            self._transport.pause_reading()
        self._holds.add(reason)

    def release(self, *reasons: Hold) -> None:
        """Read again, unless another reason holds."""
        if not self._holds:
            return
        self._holds.difference_update(reasons)
        if not self._holds and self._transport is not None and not self._is_half_closed:
            self._transport.resume_reading()

    def finished(self, *, keeps_alive: bool) -> None:
        """Take the end of the current exchange."""
        self._current = None
        self._since = asyncio.get_running_loop().time()
        self.release("unsent", "upstream")
        if not keeps_alive or self._office.is_draining:
            self._close()
        elif not self._is_slow:
            self._next()

    def cut(self) -> None:
        """End the connection at once: the response can't be completed."""
        self._current = None
        if self._transport is not None:
            self._transport.abort()

    def check(self, now: float) -> None:
        """End what has taken too long."""
        if self._transport is None:
            return
        if self._current is not None:
            self._current.check(now)
        elif self._is_discarding or self._transport.is_closing():
            self._check_end(self._transport, now)
        elif self._reader.is_in_head:
            if now - self._since > self._office.limits.head_seconds:
                self._answer(CLIENT_IDLE)
        elif now - self._since > self._office.limits.keep_alive:
            self._transport.close()

    def close_idle(self) -> None:
        """Close a connection with nothing in flight."""
        if self._transport is not None:
            self._transport.close()

    def force(self) -> None:
        """End whatever is in flight: the router stops."""
        if self._current is not None:
            self._current.fail(FORCED)
        elif self._transport is not None:
            self._transport.close()

    def _read(self, data: bytes) -> None:
        if self._reader.is_between:
            self._since = asyncio.get_running_loop().time()
        try:
            rest = self._reader.feed(data)
        except Refused as refused:
            self._refuse(refused)
            return
        if self._tunnel is not None:
            self._tunnel.send(rest)

    def _next(self) -> None:
        """Start what waits first in the queue."""
        if not self._queue:
            if self._is_half_closed:
                self._close()
            return
        following = self._queue.popleft()
        if isinstance(following, Refused):
            self._answer(following.failure)
            return
        self._current = following
        following.start()
        if not self._queue:
            self.release("queue")

    def _refuse(self, refused: Refused) -> None:
        """Read nothing of this client any more; earlier requests are still answered."""
        self._is_discarding = True
        receiving, self._receiving = self._receiving, None
        if receiving is not None and receiving is self._current:
            receiving.fail(refused.failure)
            return
        if receiving is not None:
            self._queue.pop()
        self._queue.append(refused)
        if self._current is None:
            self._next()

    def _answer(self, failure: Failure) -> None:
        """Answer without a web process, and close."""
        method, path = self._reader.seen
        entry = Entry(method=method, path=path, forwarded_for=self.peer.address)
        entry.status, entry.failure = failure.status, failure
        self._office.log(entry)
        self.write(failure_response(failure, with_body=True))
        self._is_discarding = True
        self._close()

    def _close(self) -> None:
        """Close so that what was sent arrives: closing on unread data resets the connection."""
        if self._transport is None or self._transport.is_closing():
            return
        self._since = asyncio.get_running_loop().time()
        is_clean = self._receiving is None and self._reader.is_between and not self._queue
        if self._is_half_closed or (is_clean and not self._is_discarding):
            self._transport.close()
            return
        self._queue.clear()
        self._receiving = self._tunnel = None
        self._is_discarding = True
        self.release("queue", "unsent", "upstream")
        self._transport.write_eof()

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > self._office.limits.lingering:
            self.cut()

    def _check_end(self, transport: asyncio.Transport, now: float) -> None:
        """End a connection that was closed, once the client has had time to take the answer."""
        unsent = self.unsent
        if unsent != self._unsent:
            self._unsent, self._since = unsent, now
        limits = self._office.limits
        if now - self._since > (limits.rolling if unsent else limits.linger):
            transport.abort()


def _peer(transport: asyncio.Transport) -> Peer:
    remote: object = transport.get_extra_info("peername")
    local: object = transport.get_extra_info("sockname")
    address = str(remote[0]) if isinstance(remote, tuple) else ""
    port = local[1] if isinstance(local, tuple) and isinstance(local[1], int) else 0
    return Peer(address.removeprefix("::ffff:"), port)
