"""Web apps whose app object a server can import: which there are, and the command for each."""

import ast
import re
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from portside.detection.start_commands.apps import App, Apps, Scope
from portside.detection.start_commands.candidate import Candidate, is_entry_name, rank_of
from portside.detection.start_commands.frameworks import (
    AIOHTTP,
    BARE,
    BARE_ASGI,
    BARE_WSGI,
    BOTTLE,
    CELERY,
    DASH,
    MARIMO,
    MCP,
    MENTIONS,
    MICRODOT,
    ROBYN,
    TORNADO,
    Framework,
    Interface,
)
from portside.detection.start_commands.layout import Place, files_of, why_not_imported
from portside.detection.start_commands.servers import Target, has_server, serve
from portside.detection.start_commands.serving import (
    Serving,
    find_servings,
    reached_from,
    served_aside,
)
from portside.detection.start_commands.syntax import (
    Definition,
    Imported,
    required_parameters,
)
from portside.model.facts import Notice

_IMPORT = re.compile(rb"^[ \t]*(?:from|import)[ \t]+([\w., \t]+)", re.MULTILINE)
_NOT_SERVED = (CELERY, MARIMO, TORNADO, DASH, ROBYN, MICRODOT, MCP)
_ENTRY_FILES = 20
_STARTED = ("__main__", "main", "bot", "worker", "run", "start", "index")
_ATTRIBUTES = {"application": 0, "app": 0, "server": 1, "asgi_app": 1, "wsgi_app": 1}
_FACTORIES = {"create_app": 0, "make_app": 0, "get_app": 0, "init_app": 0, "create_application": 0}


class _Binding(Struct, frozen=True):
    """A name of a module that stands for an app object."""

    scope: Scope
    name: str
    app: App
    line: int
    is_factory: bool = False
    is_alias: bool = False
    declared_by: str = ""

    @property
    def path(self) -> str:
        return self.scope.module.path

    @property
    def rank(self) -> tuple[int, ...]:
        if self.declared_by:
            return (-1,)
        known = _FACTORIES if self.is_factory else _ATTRIBUTES
        is_bare = self.app.framework in {BARE_WSGI, BARE_ASGI}
        return (int(is_bare), *rank_of(self.path), known.get(self.name, 2))


def look_around(apps: Apps) -> None:
    """Look at the files that mention a framework, and at those whose name says "start here".

    The one that the app names itself comes before all.
    """
    for path, _ in _declared(apps):
        apps.scope(path)
    for path in apps.tree.files:
        if _mentions_framework(apps.tree.read(path)):
            apps.scope(path)
    names = {
        name.encode()
        for scope in apps.scopes()
        for name in (*scope.names, *scope.factories, *_factories_with_parameters(apps, scope))
    } | {part.encode() for scope in apps.scopes() for part in scope.module.path.split("/")[:-1]}
    entries = [
        path
        for path in apps.tree.files
        if (is_entry_name(path) or "/" not in path)
        and not apps.is_looked_at(path)
        and any(name in apps.tree.read(path) for name in names)
    ]
    for path in entries[:_ENTRY_FILES]:
        apps.scope(path)


def find_web_apps(apps: Apps, requirements: frozenset[str]) -> tuple[Candidate, ...]:
    """Return a candidate for each app object, by the best of its names."""
    servings = {s.module.path: find_servings(apps, s) for s in apps.scopes()}
    preferred = {
        target: path
        for path, found in servings.items()
        for serving in found
        if (target := _target_of(apps, serving))
    }
    best: dict[tuple[str, int], _Binding] = {}
    for binding in _bindings(apps):
        other = best.get(binding.app.identity)
        if other is None or _preference(binding) < _preference(other):
            best[binding.app.identity] = binding
    aside = {identity for scope in _programs(apps) for identity in served_aside(apps, scope)}
    chosen = [b for b in best.values() if b.app.identity not in apps.parts | aside]
    found = [
        _candidate(apps, binding, servings[binding.path], preferred, requirements)
        for binding in _one_interface(chosen, requirements)
    ]
    return tuple(candidate for candidate in found if candidate)


