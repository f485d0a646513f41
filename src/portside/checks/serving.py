"""Where a Python file serves HTTP by itself when it is started as a program."""

import ast
from collections.abc import Iterator

from msgspec import Struct

from portside.checks.app import App
from portside.checks.syntax import called_name, calls, dotted, keyword, literal, text_of

# Frameworks whose object has a run() that is for development, and where that listens by default.
_FOR_DEVELOPMENT = frozenset({"flask", "apiflask", "quart", "dash", "bottle"})
_WITH_RUN = _FOR_DEVELOPMENT | {"sanic", "robyn"}
_OBJECTS = frozenset({"app", "application", "server", "api", "web", "flask_app", "dash_app"})
_SERVERS = frozenset({"HTTPServer", "ThreadingHTTPServer", "make_server", "WSGIServer"})
_LOCAL = "127.0.0.1"


class Serving(Struct, frozen=True):
    """A call that serves. ``host`` and ``port`` are None where the file doesn't fix them."""

    what: str
    line: int
    host: str | None
    port: int | None
    is_for_development: bool = False
    is_debugging: bool = False


def find_servings(app: App, path: str) -> tuple[Serving, ...]:
    """Return the calls in a file that serve HTTP."""
    module = app.module(path)
    if module is None:
        return ()
    imports = frozenset(_imports(module))
    found = (_serving(call, imports) for call in calls(module))
    return tuple(serving for serving in found if serving is not None)


def mentions_port(app: App) -> bool:
    """Return whether any Python file of the app names the config var PORT."""
    return any(
        isinstance(node, ast.Constant) and node.value == "PORT"
        for path in app.python_files
        if "PORT" in app.text(path)
        for node in ast.walk(app.module(path) or ast.Module([], []))
    )


def _serving(call: ast.Call, imports: frozenset[str]) -> Serving | None:
    name = dotted(call.func)
    if name == "uvicorn.run":
        return _by_keywords(call, "uvicorn.run()", 8000, default_host=_LOCAL)
    if name in {"serve", "waitress.serve"} and "waitress" in imports:
        return _by_keywords(call, "Waitress", 8080, default_host="")
    if called_name(call) in _SERVERS and call.args:
        return _by_tuple(call)
    owner, _, method = name.rpartition(".")
    if method in {"run", "run_server"} and owner in _OBJECTS and not imports.isdisjoint(_WITH_RUN):
        return _by_run(call, name, imports)
    return None


def _by_run(call: ast.Call, name: str, imports: frozenset[str]) -> Serving:
    found = _by_keywords(call, f"{name}()", 5000, default_host=_LOCAL)
    return Serving(
        found.what,
        found.line,
        found.host,
        found.port,
        not imports.isdisjoint(_FOR_DEVELOPMENT),
        literal(keyword(call, "debug")) is True,
    )


def _by_keywords(call: ast.Call, what: str, port: int, *, default_host: str) -> Serving:
    is_open = any(item.arg is None for item in call.keywords)
    positional = call.args if what.endswith(".run()") and what != "uvicorn.run()" else []
    host = keyword(call, "host") or (positional[0] if positional else None)
    number = keyword(call, "port") or (positional[1] if len(positional) > 1 else None)
    if number is not None:
        value = literal(number)
        fixed = value if isinstance(value, int) else None
    else:
        fixed = None if is_open else port
    default = None if is_open else default_host
    return Serving(what, call.lineno, text_of(host) or None if host else default, fixed)


def _by_tuple(call: ast.Call) -> Serving | None:
    address = call.args[0]
    parts = address.elts if isinstance(address, ast.Tuple) else call.args[:2]
    if len(parts) != 2:  # noqa: PLR2004 (host and port)
        return None
    port = literal(parts[1])
    return Serving(
        called_name(call),
        call.lineno,
        text_of(parts[0]) or None,
        port if isinstance(port, int) else None,
    )


def _imports(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str() as name):
                yield name.partition(".")[0]
