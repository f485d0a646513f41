"""Which programs serve HTTP, and on which address a call of one listens."""

import ast
import posixpath
import re

from msgspec import Struct

from portside.checks.app import App
from portside.checks.commands import Call
from portside.checks.syntax import text_of

ANY = "0.0.0.0"  # noqa: S104 (it's what others are compared with)
LOCAL = "127.0.0.1"
_LOCAL_HOSTS = re.compile(r"localhost|127\.[0-9.]+|\[?::1\]?")


class Server(Struct, frozen=True):
    """A server: what it is called, what installs it, and the options for where it listens.

    ``binds`` take an address with a port. ``reads_port`` says that it takes ``$PORT`` by itself.
    ``default_host`` is where it listens unless told; ``example`` how it is started well.
    """

    name: str
    distribution: str
    example: str
    default_host: str = LOCAL
    binds: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    reads_port: bool = False
    is_for_development: bool = False


SERVERS = {
    "gunicorn": Server(
        "Gunicorn",
        "gunicorn",
        "gunicorn --bind 0.0.0.0:$PORT APP",
        binds=("-b", "--bind"),
        configs=("-c", "--config"),
        reads_port=True,
    ),
    "uvicorn": Server(
        "Uvicorn",
        "uvicorn",
        "uvicorn --host 0.0.0.0 --port $PORT APP",
        hosts=("--host",),
        ports=("--port",),
        configs=("--fd", "--uds"),
    ),
    "hypercorn": Server(
        "Hypercorn",
        "hypercorn",
        "hypercorn --bind 0.0.0.0:$PORT APP",
        binds=("-b", "--bind"),
        configs=("-c", "--config"),
    ),
    "daphne": Server(
        "Daphne",
        "daphne",
        "daphne -b 0.0.0.0 -p $PORT APP",
        hosts=("-b", "--bind"),
        ports=("-p", "--port"),
        configs=("-e", "--endpoint", "-u", "--unix-socket", "--fd"),
    ),
    "waitress-serve": Server(
        "Waitress",
        "waitress",
        "waitress-serve --listen=0.0.0.0:$PORT APP",
        default_host=ANY,
        binds=("--listen",),
        hosts=("--host",),
        ports=("--port",),
        configs=("--unix-socket",),
    ),
    "granian": Server(
        "Granian",
        "granian",
        "granian --host 0.0.0.0 --port $PORT APP",
        hosts=("--host",),
        ports=("--port",),
        configs=("--uds",),
    ),
    "streamlit": Server(
        "Streamlit",
        "streamlit",
        "streamlit run --server.port $PORT APP.py",
        default_host=ANY,
        hosts=("--server.address",),
        ports=("--server.port",),
    ),
    "sanic": Server(
        "Sanic",
        "sanic",
        "sanic --host=0.0.0.0 --port=$PORT APP",
        hosts=("-H", "--host"),
        ports=("-p", "--port"),
        configs=("--unix",),
    ),
    "flask": Server(
        "Flask's development server",
        "flask",
        "gunicorn --bind 0.0.0.0:$PORT APP",
        hosts=("-h", "--host"),
        ports=("-p", "--port"),
        is_for_development=True,
    ),
    "fastapi": Server(
        "FastAPI's command",
        "fastapi-cli",
        "fastapi run --port $PORT main.py",
        default_host=ANY,
        hosts=("--host",),
        ports=("--port",),
    ),
    "runserver": Server(
        "Django's development server",
        "django",
        "gunicorn --bind 0.0.0.0:$PORT PROJECT.wsgi",
        is_for_development=True,
    ),
    "http.server": Server(
        "http.server of the standard library",
        "",
        "gunicorn --bind 0.0.0.0:$PORT APP",
        default_host=ANY,
        hosts=("-b", "--bind"),
        is_for_development=True,
    ),
}


class Listening(Struct, frozen=True):
    """Where a server listens, and where that is written.

    A ``host`` or ``port`` of None isn't given; one with a ``$`` comes from a variable.
    ``is_known`` is False where a file or a socket decides that isn't looked into.
    """

    host: str | None
    port: str | None
    path: str
    line: int
    is_known: bool = True

    @property
    def is_local(self) -> bool:
        """Return whether nothing but this machine can reach it."""
        return self.host is not None and _LOCAL_HOSTS.fullmatch(self.host) is not None


def server_of(call: Call) -> Server | None:
    """Return the server that a call starts, None where it is no server that is known."""
    name = posixpath.basename(call.name)
    if name in {"manage.py", "django-admin", "django", "django-admin.py"}:
        return SERVERS["runserver"] if call.has("runserver", "runserver_plus") else None
    if name in {"flask", "streamlit"} and not call.has("run"):
        return None
    if name == "fastapi" and not call.has("run", "dev"):
        return None
    return SERVERS.get(name.removesuffix(".exe"))


def listening_of(app: App, call: Call, server: Server) -> Listening:
    """Return where a call of a server listens."""
    if server is SERVERS["runserver"]:
        return _runserver(call)
    if server is SERVERS["http.server"]:
        port = next((word for word in call.arguments if word[:1] in "$0123456789"), None)
        return Listening(call.option(*server.hosts) or ANY, port, call.path, call.line)
    bind = call.option(*server.binds)
    host, port = _address(bind) if bind is not None else (None, None)
    host = call.option(*server.hosts) or host
    port = call.option(*server.ports) or port
    is_known = not (bind or "").startswith(("unix:", "fd:")) and (
        bind is not None or all(call.option(name) is None for name in server.configs)
    )
    found = Listening(host, port, call.path, call.line, is_known)
    return _of_gunicorn(app, call, found) if server.reads_port and bind is None else found


def _runserver(call: Call) -> Listening:
    words = [word for word in call.arguments if re.match(r"[\w.$\[{*:-]*[:$0-9]", word)]
    address = words[-1] if words else ""
    host, port = _address(address) if ":" in address else (None, address or None)
    return Listening(host or LOCAL, port, call.path, call.line)


def _of_gunicorn(app: App, call: Call, found: Listening) -> Listening:
    """Return where Gunicorn's file of settings has it listen; it takes $PORT where none does."""
    named = call.option("-c", "--config")
    path = posixpath.normpath((named or "gunicorn.conf.py").removeprefix("file:"))
    module = app.module(path)
    for node in module.body if module else ():
        match node:
            case ast.Assign(targets=[ast.Name(id="bind")], value=value):
                text = text_of(value)
                host, port = _address(text)
                return Listening(host, port, path, node.lineno, is_known=bool(text))
    is_known = named is None or module is not None
    return Listening(ANY, "$PORT", found.path, found.line, is_known)


def _address(text: str) -> tuple[str | None, str | None]:
    """Return host and port of an address such as ``0.0.0.0:$PORT``; a lone word is a host."""
    match = re.fullmatch(r"(?P<host>\[[^\]]*\]|[^:]*|::1?)(?::(?P<port>[^:]*|\$\{.*\}))?", text)
    if match is None:
        return text, None
    return match["host"] or ANY, match["port"]
