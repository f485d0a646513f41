"""Start what the router is measured with: web processes, and the proxies before them.

Each proxy listens on 127.0.0.1, takes the two web processes in turn, opens a connection for
every request (a sync worker of Gunicorn closes it anyway) and writes a line for every request to a
file. This module measures nothing.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BODY = "Hello from a web process.\n"
APP = f"""
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "{len(BODY)}")])
    return [{BODY.encode()!r}]
"""
# The router as `portside run --scale web=2` has it, with the lines of its log written as text.
ROUTER = """
import asyncio, sys
from portside.console import Style, print_out
from portside.process_log import ProcessLog, text_renderer
from portside.runtime.router.backends import Backends, State
from portside.runtime.router.server import Router
from portside.runtime.supervisor.lines import ROUTER, line_writer

async def main(port, ports):
    backends = Backends()
    for number, backend_port in enumerate(ports, 1):
        name = f"web.{number}"
        backends.change(backends.add(name), State.UP, "127.0.0.1", backend_port)
    log = ProcessLog(print_out, text_renderer(("web.1", "web.2"), Style(colours=False)))
    await Router(backends, line_writer(ROUTER, log)).start(port)
    await asyncio.Event().wait()

asyncio.run(main(int(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
"""
NGINX = """
daemon off;
worker_processes auto;
pid {home}/nginx.pid;
error_log {home}/nginx-error.log;
events {{ worker_connections 8192; }}
http {{
    access_log {home}/nginx-access.log;
    client_body_temp_path {home}/nginx-body;
    proxy_temp_path {home}/nginx-proxy;
    fastcgi_temp_path {home}/nginx-fastcgi;
    uwsgi_temp_path {home}/nginx-uwsgi;
    scgi_temp_path {home}/nginx-scgi;
    {content}
}}
"""
NGINX_PROXY = """
    upstream web {{ {servers} }}
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        location / {{
            proxy_pass http://web;
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Request-Id $request_id;
        }}
    }}
"""
NGINX_APP = """
    server {{ listen 127.0.0.1:{port} backlog=2048; location / {{ return 200 "{body}"; }} }}
"""
HAPROXY = """
global
    log stdout format raw local0
    maxconn 8192
defaults
    mode http
    log global
    option httplog
    option forwardfor
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    option http-server-close
frontend front
    bind 127.0.0.1:{port} backlog 2048
    default_backend web
backend web
    balance roundrobin
{servers}
"""


@dataclass(frozen=True, slots=True)
class Service:
    """A running process with a port."""

    pid: int
    port: int


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def program(name: str) -> str:
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if path is None:
        raise SystemExit(f"The benchmark needs {name}. On Debian: apt-get install {name}")
    return path


@contextmanager
def service(home: Path, name: str, command: Sequence[str | Path], port: int) -> Iterator[Service]:
    """Run a command until the block ends; it is ready when its port answers."""
    with (home / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            _wait(process, name, port)
            yield Service(process.pid, port)
        finally:
            process.terminate()
            process.wait(20)


def _wait(process: subprocess.Popen[bytes], name: str, port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"{name} didn't start; its log is {name}.log")


def gunicorn(home: Path, port: int) -> list[str | Path]:
    (home / "hello.py").write_text(APP)
    options = ["--workers", "1", "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    return [sys.executable, "-m", "gunicorn", *options, "hello:application"]


def portside(_: Path, port: int, ports: Sequence[int]) -> list[str | Path]:
    return [sys.executable, "-c", ROUTER, str(port), *map(str, ports)]


def nginx(home: Path, port: int, ports: Sequence[int]) -> list[str | Path]:
    servers = " ".join(f"server 127.0.0.1:{one};" for one in ports)
    return _nginx(home, NGINX_PROXY.format(port=port, servers=servers))


def nginx_app(home: Path, port: int) -> list[str | Path]:
    """A web process that costs next to nothing, for what is measured of the router alone."""
    return _nginx(home, NGINX_APP.format(port=port, body=BODY.replace("\n", "\\n")))


def _nginx(home: Path, content: str) -> list[str | Path]:
    home.mkdir(exist_ok=True)
    config = home / "nginx.conf"
    config.write_text(NGINX.format(home=home, content=content))
    return [program("nginx"), "-p", home, "-c", config]


def haproxy(home: Path, port: int, ports: Sequence[int]) -> list[str | Path]:
    servers = "\n".join(f"    server web{one} 127.0.0.1:{one}" for one in ports)
    config = home / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, servers=servers))
    return [program("haproxy"), "-f", config]


Start = Callable[[Path, int, Sequence[int]], list[str | Path]]
PROXIES: dict[str, Start] = {"portside": portside, "nginx": nginx, "haproxy": haproxy}
