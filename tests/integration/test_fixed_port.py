"""An app whose code fixes its port is told so, and run here all the same."""

import http.client
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from workshop import COMMAND, Workshop, end, wait_for

from ports import free_port

pytestmark = pytest.mark.network
CODE = """\
    import http.server

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[::-1])

    http.server.ThreadingHTTPServer(("{address}", {port}), Handler).serve_forever()
    """


def reverse(port: int, body: bytes) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/", body)
        return connection.getresponse().read()
    except OSError:
        return b""
    finally:
        connection.close()


@contextmanager
def running(workshop: Workshop, log: Path, *arguments: str | Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [COMMAND, "run", *arguments],
            cwd=workshop.root,
            env=workshop.variables,
            stdout=output,
            stderr=output,
        )
        try:
            yield
        finally:
            end(process, signal.SIGTERM)
    assert process.returncode == 143


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1"])
def test_a_fixed_port_is_told_and_reached_through_the_one_asked_for(
    workshop: Workshop, address: str
) -> None:
    fixed, asked = free_port(), free_port()
    app = workshop.app(files={"server.py": CODE.format(address=address, port=fixed)})
    (app / "Procfile").unlink()
    slug = workshop.root / "slug"
    told = workshop.build(app, slug).expect().err
    assert f"server.py:11 serves on port {fixed}, whatever $PORT is" in told
    log, body = workshop.root / "log", b"ab" * 200_000
    with running(workshop, log, slug, "--port", str(asked)):
        assert wait_for(lambda: reverse(asked, b"up") == b"pu", 20), log.read_text()
        assert reverse(asked, body) == body[::-1]
    assert f"Warning: the web process listens on port {fixed}" in log.read_text()
    with running(workshop, log, slug, "--scale", "web=1", "--port", str(asked)):
        assert wait_for(lambda: reverse(asked, b"up") == b"pu", 20), log.read_text()
    assert f"Warning: it listens on port {fixed}" in log.read_text()
    checked = workshop.portside("run", slug, "--check", "--port", str(asked)).expect(1)
    assert f"listens on port {fixed}, not on $PORT ({asked})" in checked.err


def test_a_port_that_is_taken_cannot_lead_to_the_fixed_one(workshop: Workshop) -> None:
    app = workshop.app(files={"server.py": CODE.format(address="0.0.0.0", port=free_port())})
    (app / "Procfile").unlink()
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = workshop.portside("run", app, "--port", port).expect(1)
    assert f"Port {port} can't be listened on" in refused.err
