"""What a module of settings says once it has run, as far as that is certain without running it."""

import ast
import posixpath
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from portside.checks.app import App
from portside.checks.syntax import dotted, text_of

_CHANGING = frozenset({"append", "extend", "insert", "update", "setdefault", "remove", "pop"})
_DEEPEST = 6


class Assigned(Struct, frozen=True):
    """The value that a name has in the end, and where it gets it."""

    value: ast.expr
    path: str
    line: int


class Assignments(Struct):
    """The names of a module. A name of None may have any value: it depends on what runs.

    ``is_open`` says that names can come from elsewhere, so that one that isn't here may exist.
    ``files`` are the module's own file and those whose names it takes over.
    """

    names: dict[str, Assigned | None] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    is_open: bool = False

    def forget(self, names: Sequence[str] | None = None) -> None:
        """Take these names' values for unknown, or all there are."""
        self.names.update(dict.fromkeys(self.names if names is None else names))


def read_assignments(app: App, path: str, root: str) -> Assignments:
    """Return what the module in a file assigns, with what it takes from others by ``import *``.

    ``root`` is the directory that imports start from.
    """
    found = Assignments()
    _Reader(app, root).read(path, found, 0)
    return found


class _Reader(Struct):
    app: App
    root: str

    def read(self, path: str, found: Assignments, depth: int) -> None:
        module = self.app.module(path)
        if module is None or depth > _DEEPEST or path in found.files:
            found.is_open = True
            return
        found.files.append(path)
        for statement in module.body:
            self._statement(statement, path, found, depth)

    def _statement(self, node: ast.stmt, path: str, found: Assignments, depth: int) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    _assign(target, value, path, found)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                _assign(target, value, path, found)
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                self._star(node, path, found, depth)
            case ast.With(body=body):
                for inner in body:
                    self._statement(inner, path, found, depth)
            case ast.If() | ast.Try() | ast.For() | ast.While() | ast.Match():
                self._conditional(node, path, found, depth)
            case _:
                _forget_changed(node, found)

    def _star(self, node: ast.ImportFrom, path: str, found: Assignments, depth: int) -> None:
        target = self._file_of(node, path)
        if target is None:
            found.is_open = True
            found.forget()
            return
        self.read(target, found, depth + 1)

    def _file_of(self, node: ast.ImportFrom, path: str) -> str | None:
        if not node.level:
            return self.app.find_module(node.module or "", self.root)
        directory = posixpath.dirname(path)
        for _ in range(node.level - 1):
            directory = posixpath.dirname(directory)
        return self.app.find_module(
            ".".join(filter(None, (directory.replace("/", "."), node.module))), ""
        )

    def _conditional(self, node: ast.stmt, path: str, found: Assignments, depth: int) -> None:
        for inner in ast.walk(node):
            if isinstance(inner, ast.ImportFrom) and inner.names[0].name == "*":
                self._conditional_star(inner, path, found, depth)
            elif isinstance(inner, ast.stmt) and inner is not node:
                _forget_changed(inner, found)

    def _conditional_star(
        self, node: ast.ImportFrom, path: str, found: Assignments, depth: int
    ) -> None:
        target = self._file_of(node, path)
        if target is None:
            # Usually local_settings, which is on the developer's machine only.
            return
        other = Assignments(files=list(found.files))
        self.read(target, other, depth + 1)
        found.forget(tuple(other.names))


def _assign(target: ast.expr, value: ast.expr, path: str, found: Assignments) -> None:
    if isinstance(target, ast.Name):
        found.names[target.id] = Assigned(value, path, value.lineno)
        return
    _forget_target(target, found)


def _forget_changed(node: ast.stmt, found: Assignments) -> None:
    match node:
        case ast.Assign(targets=targets):
            for target in targets:
                _forget_target(target, found)
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            _forget_target(target, found)
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            found.forget([alias.asname or alias.name.partition(".")[0] for alias in names])
        case ast.Expr(value=ast.Call() as call):
            _forget_called(call, found)


def _forget_called(call: ast.Call, found: Assignments) -> None:
    arguments = [*call.args, *(item.value for item in call.keywords)]
    if any(_is_namespace(argument) for argument in (*arguments, call.func)):
        # django_heroku.settings(locals()) and its kin write what they like.
        found.is_open = True
        found.forget()
    elif isinstance(call.func, ast.Attribute) and call.func.attr in _CHANGING:
        _forget_target(call.func.value, found)


def _is_namespace(node: ast.expr) -> bool:
    return any(
        isinstance(inner, ast.Call) and dotted(inner.func) in {"locals", "globals", "vars"}
        for inner in ast.walk(node)
    )


def _forget_target(target: ast.expr, found: Assignments) -> None:
    if _is_namespace(target):
        found.is_open = True
        found.forget()
        return
    found.forget(tuple(_roots(target)))


def _roots(target: ast.expr) -> Iterator[str]:
    match target:
        case ast.Name(id=name):
            yield name
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                yield from _roots(part)
        case ast.Subscript(value=owner) | ast.Attribute(value=owner) | ast.Starred(value=owner):
            yield from _roots(owner)


def texts_below(node: ast.expr) -> tuple[str, ...]:
    """Return all strings in an expression."""
    return tuple(text_of(inner) for inner in ast.walk(node) if isinstance(inner, ast.Constant))
