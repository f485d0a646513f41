"""Programs without a framework: declared scripts, ``__main__.py``, main.py, bots."""

import ast
import posixpath
from collections.abc import Iterator

from portside.detection.start_commands.apps import Apps, Scope
from portside.detection.start_commands.candidate import WEB, WORKER, Candidate, rank_of
from portside.detection.start_commands.layout import Place, files_of
from portside.detection.start_commands.programs import note_debugger, note_port, start_file
from portside.detection.start_commands.servers import in_place
from portside.detection.start_commands.serving import (
    WORKER_NAMES,
    find_servings,
    imports_of,
    reached_from,
    reads_port,
)
from portside.detection.start_commands.syntax import Imported, Module, calls_in, running
from portside.model.facts import Notice

_PYPROJECT = "pyproject.toml"
_DEPTH = 2
# Names that say that a file is to be started, the surest first.
_NAMES = ("__main__", "main", "bot", "app", "run", "server", "worker", "start", "index")
# Scripts by these names are meant to be what runs; others may be commands for people.
_SCRIPTS = ("web", "start", "serve", "server", "run", "main", "app", "bot", "worker")


def find_scripts(apps: Apps, *, has_web: bool) -> tuple[Candidate, ...]:
    """Return the programs that may be what the app is: declared ones, or else files.

    Beside a web app only files count that are named for what they do there.
    """
    declared = () if has_web else tuple(_declared(apps))
    return declared or tuple(_files(apps, has_web=has_web))


def _declared(apps: Apps) -> Iterator[Candidate]:
    """Yield ``[project.scripts]`` that do something; the ones with a telling name, if any."""
    scripts = _read_scripts(apps)
    telling = {name: scripts[name] for name in _SCRIPTS if name in scripts}
    for name, (target, line, project) in (telling or scripts).items():
        found = _script(apps, name, target, line)
        if found:
            is_project = name.replace("_", "-") == project.replace("_", "-")
            rank = _SCRIPTS.index(name) if name in _SCRIPTS else len(_SCRIPTS)
            yield Candidate(
                found.command,
                _PYPROJECT,
                line,
                f"[project.scripts] {name}",
                (0, 0 if is_project else rank + 1),
                found.type,
                notices=found.notices,
                port=found.port,
            )


def _read_scripts(apps: Apps) -> dict[str, tuple[str, int, str]]:
    """Return the declared scripts: target, line, and the project's name."""
    source = apps.tree.source
    if not source.is_file(_PYPROJECT):
        return {}
    import tomllib  # noqa: PLC0415 (start-up time: most apps have none)

    try:
        text = source.read(_PYPROJECT).decode("utf-8-sig")
        data: dict[str, object] = tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}
    project = _table(data, "project")
    poetry = _table(_table(data, "tool"), "poetry")
    scripts = {**_table(poetry, "scripts"), **_table(project, "scripts")}
    lines = text.splitlines()
    name = str(project.get("name") or poetry.get("name") or "")
    return {
        script: (target, _line_of(lines, script, target), name)
        for script, target in scripts.items()
        if isinstance(target, str)
    }


def _table(data: dict[str, object], key: str) -> dict[str, object]:
    found = data.get(key)
    return {str(k): v for k, v in found.items()} if isinstance(found, dict) else {}


def _line_of(lines: list[str], name: str, target: str) -> int:
    return next((n for n, line in enumerate(lines, 1) if name in line and target in line), 0)


def _script(apps: Apps, name: str, target: str, line: int) -> Candidate | None:
    """Return how to call what a script names, without its being installed."""
    module, _, function = target.partition("[")[0].strip().partition(":")
    function = function.partition(".")[0]
    for file, found in files_of(apps.tree, "", Imported(module, function)):
        scope = apps.scope(file) if found else None
        if scope is None or _only_prints(scope.module, function):
            continue
        place = apps.place(scope.module) or Place(module)
        code = f"import sys; from {place.module} import {function}; sys.exit({function}())"
        command = in_place(place, f'python -c "{code}"')
        kind, port, notices = _served(apps, scope)
        return Candidate(command, _PYPROJECT, line, name, (0,), kind, notices=notices, port=port)
    return None


