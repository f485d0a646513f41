"""Rules about the key that Django and Flask sign with: it must not stand in the source."""

import ast
import re
from collections.abc import Iterator

from portside.checks.app import App
from portside.checks.django import read_settings
from portside.checks.rule import Place, Rule
from portside.checks.syntax import called_name, text_of, variable_default
from portside.model.findings import Severity

_NAME = "SECRET_KEY"
_FOR_DEVELOPMENT = ("dev", "test", "local", "debug")
_IMPORT = re.compile(r"^\s*(?:import|from) (?:flask|apiflask|quart|dash)\b", re.MULTILINE)
_UPDATING = frozenset({"update", "from_mapping"})


def _in_source(app: App) -> Iterator[Place]:
    for path, line, value in _keys(app):
        if text_of(value):
            yield Place(path, line, "The secret key is written in the source.")


def _fallback(app: App) -> Iterator[Place]:
    for path, line, value in _keys(app):
        if text_of(variable_default(value)):
            yield Place(path, line, "Without its config var, the secret key is one in the source.")


def _keys(app: App) -> Iterator[tuple[str, int, ast.expr]]:
    """Yield where the secret key is set, and to what."""
    settings = read_settings(app)
    key = settings.get(_NAME) if settings else None
    if key:
        yield key.path, key.line, key.value
    if settings is not None or not _uses_flask(app):
        return
    for path in app.python_files:
        if _NAME in app.text(path).upper():
            module = app.module(path)
            for value in _of_flask(module) if module else ():
                yield path, value.lineno, value


def _uses_flask(app: App) -> bool:
    """Return whether a file of the app imports Flask: other frameworks' keys mean other things."""
    return any(_IMPORT.search(app.text(path)) for path in app.python_files)


def _of_flask(module: ast.Module) -> Iterator[ast.expr]:
    development = {
        id(inner)
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef) and _is_for_development(node.name)
        for inner in ast.walk(node)
    }
    for node in ast.walk(module):
        if id(node) in development:
            continue
        match node:
            case ast.Assign(targets=targets, value=value) if any(map(_is_key, targets)):
                yield value
            case ast.Call(keywords=keywords) if called_name(node) in _UPDATING:
                yield from (item.value for item in keywords if item.arg == _NAME)


def _is_key(target: ast.expr) -> bool:
    match target:
        case ast.Attribute(attr="secret_key") | ast.Name(id="SECRET_KEY"):
            return True
        case ast.Subscript(value=ast.Attribute(attr="config"), slice=key):
            return text_of(key) == _NAME
        case _:
            return False


def _is_for_development(name: str) -> bool:
    return any(word in name.lower() for word in _FOR_DEVELOPMENT)


_REASON = (
    "Whoever knows the key can forge sessions, password-reset links and signed cookies. In the "
    "source it is known to everyone who ever saw the repository."
)
_FIX = (
    'Take it from a config var, SECRET_KEY = os.environ["SECRET_KEY"], and use a new one:\n'
    "    python -c 'import secrets; print(secrets.token_urlsafe(50))'"
)
RULES = (
    Rule(
        "secret-key-in-source",
        Severity.ERROR,
        "The key that Django or Flask signs with is written in the source.",
        _REASON,
        _FIX,
        _in_source,
    ),
    Rule(
        "secret-key-fallback",
        Severity.WARNING,
        "The source has a secret key for when the config var isn't set.",
        f"One config var that is forgotten, and the app runs with a known key. {_REASON}",
        'Leave the default out, so that the app doesn\'t start without: os.environ["SECRET_KEY"].',
        _fallback,
    ),
)
