"""Finds where a file serves HTTP by itself, and whether on $PORT: app.run() and the like."""

import ast
from collections.abc import Iterator

from msgspec import Struct

from portside.detection.start_commands.apps import App, Apps, Scope
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
    text that names it. ``is_on_import`` says that the call isn't guarded.
    """

    name: str
    path: str
    line: int
    port: Port
    app: App | None = None
    target: str = ""
    is_on_import: bool = False


class _Rule(Struct, frozen=True):
    """How a call is told its port: by a keyword, a position, or the first argument, a tuple.

    ``takes_text`` says that it may be told the app as text, such as ``pkg.main:app``.
    """

    name: str
    default: int = 0
    keyword: str = "port"
    position: int = -1
    in_tuple: bool = False
    takes_text: bool = False


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
    ("cherrypy", "quickstart"): _Rule("CherryPy"),
    ("panel", "serve"): _Rule("Panel"),
}
# The defaults of run(), by the framework of the object that it is a method of.
_RUN_PORTS = {"Flask": 5000, "APIFlask": 5000, "Quart": 5000, "Sanic": 8000, "Bottle": 8080}


def find_servings(apps: Apps, scope: Scope) -> tuple[Serving, ...]:
    """Return the calls in a file that serve HTTP."""
    module = scope.module
    on_import = {id(call) for call in _top_level_calls(module.statements)}
    found = []
    for call in module.calls:
        rule, app = _rule(apps, scope, call)
        if rule:
            port = find_port(module, _port_node(call, rule), rule.default)
            first = call.args[0] if call.args else keyword(call, "app")
            app = app or (apps.value(scope, first, {}) if first else None)
            target = text_of(first) if rule.takes_text else ""
            is_on_import = id(call) in on_import
            found.append(
                Serving(rule.name, module.path, call.lineno, port, app, target, is_on_import)
            )
    return tuple(sorted(found, key=lambda serving: serving.line))


def find_port(module: Module, node: ast.expr | None, default: int = 0) -> Port:
    """Return what an expression for a port comes to."""
    if node is None:
        return Port(default)
    return _port(module, node, 0)


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
            if isinstance(value, ast.expr) and _names(targets, name):
                yield value


def _names(targets: list[ast.expr], name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _rule(apps: Apps, scope: Scope, call: ast.Call) -> tuple[_Rule | None, App | None]:
    dotted = scope.module.dotted(call.func)
    ends = dotted.partition(".")[0], dotted.rpartition(".")[2]
    if ends in _CALLS:
        return _CALLS[ends], None
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
    if function.attr == "listen" and "tornado" in tops:
        return _Rule("Tornado", position=0), None
    if function.attr == "launch" and "gradio" in tops:
        return _Rule("Gradio", keyword="server_port"), None
    if function.attr not in {"run", "run_server"}:
        return None, None
    app = apps.value(scope, function.value, {})
    if app is not None:
        return _Rule(app.framework.name, _RUN_PORTS.get(app.framework.name, 0)), app
    # socketio.run(app), as Flask-SocketIO has it
    served = apps.value(scope, call.args[0], {}) if call.args else None
    return (_Rule("Flask-SocketIO", 5000), served) if served else (None, None)


def _port_node(call: ast.Call, rule: _Rule) -> ast.expr | None:
    given = keyword(call, rule.keyword)
    if given is None and 0 <= rule.position < len(call.args):
        given = call.args[rule.position]
    return call.args[0] if call.args and rule.in_tuple else given


def _top_level_calls(statements: tuple[ast.stmt, ...]) -> Iterator[ast.Call]:
    for statement in statements:
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from calls_in((statement,))
