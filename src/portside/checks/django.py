"""Rules about Django's settings, as production reads them: by syntax, never by importing them."""

import ast
import posixpath
import re
from collections.abc import Iterator

from msgspec import Struct

from portside.checks.app import App
from portside.checks.assignments import Assigned, Assignments, read_assignments, texts_below
from portside.checks.commands import calls_of
from portside.checks.rule import Place, Rule
from portside.checks.syntax import calls, is_on_by_default, keyword, literal, text_of
from portside.model.findings import Severity

_VARIABLE = "DJANGO_SETTINGS_MODULE"
_LOCAL_HOST = re.compile(r"localhost|127\.[0-9.]+|\[?::1\]?|0\.0\.0\.0|testserver|\.?localhost")
_COMPLETE = ("INSTALLED_APPS", "ROOT_URLCONF")
# What in the settings or URLs shows that something else serves the static files.
_STATIC_SERVERS = re.compile(
    r"whitenoise|dj_static|storages\.|[sS]3|boto|cloud|azure|gcloud|django\.views\.static"
    r"|staticfiles_urlpatterns|cdn|static\(\s*settings\.STATIC_URL"
)


class Settings(Struct, frozen=True):
    """The settings module that production uses, and what it assigns."""

    path: str
    found: Assignments

    def get(self, name: str) -> Assigned | None:
        """Return a setting's value, None where it isn't there or isn't certain."""
        return self.found.names.get(name)

    def lacks(self, name: str) -> bool:
        """Return whether a setting is certainly not there."""
        return not self.found.is_open and name not in self.found.names


def read_settings(app: App) -> Settings | None:
    """Return the settings that the web process uses, None where there are none to be found."""
    manage_py = app.facts.manage_py if app.facts else None
    if manage_py is None:
        return None
    root = posixpath.dirname(manage_py)
    for name in _modules(app, manage_py, root):
        path = app.find_module(name, root)
        if path is not None:
            return Settings(path, read_assignments(app, path, root))
    return None


def _modules(app: App, manage_py: str, root: str) -> Iterator[str]:
    """Yield names of settings modules: the command's own, its WSGI module's, then manage.py's."""
    command = app.web.command if app.web else ""
    yield from re.findall(rf"{_VARIABLE}=['\"]?([\w.]+)", command)
    for call in calls_of(app, app.web) if app.web else ():
        for word in call.arguments:
            module = word.partition(":")[0]
            path = app.find_module(module, root) if re.fullmatch(r"[A-Za-z_][\w.]*", module) else ""
            if path:
                yield from _named_in(app.module(path))
    yield from _named_in(app.module(manage_py))


def _named_in(module: ast.Module | None) -> Iterator[str]:
    for node in ast.walk(module or ast.Module([], [])):
        match node:
            case ast.Call(args=[first, second]) if text_of(first) == _VARIABLE:
                yield text_of(second)
            case ast.Assign(targets=[ast.Subscript(slice=key)], value=value) if (
                text_of(key) == _VARIABLE
            ):
                yield text_of(value)


def _debug(app: App) -> Iterator[Place]:
    settings = read_settings(app)
    debug = settings.get("DEBUG") if settings else None
    if debug and literal(debug.value) is True:
        yield Place(debug.path, debug.line, "DEBUG is True.")


def _debug_by_default(app: App) -> Iterator[Place]:
    settings = read_settings(app)
    debug = settings.get("DEBUG") if settings else None
    if debug and is_on_by_default(debug.value):
        yield Place(debug.path, debug.line, "DEBUG is on unless a config var turns it off.")


def _allowed_hosts(app: App) -> Iterator[Place]:
    settings = read_settings(app)
    if settings is None:
        return
    hosts = settings.get("ALLOWED_HOSTS")
    is_whole = any(name in settings.found.names for name in _COMPLETE)
    if hosts is None:
        if is_whole and settings.lacks("ALLOWED_HOSTS"):
            yield Place(settings.path, 1, "ALLOWED_HOSTS isn't set, so no host is allowed.")
        return
    names = literal(hosts.value)
    if isinstance(names, list | tuple | set) and all(_is_local(name) for name in names):
        what = "names only this machine" if names else "is empty"
        yield Place(hosts.path, hosts.line, f"ALLOWED_HOSTS {what}.")


def _is_local(name: object) -> bool:
    return _LOCAL_HOST.fullmatch(str(name)) is not None


def _sqlite(app: App) -> Iterator[Place]:
    settings = read_settings(app)
    databases = settings.get("DATABASES") if settings else None
    if databases is None or not isinstance(databases.value, ast.Dict):
        return
    for node in ast.walk(databases.value):
        if isinstance(node, ast.Constant) and str(node.value).endswith(
            ("backends.sqlite3", "backends.spatialite")
        ):
            yield Place(databases.path, node.lineno, "The database is SQLite, a file on the disk.")


