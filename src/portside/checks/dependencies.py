"""Rules about what is installed: pinned requirements, a pinned Python, and the server itself."""

import json
import re
from collections.abc import Iterator

from msgspec import Struct

from portside.checks.app import App
from portside.checks.commands import Call, calls_of
from portside.checks.rule import Place, Rule
from portside.checks.servers import server_of
from portside.detection.project import read_project
from portside.detection.python_version import CACHED, DEFAULT
from portside.detection.requirements import (
    Line,
    LineKind,
    Requirements,
    local_path,
    read_requirements,
)
from portside.model.errors import BuildError
from portside.model.errors.python_version import PythonVersionEolError
from portside.model.facts import PackageManager
from portside.model.findings import Severity
from portside.model.names import canonical, names_of

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_EXTRAS = re.compile(r"\s*\[([^\]]*)\]")
_PINNED = re.compile(r"===?\s*[^\s,;*]+\s*(?:[;\\]|--|$)")
_COMMIT = re.compile(r"@[0-9a-f]{7,40}(?:[#\s;]|$)|@v?[0-9]+(?:\.[0-9]+)+(?:[#\s;]|$)")
_LOCKED = re.compile(r'^\s*name = "([^"]+)"', re.MULTILINE)
_SHOWN = 20
# What brings a server along with it, by the server.
_BRINGING = {
    "uvicorn": {
        "chainlit",
        "fastapi-cli",
        "fastapi[all]",
        "fastapi[standard]",
        "gradio",
        "litestar[standard]",
        "nicegui",
        "uvicorn-worker",
    },
    "gunicorn": {"apache-airflow", "apache-superset", "mlflow", "uvicorn-worker"},
    "daphne": {"channels[daphne]"},
    "fastapi-cli": {"fastapi[all]", "fastapi[standard]"},
    "flask": {"apiflask", "connexion[flask]", "dash", "flask-admin", "flask-restful"},
    "waitress": {"pyramid"},
}
_WORKER_CLASSES = {
    "uvicorn.workers": "uvicorn",
    "uvicorn_worker": "uvicorn-worker",
    "gevent": "gevent",
    "eventlet": "eventlet",
    "gthread": "",
}


class Declared(Struct, frozen=True):
    """Which distributions get installed; ``is_complete`` says that no other can be among them."""

    names: frozenset[str]
    is_complete: bool


def _requirements(app: App) -> Requirements | None:
    if app.facts is None or app.facts.dependencies.manager is not PackageManager.PIP:
        return None
    try:
        return read_requirements(app.source, app.facts.dependencies.manifest, variables={})
    except BuildError:
        return None


def read_declared(app: App) -> Declared:
    """Return which distributions get installed, from the lock where there is one."""
    dependencies = app.facts.dependencies if app.facts else None
    requirements = _requirements(app)
    if requirements is not None:
        return _of_requirements(requirements)
    if dependencies is None:
        return Declared(frozenset(), is_complete=False)
    if dependencies.lock:
        return _of_lock(app.source.read(dependencies.lock), dependencies.lock)
    match dependencies.manager:
        case PackageManager.NONE:
            return Declared(frozenset(), is_complete=True)
        case PackageManager.PYPROJECT:
            project = read_project(app.source)
            known = project.dependencies if project else None
            names = frozenset(name for item in known or () for name in names_of(item))
            return Declared(names, is_complete=known is not None)
        case _:
            return Declared(frozenset(), is_complete=False)


def _of_requirements(requirements: Requirements) -> Declared:
    lines = [line for line in requirements.lines if line.kind is LineKind.REQUIREMENT]
    names = frozenset(name for line in lines for name in names_of(line.text))
    is_opaque = any(
        line.kind is LineKind.EDITABLE or "://" in line.text or local_path(line.text) is not None
        for line in requirements.lines
        if line.kind is not LineKind.OPTION
    )
    return Declared(names, is_complete=not is_opaque and not requirements.unsupported)


def _of_lock(data: bytes, name: str) -> Declared:
    text = data.decode("utf-8", "replace")
    if name.endswith(".lock") and text.lstrip().startswith("{"):
        try:
            document: object = json.loads(text)
        except ValueError:
            return Declared(frozenset(), is_complete=False)
        packages = document.get("default") if isinstance(document, dict) else None
        names = packages if isinstance(packages, dict) else {}
        return Declared(frozenset(canonical(str(item)) for item in names), is_complete=True)
    return Declared(frozenset(map(canonical, _LOCKED.findall(text))), is_complete=True)


def _missing_server(app: App) -> Iterator[Place]:
    if app.web is None or app.web.origin.name != "Procfile":
        # For a start command that it finds, portside installs what that needs.
        return
    declared = read_declared(app)
    if not declared.is_complete:
        return
    for call in calls_of(app, app.web):
        for what, distribution in _needed(call):
            is_brought = not _BRINGING.get(distribution, set()).isdisjoint(declared.names)
            if distribution not in declared.names and not is_brought:
                yield Place(
                    call.path,
                    call.line,
                    f"{what} is used, but {app.manifest} doesn't name {distribution}.",
                    f"Add {distribution} to {app.manifest}.",
                )


