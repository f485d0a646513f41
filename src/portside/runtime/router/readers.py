"""Bytes of a connection into heads, pieces of bodies and ends of messages, within limits.

The parser is llhttp, by way of httptools; nothing is parsed here.
"""

from collections.abc import Callable
from typing import NoReturn, Protocol

import httptools

from portside.runtime.router.failures import Refused
from portside.runtime.router.heads import (
    Header,
    RawHead,
    RequestHead,
    ResponseHead,
    can_keep_alive,
    client_response,
    framing_lines,
    is_chunked_for,
    read_request,
    read_response,
)
from portside.runtime.router.limits import Limits

_SWITCHING = 101
_FIRST_FINAL = 200


class RequestSink(Protocol):
    """Who gets the requests of a connection, one after the other."""

    def head_received(self, head: RequestHead) -> None:
        """Take the next request's head."""

    def body_received(self, data: bytes) -> None:
        """Take a piece of its body."""

    def request_received(self) -> None:
        """Take its end."""


class RequestReader:
    """Reads the requests of one client connection."""

    def __init__(self, sink: RequestSink, limits: Limits) -> None:
        """Take who gets them."""
        self._sink = sink
        self._limits = limits
        self._refused: Refused | None = None
        self._upgrades = False
        self._owed = self._target = b""
        self._unspent = 0
        self._start()

    @property
    def is_between(self) -> bool:
        """Return whether nothing of a next request has come yet."""
        return not self._in_message and not self._unspent

    @property
    def is_in_head(self) -> bool:
        """Return whether a part of a head has come."""
        return not self._in_body and not self.is_between

    @property
    def seen(self) -> tuple[str, str]:
        """Return method and target of the request that is being read, as far as they came."""
        if not self._target:
            return "", ""
        method = self._parser.get_method().decode("ascii")
        return method, self._target.decode("ascii", "backslashreplace")

    def feed(self, data: bytes) -> bytes:
        """Take what came, and return what follows a request to upgrade.

        Raises ``Refused``; nothing more may be fed then.
        """
        while data:
            data = self._feed(data)
            if self._upgrades:
                return data
        return b""

    def _feed(self, data: bytes) -> bytes:
        rest = b""
        self._made_progress = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            rest = data[_offset(error) :]
            self._restart_after_upgrade()
        except httptools.HttpParserError as error:
            raise self._refused or Refused(400, f"not valid HTTP: {error}") from None
        self._check_unspent(len(data))
        return rest

    def _check_unspent(self, fed: int) -> None:
        """Bound what makes no progress: an endless head, chunk extension or trailer."""
        self._unspent = 0 if self._made_progress else self._unspent + fed
        if self._unspent > self._limits.head:
            what = "chunk or trailer" if self._in_body else "header section"
            raise Refused(431, f"the {what} is too long")

    def _restart_after_upgrade(self) -> None:
        """Go on with a new parser; after an upgrade this one takes nothing more."""
        upgrades, owed, target = self._upgrades, self._owed, self._target
        self._start()
        self._made_progress = True
        self._upgrades = upgrades
        if owed:
            # This parser leaves out the body of a request that offers to upgrade. Where the offer
            # isn't taken, it is that of a request without the offer.
            self._is_resumed = True
            self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % owed)
            self._is_resumed, self._target = False, target

    def _start(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._in_message = self._in_body = self._upgrades = self._made_progress = False
        self._is_resumed = False
        self._owed = b""
        self._unspent = self._size = self._body = 0
        self._target = b""
        self._headers: list[Header] = []

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_message, self._in_body = True, False
        self._target, self._headers = b"", []
        self._size = self._body = 0

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._target += url
        if len(self._target) > self._limits.target:
            self._refuse(Refused(414, "the request target is too long"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a trailer, which is dropped (RFC 9110, section 6.5.1)."""
        size = len(name) + len(value) + 4
        self._size += size
        if size > self._limits.header or self._size > self._limits.head:
            self._refuse(Refused(431, "a header or all of them are too long"))
        if self._in_body:
            return
        self._headers.append((name, value))
        if len(self._headers) > self._limits.headers:
            self._refuse(Refused(431, "there are too many headers"))

    def on_headers_complete(self) -> None:
        """Pass the head on."""
        self._in_body = self._made_progress = True
        self._size = 0
        if self._is_resumed:
            return
        parser = self._parser
        raw = RawHead(
            parser.get_method(),
            self._target,
            parser.get_http_version(),
            self._headers,
            parser.should_keep_alive(),
            parser.should_upgrade(),
        )
        try:
            head = read_request(raw)
        except Refused as refused:
            self._refuse(refused)
        if head.length > self._limits.body:
            self._refuse(Refused(413, "the body is too large"))
        self._upgrades = bool(head.upgrade)
        if raw.upgrades and not head.upgrade:
            self._owed = framing_lines(head.framing, head.length)
        self._sink.head_received(head)

    def on_body(self, data: bytes) -> None:
        """Pass a piece of the body on."""
        self._made_progress = True
        self._body += len(data)
        if self._body > self._limits.body:
            self._refuse(Refused(413, "the body is too large"))
        self._sink.body_received(data)

    def on_message_complete(self) -> None:
        """Pass the end on, unless the body is still to come."""
        if self._owed:
            return
        self._in_message = self._in_body = False
        self._made_progress = True
        self._sink.request_received()

    def _refuse(self, refused: Refused) -> NoReturn:
        self._refused = refused
        raise refused


class ResponseReader:
    """Reads the response of one web process and turns it into what the client gets."""

    def __init__(
        self, head: RequestHead, limits: Limits, *, may_keep_alive: Callable[[], bool]
    ) -> None:
        """Take the request's head, and whether the client's connection may stay open."""
        self._request = head
        self._limits = limits
        self._may_keep_alive = may_keep_alive
        self._parser = httptools.HttpResponseParser(self)
        self._reason = b""
        self._headers: list[Header] = []
        self._size = 0
        self._chunked = False
        self._output: list[bytes] = []
        self.response: ResponseHead | None = None
        self.keeps_alive = False
        self.is_done = False
        self.is_switched = False
        self.body_bytes = 0

    def feed(self, data: bytes) -> bytes:
        """Take what came from the web process; return what the client gets now.

        Raises ``ValueError`` for what isn't a valid response.
        """
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            self.is_switched = True
            self._output.append(data[_offset(error) :])
        except httptools.HttpParserError as error:
            # What follows a whole response is of no concern: the connection ends with it.
            if not self.is_done:
                raise ValueError(str(error.__context__ or error)) from None
        if self.response is None:
            self._check_size(len(data))
        return self._taken()

    def finish(self) -> bytes | None:
        """Take the end of the connection; return what the client gets now.

        None says that the response isn't whole.
        """
        if self.response is None or self.response.framing != "close":
            return None
        self._complete()
        return self._taken()

    def close(self) -> None:
        """Let go of the parser and of who asked; nothing may be fed any more.

        They hold this reader in turn. Left to the garbage collector, it stops the router for as
        long as a tenth of a second to find them.
        """
        del self._parser, self._may_keep_alive

    def on_message_begin(self) -> None:
        """Begin a response: an interim one, or the real one."""
        self._reason, self._headers = b"", []

    def on_status(self, reason: bytes) -> None:
        """Take a part of the reason phrase."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; trailers are dropped."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Make the head that the client gets."""
        if self.is_done:
            return
        status = self._parser.get_status_code()
        head = read_response(
            status,
            self._reason,
            self._headers,
            to_head=self._request.method == b"HEAD",
        )
        version = self._request.version
        if status < _FIRST_FINAL:
            self._interim(head)
            return
        self.response = head
        self._chunked = is_chunked_for(head, version)
        self.keeps_alive = self._may_keep_alive() and can_keep_alive(head, version)
        self._output.append(client_response(head, version=version, keeps_alive=self.keeps_alive))
        if head.framing == "none":
            self._complete()

    def on_body(self, data: bytes) -> None:
        """Pass a piece of the body on, in a chunk where the client gets chunks."""
        if self.is_done:
            return
        self.body_bytes += len(data)
        if self._chunked:
            self._output += (b"%x\r\n" % len(data), data, b"\r\n")
        else:
            self._output.append(data)

    def on_message_complete(self) -> None:
        """End the response, unless it was an interim one."""
        if self.response is not None and not self.is_done:
            self._complete()

    def _interim(self, head: ResponseHead) -> None:
        if head.status == _SWITCHING:
            if not self._request.upgrade:
                raise ValueError("the protocol is switched without a request for it")
            self.response = head
            self.is_done = True
        if self._request.version == "1.1":
            self._output.append(client_response(head, version="1.1", keeps_alive=True))

    def _complete(self) -> None:
        if self._chunked:
            self._output.append(b"0\r\n\r\n")
        self.is_done = True

    def _check_size(self, fed: int) -> None:
        self._size += fed
        if self._size > self._limits.response_head:
            raise ValueError("the response's header section is too long")

    def _taken(self) -> bytes:
        output, self._output = self._output, []
        return output[0] if len(output) == 1 else b"".join(output)


def _offset(error: httptools.HttpParserUpgrade) -> int:
    return int(error.args[0])
