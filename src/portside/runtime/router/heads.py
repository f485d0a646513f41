"""Request and response heads: what is refused, what is passed on, and what is added.

Pure. The parser (llhttp) has refused what isn't HTTP before: bare CR or LF, obs-fold, NUL,
repeated or malformed lengths, a length beside a transfer coding. What it lets pass but another
parser might read otherwise is refused here.
"""

import re
from typing import Literal, TypeAlias

import httptools
from msgspec import Struct

from portside.runtime.router.failures import Refused, status_phrase

Header: TypeAlias = tuple[bytes, bytes]
Framing: TypeAlias = Literal["none", "length", "chunked", "close"]
VIA = b"1.1 portside"
# RFC 9110, section 7.6.1; `proxy-connection` is none, but clients send it as one.
_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_SET_HERE = frozenset(
    (
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-port",
        b"x-request-id",
        b"x-request-start",
        b"via",
    )
)
_REPLACED = _HOP_BY_HOP | _SET_HERE | {b"host", b"content-length"}
# A client may not have these removed by naming them in `Connection`.
_KEPT = frozenset((b"cache-control", b"content-type", b"expect"))
_HOST = re.compile(rb"[A-Za-z0-9._~:\[\]%!$&'()*+,;=-]{0,260}")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9+/=-]{20,200}")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_WITHOUT_BODY = (204, 304)


class RawHead(Struct):
    """A request head as the parser gives it."""

    method: bytes
    target: bytes
    version: str
    headers: list[Header]
    keeps_alive: bool
    upgrades: bool


class RequestHead(Struct, frozen=True):
    """A request head that may be passed on; ``upgrade`` only for a WebSocket handshake."""

    method: bytes
    target: bytes
    version: str
    host: bytes
    headers: tuple[Header, ...]
    nominated: frozenset[bytes]
    framing: Framing
    length: int
    keeps_alive: bool
    upgrade: bytes
    forwarded_for: bytes
    request_id: bytes
    via: bytes


class Peer(Struct, frozen=True):
    """The two ends of a client's connection, as the web process is told of them."""

    address: str
    port: int


class ResponseHead(Struct, frozen=True):
    """A response head; ``headers`` are without those of the connection."""

    status: int
    reason: bytes
    headers: tuple[Header, ...]
    framing: Framing
    length: int
    upgrade: bytes = b""


def read_request(raw: RawHead) -> RequestHead:
    """Return the head as it may be passed on. Raises ``Refused``."""
    noted = _noted(raw.headers)
    if raw.version not in ("1.0", "1.1"):
        raise Refused(505, f"HTTP version {raw.version} isn't supported")
    if raw.method == b"CONNECT":
        raise Refused(405, "the method CONNECT isn't supported")
    framing, length = _request_framing(raw, noted)
    target, authority = _origin_form(raw)
    upgrade = _upgrade(raw, noted, framing)
    return RequestHead(
        method=raw.method,
        target=target,
        version=raw.version,
        host=_host(raw, noted, authority),
        headers=tuple(raw.headers),
        nominated=_nominated(noted),
        framing=framing,
        length=length,
        keeps_alive=raw.keeps_alive and not upgrade,
        upgrade=upgrade,
        forwarded_for=b", ".join(noted.get(b"x-forwarded-for", ())),
        request_id=_valid_request_id(noted),
        via=b", ".join(noted.get(b"via", ())),
    )


