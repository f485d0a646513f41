"""Rules about process types: that there is a web process, and that it serves where it must."""

import posixpath
from collections.abc import Iterator

from portside.checks.app import App
from portside.checks.commands import Call, calls_of
from portside.checks.rule import Place, Rule
from portside.checks.servers import Listening, Server, listening_of, server_of
from portside.checks.serving import Serving, find_servings, mentions_port
from portside.model.findings import Severity

_PROCFILE = "Procfile"
_RELOADING = frozenset({"--reload", "-r", "--auto-reload", "--dev"})
_DEBUG_VARIABLES = frozenset({"FLASK_DEBUG=1", "FLASK_DEBUG=true", "FLASK_ENV=development"})


def _web_calls(app: App) -> tuple[Call, ...]:
    return calls_of(app, app.web) if app.web else ()


def _servers(app: App) -> Iterator[tuple[Call, Server, Listening]]:
    for call in _web_calls(app):
        server = server_of(call)
        if server is not None:
            yield call, server, listening_of(app, call, server)


def _programs(app: App) -> Iterator[tuple[str, Serving]]:
    """Yield the Python files that the web process starts, with the calls in them that serve."""
    for call in _web_calls(app):
        path = _python_file(app, call)
        for serving in find_servings(app, path) if path else ():
            yield path, serving


def _python_file(app: App, call: Call) -> str:
    if server_of(call) or posixpath.basename(call.name) == "manage.py":
        return ""
    if call.name.endswith(".py"):
        return call.name
    return app.find_module(f"{call.name}.__main__") or app.find_module(call.name) or ""


def _no_start_command(app: App) -> Iterator[Place]:
    if app.facts and not app.facts.processes:
        yield Place(
            _PROCFILE if app.has_file(_PROCFILE) else app.manifest,
            1,
            "There is no process type, and no start command was found.",
        )


def _no_web_process(app: App) -> Iterator[Place]:
    if app.facts and app.facts.processes and app.web is None:
        first = app.facts.processes[0]
        types = ", ".join(process.type for process in app.facts.processes)
        yield Place(
            first.origin.name, first.origin.line or 1, f"There is no web process, only {types}."
        )


def _ignores_port(app: App) -> Iterator[Place]:
    for _, server, at in _servers(app):
        if not at.is_known or "$" in (at.port or ""):
            continue
        if at.port is None:
            message = f"{server.name} is started without $PORT, so it listens on a port of its own."
        else:
            message = f"{server.name} listens on the fixed port {at.port} instead of $PORT."
        yield Place(at.path, at.line, message, _example(server))
    if mentions_port(app):
        return
    for path, serving in _programs(app):
        if serving.port is not None:
            message = f"{serving.what} listens on the fixed port {serving.port} instead of $PORT."
            yield Place(path, serving.line, message, 'Pass port=int(os.environ["PORT"]).')


def _binds_locally(app: App) -> Iterator[Place]:
    for _, server, at in _servers(app):
        host = at.host or server.default_host
        found = Listening(host, at.port, at.path, at.line)
        if at.is_known and found.is_local:
            how = "by default" if at.host is None else "as it is told to"
            message = f"{server.name} listens on {host} only, {how}."
            yield Place(at.path, at.line, message, _example(server))
    for path, serving in _programs(app):
        if Listening(serving.host, None, path, serving.line).is_local:
            message = f"{serving.what} listens on {serving.host} only."
            yield Place(path, serving.line, message, 'Pass host="0.0.0.0".')


def _development_server(app: App) -> Iterator[Place]:
    for call, server, _ in _servers(app):
        if server.is_for_development:
            yield Place(call.path, call.line, f"The web process is {server.name}.")
        elif (call.name == "fastapi" and call.has("dev")) or _reloads(call):
            message = f"{server.name} is told to reload the code whenever it changes."
            yield Place(call.path, call.line, message, "Leave the option for reloading out.")
    for path, serving in _programs(app):
        if serving.is_for_development:
            message = f"The web process serves with {serving.what}, a development server."
            yield Place(path, serving.line, message)


def _reloads(call: Call) -> bool:
    # Short options mean other things to other servers.
    words = _RELOADING if call.name == "sanic" else {"--reload"}
    return call.has(*words)


def _debug_server(app: App) -> Iterator[Place]:
    for call, server, _ in _servers(app):
        is_set = not _DEBUG_VARIABLES.isdisjoint(call.variables)
        if server.distribution == "flask" and (is_set or call.has("--debug")):
            yield Place(call.path, call.line, "Flask is started in debug mode.")
    for path, serving in _programs(app):
        if serving.is_debugging:
            yield Place(path, serving.line, f"{serving.what} has debug=True.")


def _example(server: Server) -> str:
    return f"Start it on 0.0.0.0 and $PORT, such as:\n    web: {server.example}"


_PORT_REASON = (
    "A platform says in the config var PORT where it will send requests. It takes a web process "
    "that doesn't listen there within a minute for dead, and kills it."
)
_DEVELOPMENT_REASON = (
    "Such a server is made for one developer: it is slow, isn't hardened, and may serve one "
    "request at a time. Its own documentation warns against production."
)
RULES = (
    Rule(
        "no-start-command",
        Severity.ERROR,
        "Nothing says how the app is started.",
        "A platform starts what the Procfile names; without it the app is built but never runs.",
        "Add a file named Procfile with a line such as:\n"
        "    web: gunicorn --bind 0.0.0.0:$PORT app:app",
        _no_start_command,
    ),
    Rule(
        "no-web-process",
        Severity.WARNING,
        "The Procfile has no process type web.",
        "Only the process type named web gets HTTP requests. That is right for a bot or a worker.",
        "If the app serves HTTP, add a line to the Procfile, such as:\n"
        "    web: gunicorn --bind 0.0.0.0:$PORT app:app",
        _no_web_process,
    ),
    Rule(
        "web-ignores-port",
        Severity.ERROR,
        "The web process doesn't listen on $PORT.",
        _PORT_REASON,
        "Pass $PORT to the server.",
        _ignores_port,
    ),
    Rule(
        "web-binds-locally",
        Severity.ERROR,
        "The web process listens for this machine only.",
        "Requests come from a router on another machine, which can't reach 127.0.0.1 here.",
        "Listen on 0.0.0.0.",
        _binds_locally,
    ),
    Rule(
        "development-server",
        Severity.ERROR,
        "The web process is a development server.",
        _DEVELOPMENT_REASON,
        "Serve the app with a server for production and install it, such as:\n"
        "    web: gunicorn --bind 0.0.0.0:$PORT app:app",
        _development_server,
    ),
    Rule(
        "debug-server",
        Severity.ERROR,
        "The web process runs in debug mode.",
        "The debugger lets anyone who causes an error run any code on the server, and shows the "
        "source and the variables.",
        'Leave debug=True out, or let a config var switch it on: debug="DEBUG" in os.environ.',
        _debug_server,
    ),
)
