"""The router as a process of its own, and small web processes that behave as a test wants."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ports import free_port as free_port  # noqa: PLC0414 (part of what tests import from here)

PROGRAM = """
    import asyncio, gc, json, resource, sys, threading
    from portside.runtime.router.backends import Backends, State
    from portside.runtime.router.limits import Limits
    from portside.runtime.router.server import Router
    options = json.loads(sys.argv[1])
    if options["files"]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (options["files"],) * 2)
    async def main():
        backends, loop = Backends(), asyncio.get_running_loop()
        known = {}
        router = Router(backends, lambda line: print(line, flush=True), Limits(**options["limits"]))
        stopped = asyncio.Event()
        async def stop(seconds):
            await router.drain(seconds)
            await router.close()
            stopped.set()
        def change(name, state, port):
            backend = known.get(name) or known.setdefault(name, backends.add(name))
            backends.change(backend, State(state), "127.0.0.1", port)
            print("taken", flush=True)
        def collect():
            gc.disable()
            print("collected", gc.collect(), flush=True)
        def follow():
            for line in sys.stdin:
                name, state, port = line.split()
                if name == "stop":
                    asyncio.run_coroutine_threadsafe(stop(float(state)), loop)
                elif name == "collect":
                    loop.call_soon_threadsafe(collect)
                else:
                    loop.call_soon_threadsafe(change, name, state, int(port))
        for at, port in enumerate(options["ports"]):
            change(f"web.{at + 1}", "up", port)
        await router.start(options["port"])
        print("ready", flush=True)
        threading.Thread(target=follow, daemon=True).start()
        await stopped.wait()
    asyncio.run(main())
"""
Handler = Callable[[socket.socket, bytes], None]


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it didn't happen in time"
        time.sleep(0.02)


class Front:
    """A running router; ``lines`` is its request log."""

    def __init__(self, *ports: int, files: int = 0, **limits: float) -> None:
        self.port = free_port()
        limits = {"sweep": 0.05, **limits}
        options = {"ports": ports, "port": self.port, "limits": limits, "files": files}
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PROGRAM), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        while self.process.stdout.readline() != "ready\n":
            assert self.process.poll() is None
        self.lines: list[str] = []
        self._taken = threading.Semaphore(0)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def change(self, name: str, state: str, port: int = 0) -> None:
        """Tell it the state of a web process; return once it knows."""
        self._say(name, state, port)
        assert self._taken.acquire(timeout=20)

    def stop(self, seconds: float) -> None:
        """Let it begin to stop; requests in flight have this many seconds."""
        self._say("stop", seconds)

    def collect(self) -> int:
        """Collect its garbage, this time for the last; return how many objects it was."""
        at = len(self.lines)
        self._say("collect", "now")
        wait_until(lambda: any(line.startswith("collected") for line in self.lines[at:]))
        return int(self.lines[-1].split()[1])

    def close(self) -> None:
        """End it; nothing may have gone wrong in it."""
        self.process.terminate()
        assert self.process.stderr is not None
        errors = self.process.stderr.read()
        self.process.wait(20)
        self._reader.join(20)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        assert errors == ""

    def log(self, number: int = 1) -> list[str]:
        """Return the log, once it has ``number`` lines."""
        wait_until(lambda: len(self.lines) >= number)
        return self.lines

    def codes(self, number: int = 1) -> list[str]:
        return [
            found[1] if (found := re.search(r"code=(\w+)", line)) else "-"
            for line in self.log(number)
        ]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 20)

    def send(self, data: bytes, *, ends: bool = False) -> bytes:
        """Return all that comes back until the router closes."""
        with self.connect() as client:
            client.sendall(data)
            if ends:
                client.shutdown(socket.SHUT_WR)
            return read_all(client)

    def get(self, path: str = "/", headers: str = "", version: str = "1.1") -> bytes:
        head = f"GET {path} HTTP/{version}\r\nHost: a.example\r\nConnection: close\r\n{headers}"
        return self.send(f"{head}\r\n".encode())

    def peak_memory(self) -> int:
        """Return the most memory that it had so far, in KB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+)", status)
        assert found
        return int(found[1])

    def _say(self, name: str, what: object, port: int = 0) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name} {what} {port}\n")
        self.process.stdin.flush()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line == "taken\n":
                self._taken.release()
            else:
                self.lines.append(line.rstrip("\n"))


class App:
    """A web process in a thread: it reads a head and leaves the rest to ``handler``."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._server.getsockname()[1]
        self.heads: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(ConnectionError, TimeoutError):
            connection.settimeout(20)
            data = b""
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
            head, _, rest = data.partition(b"\r\n\r\n")
            self.heads.append(head)
            self._handler(connection, rest)


def read_all(connection: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            data += piece
    return data


def read_until(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        piece = connection.recv(65536)
        assert piece, data
        data += piece
    return data


def answer(body: bytes = b"ok", status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def answering(data: bytes) -> Handler:
    return lambda connection, _: connection.sendall(data)


@contextlib.contextmanager
def front(*handlers: Handler, **limits: float) -> Iterator[tuple[Front, list[App]]]:
    """A router before a web process for each handler."""
    apps = [App(handler) for handler in handlers]
    router = Front(*(app.port for app in apps), **limits)
    try:
        yield router, apps
    finally:
        for app in apps:
            app.close()
        router.close()
