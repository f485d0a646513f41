"""Django projects: the settings module that manage.py names says which app object to serve."""

import ast
import posixpath

from portside.detection.django import find_manage_pys
from portside.detection.start_commands.apps import Apps
from portside.detection.start_commands.candidate import Candidate, depth_of
from portside.detection.start_commands.frameworks import Framework, Interface
from portside.detection.start_commands.layout import Place, files_of
from portside.detection.start_commands.servers import Target, serve
from portside.detection.start_commands.syntax import text_of
from portside.detection.start_commands.web_apps import django_interface

_SETTINGS = "DJANGO_SETTINGS_MODULE"
_VARIABLES = {Interface.WSGI: "WSGI_APPLICATION", Interface.ASGI: "ASGI_APPLICATION"}
_FOLLOWED = 4


def find_django(apps: Apps, requirements: frozenset[str]) -> tuple[Candidate, ...]:
    """Return how to serve each Django project that has a manage.py."""
    found = tuple(find_manage_pys(apps.tree.source))
    # A project for tests or as an example counts only where there is no other.
    paths = [path for path in found if path in apps.tree.files] or found[:1]
    candidates = (_project(apps, path, requirements) for path in paths)
    return tuple(candidate for candidate in candidates if candidate)


def _project(apps: Apps, manage_py: str, requirements: frozenset[str]) -> Candidate | None:
    settings, line = _settings_module(apps, manage_py)
    if not settings:
        return None
    root = posixpath.dirname(manage_py)
    wanted = django_interface(requirements)
    other = Interface.WSGI if wanted is Interface.ASGI else Interface.ASGI
    for interface in (wanted, other):
        found = _named(apps, root, settings, interface) or _beside(apps, root, settings, interface)
        if found:
            (module, attribute), path, at, what = found
            target = Target(Framework("Django", interface), Place(module, root), attribute)
            served = serve(target, requirements)
            rank = (0, 0, depth_of(manage_py), 0, 0)
            return Candidate(served.command, path, at or line, what, rank, added=served.added)
    return None


def _settings_module(apps: Apps, manage_py: str) -> tuple[str, int]:
    scope = apps.scope(manage_py)
    if scope is None:
        return "", 0
    module = scope.module
    for call in module.calls:
        if len(call.args) > 1 and text_of(call.args[0]) == _SETTINGS:
            return text_of(call.args[1]), call.lineno
    for statement in (*module.statements, *module.guarded):
        for node in ast.walk(statement):
            if not isinstance(node, ast.Assign):
                continue
            target = node.targets[0]
            if isinstance(target, ast.Subscript) and text_of(target.slice) == _SETTINGS:
                return text_of(node.value), node.lineno
    return "", 0


_Found = tuple[tuple[str, str], str, int, str]


def _named(apps: Apps, root: str, settings: str, interface: Interface) -> _Found | None:
    """Return the app object that the settings name, where its module is there."""
    path = _file_of(apps, root, settings)
    variable = _VARIABLES[interface]
    for _ in range(_FOLLOWED):
        scope = apps.scope(path) if path else None
        if scope is None:
            return None
        for statement in scope.module.statements:
            named = _assigned(statement, variable)
            if named:
                module, _, attribute = named.rpartition(".")
                is_there = bool(module) and _file_of(apps, root, module)
                line = statement.lineno
                return ((module, attribute), path, line, variable) if is_there else None
        path = _base_of(apps, path)
    return None


def _assigned(statement: ast.stmt, name: str) -> str:
    """Return the text that a statement assigns to a name, "" for any other statement."""
    if not isinstance(statement, ast.Assign):
        return ""
    names = {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return text_of(statement.value) if name in names else ""


def _base_of(apps: Apps, path: str) -> str:
    """Return the file whose settings these extend: ``from .base import *``."""
    scope = apps.scope(path)
    for star in scope.module.stars if scope else ():
        for file, _ in files_of(apps.tree, path, star):
            if file != path:
                return file
    return ""


def _beside(apps: Apps, root: str, settings: str, interface: Interface) -> _Found | None:
    """Return the app object in the wsgi.py or asgi.py of the project's package."""
    package = settings.partition(".")[0]
    module = f"{package}.{interface.value}"
    path = _file_of(apps, root, module)
    scope = apps.scope(path) if path else None
    if scope is None:
        return None
    for name in ("application", "app", *scope.names):
        if name in scope.names:
            return (module, name), path, scope.lines.get(name, 0), f"Django app: {name}"
    return None


def _file_of(apps: Apps, root: str, module: str) -> str:
    base = posixpath.join(root, module.replace(".", "/"))
    names = (f"{base}.py", f"{base}/__init__.py")
    return next((name for name in names if name in apps.tree.files), "")
