"""What the router passes on is read by h11 too, a parser that shares nothing with llhttp."""

import h11
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portside.runtime.router.failures import Refused
from portside.runtime.router.heads import (
    Peer,
    RawHead,
    RequestHead,
    forwarded_request,
    read_request,
)
from portside.runtime.router.limits import Limits
from portside.runtime.router.readers import RequestReader, ResponseReader

PEER = Peer("203.0.113.7", 5000)
REQUEST_ID = b"0123456789abcdef0123"
HOP_BY_HOP = {b"connection", b"keep-alive", b"te", b"trailer", b"upgrade", b"proxy-authorization"}
POST = b"POST /a HTTP/1.1\r\nHost: shop.example\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class Sink:
    """Keeps what a reader finds."""

    def __init__(self) -> None:
        self.heads: list[RequestHead] = []
        self.bodies: list[bytes] = []
        self.ends = 0

    def head_received(self, head: RequestHead) -> None:
        self.heads.append(head)
        self.bodies.append(b"")

    def body_received(self, data: bytes) -> None:
        self.bodies[-1] += data

    def request_received(self) -> None:
        self.ends += 1


def read(*pieces: bytes, limits: Limits | None = None) -> Sink:
    sink = Sink()
    reader = RequestReader(sink, limits or Limits())
    for piece in pieces:
        reader.feed(piece)
    return sink


def feed_all(reader: RequestReader, pieces: list[bytes]) -> None:
    for piece in pieces:
        reader.feed(piece)


def refusal(data: bytes, **limits: int) -> Refused:
    with pytest.raises(Refused) as refused:
        read(data, limits=Limits(**limits))
    return refused.value


