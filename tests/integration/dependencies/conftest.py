"""The bench and local indexes for it."""

import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from dependency_bench import Bench, QuietFiles
from tool_bench import fill_index, provide_backends


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "app").mkdir()
    return Bench(tmp_path)


@pytest.fixture
def serve() -> Iterator[Callable[[type[BaseHTTPRequestHandler] | Path], str]]:
    servers = []

    def start(what: type[BaseHTTPRequestHandler] | Path) -> str:
        handler = partial(QuietFiles, directory=str(what)) if isinstance(what, Path) else what
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def serve_tls(tmp_path: Path) -> Iterator[Callable[[Path], str]]:
    """Serve directories with a certificate that nobody trusts, ``certificate.pem``."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            # As an authority it couldn't be a server's own for uv.
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    servers = []

    def start(directory: Path) -> str:
        server = QuietServer(("127.0.0.1", 0), partial(QuietFiles, directory=str(directory)))
        # A client that waits before its handshake must not keep the others from being accepted.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"https://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, *args: object) -> None:
        """Clients that refuse the certificate are what is being tested."""


@pytest.fixture(scope="session")
def shared_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for all of xdist's workers."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture
def own_index(tmp_path: Path, shared_base: Path) -> Path:
    """A directory to serve as an index of small distributions and the backends of projects."""
    index = tmp_path / "index"
    fill_index(index, provide_backends(shared_base / "backends"))
    return index
