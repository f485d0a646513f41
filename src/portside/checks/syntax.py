"""What expressions of Python come to without running them: literals and defaults of variables."""

import ast
from collections.abc import Iterator

_READERS = frozenset({"get", "getenv", "env", "config", "str", "bool", "int", "environ"})


def literal(node: ast.expr | None) -> object:
    """Return the value of a literal, None for anything else (and for None itself)."""
    if node is None:
        return None
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return value


def text_of(node: ast.expr | None) -> str:
    """Return the text of a string literal, "" for anything else."""
    value = literal(node)
    return value if isinstance(value, str) else ""


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Return the value of a keyword argument, None where it isn't given."""
    return next((item.value for item in call.keywords if item.arg == name), None)


def calls(node: ast.AST) -> Iterator[ast.Call]:
    """Yield all calls below a node."""
    return (found for found in ast.walk(node) if isinstance(found, ast.Call))


def called_name(call: ast.Call) -> str:
    """Return the last part of what is called: ``run`` of ``app.run()``."""
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def dotted(node: ast.expr) -> str:
    """Return a name with its attributes as it is written, "" for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=name):
            return f"{dotted(owner)}.{name}" if dotted(owner) else ""
        case _:
            return ""


def variable_default(node: ast.expr) -> ast.expr | None:
    """Return what is used where a config var isn't set; None where the expression reads none.

    Known are ``os.environ.get``, ``os.getenv`` and the calls of django-environ and decouple, and
    ``os.environ.get("NAME") or "default"``.
    """
    match node:
        case ast.BoolOp(op=ast.Or(), values=[ast.Call() as call, other]) if _reads(call):
            return other
        case ast.Call() as call if _reads(call):
            return keyword(call, "default") or (call.args[1] if len(call.args) > 1 else None)
        case _:
            return None


def is_on_by_default(node: ast.expr) -> bool:
    """Return whether a switch is on unless a config var turns it off."""
    match node:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[other]):
            value = _default_text(left)
            return bool(value) and value == text_of(other)
        case ast.Compare(left=left, ops=[ast.In()], comparators=[others]):
            value, accepted = _default_text(left), literal(others)
            return bool(value) and isinstance(accepted, tuple | list | set) and value in accepted
        case _:
            return literal(variable_default(node)) is True


def _default_text(node: ast.expr) -> str:
    """Return the text that a config var has by default, through ``.lower()`` and ``str()``."""
    match node:
        case ast.Call(func=ast.Attribute(value=inner, attr="lower"), args=[]):
            return _default_text(inner).lower()
        case ast.Call(func=ast.Name(id="str"), args=[inner]):
            return str(literal(variable_default(inner)) or "")
        case _:
            return text_of(variable_default(node))


def _reads(call: ast.Call) -> bool:
    name = dotted(call.func)
    is_reader = name.rpartition(".")[2] in _READERS and (
        "environ" in name or name.split(".")[0] in {"os", "env", "config", "getenv"}
    )
    return is_reader and bool(call.args) and bool(text_of(call.args[0]))