def forwarded(head: RequestHead, body: bytes) -> tuple[h11.Request, bytes]:
    """Return what h11 reads of the request as a web process would get it."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(forwarded_request(head, PEER, REQUEST_ID, 1.5))
    if head.framing == "chunked":
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    connection.receive_data(body)
    request = connection.next_event()
    assert isinstance(request, h11.Request)
    received = b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data)
        received += event.data
    assert connection.trailing_data[0] == b""
    return request, received


def named(request: h11.Request, name: bytes) -> list[bytes]:
    return [value for key, value in request.headers if key == name]


@pytest.mark.parametrize(
    "data",
    [
        POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        POST + b"Content-Length: 3, 3\r\n\r\nabc",
        POST + b"Content-Length: +3\r\n\r\nabc",
        POST + b"Content-Length: -3\r\n\r\nabc",
        POST + b"Content-Length: 0x3\r\n\r\nabc",
        POST + b"Content-Length: 3 \x00\r\n\r\nabc",
        POST + b"Content-Length : 3\r\n\r\nabc",
        POST + b"Content-Length: 99999999999999999999\r\n\r\nabc",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: identity\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"A: b\r\n folded\r\n\r\n",
        POST + b" A: b\r\n\r\n",
        POST + b"A: b\x00\r\n\r\n",
        POST + b"A\x00: b\r\n\r\n",
        POST + b"A: b\rC: d\r\n\r\n",
        POST + b"A: b\nC: d\r\n\r\n",
        POST + b": b\r\n\r\n",
        POST + b"A\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        b"GET / HTTP/0.9\r\nHost: a\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /#part HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        POST + b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\nGET ",
        CHUNKED + b"3\nabc\n0\n\n",
        CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
        CHUNKED + b"3\r\nabc0\r\n\r\n",
        CHUNKED + b"g\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"10000000000000003\r\nabc",
        CHUNKED + b"3;\nx\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"0\r\nX: y\n\r\n",
    ],
)
def test_what_parsers_might_read_in_two_ways_is_refused(data: bytes) -> None:
    refused = refusal(data + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    assert refused.status in (400, 405, 501, 505)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (POST + b"A: " + b"a" * 17000 + b"\r\n\r\n", 431),
        (POST + b"".join(b"A%d: %b\r\n" % (n, b"a" * 1000) for n in range(70)) + b"\r\n", 431),
        (POST + b"A: b\r\n" * 200 + b"\r\n", 431),
        (POST + b"A: " + b"a" * 70000, 431),
        (b"\r\n" * 40000, 431),
        (CHUNKED + b"0\r\nT: " + b"a" * 80000, 431),
        (POST + b"Content-Length: 1073741825\r\n\r\n", 413),
    ],
)
def test_what_is_too_long_is_refused(data: bytes, status: int) -> None:
    sink = Sink()
    reader = RequestReader(sink, Limits())
    with pytest.raises(Refused) as refused:
        feed_all(reader, [data[at : at + 5000] for at in range(0, len(data), 5000)])
    assert refused.value.status == status


def test_a_chunked_body_is_bounded_though_no_length_is_known() -> None:
    assert refusal(CHUNKED + b"5\r\nabcde\r\n5\r\nabcde\r\n", body=8).status == 413


def test_an_endless_chunk_extension_is_bounded() -> None:
    sink = Sink()
    reader = RequestReader(sink, Limits())
    reader.feed(CHUNKED + b"3;")
    with pytest.raises(Refused, match="chunk or trailer"):
        feed_all(reader, [b"a" * 1000] * 100)


def test_tiny_chunks_are_no_attack() -> None:
    pieces = [b"1\r\nx\r\n"] * 50_000
    assert len(read(CHUNKED, *pieces, b"0\r\n\r\n").bodies[0]) == 50_000


def test_requests_that_follow_each_other_are_read_in_order() -> None:
    sink = read(
        POST + b"Content-Length: 3\r\n\r\nabc" + CHUNKED + b"2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n"
        b"GET /last HTTP/1.0\r\n\r\n"
    )
    assert [head.target for head in sink.heads] == [b"/a", b"/a", b"/last"]
    assert sink.bodies == [b"abc", b"de", b""]
    assert sink.ends == 3


def test_headers_of_the_connection_stay_behind() -> None:
    sink = read(
        POST
        + b"Connection: close, X-Secret ,Host\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
        b"Trailer: T\r\nProxy-Authorization: x\r\nProxy-Connection: y\r\nUpgrade: h2c\r\n"
        b"X_Forwarded_For: 1.2.3.4\r\nX-Forwarded_Proto: https\r\nX_Request-Id: a\r\n"
        b"content_length: 9\r\nAccept: */*\r\n\r\n"
    )
    request, _ = forwarded(sink.heads[0], b"")
    names = [name for name, _ in request.headers]
    assert sorted(names) == sorted(
        b"host accept connection x-forwarded-for x-forwarded-proto x-forwarded-port "
        b"x-request-id x-request-start via".split()
    )
    assert named(request, b"connection") == [b"close"]


def test_what_proxies_before_said_is_continued() -> None:
    sink = read(
        POST
        + b"X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nX-Forwarded-Proto: https\r\n"
        b"Via: 1.1 first\r\n\r\n"
    )
    request, _ = forwarded(sink.heads[0], b"")
    assert named(request, b"x-forwarded-for") == [b"1.1.1.1, 2.2.2.2, 203.0.113.7"]
    assert named(request, b"x-forwarded-proto") == [b"http"]
    assert named(request, b"x-forwarded-port") == [b"5000"]
    assert named(request, b"x-request-start") == [b"1500"]
    assert named(request, b"via") == [b"1.1 first, 1.1 portside"]


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        (b"X-Request-Id: 0123456789abcdefABCDEF+/=-\r\n", b"0123456789abcdefABCDEF+/=-"),
        (b"X-Request-Id: short\r\n", b""),
        (b"X-Request-Id: " + b"a" * 201 + b"\r\n", b""),
        (b"X-Request-Id: 0123456789 0123456789\r\n", b""),
        (b"X-Request-Id: 01234567890123456789\r\nX-Request-Id: 01234567890123456789\r\n", b""),
    ],
)
def test_only_a_valid_request_id_is_kept(lines: bytes, kept: bytes) -> None:
    assert read(POST + lines + b"\r\n").heads[0].request_id == kept


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        (b"http://other.example:81/p?q=1", b"/p?q=1", b"other.example:81"),
        (b"HTTP://other.example", b"/", b"other.example"),
        (b"http://other.example?q", b"/?q", b"other.example"),
        (b"/p?q#".rstrip(b"#"), b"/p?q", b"shop.example"),
        (b"//double", b"//double", b"shop.example"),
    ],
)
def test_a_whole_url_as_the_target_becomes_path_and_host(
    target: bytes, path: bytes, host: bytes
) -> None:
    head = read(b"GET %b HTTP/1.1\r\nHost: shop.example\r\n\r\n" % target).heads[0]
    assert (head.target, head.host) == (path, host)


def test_only_a_websocket_is_an_upgrade() -> None:
    handshake = (
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: %b\r\n\r\n"
    )
    sink = Sink()
    assert RequestReader(sink, Limits()).feed(handshake % b"WebSocket" + b"frames") == b"frames"
    assert sink.heads[0].upgrade == b"WebSocket"
    following = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
    sink = read(handshake % b"h2c" + following)
    assert [(head.upgrade, head.target) for head in sink.heads] == [(b"", b"/"), (b"", b"/next")]


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 3\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
    ],
)
def test_a_request_with_a_body_may_offer_another_protocol_than_websocket(framing: bytes) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    following = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
    sink = read(POST + offer + framing + following)
    assert [(head.upgrade, head.target) for head in sink.heads] == [(b"", b"/a"), (b"", b"/next")]
    assert sink.bodies == [b"abc", b""]
    request, _ = forwarded(sink.heads[0], b"abc")
    assert named(request, b"connection") == [b"close"]


TOKENS = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~",
    min_size=1,
    max_size=12,
).map(str.encode)
KNOWN = st.sampled_from(
    b"Host Content-Length Transfer-Encoding Connection Upgrade TE Via X-Forwarded-For "
    b"X-Request-Id X_Forwarded_For X-Forwarded_For x_forwarded-proto X_Request-Id "
    b"content_length Content_Length Keep-Alive".split()
)
VALUES = st.one_of(
    st.sampled_from(
        [b"", b"3", b"0", b"chunked", b"close", b"upgrade", b"websocket", b"a.example"]
    ),
    st.binary(max_size=20),
    st.text('abc ,;=\t"0123456789', max_size=20).map(str.encode),
)
HEADERS = st.lists(st.tuples(st.one_of(KNOWN, TOKENS), VALUES), max_size=8)
FIRST = st.sampled_from([[(b"Host", b"a.example")], []])
TARGETS = st.one_of(
    st.sampled_from([b"/", b"/a?b=c", b"*", b"http://b.example/x", b"//", b"/%00"]),
    st.binary(max_size=12).map(lambda tail: b"/" + tail),
)
BODIES = st.one_of(st.binary(max_size=30), st.just(b"3\r\nabc\r\n0\r\n\r\n"))
METHODS = st.sampled_from([b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"PATCH"])


def message(
    method: bytes, target: bytes, version: bytes, headers: list[tuple[bytes, bytes]]
) -> bytes:
    lines = b"".join(b"%b: %b\r\n" % header for header in headers)
    return b"%b %b HTTP/%b\r\n%b\r\n" % (method, target, version, lines)


@settings(max_examples=250)
@given(METHODS, TARGETS, st.sampled_from([b"1.1", b"1.0"]), FIRST, HEADERS, BODIES)
@example(b"POST", b"/", b"1.1", [(b"Host", b"a")], [(b"Content-Length", b"3")], b"abcGET")
def test_a_request_is_refused_or_read_the_same_by_another_parser(
    method: bytes,
    target: bytes,
    version: bytes,
    first: list[tuple[bytes, bytes]],
    others: list[tuple[bytes, bytes]],
    rest: bytes,
) -> None:
    sink = Sink()
    headers = [*first, *others]
    try:
        RequestReader(sink, Limits()).feed(message(method, target, version, headers) + rest)
    except Refused:
        if not sink.heads:
            return
    if not sink.ends:
        return
    head, body = sink.heads[0], sink.bodies[0]
    request, received = forwarded(head, body)
    assert (request.method, request.target) == (method, head.target)
    assert received == body
    assert len(named(request, b"host")) == 1
    assert len(named(request, b"x-forwarded-for")) == 1
    assert named(request, b"x-forwarded-for")[0].endswith(b"203.0.113.7")
    assert named(request, b"x-request-id") == [REQUEST_ID]
    left = HOP_BY_HOP if not head.upgrade else HOP_BY_HOP - {b"connection", b"upgrade"}
    assert not (left - {b"connection"}) & {name for name, _ in request.headers}
    kept = {name.lower() for name, _ in headers}
    added = {b"via", b"connection", b"x-request-id", b"x-request-start"}
    added |= {b"x-forwarded-for", b"x-forwarded-port", b"x-forwarded-proto", b"host"}
    assert {name for name, _ in request.headers} <= kept | added
    # What a web server written to CGI's rules couldn't tell from a header that is set here.
    own = added | HOP_BY_HOP | {b"content-length", b"transfer-encoding"}
    spelt_otherwise = {name for name, _ in request.headers if b"_" in name}
    assert not {name.replace(b"_", b"-") for name in spelt_otherwise} & own


@settings(max_examples=150)
@given(HEADERS, st.lists(st.integers(1, 40), max_size=12))
def test_how_the_bytes_arrive_makes_no_difference(
    headers: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    data = message(b"POST", b"/a", b"1.1", [(b"Host", b"a"), *headers]) + b"3\r\nabc\r\n0\r\n\r\n"

    def outcome(pieces: list[bytes]) -> tuple[object, ...]:
        sink = Sink()
        reader = RequestReader(sink, Limits())
        try:
            for at, piece in enumerate(pieces):
                if reader.feed(piece) or (sink.heads and sink.heads[-1].upgrade):
                    return ("upgrade", len(pieces) >= at)
        except Refused as refused:
            return (refused.status, sink.heads, sink.bodies)
        return ("ok", sink.heads, sink.bodies, sink.ends)

    pieces, rest = [], data
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    whole, cut_up = outcome([data]), outcome([piece for piece in (*pieces, rest) if piece])
    assert whole == cut_up


def answered(
    *pieces: bytes, method: bytes = b"GET", version: str = "1.1"
) -> tuple[ResponseReader, bytes]:
    raw = RawHead(method, b"/", version, [(b"Host", b"a")], True, False)
    reader = ResponseReader(read_request(raw), Limits(), may_keep_alive=lambda: True)
    return reader, b"".join([reader.feed(piece) for piece in pieces])


def read_by_client(output: bytes, method: bytes = b"GET") -> tuple[h11.Response, bytes]:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(output)
    while isinstance(response := connection.next_event(), h11.InformationalResponse):
        pass
    assert isinstance(response, h11.Response)
    body = b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            connection.receive_data(b"")
            continue
        assert isinstance(event, h11.Data), event
        body += event.data
    return response, body


@settings(max_examples=100)
@given(
    st.sampled_from(["length", "chunked", "close"]),
    st.lists(st.binary(min_size=1, max_size=50), max_size=5),
    st.sampled_from(["1.0", "1.1"]),
    st.integers(1, 60),
)
def test_a_response_arrives_as_it_was_however_it_is_framed(
    framing: str, parts: list[bytes], version: str, cut: int
) -> None:
    body = b"".join(parts)
    head = b"HTTP/1.1 200 Fine\r\nX-A: b\r\nConnection: X-Gone\r\nX-Gone: 1\r\n"
    if framing == "length":
        data = head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    elif framing == "chunked":
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
        data = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    else:
        data = head + b"\r\n" + body
    pieces = [data[at : at + cut] for at in range(0, len(data), cut)]
    reader, output = answered(*pieces, version=version)
    output += b"" if reader.is_done else reader.finish() or b""
    response, received = read_by_client(output)
    assert (response.status_code, response.reason, received) == (200, b"Fine", body)
    assert reader.body_bytes == len(body)
    headers = dict(response.headers)
    assert headers[b"x-a"] == b"b"
    assert b"x-gone" not in headers
    assert (b"transfer-encoding" in headers) == (version == "1.1" and framing != "length")


@pytest.mark.parametrize(
    ("status", "method", "line"),
    [
        (204, b"GET", b""),
        (304, b"GET", b"Content-Length: 5\r\n"),
        (200, b"HEAD", b"Content-Length: 5\r\n"),
        (200, b"HEAD", b"Transfer-Encoding: chunked\r\n"),
    ],
)
def test_responses_without_a_body_end_with_their_head(
    status: int, method: bytes, line: bytes
) -> None:
    reader, output = answered(b"HTTP/1.1 %d X\r\n%b\r\n" % (status, line), method=method)
    assert reader.is_done
    assert reader.keeps_alive
    assert read_by_client(output, method)[1] == b""
    assert (b"Content-Length: 5" in output) == (b"Length" in line)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\x00\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"a" * 600_000,
    ],
)
def test_an_invalid_response_is_not_passed_on(data: bytes) -> None:
    with pytest.raises(ValueError):
        answered(data)


def test_interim_responses_pass_and_the_real_one_follows() -> None:
    data = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
    _, output = answered(data)
    assert output.startswith(b"HTTP/1.1 100 Continue\r\n")
    assert read_by_client(output)[1] == b"x"
    assert answered(data, version="1.0")[1].startswith(b"HTTP/1.1 200 OK")


def test_what_follows_a_whole_response_is_dropped() -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\nmore"
    assert read_by_client(answered(data)[1])[1] == b"x"
