"""Follows a module's names to the app objects behind them: made, built by a function, imported."""

import ast
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from portside.detection.start_commands.declared import find_declared
from portside.detection.start_commands.frameworks import (
    BARE_ASGI,
    BARE_WSGI,
    DASH,
    FALCON_ASGI,
    FLASK,
    MAKERS,
    PYRAMID,
    WRAPPERS,
    Framework,
    Interface,
)
from portside.detection.start_commands.layout import Place, files_of, place_of
from portside.detection.start_commands.syntax import (
    Imported,
    Module,
    keyword,
    parse_module,
    required_parameters,
)
from portside.detection.start_commands.tree import AppTree

_PARSED_FILES = 60
_PARSED_BYTES = 200_000
_MOUNTING = frozenset({"mount", "Mount", "add_subapp", "run_with", "mount_gradio_app"})
_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


class App(Struct, frozen=True):
    """An app object, or a function that makes one. ``path`` and ``line`` are where it's made."""

    framework: Framework
    path: str
    line: int
    is_async: bool = False

    @property
    def identity(self) -> tuple[str, int]:
        """Return what tells this app from others, however it is named."""
        return self.path, self.line


Names = dict[str, App]


class Scope(Struct):
    """A module, what its names stand for, and the line that says so.

    ``factories`` are functions that need no argument; ``attributes`` are what its classes keep in
    ``self``.
    """

    module: Module
    names: Names = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    factories: Names = field(default_factory=dict)
    attributes: Names = field(default_factory=dict)