def _files(apps: Apps, *, has_web: bool) -> Iterator[Candidate]:
    """Yield the files that are programs: by their names, or the only one there is."""
    names = WORKER_NAMES if has_web else _NAMES
    paths = [path for path in apps.tree.files if path.count("/") <= _DEPTH]
    entries = [path for path in paths if _stem(path) in names]
    at_root = [path for path in paths if "/" not in path]
    if not entries and len(at_root) == 1 and not has_web:
        entries = at_root
    scopes = [scope for path in entries if (scope := apps.scope(path)) and _runs(scope.module)]
    imported = {file for scope in scopes for file in imports_of(apps, scope)}
    # A worker may import the web app, which isn't served by that.
    found = [
        _file(apps, scope, (WORKER, 0, ()) if has_web else _served(apps, scope))
        for scope in scopes
        if scope.module.path not in imported
    ]
    serves = any(candidate.type == WEB for candidate in found)
    for candidate in found:
        # Beside one that serves, another is only what its name says.
        if candidate.type == WEB or not serves or _stem(candidate.path) in WORKER_NAMES:
            yield candidate


def _file(apps: Apps, scope: Scope, served: tuple[str, int, tuple[Notice, ...]]) -> Candidate:
    module = scope.module
    kind, port, notices = served
    line = (module.guarded or running(module))[0].lineno
    command, rank = start_file(apps, module), rank_of(module.path)
    return Candidate(command, module.path, line, "program", rank, kind, notices=notices, port=port)


def _served(apps: Apps, scope: Scope) -> tuple[str, int, tuple[Notice, ...]]:
    """Return the process type of a program, its hard-coded port and what to say of that.

    It is a web process where the file, or one that it imports, serves or reads ``PORT``.
    """
    reached = reached_from(apps, scope)
    serving = next((one for other in reached for one in find_servings(apps, other)), None)
    notices = note_debugger(serving) if serving else ()
    if any(reads_port(other.module) for other in reached):
        return WEB, 0, notices
    if serving is None:
        return WORKER, 0, ()
    return WEB, serving.port.number, (*note_port(serving), *notices)


def _stem(path: str) -> str:
    return posixpath.basename(path).removesuffix(".py")


def _runs(module: Module) -> bool:
    """Return whether a file does something when it is started, other than printing."""
    started = running(module)
    return bool(started) and not _only_prints_in(module, started)


def _only_prints(module: Module, function: str) -> bool:
    definition = module.definitions.get(function)
    return definition is not None and _only_prints_in(module, [definition])


def _only_prints_in(module: Module, statements: list[ast.stmt]) -> bool:
    """Return whether all that statements call is print(), or functions that call no more."""
    seen: set[str] = set()
    waiting = list(statements)
    while waiting:
        node = waiting.pop()
        if any(isinstance(inner, ast.While | ast.For | ast.Await) for inner in ast.walk(node)):
            return False
        for call in calls_in([node]):
            name = call.func.id if isinstance(call.func, ast.Name) else ""
            own = module.definitions.get(name)
            if own is not None and name not in seen:
                seen.add(name)
                waiting.append(own)
            elif own is None and name != "print" and not _is_harmless(module, call):
                return False
    return True


def _is_harmless(module: Module, call: ast.Call) -> bool:
    """Return whether a call does nothing that a program would be started for."""
    if isinstance(call.func, ast.Attribute):
        owner = call.func.value
        is_text = isinstance(owner, ast.Constant | ast.JoinedStr)
        return is_text or module.dotted(call.func) in {"sys.exit", "textwrap.dedent", "os.getcwd"}
    return isinstance(call.func, ast.Name) and call.func.id in {
        "exit",
        "quit",
        "str",
        "len",
        "SystemExit",
    }