def _programs(apps: Apps) -> list[Scope]:
    """Return the files that are named for being started, and what these import.

    Others that serve the app in a thread are commands for people.
    """
    paths = [path for path in apps.tree.files if _stem(path) in _STARTED]
    named = [scope for path in paths if (scope := apps.scope(path))]
    found = {one.module.path: one for scope in named for one in reached_from(apps, scope)}
    return list(found.values())


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".py")


def note_unserved(apps: Apps) -> tuple[Notice, ...]:
    """Return a warning on the first app object that no server can get at, and why that is so."""
    for binding in _bindings(apps):
        path = binding.path
        if apps.place(binding.scope.module) is None and binding.app.identity not in apps.parts:
            found = f"{path}:{binding.line} ({_what(binding.app.framework, binding)})"
            return (_unserved(found, *why_not_imported(path)),)
    for scope in apps.scopes():
        for name in _factories_with_parameters(apps, scope):
            function = scope.module.definitions[name]
            made = apps.made_by(scope, name)
            if made and made.framework not in _NOT_SERVED and _needs_arguments(function):
                found = f"{scope.module.path}:{function.lineno} ({made.framework.name} app: {name})"
                fix = f"Give each parameter a default, or call {name} in a file such as app.py"
                return (_unserved(found, f"{name} can't be called without arguments", fix),)
    return ()


def _unserved(found: str, why: str, fix: str) -> Notice:
    return Notice(
        "start::not-served",
        f"{found} isn't started: {why}.",
        f"{fix}; or say how it is started in\na file named Procfile, with a line such as:\n"
        "    web: gunicorn app:app --bind 0.0.0.0:$PORT",
    )


def _mentions_framework(data: bytes) -> bool:
    if any(mark in data for mark in BARE) or b"make_wsgi_app" in data:
        return True
    for line in _IMPORT.findall(data):
        names = line.split(b" import ")[0].split(b",")
        for name in names:
            top = name.strip().partition(b".")[0].partition(b" ")[0].decode("ascii", "replace")
            if any(word in data for word in MENTIONS.get(top, ())):
                return True
    return False


def _factories_with_parameters(apps: Apps, scope: Scope) -> Iterator[str]:
    for name in scope.module.definitions:
        if name not in scope.factories and apps.made_by(scope, name):
            yield name


def _needs_arguments(definition: Definition) -> bool:
    return not isinstance(definition, ast.ClassDef) and required_parameters(definition) > 0


def _declared(apps: Apps) -> dict[tuple[str, str], str]:
    """Return the file and the name that the app itself names, and by what it does."""
    found = apps.declared
    if found is None:
        return {}
    name = found.name or "*"
    apps.named_modules.add(found.module)
    files = files_of(apps.tree, "", Imported(found.module, name))
    return {(file, found.name): found.by for file, looked_up in files if looked_up}


def _bindings(apps: Apps) -> Iterator[_Binding]:
    """Yield the names of all app objects, and whether the app names one of them itself."""
    declared = _declared(apps)
    files = {path for path, _ in declared}
    for binding in _all_bindings(apps, files):
        by = declared.get((binding.path, binding.name)) or declared.get((binding.path, ""), "")
        yield replace(binding, declared_by=by) if by else binding


def _all_bindings(apps: Apps, entries: set[str]) -> Iterator[_Binding]:
    for scope in apps.scopes():
        for name, app in scope.names.items():
            if app.framework not in _NOT_SERVED:
                yield _Binding(scope, name, app, scope.lines.get(name, app.line))
        for name, app in scope.factories.items():
            if app.framework not in _NOT_SERVED:
                line = scope.module.definitions[name].lineno
                yield _Binding(scope, name, app, line, is_factory=True)
        if is_entry_name(scope.module.path) or scope.module.path in entries:
            yield from _aliases(apps, scope)


