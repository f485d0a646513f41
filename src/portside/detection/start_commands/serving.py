"""Finds where a file serves HTTP by itself, and whether on $PORT: app.run() and the like."""

import ast
import posixpath
from collections.abc import Iterator

from msgspec import Struct

from portside.detection.start_commands.apps import App, Apps, Scope
from portside.detection.start_commands.frameworks import MCP, ROBYN
from portside.detection.start_commands.layout import files_of
from portside.detection.start_commands.syntax import Module, calls_in, keyword, text_of


class Port(Struct, frozen=True):
    """The port that a file serves on. ``number`` is a fixed one; 0 where it isn't known.

    ``option`` is the program's own option for it.
    """

    number: int = 0
    is_from_environment: bool = False
    option: str = ""


class Serving(Struct, frozen=True):
    """A call that serves HTTP until the program ends.

    ``app`` is what it serves, where that is an object that others can import; ``target`` is the
    text that names it. ``is_on_import`` says that the call isn't guarded, ``has_debugger`` that
    it lets whoever causes an error run code, ``is_raw`` that it needn't be HTTP. ``keyword`` is by
    which the port would be given.
    """

    name: str
    path: str
    line: int
    port: Port
    app: App | None = None
    target: str = ""
    is_on_import: bool = False
    has_debugger: bool = False
    is_raw: bool = False
    keyword: str = "port"


class _Rule(Struct, frozen=True):
    """How a call is told its port: by a keyword, a position, or the first argument, a tuple.

    ``takes_text`` says that it may be told the app as text, such as ``pkg.main:app``, ``is_raw``
    that nothing says it is HTTP that is served.
    """

    name: str
    default: int = 0
    keyword: str = "port"
    position: int = -1
    in_tuple: bool = False
    takes_text: bool = False
    is_raw: bool = False


_CALLS: dict[tuple[str, str], _Rule] = {
    ("uvicorn", "run"): _Rule("Uvicorn", 8000, takes_text=True),
    ("uvicorn", "Config"): _Rule("Uvicorn", 8000, takes_text=True),
    ("hypercorn", "serve"): _Rule("Hypercorn"),
    ("waitress", "serve"): _Rule("Waitress", 8080),
    ("aiohttp", "run_app"): _Rule("aiohttp", 8080),
    ("aiohttp", "TCPSite"): _Rule("aiohttp", 8080, position=2),
    ("bottle", "run"): _Rule("Bottle", 8080),
    ("wsgiref", "make_server"): _Rule("wsgiref", position=1),
    ("http", "HTTPServer"): _Rule("http.server", in_tuple=True),
    ("http", "ThreadingHTTPServer"): _Rule("http.server", in_tuple=True),
    ("socketserver", "TCPServer"): _Rule("socketserver", in_tuple=True),
    ("socketserver", "ThreadingTCPServer"): _Rule("socketserver", in_tuple=True),
    ("gevent", "WSGIServer"): _Rule("gevent", in_tuple=True),
    ("nicegui", "run"): _Rule("NiceGUI", 8080),
    ("cherrypy", "quickstart"): _Rule("CherryPy", 8080),
    ("panel", "serve"): _Rule("Panel"),
    ("xmlrpc", "SimpleXMLRPCServer"): _Rule("xmlrpc.server", in_tuple=True),
    ("websockets", "serve"): _Rule("websockets", position=2, is_raw=True),
    ("asyncio", "start_server"): _Rule("asyncio", position=2, is_raw=True),
    ("socket", "create_server"): _Rule("socket", in_tuple=True, is_raw=True),
}
# Those whose debug=True shows Werkzeug's debugger to everyone.
_WITH_DEBUGGER = frozenset({"APIFlask", "Dash", "Flask", "Flask-SocketIO", "flask-openapi3"})
# By the method's name, and the module that must be imported for it to be meant.
_METHODS: dict[str, tuple[str, _Rule]] = {
    "listen": ("tornado", _Rule("Tornado", position=0)),
    "launch": ("gradio", _Rule("Gradio", keyword="server_port")),
    "create_server": ("asyncio", _Rule("asyncio", position=2, is_raw=True)),
    "bind": ("socket", _Rule("socket", in_tuple=True, is_raw=True)),
}
# Files that are called so are what their names say, whatever else they do.
WORKER_NAMES = ("bot", "worker")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# Those of the Model Context Protocol that are served over HTTP, and their port.
_HTTP_TRANSPORTS = frozenset({"http", "sse", "streamable-http"})
_MCP_PORT = 8000
_ASIDE = frozenset({"threading.Thread", "multiprocessing.Process"})
_PORT_READERS = frozenset({"os.getenv", "os.environ.get", "decouple.config"})
# The defaults of run(), by the framework of the object that it is a method of.
_RUN_PORTS = {
    "APIFlask": 5000,
    "Bottle": 8080,
    "Flask": 5000,
    "Microdot": 5000,
    "Quart": 5000,
    "Sanic": 8000,
}


