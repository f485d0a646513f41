"""Put load on a port: as much as it takes (wrk), at a fixed rate, or connections that idle.

wrk has no rate limit, and it begins a request only when the one before it is over, so that a slow
answer hides those behind it. `at_rate` is an open loop: a request is sent when its time has come
(epoll(7) may add a millisecond), by a new connection if no other is free, and its latency counts
from then. It uses epoll(7) itself: asyncio took so much of two cores that it measured itself.
This module starts no proxy.
"""

import asyncio
import re
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.proxies import BODY, program

GIVE_UP_SECONDS = 30
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Throughput:
    """What wrk did: requests a second, how many in all, and how many failed."""

    rate: float
    requests: int
    failed: int


def saturate(port: int, connections: int, seconds: float) -> Throughput:
    """Run wrk with one thread."""
    duration = ["-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "30s"]
    command = [program("wrk"), *duration, f"http://127.0.0.1:{port}/"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    errors = re.search(r"Socket errors: (.*)", text)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    failed = sum(map(int, re.findall(r"\d+", errors[1]))) if errors else 0
    rate, total = (
        re.search(r"Requests/sec:\s+([\d.]+)", text),
        re.search(r"(\d+) requests in", text),
    )
    if rate is None or total is None:
        raise SystemExit(f"wrk said something else:\n{text}")
    return Throughput(float(rate[1]), int(total[1]), failed + (int(refused[1]) if refused else 0))


@dataclass(slots=True)
class Latencies:
    """Latencies in seconds, how many requests failed, and how late each was sent."""

    seconds: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    failed: int = 0

    def percentile(self, percent: int) -> float:
        """Return a percentile in milliseconds."""
        return statistics.quantiles(self.seconds, n=100)[percent - 1] * 1000


class Connections:
    """Connections to a port; one that is closed or busy isn't used."""

    def __init__(self, port: int, poll: select.epoll) -> None:
        self._port = port
        self._poll = poll
        self._free: list[socket.socket] = []

    def take(self) -> socket.socket:
        if self._free:
            return self._free.pop()
        connection = socket.socket()
        connection.connect(("127.0.0.1", self._port))
        self._poll.register(connection, select.EPOLLIN)
        return connection

    def give_back(self, connection: socket.socket) -> None:
        self._free.append(connection)

    def close(self) -> None:
        for connection in self._free:
            connection.close()


class OpenLoop:
    """Sends each request when its time has come, whatever became of those before."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.result = Latencies()
        self._poll = select.epoll()
        self._pools = [Connections(port, self._poll) for port in ports]
        self._flying: dict[int, tuple[socket.socket, float, Connections]] = {}

    def run(self, rate: float, seconds: float) -> None:
        number, first = round(rate * seconds), time.perf_counter()
        for at in range(number):
            due = first + at / rate
            while (early := due - time.perf_counter()) > 0:
                self._receive(early)
            self.result.late.append(-early)
            self._send(self._pools[at % len(self._pools)])
        deadline = time.perf_counter() + GIVE_UP_SECONDS
        while self._flying and time.perf_counter() < deadline:
            self._receive(0.1)
        self.result.failed = number - len(self.result.seconds)
        for pool in self._pools:
            pool.close()
        self._poll.close()

    def _send(self, pool: Connections) -> None:
        since = time.perf_counter()
        connection = pool.take()
        connection.sendall(REQUEST)
        self._flying[connection.fileno()] = (connection, since, pool)

    def _receive(self, patience: float) -> None:
        for descriptor, _ in self._poll.poll(patience):
            if descriptor not in self._flying:
                self._poll.unregister(descriptor)  # closed while nothing was asked
                continue
            connection, since, pool = self._flying[descriptor]
            answer = connection.recv(65536)
            while answer and not answer.endswith(BODY.encode()):
                piece = connection.recv(65536)
                answer = answer + piece if piece else b""
            del self._flying[descriptor]
            if answer.startswith(b"HTTP/1.1 200"):
                self.result.seconds.append(time.perf_counter() - since)
            if not answer or b"connection: close" in answer.lower():
                self._poll.unregister(connection)
                connection.close()
            else:
                pool.give_back(connection)


def at_rate(ports: Sequence[int], rate: float, seconds: float) -> Latencies:
    """Send requests evenly, ``rate`` a second, to the ports in turn."""
    loop = OpenLoop(ports)
    loop.run(rate, seconds)
    return loop.result


class EchoProcess(asyncio.Protocol):
    """A web process that takes every WebSocket and sends back what comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._is_open = False

    def data_received(self, data: bytes) -> None:
        self._transport.write(data if self._is_open else ACCEPTED)
        self._is_open = True


async def serve_echo(port: int) -> None:
    loop = asyncio.get_running_loop()
    await (await loop.create_server(EchoProcess, "127.0.0.1", port, backlog=2048)).serve_forever()


async def open_websockets(port: int, number: int) -> list[asyncio.StreamWriter]:
    """Open WebSockets and leave them open; each has echoed once."""
    writers = []
    for _ in range(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HANDSHAKE)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise SystemExit(f"a WebSocket was refused: {head!r}")
        writer.write(b"ping")
        await reader.readexactly(4)
        writers.append(writer)
    return writers


if __name__ == "__main__":
    asyncio.run(serve_echo(int(sys.argv[1])))
