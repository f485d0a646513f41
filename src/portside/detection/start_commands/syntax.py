"""A Python file as far as starting it goes: its imports and what runs when; it's never imported."""

import ast
import warnings
from collections.abc import Iterable, Iterator

from msgspec import Struct

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Imported(Struct, frozen=True):
    """What a name of a module stands for: ``module`` itself, or ``name`` in it.

    ``level`` is the number of leading dots of a relative import.
    """

    module: str
    name: str = ""
    level: int = 0

    @property
    def dotted(self) -> str:
        """Return the whole name, such as ``flask.Flask``."""
        return f"{self.module}.{self.name}" if self.name else self.module


class Module(Struct, frozen=True):
    """A parsed file.

    ``statements`` run on import, those in ``if`` and ``try`` included; ``guarded`` run only when
    the file is started as a program. ``calls`` are all, in no order.
    """

    path: str
    statements: tuple[ast.stmt, ...]
    guarded: tuple[ast.stmt, ...]
    imports: dict[str, Imported]
    stars: tuple[Imported, ...]
    calls: tuple[ast.Call, ...]
    definitions: dict[str, Definition]

    def dotted(self, node: ast.expr) -> str:
        """Return the name that an expression stands for by the imports; "" for anything else."""
        if isinstance(node, ast.Name):
            imported = self.imports.get(node.id)
            return imported.dotted if imported else ""
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return ""


def parse_module(path: str, data: bytes) -> Module | None:
    """Return a file's parsed form, None where it isn't Python that this Python knows."""
    try:
        with warnings.catch_warnings():
            # Invalid escapes are the app's own business.
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    statements: list[ast.stmt] = []
    guarded: list[ast.stmt] = []
    _sort(tree.body, statements, guarded)
    imports: dict[str, Imported] = {}
    stars: list[Imported] = []
    calls: list[ast.Call] = []
    for statement in (*statements, *guarded):
        _collect_imports(statement, imports, stars)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            calls.append(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            # Many factories import within themselves; a name rarely means two things in a file.
            within: dict[str, Imported] = {}
            _collect_imports(node, within, [])
            imports = within | imports
    found = {node.name: node for node in statements if isinstance(node, Definition)}
    return Module(
        path, tuple(statements), tuple(guarded), imports, tuple(stars), tuple(calls), found
    )


def calls_in(nodes: Iterable[ast.stmt]) -> Iterator[ast.Call]:
    """Yield the calls in statements, those in the bodies of functions and classes included."""
    for statement in nodes:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                yield node


def running(module: Module) -> list[ast.stmt]:
    """Return the statements that do something when a file is started as a program."""
    active = [node for node in module.statements if _is_active(node)]
    return [*active, *module.guarded]


def _is_active(node: ast.stmt) -> bool:
    if isinstance(node, ast.While | ast.For):
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await)


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Return the value of a keyword argument, None where it isn't given."""
    return next((item.value for item in call.keywords if item.arg == name), None)


def text_of(node: ast.AST | None) -> str:
    """Return the text of a string constant, "" for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def required_parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many arguments a function can't be called without."""
    arguments = function.args
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional + sum(default is None for default in arguments.kw_defaults)


def _sort(body: list[ast.stmt], statements: list[ast.stmt], guarded: list[ast.stmt]) -> None:
    for node in body:
        if isinstance(node, ast.If) and _is_main_guard(node.test):
            guarded += node.body
            _sort(node.orelse, statements, guarded)
        elif isinstance(node, ast.If):
            _sort([*node.body, *node.orelse], statements, guarded)
        elif isinstance(node, ast.Try):
            handlers = [item for handler in node.handlers for item in handler.body]
            _sort([*handlers, *node.body, *node.orelse], statements, guarded)
        elif isinstance(node, ast.With):
            statements.append(node)
            _sort(node.body, statements, guarded)
        else:
            statements.append(node)


def _is_main_guard(test: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))


def _collect_imports(
    statement: ast.stmt, imports: dict[str, Imported], stars: list[Imported]
) -> None:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            top = alias.name.partition(".")[0]
            imports[alias.asname or top] = Imported(alias.name if alias.asname else top)
    elif isinstance(statement, ast.ImportFrom):
        for alias in statement.names:
            found = Imported(statement.module or "", alias.name, statement.level)
            if alias.name == "*":
                stars.append(found)
            else:
                imports[alias.asname or alias.name] = found