def find_servings(apps: Apps, scope: Scope) -> tuple[Serving, ...]:
    """Return the calls in a file that serve HTTP."""
    module = scope.module
    on_import = {id(call) for call in _top_level_calls(module.statements)}
    found = []
    for call in module.calls:
        rule, app = _rule(apps, scope, call)
        if rule and not (rule.is_raw and _is_for_itself(module, call, rule)):
            port = find_port(module, _port_node(module, call, rule), rule.default)
            first = call.args[0] if call.args else keyword(call, "app")
            app = app or (apps.value(scope, first, {}) if first else None)
            target = text_of(first) if rule.takes_text else ""
            found.append(
                Serving(
                    rule.name,
                    module.path,
                    call.lineno,
                    port,
                    app,
                    target,
                    is_on_import=id(call) in on_import,
                    has_debugger=rule.name in _WITH_DEBUGGER and _is_debug(call),
                    is_raw=rule.is_raw,
                    keyword=rule.keyword,
                )
            )
    return tuple(sorted(found, key=lambda serving: serving.line))


def served_aside(apps: Apps, scope: Scope) -> Iterator[tuple[str, int]]:
    """Yield the identities of apps that a program serves in a thread, beside what it is for.

    A server that imported such an app would leave the rest out: a bot that is kept alive by it.
    """
    module = scope.module
    calls = [call for call in module.calls if module.dotted(call.func) in _ASIDE]
    servings = find_servings(apps, scope) if calls else ()
    for call in calls:
        target = keyword(call, "target")
        own = module.definitions.get(target.id) if isinstance(target, ast.Name) else None
        started = own or target
        if isinstance(started, ast.Attribute) and started.attr == "run":
            app = apps.value(scope, started.value, {})
            yield from [app.identity] if app else []
        elif started is not None:
            lines = range(started.lineno, (started.end_lineno or started.lineno) + 1)
            yield from (one.app.identity for one in servings if one.app and one.line in lines)


def reached_from(apps: Apps, scope: Scope) -> list[Scope]:
    """Return a module and those of the app's own that it imports, directly or not."""
    reached = {scope.module.path: scope}
    waiting = [scope]
    while waiting:
        for file in imports_of(apps, waiting.pop()):
            other = apps.scope(file) if file not in reached else None
            if other:
                reached[file] = other
                waiting.append(other)
    return list(reached.values())


def imports_of(apps: Apps, scope: Scope) -> Iterator[str]:
    """Yield the app's own files that a module imports."""
    for item in (*scope.module.imports.values(), *scope.module.stars):
        for file, _ in files_of(apps.tree, scope.module.path, item):
            if file != scope.module.path:
                yield file


def find_port(module: Module, node: ast.expr | None, default: int = 0) -> Port:
    """Return what an expression for a port comes to."""
    if node is None:
        return Port(default)
    return _port(module, node, 0)


def reads_port(module: Module) -> bool:
    """Return whether a file reads the config var ``PORT`` itself, in whatever way."""
    told = [call.func for call in module.calls if call.args and text_of(call.args[0]) == "PORT"]
    # environs and django-environ: env.int("PORT")
    if any(module.dotted(f) in _PORT_READERS or getattr(f, "attr", "") == "int" for f in told):
        return True
    nodes = (node for top in (*module.statements, *module.guarded) for node in ast.walk(top))
    return any(
        isinstance(node, ast.Subscript)
        and text_of(node.slice) == "PORT"
        and module.dotted(node.value) == "os.environ"
        for node in nodes
    )


