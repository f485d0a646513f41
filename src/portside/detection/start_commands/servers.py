"""The command that serves an app object: the server that the app depends on, or one to add."""

import shlex

from msgspec import Struct

from portside.detection.start_commands.frameworks import (
    AIOHTTP,
    BOTTLE,
    FLASK,
    SANIC,
    Framework,
    Interface,
)
from portside.detection.start_commands.layout import Place

# The newest version that each Python has.
GUNICORN: tuple[str, ...] = (
    "gunicorn==27.0.1 ; python_version >= '3.10'",
    "gunicorn==23.0.0 ; python_version < '3.10'",
)
UVICORN: tuple[str, ...] = (
    "uvicorn==0.54.0 ; python_version >= '3.10'",
    "uvicorn==0.39.0 ; python_version == '3.9'",
    "uvicorn==0.33.0 ; python_version < '3.9'",
)
_WSGI_SERVERS = ("gunicorn", "granian", "waitress", "hypercorn", "uwsgi", "uvicorn")
_ASGI_SERVERS = ("uvicorn", "hypercorn", "granian", "daphne")
# What brings a server with it without being asked for it by name.
_BRINGS = {
    "fastapi[standard]": "uvicorn",
    "fastapi[all]": "uvicorn",
    "litestar[standard]": "uvicorn",
    "connexion[uvicorn]": "uvicorn",
    "channels[daphne]": "daphne",
    "nicegui": "uvicorn",
    "gradio": "uvicorn",
    "python-fasthtml": "uvicorn",
    "quart": "hypercorn",
    "shiny": "uvicorn",
    "pyramid[waitress]": "waitress",
}


class Target(Struct, frozen=True):
    """An app object as a server is told of it. ``attribute`` is its name in the module.

    ``runs_on_import`` says that importing the module starts the framework's own server.
    """

    framework: Framework
    place: Place
    attribute: str
    is_factory: bool = False
    is_async: bool = False
    runs_on_import: bool = False

    @property
    def name(self) -> str:
        """Return the module and attribute as servers spell them."""
        return f"{self.place.module}:{self.attribute}"


class Served(Struct, frozen=True):
    """A command and what must be installed for it to work."""

    command: str
    added: tuple[str, ...] = ()


def has_server(interface: Interface, requirements: frozenset[str]) -> bool:
    """Return whether an app depends on a server for this interface."""
    return _server(interface, requirements) is not None


def serve(target: Target, requirements: frozenset[str]) -> Served:
    """Return the command that serves an app object on 0.0.0.0:$PORT."""
    if target.framework is SANIC:
        return Served(_sanic(target))
    if target.framework is BOTTLE and target.runs_on_import:
        return _bottle(target, requirements)
    if target.framework is AIOHTTP:
        added = () if "gunicorn" in requirements else GUNICORN
        return Served(_gunicorn(target, "--worker-class aiohttp.GunicornWebWorker"), added)
    interface = target.framework.interface
    if not target.place.is_identifier:
        requirements -= {"waitress", "pyramid[waitress]"}  # it refuses such a name
    server = _server(interface, requirements)
    if server == "daphne" and target.is_factory:
        server = None  # it can't call one
    if server is None:
        server = "uvicorn" if interface is Interface.ASGI else "gunicorn"
        added = UVICORN if interface is Interface.ASGI else GUNICORN
        return Served(_command(server, target, requirements), added)
    return Served(_command(server, target, requirements))


def in_place(place: Place, command: str, *, finds_working_directory: bool = True) -> str:
    """Return a command that runs where a module is found.

    ``finds_working_directory`` says that the program looks for modules in its working directory.
    """
    if not place.root:
        return command
    root = shlex.quote(place.root)
    if not place.is_working_directory:
        return f"PYTHONPATH={root}:$PYTHONPATH {command}"
    path = "" if finds_working_directory else "PYTHONPATH=. "
    return f"cd {root} && {path}exec {command}"


