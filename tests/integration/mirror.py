"""A mirror of interpreters on this machine, with archives and catalogs as uv wants them."""

import http.server
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local_pythons import own_installation
from portside.effects.host import read_host
from portside.model.python_version import PythonVersion

FOUND = own_installation()
VERSION = FOUND.version if FOUND else PythonVersion(3, 12, 1)
LEFT_OUT = {"test", "tests", "idlelib", "turtledemo", "ensurepip", "site-packages", "__pycache__"}


@dataclass
class Server:
    """What is served by path; a path in ``hanging`` never gets its answer, or the rest of it."""

    port: int
    files: dict[str, bytes] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def serving() -> Iterator[Server]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests.append(self.path)
            content = state.files.get(self.path)
            if self.path in state.hanging and content is None:
                state.closing.wait(60)
                return
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if self.path in state.hanging:
                self.wfile.write((content or b"")[: len(content or b"") // 2])
                state.closing.wait(60)
            else:
                self.wfile.write(content or b"")

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        state = Server(listener.server_address[1])
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
        thread.start()
        yield state
        state.closing.set()
        listener.shutdown()
        thread.join()


def pack(installed: Path, path: Path) -> bytes:
    """Return what a mirror serves of an interpreter of this machine; ``path`` is made for it."""

    def admitted(item: tarfile.TarInfo) -> tarfile.TarInfo | None:
        is_left_out = item.name.endswith(".a") or not LEFT_OUT.isdisjoint(item.name.split("/"))
        return None if is_left_out else item

    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        archive.add(installed, "python", filter=admitted)
    return path.read_bytes()


def entry(
    url: str, sha256: str | None, patch: int = VERSION.patch, **changes: object
) -> dict[str, object]:
    return {
        "name": "cpython",
        "arch": {"family": read_host().machine, "variant": None},
        "os": "linux",
        "libc": read_host().libc,
        "major": 3,
        "minor": 12,
        "patch": patch,
        "prerelease": "",
        "url": url,
        "sha256": sha256,
        "variant": None,
        "build": "20240107",
        **changes,
    }


def key(version: str = str(VERSION)) -> str:
    return f"cpython-{version}-{read_host().platform}"


def catalog(directory: Path, url: str, sha256: str | None) -> Path:
    path = directory / "catalog.json"
    path.write_text(json.dumps({key(): entry(url, sha256)}))
    return path
