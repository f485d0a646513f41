"""A private package index: pypiserver behind TLS by an authority of its own, with a password.

It runs in a process of its own (``python private_index.py PACKAGES DIRECTORY``), because the HTTP
framework in pypiserver changes how everything else in its process imports.
"""

import socketserver
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

USER = "harbour-master"
PASSWORD = "s3cret-b3acon-77"
_AUTHORITY = "authority.pem"


@dataclass(frozen=True)
class PrivateIndex:
    port: int
    authority: Path

    @property
    def place(self) -> str:
        return f"localhost:{self.port}/simple/"

    @property
    def url(self) -> str:
        return f"https://{self.place}"


@contextmanager
def serving(packages: Path, directory: Path) -> Iterator[PrivateIndex]:
    """Serve the wheels of a directory until the block ends."""
    argv = [sys.executable, "-W", "ignore", __file__, str(packages), str(directory)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield PrivateIndex(int(server.stdout.readline()), directory / _AUTHORITY)
        finally:
            server.terminate()


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that refuses the certificate is part of the tests."""


def main() -> None:
    """Serve for ever, once the port has been printed."""
    import pypiserver  # noqa: PLC0415 (see the module)
    import trustme  # noqa: PLC0415

    packages, directory = map(Path, sys.argv[1:])
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / _AUTHORITY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    app = pypiserver.app(
        roots=[packages],
        authenticate=["list", "download"],
        auther=lambda user, password: (user, password) == (USER, PASSWORD),
        disable_fallback=True,
    )
    with make_server("127.0.0.1", 0, app, _Server, _Quiet) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