def _port(module: Module, node: ast.expr, depth: int) -> Port:
    if isinstance(node, ast.Constant):
        is_number = isinstance(node.value, int) and not isinstance(node.value, bool)
        number = int(node.value) if is_number and isinstance(node.value, int) else 0
        return Port(number)
    if isinstance(node, ast.Tuple) and len(node.elts) > 1:
        return _port(module, node.elts[1], depth)
    if any("PORT" in text_of(inner) for inner in ast.walk(node)):
        return Port(is_from_environment=True)
    if isinstance(node, ast.Attribute) and node.attr == "port" and _is_tornado_option(module, node):
        return Port(option="--port")
    if depth < 3:  # noqa: PLR2004 (names of names of names)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                for value in _values_of(module, inner.id):
                    return _port(module, value, depth + 1)
    return Port()


def _is_tornado_option(module: Module, node: ast.Attribute) -> bool:
    is_options = module.dotted(node.value).startswith("tornado.options")
    defined = any(
        module.dotted(call.func) == "tornado.options.define" and text_of(call.args[0]) == "port"
        for call in module.calls
        if call.args
    )
    return is_options and defined


def _values_of(module: Module, name: str) -> Iterator[ast.expr]:
    for statement in (*module.statements, *module.guarded):
        for node in ast.walk(statement):
            targets: list[ast.expr] = []
            if isinstance(node, ast.Assign):
                targets = node.targets
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
                targets = [node.target]
            value = getattr(node, "value", None) if targets else None
            if isinstance(value, ast.expr):
                yield from (item for target, item in _pairs(targets, value) if _is(target, name))


