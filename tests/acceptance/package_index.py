"""A package index on this machine that can fail in the ways that real ones do."""

import hashlib
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class PackageIndex:
    """Serves wheels by the simple API; a path in ``hanging`` gets half of its answer, or none."""

    port: int
    files: dict[str, bytes] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    truncated: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    asked: threading.Condition = field(default_factory=threading.Condition)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/simple"

    def add(self, wheels: Path) -> None:
        pages: dict[str, list[str]] = {}
        for wheel in sorted(wheels.iterdir()):
            content = wheel.read_bytes()
            self.files[f"/files/{wheel.name}"] = content
            project = wheel.name.partition("-")[0].lower().replace("_", "-")
            digest = hashlib.sha256(content).hexdigest()
            pages.setdefault(project, []).append(
                f'<a href="../../files/{wheel.name}#sha256={digest}">{wheel.name}</a><br>'
            )
        for project, links in pages.items():
            page = "<!DOCTYPE html><html><body>" + "\n".join(links) + "</body></html>"
            self.files[f"/simple/{project}/"] = page.encode()

    def path_of(self, project: str) -> str:
        """Return the path of a project's first wheel."""
        return next(path for path in self.files if path.startswith(f"/files/{project}-"))

    def wait_for(self, path: str) -> None:
        with self.asked:
            assert self.asked.wait_for(lambda: path in self.requests, timeout=60), self.requests


@contextmanager
def serving() -> Iterator[PackageIndex]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with index.asked:
                index.requests.append(self.path)
                index.asked.notify_all()
            content = index.files.get(self.path)
            if self.path in index.hanging:
                index.closing.wait(60)
                return
            self.send_response(404 if content is None else 200)
            kind = "text/html" if self.path.endswith("/") else "application/octet-stream"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            is_truncated = self.path in index.truncated
            self.wfile.write((content or b"")[: len(content or b"") // (2 if is_truncated else 1)])

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        index = PackageIndex(listener.server_address[1])
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
        thread.start()
        yield index
        index.closing.set()
        listener.shutdown()
        thread.join()


def fetch_wheels(requirements: Path, directory: Path, series: str) -> None:
    """Download the locked wheels for this machine and a Python series."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
            *("--only-binary", ":all:", "--python-version", series, "-d", str(directory)),
            *("-r", str(requirements)),
        ],
        check=True,
    )