def _server(interface: Interface, requirements: frozenset[str]) -> str | None:
    brought = {server for name, server in _BRINGS.items() if name in requirements}
    if interface is Interface.ASGI:
        if {"gunicorn", "uvicorn-worker"} <= requirements:
            return "uvicorn-worker"
        return next((s for s in _ASGI_SERVERS if s in requirements or s in brought), None)
    # A server for ASGI that happens to be there serves WSGI apps, too, but only as a last resort.
    return next((s for s in _WSGI_SERVERS if s in requirements or s in brought), None)


def _command(server: str, target: Target, requirements: frozenset[str]) -> str:
    if server == "gunicorn":
        # Socket.IO's sessions live in one process.
        is_stateful = target.framework is FLASK and "flask-socketio" in requirements
        return _gunicorn(target, "--workers 1 --threads 100" if is_stateful else "")
    if server == "uvicorn-worker":
        return _gunicorn(target, "--worker-class uvicorn_worker.UvicornWorker")
    if server == "uvicorn":
        return _uvicorn(target)
    name = _called(target)
    is_wsgi = target.framework.interface is Interface.WSGI
    words = {
        "hypercorn": f"hypercorn {shlex.quote(f'wsgi:{name}' if is_wsgi else name)} "
        "--bind 0.0.0.0:$PORT",
        "daphne": f"daphne -b 0.0.0.0 -p $PORT {name}",
        "waitress": f"waitress-serve --listen=0.0.0.0:$PORT "
        f"{'--call ' if target.is_factory else ''}{target.name}",
        "granian": f"granian --interface {target.framework.interface.value} --host 0.0.0.0 "
        f"--port $PORT {'--factory ' if target.is_factory else ''}{target.name}",
        "uwsgi": f"uwsgi --http 0.0.0.0:$PORT --master --die-on-term --module {shlex.quote(name)}",
    }[server]
    return _prepared(target, in_place(target.place, words))


def _gunicorn(target: Target, extra: str) -> str:
    # Its worker for aiohttp awaits a function by itself.
    name = target.name if target.is_async else _called(target)
    words = ["gunicorn", shlex.quote(name), "--bind 0.0.0.0:$PORT"]
    root = shlex.quote(target.place.root)
    if target.place.root:
        option = "--chdir" if target.place.is_working_directory else "--pythonpath"
        words.insert(1, f"{option} {root}")
    return _prepared(target, " ".join([*words, extra]).strip())


def _uvicorn(target: Target) -> str:
    words = [f"uvicorn {target.name} --host 0.0.0.0 --port $PORT"]
    words += ["--factory"] if target.is_factory else []
    words += ["--interface wsgi"] if target.framework.interface is Interface.WSGI else []
    place = target.place
    if place.root and not place.is_working_directory:
        words.append(f"--app-dir {shlex.quote(place.root)}")
        place = Place(place.module)
    return _prepared(target, in_place(place, " ".join(words)))


def _sanic(target: Target) -> str:
    factory = " --factory" if target.is_factory else ""
    command = f"sanic {target.name}{factory} --host=0.0.0.0 --port=$PORT"
    return in_place(target.place, command, finds_working_directory=False)


def _bottle(target: Target, requirements: frozenset[str]) -> Served:
    """Return a call of Bottle's own command, which passes over ``run()`` in the module."""
    server = next((s for s in ("gunicorn", "waitress", "granian") if s in requirements), None)
    name = _called(target) if target.attribute else target.place.module
    command = f"python -m bottle --bind 0.0.0.0:$PORT --server {server or 'gunicorn'} {name}"
    return Served(in_place(target.place, command), () if server else GUNICORN)


def _called(target: Target) -> str:
    return f"{target.name}()" if target.is_factory else target.name


def _prepared(target: Target, command: str) -> str:
    # Flask passes over run() where its own command has started the app.
    return f"FLASK_RUN_FROM_CLI=true {command}" if target.runs_on_import else command
