"""The router before real connections: what passes, what fails with which code, what is refused."""

import contextlib
import http.client
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from front import (
    App,
    Front,
    Handler,
    answer,
    answering,
    free_port,
    front,
    read_all,
    read_until,
    wait_until,
)
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

POST = b"POST /a HTTP/1.1\r\nHost: a.example\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"
MEGABYTE = 1 << 20


def status_of(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


def reading(connection: socket.socket, _: bytes) -> None:
    read_all(connection)


def slow(seconds: float) -> Handler:
    def handle(connection: socket.socket, _: bytes) -> None:
        time.sleep(seconds)
        connection.sendall(answer(b"slow"))

    return handle


def test_requests_take_turns_on_one_connection_and_are_logged() -> None:
    with front(answering(answer(b"one")), answering(answer(b"two"))) as (router, apps):
        client = http.client.HTTPConnection("127.0.0.1", router.port, timeout=20)
        bodies = []
        for _ in range(4):
            client.request("GET", "/p?q=1", headers={"X-Forwarded-For": "10.0.0.1"})
            bodies.append(client.getresponse().read())
        client.close()
        assert bodies == [b"one", b"two", b"one", b"two"]
        assert apps[0].heads[0].startswith(b"GET /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:")
        assert b"\r\nConnection: close" in apps[0].heads[0]
        assert b"\r\nX-Forwarded-For: 10.0.0.1, 127.0.0.1\r\n" in apps[0].heads[0]
        sent_id = re.search(rb"X-Request-Id: (\S+)", apps[0].heads[0])
        line = re.fullmatch(
            r'at=info method=GET path="/p\?q=1" host="?127\.0\.0\.1:\d+"? request_id=(\S{36}) '
            r'fwd="10\.0\.0\.1, 127\.0\.0\.1" dyno=web\.1 connect=\d+ms service=\d+ms '
            r"status=200 bytes=3",
            router.log(4)[0],
        )
        assert line
        assert sent_id
        assert line[1] == sent_id[1].decode()


def test_pipelined_requests_are_answered_in_order() -> None:
    def handle(connection: socket.socket, _: bytes) -> None:
        head = apps[0].heads[-1]
        time.sleep(0.3 if b"/first" in head else 0)
        connection.sendall(answer(head.split(b" ")[1]))

    with front(handle) as (router, apps):
        requests = [
            b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % name for name in (b"first", b"2", b"3")
        ]
        last = b"GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        response = router.send(b"".join(requests) + last)
        assert re.findall(rb"\r\n\r\n(/[a-z0-9]+)", response) == [b"/first", b"/2", b"/3", b"/4"]


@pytest.mark.parametrize(
    "attack",
    [
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
        POST + b"A: b\r\n Content-Length: 44\r\n\r\n",
        POST + b"A: b\x00\r\n\r\n",
        POST + b"A: " + b"a" * 70_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 32,
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_what_is_not_clearly_http_is_refused_and_nothing_after_it_is_read(attack: bytes) -> None:
    with front(reading, linger=0.3) as (router, apps):
        response = router.send(attack + SMUGGLED)
        assert status_of(response) in (400, 431)
        assert response.count(b"HTTP/1.1 ") == 1
        assert router.codes() == ["H26"]
        assert not any(b"smuggled" in head for head in apps[0].heads)
        with router.connect() as client, contextlib.suppress(ConnectionError):
            client.sendall(attack)
            time.sleep(0.1)
            client.sendall(SMUGGLED)
            assert read_all(client).count(b"HTTP/1.1 ") == 1
            client.sendall(SMUGGLED)
        assert not any(b"smuggled" in head for head in apps[0].heads)


def test_a_request_before_a_refused_one_is_still_answered() -> None:
    with front(slow(0.3)) as (router, _):
        response = router.send(GET + b"NONSENSE\r\n\r\n")
        assert re.findall(rb"HTTP/1.1 (\d+)", response) == [b"200", b"400"]
        assert router.codes(2) == ["-", "H26"]


def test_a_connection_to_a_web_process_carries_one_request() -> None:
    received = []

    def handle(connection: socket.socket, rest: bytes) -> None:
        connection.sendall(answer())
        received.append(rest + read_all(connection))

    with front(handle) as (router, _):
        with router.connect() as client:
            for _ in range(2):
                client.sendall(GET)
                read_until(client, b"ok")
        wait_until(lambda: len(received) == 2)
        assert received == [b"", b""]


@pytest.mark.parametrize(
    ("handler", "code", "status"),
    [
        (lambda *_: None, "H13", 503),
        (answering(b"SSH-2.0-OpenSSH_9.2\r\n"), "H17", 503),
        (lambda *_: time.sleep(3), "H12", 503),
    ],
)
def test_a_web_process_that_gives_no_answer_has_its_code(
    handler: Handler, code: str, status: int
) -> None:
    with front(handler, first_byte=0.5 if code == "H12" else 20) as (router, _):
        response = router.get()
        assert status_of(response) == status
        assert f"Code {code}".encode() in response
        assert response.endswith(b"</html>\n")
        assert router.codes() == [code]
        assert f"status={status}" in router.lines[0]


@pytest.mark.parametrize(
    ("data", "code", "rolling"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "H18", 55),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "H18", 55),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", "H18", 55),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "H15", 0.4),
    ],
)
def test_a_response_that_breaks_off_is_cut_and_never_looks_whole(
    data: bytes, code: str, rolling: float
) -> None:
    begun = threading.Event()
    head = data.index(b"\r\n\r\n") + 4

    def handle(connection: socket.socket, _: bytes) -> None:
        connection.sendall(data[:head])
        # Only a response that has begun can break off: before, it is none (H17).
        assert begun.wait(20)
        connection.sendall(data[head:])
        if code == "H15":
            read_all(connection)

    with front(handle, rolling=rolling) as (router, _):
        client = http.client.HTTPConnection("127.0.0.1", router.port, timeout=20)
        client.request("GET", "/")
        response = client.getresponse()
        begun.set()
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            response.read()
        client.close()
        assert router.codes() == [code]


def test_interim_responses_are_no_answer() -> None:
    def handle(connection: socket.socket, _: bytes) -> None:
        for _ in range(20):
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            time.sleep(0.1)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with front(handle, first_byte=0.6) as (router, _):
        with router.connect() as client:
            client.sendall(GET)
            assert b"Code H12" in read_all(client)
        assert router.codes() == ["H12"]


def test_without_web_processes_there_are_none_running() -> None:
    with front() as (router, _):
        assert status_of(router.get()) == 503
        assert router.codes() == ["H14"]


def test_crashed_starting_and_refusing_web_processes() -> None:
    with front(answering(answer()), boot=1.0) as (router, apps):
        router.change("web.1", "crashed")
        assert status_of(router.get()) == 503
        assert router.codes() == ["H10"]
        router.change("web.2", "starting")
        router.lines.clear()
        assert status_of(router.get()) == 503
        assert router.codes() == ["H20"]
        client = router.connect()
        client.sendall(GET)
        router.change("web.2", "up", apps[0].port)
        assert read_until(client, b"ok")
        client.close()
        router.change("web.2", "up", free_port())
        router.change("web.1", "up", apps[0].port)
        assert [status_of(router.get()) for _ in range(4)] == [200] * 4
        router.change("web.1", "crashed")
        wait_until(lambda: status_of(router.get()) == 503)
        wait_until(lambda: router.codes()[-1] == "H21")


def test_a_request_leaves_nothing_for_the_garbage_collector() -> None:
    with front(answering(answer())) as (router, _), router.connect() as client:
        router.collect()
        for _ in range(200):
            client.sendall(GET)
            read_until(client, b"ok")
        assert router.collect() < 200


@contextlib.contextmanager
def full_backlog() -> Iterator[socket.socket]:
    """A listening socket that takes no connection any more until something is accepted."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server


def test_a_web_process_that_takes_no_connection_in_time_has_h19_or_another_serves() -> None:
    app = App(answering(answer()))
    with full_backlog() as server:
        router = Front(server.getsockname()[1], app.port, connect=0.4)
        assert [status_of(router.get()) for _ in range(3)] == [200] * 3
        router.change("web.2", "crashed")
        wait_until(lambda: status_of(router.get()) == 503)
        # The line is written after the answer.
        wait_until(lambda: router.codes()[-1] == "H19")
        router.close()
    app.close()


def test_a_web_process_that_takes_a_connection_late_still_serves_it() -> None:
    with full_backlog() as server, contextlib.ExitStack() as stack:
        router = Front(server.getsockname()[1])
        with router.connect() as client:
            client.sendall(GET)
            time.sleep(0.3)
            taken = [server]
            while client not in (ready := select.select([client, *taken], [], [], 20)[0]):
                assert ready
                for one in ready:
                    if one is server:
                        taken.append(stack.enter_context(server.accept()[0]))
                    elif one.recv(65536):
                        one.sendall(answer(b"late"))
                    else:
                        taken.remove(one)
            assert read_until(client, b"late")
        assert router.codes() == ["-"]
        router.close()


def test_a_client_beyond_the_limit_of_connections_has_h22() -> None:
    with front(answering(answer()), connections=1) as (router, apps):
        with router.connect() as first:
            first.sendall(GET)
            read_until(first, b"ok")
            with router.connect() as second:
                assert status_of(read_all(second)) == 503
            first.sendall(GET)
            read_until(first, b"ok")
        wait_until(lambda: status_of(router.get()) == 200)
        assert router.codes(3)[:3] == ["-", "H22", "-"]
        assert len(apps[0].heads) == 3


def test_where_files_are_few_so_are_connections_and_nothing_is_flooded() -> None:
    # 48 are the program's own and for those that are refused, and each client takes two. Among so
    # few, one that has its place may still find none left for its web process.
    with front(answering(answer()), files=80) as (router, _), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(router.connect()) for _ in range(100)]
        time.sleep(0.5)
        answers = []
        for client in clients:
            with contextlib.suppress(OSError):
                client.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                answers.append(read_all(client))
        assert sum(b" 200 " in one for one in answers) >= 12
        wait_until(lambda: b" 200 " in router.get())
        assert set(re.findall(r"code=(H\d+)", "".join(router.lines))) <= {"H21", "H22"}
        assert any("code=H22" in line for line in router.lines)
        assert sum("no files left" in line for line in router.lines) <= 1


def test_a_client_that_goes_away_is_told_of_and_the_web_process_notices() -> None:
    noticed = threading.Event()

    def handle(connection: socket.socket, _: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            assert not connection.recv(1)
        noticed.set()

    with front(handle) as (router, apps):
        with router.connect() as client:
            client.sendall(GET)
            wait_until(lambda: apps[0].heads)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert router.codes() == ["H27"]
        assert "status=499" in router.lines[0]
        assert noticed.wait(20)


def test_a_client_that_ends_in_the_middle_of_its_body_is_interrupted() -> None:
    bodies = []

    def handle(connection: socket.socket, rest: bytes) -> None:
        bodies.append(rest + read_all(connection))

    with front(handle) as (router, apps):
        with router.connect() as client:
            client.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            wait_until(lambda: apps[0].heads)
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b""
        assert router.codes() == ["H27"]
        wait_until(lambda: bodies)
        assert bodies == [b"3\r\nabc\r\n"]  # without the end that would make it look whole


def test_slow_clients_are_bounded() -> None:
    with front(reading, head_seconds=0.5, rolling=0.5) as (router, _):
        with router.connect() as client:
            started = time.monotonic()
            with contextlib.suppress(ConnectionError):
                for byte in GET[:-2]:
                    client.sendall(bytes((byte,)))
                    time.sleep(0.05)
            assert status_of(read_all(client)) == 408
            assert time.monotonic() - started < 20
        assert status_of(router.send(POST + b"Content-Length: 9\r\n\r\nabc")) == 408
        assert router.codes(2) == ["H28", "H28"]
    with front(keep_alive=0.5) as (router, _):
        assert router.send(b"") == b""
        assert router.lines == []


def test_many_slow_clients_keep_nobody_from_being_served() -> None:
    with front(answering(answer())) as (router, _), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(router.connect()) for _ in range(300)]
        for at in range(8):
            for client in clients:
                client.sendall(GET[at : at + 1])
            assert status_of(router.get()) == 200
        assert router.codes(8) == ["-"] * 8


def test_a_half_closed_client_gets_its_answer() -> None:
    with front(slow(0.3)) as (router, _):
        assert router.send(GET, ends=True).endswith(b"slow")
        assert router.codes() == ["-"]


def test_http_1_0_clients_get_no_chunks() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    with front(answering(chunked)) as (router, _):
        response = router.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert response.endswith(b"\r\n\r\nabc")
        assert b"chunked" not in response
    with front(answering(answer())) as (router, apps), router.connect() as client:
        for _ in range(2):
            client.sendall(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert b"Connection: keep-alive\r\n" in read_until(client, b"ok")
        assert b"Host: localhost:" in apps[0].heads[0]


def test_head_expect_and_an_answer_before_the_body_was_read() -> None:
    with front(answering(answer())) as (router, _):
        with router.connect() as client:
            client.sendall(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"Content-Length: 2\r\n" in read_until(client, b"\r\n\r\n")
            client.sendall(GET)
            read_until(client, b"ok")

    def continuing(connection: socket.socket, rest: bytes) -> None:
        assert rest == b""
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(answer(connection.recv(3)))

    with front(continuing) as (router, _), router.connect() as client:
        client.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 100 Continue\r\n")
        client.sendall(b"abc")
        assert read_until(client, b"abc").startswith(b"HTTP/1.1 200 OK")

    too_large = answering(answer(b"no", "413 Too Large"))
    with front(too_large) as (router, _), router.connect() as client:
        client.sendall(POST + b"Content-Length: 50000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            client.sendall(b"x" * 5_000_000)
        assert status_of(read_all(client)) == 413


def test_events_arrive_as_they_are_sent() -> None:
    received = threading.Event()

    def handle(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        assert received.wait(20)
        connection.sendall(b"data: 2\n\n")

    with front(handle) as (router, _), router.connect() as client:
        client.sendall(GET)
        read_until(client, b"data: 1\n\n\r\n")
        received.set()
        assert read_until(client, b"0\r\n\r\n").startswith(b"9\r\ndata: 2\n\n")


@pytest.fixture
def websocket_port() -> Iterator[int]:
    def echo(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            for message in connection:
                connection.send(message)

    with serve(echo, "127.0.0.1", 0, max_size=None) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join(20)


def test_a_websocket_is_a_tunnel(websocket_port: int) -> None:
    router = Front(websocket_port)
    try:
        with connect(f"ws://127.0.0.1:{router.port}/chat", max_size=None) as websocket:
            for message in ("hello", b"x" * 3_000_000, "again"):
                websocket.send(message)
                assert websocket.recv(20) == message
        assert 'path="/chat"' in router.log()[0]
        assert "status=101" in router.lines[0]
    finally:
        router.close()
    router = Front(websocket_port, rolling=1.0)
    try:
        with connect(f"ws://127.0.0.1:{router.port}/idle", ping_interval=None) as websocket:
            with pytest.raises(ConnectionClosed):
                websocket.recv(20)
        assert router.codes() == ["H15"]
    finally:
        router.close()


def test_a_refused_websocket_ends_the_connection() -> None:
    handshake = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with front(answering(answer(b"no", "403 Forbidden"))) as (router, apps):
        response = router.send(GET[:-2] + handshake + SMUGGLED)
        assert status_of(response) == 403
        assert response.count(b"HTTP/1.1 ") == 1
        assert len(apps[0].heads) == 1
        assert b"Upgrade: websocket" in apps[0].heads[0]


def test_large_bodies_stream_with_flat_memory() -> None:
    size = 100 * MEGABYTE
    downloaded = 1024 * MEGABYTE

    def handle(connection: socket.socket, rest: bytes) -> None:
        if apps[0].heads[-1].startswith(b"POST"):
            if b"chunked" in apps[0].heads[-1]:
                while not rest.endswith(b"0\r\n\r\n"):
                    rest = rest[-4:] + connection.recv(MEGABYTE)
                connection.sendall(answer())
                return
            received = len(rest)
            while received < size:
                received += len(connection.recv(MEGABYTE))
            connection.sendall(answer(str(received).encode()))
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % downloaded)
        block = bytes(MEGABYTE)
        for _ in range(1024):
            connection.sendall(block)

    with front(handle) as (router, apps):
        router.send(b"NONSENSE\r\n\r\n")
        before = router.peak_memory()
        with router.connect() as client:
            client.sendall(POST + b"Content-Length: %d\r\n\r\n" % size)
            block = bytes(MEGABYTE)
            for _ in range(100):
                client.sendall(block)
            assert read_until(client, str(size).encode())
            client.sendall(GET)
            received = len(client.recv(MEGABYTE, socket.MSG_PEEK).partition(b"\r\n\r\n")[0]) + 4
            left = received + downloaded
            while left:
                left -= len(client.recv(min(left, MEGABYTE)))
        with router.connect() as client:
            client.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(100):
                client.sendall(b"100000\r\n%b\r\n" % block)
            client.sendall(b"0\r\n\r\n")
            read_until(client, b"ok")
        assert f"bytes={downloaded}" in router.log(4)[2]
        assert router.peak_memory() - before < 20_000


def test_who_is_slower_sets_the_pace() -> None:
    sent = []

    def handle(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n")
        for _ in range(500):
            connection.sendall(bytes(1_000_000))
            sent.append(1)

    with front(handle, rolling=2.0) as (router, _), router.connect() as client:
        router.send(b"NONSENSE\r\n\r\n")
        before = router.peak_memory()
        client.sendall(GET)
        assert router.codes(2)[1] == "H28"
        assert len(sent) < 50
        assert router.peak_memory() - before < 10_000


def test_requests_in_flight_are_answered_when_the_router_stops() -> None:
    refused = threading.Event()

    def handle(connection: socket.socket, _: bytes) -> None:
        assert refused.wait(20)
        connection.sendall(answer(b"slow"))

    def refuses() -> bool:
        try:
            router.connect().close()
        except OSError:
            return True
        return False

    with front(handle) as (router, apps):
        kept = router.connect()
        kept.sendall(GET)
        wait_until(lambda: apps[0].heads)
        router.stop(20)
        wait_until(refuses)
        refused.set()
        assert b"Connection: close" in read_until(kept, b"slow")
        assert read_all(kept) == b""
        kept.close()
        assert router.process.wait(20) == 0
        with pytest.raises(OSError):
            router.connect()


def test_what_is_in_flight_for_too_long_is_cut_when_the_router_stops() -> None:
    with front(reading) as (router, apps), router.connect() as client:
        client.sendall(GET)
        wait_until(lambda: apps[0].heads)
        router.stop(0.5)
        assert status_of(read_all(client)) == 503
        assert router.codes() == ["H24"]


def test_only_requests_on_a_killed_web_process_fail_and_each_has_its_code(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import time\n"
        "def application(environ, start_response):\n"
        "    time.sleep(0.02)\n"
        "    start_response('200 OK', [('Content-Length', '2')])\n"
        "    return [b'ok']\n"
    )
    ports = [free_port(), free_port()]
    servers = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads"),
                *("4", "--log-level", "critical", "app:application"),
            ],
            cwd=tmp_path,
            start_new_session=True,
        )
        for port in ports
    ]
    router = Front(*ports)
    statuses: list[int] = []
    stopping = threading.Event()

    def load() -> None:
        while not stopping.is_set():
            response = router.get()
            status = status_of(response)
            # One whose process ended after the head was sent (H18) is cut.
            statuses.append(status if status != 200 or response.endswith(b"ok") else 0)

    try:
        early: list[int] = []

        def both_answer() -> bool:
            early.extend(status_of(router.get()) for _ in range(2))
            return early[-2:] == [200, 200]

        wait_until(both_answer)
        router.log(len(early)).clear()
        threads = [threading.Thread(target=load) for _ in range(8)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(statuses) > 50)
        os.killpg(servers[0].pid, signal.SIGKILL)
        at = len(statuses)
        wait_until(lambda: len(statuses) > at + 100)
        stopping.set()
        for thread in threads:
            thread.join(20)
        lost = sum(status != 200 for status in statuses)
        wait_until(lambda: sum("at=error" in line for line in router.lines) >= lost)
        failed = [line for line in router.lines if "at=error" in line]
        assert len(failed) == lost
        assert len(failed) <= 8
        assert all("dyno=web.1 " in line for line in failed)
        assert all("code=H13" in line or "code=H18" in line for line in failed), failed
        assert set(statuses[-50:]) == {200}
    finally:
        router.close()
        for server in servers:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()