def _needed(call: Call) -> Iterator[tuple[str, str]]:
    server = server_of(call)
    if server is None or not server.distribution:
        return
    yield server.name, server.distribution
    if server.distribution == "gunicorn":
        worker = call.option("-k", "--worker-class") or ""
        for start, distribution in _WORKER_CLASSES.items():
            if worker.startswith(start) and distribution:
                yield f"Gunicorn's worker class {worker}", distribution


def _unpinned_requirements(app: App) -> Iterator[Place]:
    requirements = _requirements(app)
    if requirements is not None:
        unpinned = tuple(_unpinned(requirements))
        for line in unpinned[:_SHOWN]:
            yield Place(line.file, line.number, f"'{_shown(line.text)}' isn't pinned.")
        if len(unpinned) > _SHOWN:
            more = len(unpinned) - _SHOWN
            yield Place(unpinned[_SHOWN].file, unpinned[_SHOWN].number, f"{more} more aren't.")
        return
    dependencies = app.facts.dependencies if app.facts else None
    if dependencies and not dependencies.lock and dependencies.manager in _LOCKABLE:
        yield Place(
            dependencies.manifest,
            1,
            f"{dependencies.manifest} has no lock beside it, so nothing pins what is installed.",
            _LOCKABLE[dependencies.manager],
        )


_LOCKABLE = {
    PackageManager.PIPENV: "Run `pipenv lock` and commit the Pipfile.lock.",
    PackageManager.PYPROJECT: "Run `uv lock` and commit the uv.lock.",
    PackageManager.SETUP: "Commit a requirements.txt that `pip freeze` wrote.",
}


def _unpinned(requirements: Requirements) -> Iterator[Line]:
    pinned = {
        name
        for line in requirements.lines
        if line.kind is LineKind.CONSTRAINT and _PINNED.search(line.text)
        for name in names_of(line.text)
    }
    for line in requirements.lines:
        if line.kind is LineKind.REQUIREMENT:
            is_pinned = _is_pinned(line.text, pinned)
        else:
            is_of_vcs = line.kind is LineKind.EDITABLE and "+" in line.text
            is_pinned = not is_of_vcs or _COMMIT.search(line.text) is not None
        if not is_pinned:
            yield line


def _is_pinned(text: str, pinned: set[str]) -> bool:
    if "://" in text:
        return "+" not in text.partition("://")[0] or _COMMIT.search(text) is not None
    if local_path(text) is not None or _PINNED.search(text):
        return True
    return next(iter(names_of(text)), "") in pinned


def _shown(text: str) -> str:
    return re.sub(r"(?<=://)[^\s/@]+@", "****@", text)


def _unpinned_python(app: App) -> Iterator[Place]:
    if app.facts and app.facts.python.origin.name in {DEFAULT, CACHED}:
        yield Place(app.manifest, 1, "No file says which Python the app needs.")


def _ended_python(app: App) -> Iterator[Place]:
    refusal = app.evidence.refusal
    if isinstance(refusal, PythonVersionEolError):
        yield Place(_place_of(refusal), 1, refusal.summary, refusal.hint)
    if app.facts is None:
        return
    python = app.facts.python
    ended = app.evidence.policy.end_of(python.series)
    if ended is not None and ended < app.evidence.today:
        is_file = app.has_file(python.origin.name)
        yield Place(
            python.origin.name if is_file else app.manifest,
            python.origin.line or 1,
            f"Python {python.series} reached its end of life on {ended}.",
        )


def _place_of(refusal: BuildError) -> str:
    """Return the file that an error is about, as far as it says."""
    text = f"{refusal.summary}\n{refusal.detail}"
    names = re.findall(
        r"[\w./-]*\.(?:txt|toml|lock|json|python-version)|\.[a-z-]+|Pipfile|Procfile", text
    )
    return names[0] if names else "."


def _cannot_build(app: App) -> Iterator[Place]:
    refusal = app.evidence.refusal
    if refusal is not None and not isinstance(refusal, PythonVersionEolError):
        yield Place(_place_of(refusal), 1, refusal.summary, refusal.hint)


RULES = (
    Rule(
        "cannot-build",
        Severity.ERROR,
        "A build of the app would fail before anything is installed.",
        "A file that says what to build is missing, malformed or contradicts another.",
        "Correct it; `portside plan` shows the error in full.",
        _cannot_build,
    ),
    Rule(
        "missing-server",
        Severity.ERROR,
        "The web process starts a server that isn't among the dependencies.",
        "Only what the dependencies name gets installed: the web process would end at once with "
        "'command not found'.",
        "Add the server to the dependencies.",
        _missing_server,
    ),
    Rule(
        "unpinned-requirements",
        Severity.WARNING,
        "A requirement allows several versions.",
        "The next build may install a version that the app was never tested with, and a rollback "
        "doesn't bring the old one back.",
        "Name the exact version (name==1.2.3), or use a tool that locks, such as uv or pip-tools.",
        _unpinned_requirements,
    ),
    Rule(
        "unpinned-python",
        Severity.WARNING,
        "No file says which Python the app needs.",
        "The default changes from time to time, and then the app is built with a Python that it "
        "was never tested with.",
        "Name it, such as:\n    echo 3.12 > .python-version",
        _unpinned_python,
    ),
    Rule(
        "end-of-life-python",
        Severity.WARNING,
        "The Python that the app asks for is past its end of life.",
        "It gets no security fixes any more, and packages drop their support for it.",
        "Test the app with a newer series and name that instead.",
        _ended_python,
    ),
)