def _static_files(app: App) -> Iterator[Place]:
    settings = read_settings(app)
    root = settings.get("STATIC_ROOT") if settings else None
    if settings is None or root is None:
        return
    apps = settings.get("INSTALLED_APPS")
    is_collected = apps is None or "django.contrib.staticfiles" in texts_below(apps.value)
    if is_collected and not _is_served(app, settings):
        yield Place(
            root.path, root.line, "Static files are collected, but nothing seems to serve them."
        )


def _is_served(app: App, settings: Settings) -> bool:
    url = settings.get("STATIC_URL")
    if url and ("//" in text_of(url.value) or not text_of(url.value)):
        return True
    others = [path for path in app.python_files if path.endswith(("urls.py", "wsgi.py", "asgi.py"))]
    texts = [app.text(path) for path in (*settings.found.files, *others)]
    command = app.web.command if app.web else ""
    return any(_STATIC_SERVERS.search(text) for text in texts) or any(
        word in command for word in ("nginx", "static-map", "--static", "caddy")
    )


def find_static_databases(app: App) -> Iterator[Place]:
    """Yield where code opens a SQLite file outside of Django."""
    for path in app.python_files:
        text = app.text(path)
        if "sqlite" not in text or path.endswith(("settings.py", "/env.py")):
            continue
        module = app.module(path)
        for name, line in _opened(module) if module else ():
            if name and not app.has_file(name):
                yield Place(path, line, f"The database is SQLite, the file '{name}'.")


def _opened(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the files of databases that calls open and Flask-SQLAlchemy is configured with."""
    for call in calls(module):
        yield _database(call), call.lineno
    for node in ast.walk(module):
        match node:
            case ast.Assign(
                targets=[
                    ast.Name(id="SQLALCHEMY_DATABASE_URI")
                    | ast.Subscript(slice=ast.Constant(value="SQLALCHEMY_DATABASE_URI"))
                ],
                value=value,
            ):
                yield _file_of(text_of(value)), node.lineno
            case _:
                pass


def _database(call: ast.Call) -> str:
    """Return the file of a database that a call opens by a fixed name, "" where it opens none."""
    match call.func:
        case ast.Attribute(value=ast.Name(id="sqlite3" | "aiosqlite"), attr="connect"):
            name = text_of(call.args[0]) if call.args else text_of(keyword(call, "database"))
            return "" if name.startswith((":memory:", "file:")) else name
        case (
            ast.Name(id="create_engine" | "create_async_engine")
            | ast.Attribute(attr="create_engine" | "create_async_engine")
        ):
            return _file_of(text_of(call.args[0])) if call.args else ""
        case _:
            return ""


def _file_of(url: str) -> str:
    """Return the file that a URL of SQLAlchemy's names, "" for any other database."""
    match = re.fullmatch(r"sqlite(?:\+\w+)?:///(?!:memory:)([^?]+)(?:\?.*)?", url)
    return match[1] if match else ""


def _databases(app: App) -> Iterator[Place]:
    yield from _sqlite(app)
    yield from find_static_databases(app)


RULES = (
    Rule(
        "django-debug",
        Severity.ERROR,
        "Django's DEBUG is True.",
        "Error pages show settings, source and variables to every visitor, and each query is kept "
        "in memory.",
        'Let a config var switch it on:\n    DEBUG = os.environ.get("DEBUG") == "1"',
        _debug,
    ),
    Rule(
        "django-debug-by-default",
        Severity.WARNING,
        "Django's DEBUG is on unless a config var turns it off.",
        "One config var that is forgotten, and error pages show settings and source to everyone.",
        'Make off the default:\n    DEBUG = os.environ.get("DEBUG") == "1"',
        _debug_by_default,
    ),
    Rule(
        "django-allowed-hosts",
        Severity.ERROR,
        "Django's ALLOWED_HOSTS has no host that others could use.",
        "Where DEBUG is off, Django answers requests for hosts that aren't in it with status 400.",
        "Name the app's hosts, for instance in a config var:\n"
        '    ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")',
        _allowed_hosts,
    ),
    Rule(
        "sqlite-database",
        Severity.WARNING,
        "The app keeps its data in a SQLite file.",
        "On most platforms the disk is thrown away at each restart, and each machine has its own: "
        "what was saved is gone.",
        "Use a database server and take its address from a config var (DATABASE_URL), or put the "
        "file on a disk that lasts.",
        _databases,
    ),
    Rule(
        "no-static-files-server",
        Severity.WARNING,
        "Django's static files are collected, but nothing serves them.",
        "Where DEBUG is off, Django serves no static files: pages come without styles and scripts.",
        "Install whitenoise and add 'whitenoise.middleware.WhiteNoiseMiddleware' to MIDDLEWARE, "
        "after SecurityMiddleware.",
        _static_files,
    ),
)