class Apps:
    """All app objects of an app. Each module is looked at once.

    ``declared`` is the app object that the app names itself; ``parts`` are apps that are mounted
    into others; ``named_modules`` are named in texts.
    """

    def __init__(self, tree: AppTree) -> None:
        """Take the files of the app."""
        self.tree = tree
        self.declared = find_declared(tree.source)
        self.parts: set[tuple[str, int]] = set()
        self.named_modules: set[str] = set()
        self._scopes: dict[str, Scope | None] = {}
        self._following: set[tuple[str, str]] = set()
        self._bytes_left = _PARSED_BYTES

    def scopes(self) -> tuple[Scope, ...]:
        """Return the modules that have been looked at."""
        return tuple(scope for scope in self._scopes.values() if scope)

    def is_looked_at(self, path: str) -> bool:
        """Return whether a module has been looked at."""
        return path in self._scopes

    def place(self, module: Module) -> Place | None:
        """Return how a server imports a file, None where no name leads to it."""
        imports = [
            item
            for scope in self.scopes()
            if scope.module.path != module.path
            for item in (*scope.module.imports.values(), *scope.module.stars)
            if item.level == 0
        ]
        known = {name for item in imports for name in (item.module, item.dotted)}
        return place_of(self.tree, module, frozenset(known | self.named_modules))

    def scope(self, path: str) -> Scope | None:
        """Return a module's names, None where it can't be parsed or too much was already."""
        if path not in self._scopes:
            module = self._parse(path)
            self._scopes[path] = scope = Scope(module) if module else None
            if scope:
                self._run(scope)
        return self._scopes[path]

    def imported(self, path: str, imported: Imported) -> App | None:
        """Return the app object that an import in the file ``path`` brings in."""
        for file, name in files_of(self.tree, path, imported):
            scope = self.scope(file) if name else None
            if scope and (found := self.named(scope, name)):
                return found
        return None

    def named(self, scope: Scope, name: str) -> App | None:
        """Return the app object that a module's name stands for."""
        if name in scope.names:
            return scope.names[name]
        mark = (scope.module.path, name)
        if name not in scope.module.imports or mark in self._following:
            return None
        self._following.add(mark)
        try:
            return self.imported(scope.module.path, scope.module.imports[name])
        finally:
            self._following.discard(mark)

    def value(self, scope: Scope, node: ast.expr, local: Names) -> App | None:
        """Return the app object that an expression stands for."""
        match node:
            case ast.Name():
                return local.get(node.id) or self.named(scope, node.id)
            case ast.Await() | ast.NamedExpr():
                return self.value(scope, node.value, local)
            case ast.Attribute(attr="server"):
                found = self.value(scope, node.value, local)
                is_dash = found is not None and found.framework is DASH
                return App(FLASK, found.path, found.line) if found and is_dash else None
            case ast.Attribute(value=ast.Name() as owner):
                return self._attribute(scope, owner.id, node.attr)
            case ast.Call():
                return self._called(scope, node, local)
        return None

    def _attribute(self, scope: Scope, owner: str, name: str) -> App | None:
        if owner == "self":
            return scope.attributes.get(name)
        imported = scope.module.imports.get(owner)
        for file, inner in files_of(self.tree, scope.module.path, imported) if imported else ():
            other = self.scope(file) if not inner else None
            if other and (found := self.named(other, name)):
                return found
        return None

    def _called(self, scope: Scope, call: ast.Call, local: Names) -> App | None:
        path, line = scope.module.path, call.lineno
        if isinstance(call.func, ast.Attribute) and call.func.attr == "make_wsgi_app":
            return App(PYRAMID, path, line)
        dotted = _dotted(scope.module, call.func)
        framework = _maker(dotted)
        server = keyword(call, "server") if framework is DASH else None
        if server is not None and self.value(scope, server, local):
            return None  # it lives in another app, which is the one to serve
        if framework:
            return App(framework, path, line)
        if _ends(dotted) in WRAPPERS:
            return self._wrapped(scope, call, local, WRAPPERS[_ends(dotted)])
        return self._result(scope, call.func)

    def _wrapped(
        self, scope: Scope, call: ast.Call, local: Names, interface: Interface | None
    ) -> App | None:
        inner = next(
            self._among(scope, (*call.args, *(k.value for k in call.keywords)), local), None
        )
        if inner is None:
            framework = Framework("Socket.IO", interface) if interface else None
            return App(framework, scope.module.path, call.lineno) if framework else None
        self.parts.add(inner.identity)
        framework = Framework(inner.framework.name, interface or inner.framework.interface)
        return App(framework, scope.module.path, call.lineno)

    def _among(self, scope: Scope, nodes: Iterable[ast.expr], local: Names) -> Iterator[App]:
        for root in nodes:
            for node in ast.walk(root):
                if isinstance(node, ast.Name | ast.Call) and (
                    found := self.value(scope, node, local)
                ):
                    yield found

    def _result(self, scope: Scope, function: ast.expr) -> App | None:
        """Return what calling a function or class of the app's own gives."""
        if isinstance(function, ast.Name) and function.id in scope.module.definitions:
            return self.made_by(scope, function.id)
        name = function
        imported = None
        if isinstance(name, ast.Name):
            imported = scope.module.imports.get(name.id)
        elif isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name):
            owner = scope.module.imports.get(name.value.id)
            imported = _member(owner, name.attr) if owner else None
        if imported is None:
            return None
        for file, attribute in files_of(self.tree, scope.module.path, imported):
            other = self.scope(file) if attribute else None
            if other is not None and (found := self._exported(other, attribute)):
                return found
        return None

    def _exported(self, scope: Scope, name: str) -> App | None:
        if name in scope.module.definitions:
            return self.made_by(scope, name)
        mark = (scope.module.path, f"import {name}")
        if name not in scope.module.imports or mark in self._following:
            return None
        self._following.add(mark)
        try:
            return self._result(scope, ast.Name(name))
        finally:
            self._following.discard(mark)

    def made_by(self, scope: Scope, name: str) -> App | None:
        """Return the app object that calling the module's own function or class makes."""
        mark = (scope.module.path, f"{name}()")
        if mark in self._following:
            return None
        self._following.add(mark)
        try:
            definition = scope.module.definitions[name]
            if isinstance(definition, ast.ClassDef):
                return self._instance(scope, definition)
            return self._returned(scope, definition)
        finally:
            self._following.discard(mark)

    def _instance(self, scope: Scope, definition: ast.ClassDef) -> App | None:
        path, line = scope.module.path, definition.lineno
        for base in definition.bases:
            framework = _maker(_dotted(scope.module, base))
            if framework:
                return App(framework, path, line)
        bare = [item for item in definition.body if isinstance(item, _FUNCTION)]
        called = next((_bare(item) for item in bare if item.name == "__call__"), None)
        return App(called, path, line) if called else None

    def _returned(
        self, scope: Scope, function: ast.FunctionDef | ast.AsyncFunctionDef
    ) -> App | None:
        local: Names = {}
        for node in _flat(function.body):
            if isinstance(node, ast.Return) and node.value is not None:
                found = self.value(scope, node.value, local)
                if found:
                    is_async = isinstance(function, ast.AsyncFunctionDef)
                    return App(found.framework, found.path, found.line, is_async)
            self._assign(scope, node, local)
        return None

    def _parse(self, path: str) -> Module | None:
        data = self.tree.read(path)
        if len(self._scopes) >= _PARSED_FILES or len(data) > self._bytes_left:
            return None
        self._bytes_left -= len(data)
        return parse_module(path, data)

    def _run(self, scope: Scope) -> None:
        for statement in scope.module.statements:
            before = dict(scope.names)
            self._assign(scope, statement, scope.names)
            for name in scope.names.keys() - before.keys():
                scope.lines[name] = statement.lineno
        for name, definition in scope.module.definitions.items():
            bare = _bare(definition) if isinstance(definition, _FUNCTION) else None
            if bare:
                scope.names[name] = App(bare, scope.module.path, definition.lineno)
                scope.lines[name] = definition.lineno
        for name, definition in scope.module.definitions.items():
            if isinstance(definition, _FUNCTION) and not required_parameters(definition):
                made = self.made_by(scope, name)
                if made:
                    scope.factories[name] = made
        for definition in scope.module.definitions.values():
            if isinstance(definition, ast.ClassDef):
                self._keep_attributes(scope, definition)
        self._find_parts(scope)

    def _keep_attributes(self, scope: Scope, definition: ast.ClassDef) -> None:
        for node in ast.walk(definition):
            targets, value = _assignment(node)
            found = self.value(scope, value, {}) if value is not None else None
            for target in targets:
                if found and isinstance(target, ast.Attribute):
                    scope.attributes[target.attr] = found

    def _assign(self, scope: Scope, node: ast.stmt, names: Names) -> None:
        targets, value = _assignment(node)
        if value is None:
            return
        found = self.value(scope, value, names)
        for target in targets:
            name = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else target
            if not isinstance(name, ast.Name):
                continue
            if found:
                names[name.id] = found
            elif not _rebinds(name.id, value):
                names.pop(name.id, None)

    def _find_parts(self, scope: Scope) -> None:
        """Note the apps that are mounted into another one."""
        module = scope.module
        for call in module.calls:
            function = call.func
            called = function.attr if isinstance(function, ast.Attribute) else ""
            called = function.id if isinstance(function, ast.Name) else called
            if called not in _MOUNTING:
                continue
            given = [*call.args, *(item.value for item in call.keywords)]
            if called in {"run_with", "mount_gradio_app"}:
                continue
            self.parts |= {app.identity for app in self._among(scope, given, {})}