def _pairs(targets: list[ast.expr], value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield what is assigned to what, each of several at once: ``HOST, PORT = "", 8000``."""
    for target in targets:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            yield from zip(target.elts, value.elts, strict=False)
        else:
            yield target, value


def _is(target: ast.expr, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id == name


def _rule(apps: Apps, scope: Scope, call: ast.Call) -> tuple[_Rule | None, App | None]:
    dotted = scope.module.dotted(call.func)
    ends = _ends(dotted)
    own = scope.module.definitions.get(call.func.id) if isinstance(call.func, ast.Name) else None
    # class Server(ThreadingMixIn, HTTPServer)
    bases = own.bases if isinstance(own, ast.ClassDef) else []
    for made in (ends, *(_ends(scope.module.dotted(base)) for base in bases)):
        if made in _CALLS:
            return _CALLS[made], None
    if not dotted and isinstance(call.func, ast.Name):
        for star in scope.module.stars:
            if (star.module.partition(".")[0], call.func.id) in _CALLS:
                return _CALLS[star.module.partition(".")[0], call.func.id], None
    if not isinstance(call.func, ast.Attribute):
        return None, None
    return _method_rule(apps, scope, call, call.func)


def _method_rule(
    apps: Apps, scope: Scope, call: ast.Call, function: ast.Attribute
) -> tuple[_Rule | None, App | None]:
    tops = {item.module.partition(".")[0] for item in scope.module.imports.values()}
    top, rule = _METHODS.get(function.attr, ("", None))
    if rule and top in tops:
        is_meant = {"bind": _listens, "create_server": _is_of_loop}.get(function.attr)
        return (rule if is_meant is None or is_meant(scope.module, call) else None), None
    if function.attr not in {"run", "run_server", "start"}:
        return None, None
    app = apps.value(scope, function.value, {})
    if function.attr == "start":
        return (_Rule("Robyn", 8080), app) if app and app.framework is ROBYN else (None, None)
    if app is not None and app.framework is MCP:
        return _mcp_rule(scope, call, app), None
    if app is not None:
        return _Rule(app.framework.name, _RUN_PORTS.get(app.framework.name, 0)), app
    # socketio.run(app), as Flask-SocketIO has it
    served = apps.value(scope, call.args[0], {}) if call.args else None
    return (_Rule("Flask-SocketIO", 5000), served) if served else (None, None)


def _mcp_rule(scope: Scope, call: ast.Call, app: App) -> _Rule | None:
    """Return the rule for a server of tools, None where it talks by standard input and output.

    The SDK's class takes the port when it is made.
    """
    transport = keyword(call, "transport") or (call.args[0] if call.args else None)
    if text_of(transport) not in _HTTP_TRANSPORTS:
        return None
    lines = [made for made in scope.module.calls if made.lineno == app.line]
    given = next((port for made in lines if (port := keyword(made, "port"))), None)
    return _Rule(app.framework.name, find_port(scope.module, given, _MCP_PORT).number)


def _is_debug(call: ast.Call) -> bool:
    given = keyword(call, "debug")
    return isinstance(given, ast.Constant) and given.value is True


def _listens(module: Module, bound: ast.Call) -> bool:
    """Return whether a socket that is bound takes connections, on a port rather than at a path."""
    address = bound.args[0] if bound.args else None
    values = _values_of(module, address.id) if isinstance(address, ast.Name) else (address,)
    has_port = any(isinstance(value, ast.Tuple) for value in values)
    methods = {call.func.attr for call in module.calls if isinstance(call.func, ast.Attribute)}
    return has_port and "listen" in methods


def _is_of_loop(module: Module, call: ast.Call) -> bool:
    """Return whether ``create_server`` is a method of an event loop; others have one, too."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    if isinstance(owner, ast.Call):
        return module.dotted(owner.func).endswith(("_event_loop", "_running_loop"))
    return "loop" in str(getattr(owner, "id", getattr(owner, "attr", ""))).lower()


def _is_for_itself(module: Module, call: ast.Call, rule: _Rule) -> bool:
    """Return whether a server is for its own machine: a lock, or the controls of a bot.

    Such a one listens on the loopback interface alone, as examples in documentation do, too.
    """
    stem = posixpath.basename(module.path).removesuffix(".py")
    return (rule.name == "socket" or stem in WORKER_NAMES) and _is_local(module, call, rule)


def _is_local(module: Module, call: ast.Call, rule: _Rule) -> bool:
    """Return whether a call listens on the loopback interface only."""
    host = keyword(call, "host")
    if rule.in_tuple:
        first = call.args[0] if call.args else None
        values = _values_of(module, first.id) if isinstance(first, ast.Name) else (first,)
        host = next((v.elts[0] for v in values if isinstance(v, ast.Tuple) and v.elts), None)
    elif host is None and rule.position - 1 < len(call.args):
        host = call.args[rule.position - 1]
    hosts = _values_of(module, host.id) if isinstance(host, ast.Name) else (host,)
    return any(text_of(one) in _LOOPBACK for one in hosts)


def _cherrypy_ports(module: Module) -> Iterator[ast.expr]:
    """Yield what CherryPy's settings in a file say of its port, and the names of their files."""
    for call in module.calls:
        if module.dotted(call.func) not in {"cherrypy.config.update", "cherrypy.quickstart"}:
            continue
        for given in (*call.args, *(item.value for item in call.keywords)):
            for node in ast.walk(given):
                if isinstance(node, ast.Dict):
                    pairs = zip(node.keys, node.values, strict=True)
                    yield from (v for k, v in pairs if text_of(k) == "server.socket_port")
            # A file of settings may name any: then the port isn't known.
            if text_of(given).endswith((".conf", ".ini", ".cfg")):
                yield given


def _ends(dotted: str) -> tuple[str, str]:
    return dotted.partition(".")[0], dotted.rpartition(".")[2]


def _port_node(module: Module, call: ast.Call, rule: _Rule) -> ast.expr | None:
    given = keyword(call, rule.keyword)
    if rule.name == "CherryPy":
        return next(_cherrypy_ports(module), None)
    if given is None and 0 <= rule.position < len(call.args):
        given = call.args[rule.position]
    return call.args[0] if call.args and rule.in_tuple else given


def _top_level_calls(statements: tuple[ast.stmt, ...]) -> Iterator[ast.Call]:
    for statement in statements:
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from calls_in((statement,))