def forwarded_request(head: RequestHead, peer: Peer, request_id: bytes, now: float) -> bytes:
    """Return the head as a web process gets it; ``now`` is seconds since the epoch."""
    host = head.host or b"localhost:%d" % peer.port
    lines = [b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (head.method, head.target, host)]
    for name, value in head.headers:
        key = name.lower()
        # WSGI and CGI can't tell `X_Forwarded-For` from `X-Forwarded-For`.
        if key.replace(b"_", b"-") not in _REPLACED and key not in head.nominated:
            lines.append(b"%b: %b\r\n" % (name, value))
    lines.append(framing_lines(head.framing, head.length))
    address = peer.address.encode("ascii")
    chain = b"%b, %b" % (head.forwarded_for, address) if head.forwarded_for else address
    via = b"%b, %b" % (head.via, VIA) if head.via else VIA
    connection = b"Upgrade\r\nUpgrade: %b" % head.upgrade if head.upgrade else b"close"
    lines.append(
        b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: %d\r\n"
        b"X-Request-Id: %b\r\nX-Request-Start: %d\r\nVia: %b\r\nConnection: %b\r\n\r\n"
        % (chain, peer.port, request_id, int(now * 1000), via, connection)
    )
    return b"".join(lines)


def read_response(
    status: int, reason: bytes, headers: list[Header], *, to_head: bool
) -> ResponseHead:
    """Return a web process's response head; ``to_head`` if it answers HEAD.

    Raises ``ValueError`` for one that can't be passed on.
    """
    noted = _noted(headers)
    codings = _tokens(noted.get(b"transfer-encoding", ()))
    length = int(noted[b"content-length"][0]) if b"content-length" in noted else -1
    framing: Framing = "none"
    if not (to_head or status < 200 or status in _WITHOUT_BODY):  # noqa: PLR2004 (1xx)
        if codings and codings != (b"chunked",):
            raise ValueError(f"transfer coding {codings!r}")
        framing = "chunked" if codings else "length" if length >= 0 else "close"
    gone = _HOP_BY_HOP | _nominated(noted) | {b"via", b"content-length"}
    kept = tuple(header for header in headers if header[0].lower() not in gone)
    if status == 204:  # noqa: PLR2004 (no content: it may not have a length either)
        length = -1
    via = b", ".join((*noted.get(b"via", ()), VIA))
    upgrade = b", ".join(noted.get(b"upgrade", ()))
    return ResponseHead(status, reason, (*kept, (b"Via", via)), framing, length, upgrade)


def client_response(head: ResponseHead, *, version: str, keeps_alive: bool) -> bytes:
    """Return a response head as a client of ``version`` gets it."""
    reason = head.reason or _phrase(head.status)
    lines = [b"HTTP/1.1 %d %b\r\n" % (head.status, reason)]
    lines += [b"%b: %b\r\n" % header for header in head.headers]
    if head.framing == "chunked" or (head.framing == "close" and version == "1.1"):
        lines.append(b"Transfer-Encoding: chunked\r\n" if version == "1.1" else b"")
    elif head.length >= 0:
        lines.append(b"Content-Length: %d\r\n" % head.length)
    lines.append(_connection_line(head, version, keeps_alive=keeps_alive))
    lines.append(b"\r\n")
    return b"".join(lines)


def is_chunked_for(head: ResponseHead, version: str) -> bool:
    """Return whether a client of ``version`` gets the body in chunks."""
    return version == "1.1" and head.framing in ("chunked", "close")


def can_keep_alive(head: ResponseHead, version: str) -> bool:
    """Return whether the end of the body can be told without closing the connection."""
    return version == "1.1" or head.framing in ("none", "length")


def _connection_line(head: ResponseHead, version: str, *, keeps_alive: bool) -> bytes:
    if head.status == 101:  # noqa: PLR2004 (switching protocols)
        return b"Connection: Upgrade\r\nUpgrade: %b\r\n" % head.upgrade
    if head.status < 200:  # noqa: PLR2004 (1xx: the real answer follows)
        return b""
    if not keeps_alive:
        return b"Connection: close\r\n"
    return b"Connection: keep-alive\r\n" if version == "1.0" else b""


def _phrase(status: int) -> bytes:
    try:
        return status_phrase(status).encode("ascii")
    except ValueError:
        return b"Unknown"