def _maker(dotted: str) -> Framework | None:
    top, name = _ends(dotted)
    if top == "falcon" and ".asgi." in dotted:
        return FALCON_ASGI if name == "App" else None
    return MAKERS.get(top, {}).get(name)


def _ends(dotted: str) -> tuple[str, str]:
    return dotted.partition(".")[0], dotted.rpartition(".")[2]


def _dotted(module: Module, node: ast.expr) -> str:
    """Return the name behind an expression; one that a star import may bring is taken as its."""
    dotted = module.dotted(node)
    if dotted or not isinstance(node, ast.Name) or node.id in module.definitions:
        return dotted
    for star in module.stars:
        if _maker(f"{star.module}.{node.id}"):
            return f"{star.module}.{node.id}"
    return ""


def _member(owner: Imported, name: str) -> Imported:
    inner = f"{owner.module}.{owner.name}".strip(".") if owner.name else owner.module
    return Imported(inner, name, owner.level)


def _bare(function: ast.stmt) -> Framework | None:
    """Return the interface that a function's parameters speak of, None for any other function."""
    if not isinstance(function, _FUNCTION) or function.decorator_list:
        return None
    names = [item.arg for item in function.args.args if item.arg != "self"]
    if isinstance(function, ast.AsyncFunctionDef):
        return BARE_ASGI if names == ["scope", "receive", "send"] else None
    is_wsgi = len(names) == 2 and names[0].startswith("env") and names[1] == "start_response"  # noqa: PLR2004 (PEP 3333)
    return BARE_WSGI if is_wsgi else None


def _assignment(node: ast.AST) -> tuple[list[ast.expr], ast.expr | None]:
    if isinstance(node, ast.Assign):
        return node.targets, node.value
    if isinstance(node, ast.AnnAssign):
        return [node.target], node.value
    return [], None


def _rebinds(name: str, value: ast.expr) -> bool:
    """Return whether a name is given anew what a call makes of it: a middleware, as a rule."""
    given = [*value.args, *(k.value for k in value.keywords)] if isinstance(value, ast.Call) else []
    return any(isinstance(item, ast.Name) and item.id == name for item in given)


def _flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a function, those in blocks included, in order."""
    for node in body:
        yield node
        match node:
            case ast.If() | ast.For() | ast.While():
                yield from _flat([*node.body, *node.orelse])
            case ast.With() | ast.AsyncWith():
                yield from _flat(node.body)
            case ast.Try():
                yield from _flat([*node.body, *(s for h in node.handlers for s in h.body)])