def _aliases(apps: Apps, scope: Scope) -> Iterator[_Binding]:
    """Yield the app objects that a file only imports, to be found under its own name."""
    for name in scope.module.imports:
        app = apps.named(scope, name) if name not in scope.names else None
        if app and app.framework not in _NOT_SERVED:
            yield _Binding(scope, name, app, app.line, is_alias=True)


def _preference(binding: _Binding) -> tuple[object, ...]:
    """Return by which name an app object is best served: the smaller the better."""
    return (
        not binding.declared_by,
        binding.is_factory,
        not is_entry_name(binding.path),
        *binding.rank[1:],
        binding.is_alias,
        binding.path,
        binding.name,
    )


def _target_of(apps: Apps, serving: Serving) -> tuple[str, str] | None:
    """Return the file and name that a text such as "pkg.main:app" in a call leads to."""
    module, colon, name = serving.target.partition(":")
    if not colon:
        return None
    for file, found in files_of(apps.tree, serving.path, Imported(module, name)):
        if found:
            apps.named_modules.add(module)
            return file, found
    return None


def _one_interface(bindings: list[_Binding], requirements: frozenset[str]) -> Iterator[_Binding]:
    """Leave out Django's asgi.py or wsgi.py beside the other, whichever no server is there for."""
    django = [b for b in bindings if b.app.framework.name == "Django"]
    kinds = {b.app.framework.interface for b in django}
    if len(kinds) == 1 or not django:
        yield from bindings
        return
    wanted = django_interface(requirements)
    yield from (b for b in bindings if b not in django or b.app.framework.interface is wanted)


def django_interface(requirements: frozenset[str]) -> Interface:
    """Return the interface to serve Django by: ASGI where only its servers are there."""
    if "channels" in requirements or "channels[daphne]" in requirements:
        return Interface.ASGI
    has_wsgi = bool({"gunicorn", "waitress", "uwsgi"} & requirements)
    return (
        Interface.ASGI
        if not has_wsgi and has_server(Interface.ASGI, requirements)
        else Interface.WSGI
    )


def _candidate(
    apps: Apps,
    binding: _Binding,
    servings: tuple[Serving, ...],
    preferred: dict[tuple[str, str], str],
    requirements: frozenset[str],
) -> Candidate | None:
    app = binding.app
    place = apps.place(binding.scope.module)
    runs_on_import = any(serving.is_on_import for serving in servings)
    if place is None or (runs_on_import and not _passes_over_run(app.framework, place)):
        return None  # the file itself is the program
    if app.framework is AIOHTTP and _prefers_itself(servings, requirements):
        return None
    target = Target(
        app.framework,
        place,
        binding.name,
        is_factory=binding.is_factory,
        is_async=app.is_async and binding.is_factory,
        runs_on_import=runs_on_import,
    )
    served = serve(target, requirements)
    named_by = preferred.get((binding.path, binding.name))
    rank = binding.rank
    if named_by is not None and not binding.declared_by:
        rank = (0, *rank_of(named_by), 0)
    return Candidate(
        served.command,
        binding.path,
        binding.line,
        _what(app.framework, binding),
        rank,
        added=served.added,
        app=app.identity,
    )


def _passes_over_run(framework: Framework, place: Place) -> bool:
    """Return whether a file can be imported without the server that it starts on import."""
    # Bottle's command evaluates "module.name" as an expression.
    return framework.name == "Flask" or (framework is BOTTLE and place.is_identifier)


def _prefers_itself(servings: tuple[Serving, ...], requirements: frozenset[str]) -> bool:
    """Return whether an aiohttp app serves on $PORT by itself and has no server for it."""
    heeds = any(s.port.is_from_environment for s in servings)
    return heeds and "gunicorn" not in requirements


def _what(framework: Framework, binding: _Binding) -> str:
    kind = "callable" if framework in {BARE_WSGI, BARE_ASGI} else "app"
    call = "()" if binding.is_factory else ""
    by = f", which {binding.declared_by} names" if binding.declared_by else ""
    return f"{framework.name} {kind}: {binding.name}{call}{by}"