def framing_lines(framing: Framing, length: int) -> bytes:
    """Return the header that says where a request's body ends; b"" for one without."""
    if framing == "chunked":
        return b"Transfer-Encoding: chunked\r\n"
    return b"Content-Length: %d\r\n" % length if framing == "length" else b""


_NOTED = frozenset(
    (
        b"host",
        b"connection",
        b"content-length",
        b"transfer-encoding",
        b"upgrade",
        b"x-forwarded-for",
        b"x-request-id",
        b"via",
    )
)


def _noted(headers: list[Header]) -> dict[bytes, list[bytes]]:
    """Return the values of the headers that decide something, by lower-case name."""
    noted: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        key = name.lower()
        if key in _NOTED:
            noted.setdefault(key, []).append(value.strip(b" \t"))
    return noted


def _tokens(values: list[bytes] | tuple[()]) -> tuple[bytes, ...]:
    parts = (part.strip(b" \t").lower() for value in values for part in value.split(b","))
    return tuple(part for part in parts if part)


def _nominated(noted: dict[bytes, list[bytes]]) -> frozenset[bytes]:
    if b"connection" not in noted:
        return frozenset()
    return frozenset(_tokens(noted[b"connection"])) - _KEPT


def _request_framing(raw: RawHead, noted: dict[bytes, list[bytes]]) -> tuple[Framing, int]:
    lengths = noted.get(b"content-length", [])
    codings = noted.get(b"transfer-encoding", [])
    if codings:
        if lengths or raw.version == "1.0":
            raise Refused(400, "the length of the body is ambiguous")
        if _tokens(codings) != (b"chunked",) or len(codings) > 1:
            raise Refused(501, "the only transfer coding supported is chunked")
        return "chunked", -1
    if not lengths:
        return "none", 0
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise Refused(400, "the length of the body is ambiguous")
    return "length", int(lengths[0])


def _origin_form(raw: RawHead) -> tuple[bytes, bytes]:
    """Return path and query, and the authority where the target is a whole URL (RFC 9112, 3.2)."""
    target = raw.target
    if b"#" in target:
        raise Refused(400, "the request target has a fragment")
    if target.startswith(b"/") or (target == b"*" and raw.method == b"OPTIONS"):
        return target, b""
    if not target.lower().startswith((b"http://", b"https://")):
        raise Refused(400, "the request target is neither a path nor a URL")
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserInvalidURLError:
        raise Refused(400, "the request target isn't a URL") from None
    if url.userinfo or not url.host:
        raise Refused(400, "the request target isn't a URL")
    authority = target.split(b"/", 3)[2].partition(b"?")[0]
    query = b"?" + url.query if url.query else b""
    return (url.path or b"/") + query, authority


def _host(raw: RawHead, noted: dict[bytes, list[bytes]], authority: bytes) -> bytes:
    hosts = noted.get(b"host", [])
    if len(hosts) > 1 or (not hosts and raw.version == "1.1"):
        raise Refused(400, "a request must have exactly one Host")
    host = authority or (hosts[0] if hosts else b"")
    if not _HOST.fullmatch(host):
        raise Refused(400, "Host is malformed")
    return host


def _upgrade(raw: RawHead, noted: dict[bytes, list[bytes]], framing: Framing) -> bytes:
    """Return the protocol to switch to. Only WebSocket is: h2c would evade every check here."""
    if not raw.upgrades:
        return b""
    is_websocket = _tokens(noted.get(b"upgrade", [])) == (b"websocket",)
    if not is_websocket:
        return b""
    if framing == "chunked" or (framing == "length" and noted[b"content-length"] != [b"0"]):
        raise Refused(400, "a request for a WebSocket may not have a body")
    return noted[b"upgrade"][0] if raw.method == b"GET" and raw.version == "1.1" else b""


def _valid_request_id(noted: dict[bytes, list[bytes]]) -> bytes:
    values = noted.get(b"x-request-id", [])
    return values[0] if len(values) == 1 and _REQUEST_ID.fullmatch(values[0]) else b""
