"""Web apps that are started as programs: Streamlit, Gradio, Panel, Marimo, and own servers."""

import ast
import posixpath
import shlex
from collections.abc import Iterator

from portside.detection.start_commands.apps import Apps, Scope
from portside.detection.start_commands.candidate import Candidate, rank_of
from portside.detection.start_commands.frameworks import BOTTLE, DASH, MARIMO
from portside.detection.start_commands.layout import Place, files_of
from portside.detection.start_commands.servers import Target, in_place, serve
from portside.detection.start_commands.serving import Serving, find_servings
from portside.detection.start_commands.syntax import Imported, Module, calls_in, running
from portside.model.facts import Notice

_STREAMLIT = "streamlit run {} --server.port $PORT --server.address 0.0.0.0 --server.headless true"
_PANEL = "panel serve {} --address 0.0.0.0 --port $PORT --allow-websocket-origin '*'"
_MARIMO = "marimo run {} --host 0.0.0.0 --port $PORT --headless"
_GRADIO = "GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=$PORT {}"
_DASH = "HOST=0.0.0.0 {}"
_ROBYN = "ROBYN_HOST=0.0.0.0 ROBYN_PORT=$PORT {}"
# Calls that only configure or cache make no page.
_NOT_SHOWN = frozenset({"cache", "cache_data", "cache_resource", "experimental_memo"})


def find_programs(
    apps: Apps, served: tuple[Candidate, ...], requirements: frozenset[str]
) -> tuple[Candidate, ...]:
    """Return a candidate for each file that is a web app as a program.

    ``served`` are those whose app objects a server imports: what serves them needs no start.
    """
    paths = {one.path for one in served}
    identities = {one.app for one in served}
    found: list[Candidate] = []
    imported = set(_imported_files(apps))
    for scope in apps.scopes():
        module = scope.module
        if module.path in paths:
            continue
        servings = tuple(
            serving
            for serving in find_servings(apps, scope)
            if not (serving.app and serving.app.identity in identities)
            and not paths.intersection(_files_named(apps, serving))
        )
        candidate = _program(apps, scope, servings, requirements)
        is_entry = rank_of(module.path)[0] == 0 or bool(module.guarded)
        if candidate and (module.path not in imported or is_entry):
            found.append(candidate)
    return tuple(found)


def run_python(module: Module, place: Place | None, *, has_package: bool = False) -> str:
    """Return the command that starts a file as a program.

    A file in a package is started by its module name, so that its own imports are found.
    """
    directory, name = posixpath.split(module.path)
    if place and "." in place.module and has_package:
        started = place.module.removesuffix(".__main__")
        return in_place(
            Place(started, place.root), f"python -m {started}", finds_working_directory=False
        )
    root = place.root if place else directory
    inside = posixpath.relpath(module.path, root) if root else module.path
    here = Place(name, root)
    if here.is_working_directory:
        return in_place(here, f"python {shlex.quote(inside)}")
    return f"python {shlex.quote(module.path)}"


def start_file(apps: Apps, module: Module) -> str:
    """Return the command that starts a file of the app as a program."""
    place = apps.place(module)
    directory = posixpath.dirname(module.path)
    is_package = f"{directory}/__init__.py" in apps.tree.files
    has_relative = any(item.level for item in (*module.imports.values(), *module.stars))
    is_elsewhere = place is not None and place.root != directory
    return run_python(module, place, has_package=is_package or has_relative or is_elsewhere)


def note_port(serving: Serving) -> tuple[Notice, ...]:
    """Return a warning where a program serves on a port of its own choice."""
    if not serving.port.number:
        return ()
    number = serving.port.number
    return (
        Notice(
            "start::hard-coded-port",
            f"{serving.path}:{serving.line} serves on port {number}, whatever $PORT is.",
            "Platforms choose the port, and only `portside run` passes it on to this one. Read it\n"
            "from the environment, such as with\n"
            f'    {serving.keyword}=int(os.environ.get("PORT", "{number}"))',
        ),
    )


def note_debugger(serving: Serving) -> tuple[Notice, ...]:
    """Return a warning where a program serves with a debugger for everyone."""
    if not serving.has_debugger:
        return ()
    fix = "Leave debug=True out, or let a config var switch it on."
    if serving.name == "Dash":
        fix = (
            "To have a server for production serve the app instead, add this below the line that\n"
            "makes it, where it is named app:\n    server = app.server"
        )
    return (
        Notice(
            "start::debug-server",
            f"{serving.path}:{serving.line} serves with debug=True: a development server, and\n"
            "whoever causes an error in it may run code.",
            fix,
        ),
    )


def _files_named(apps: Apps, serving: Serving) -> Iterator[str]:
    """Yield the files that a text such as "pkg.main:app" may mean."""
    module, colon, name = serving.target.partition(":")
    for file, _ in files_of(apps.tree, serving.path, Imported(module, name)) if colon else ():
        yield file


def _program(
    apps: Apps, scope: Scope, servings: tuple[Serving, ...], requirements: frozenset[str]
) -> Candidate | None:
    module = scope.module
    by_framework = _by_framework(apps, scope)
    if by_framework:
        return by_framework
    if not servings or not running(module):
        return None
    serving = servings[0]
    place = apps.place(module)
    if serving.name == "Bottle" and serving.app is None and place:
        made = serve(Target(BOTTLE, place, "", runs_on_import=True), requirements)
        rank = (0, *rank_of(module.path), 0)
        what = "Bottle's default app"
        return Candidate(made.command, module.path, serving.line, what, rank, added=made.added)
    command = start_file(apps, module)
    if serving.port.option:
        command += f" {serving.port.option}=$PORT"
    if serving.name == "Gradio":
        command = _with_variables(_GRADIO, command)
    if serving.app and serving.app.framework is DASH:
        command = _with_variables(_DASH, command)
    port = serving.port.number
    if serving.name == "Robyn":
        command, port = _with_variables(_ROBYN, command), 0  # its variables win over the code
    return Candidate(
        command,
        module.path,
        serving.line,
        f"{serving.name} serves",
        # What serves isn't known to be HTTP there: an app of a framework comes first.
        (int(serving.is_raw), *rank_of(module.path), 0),
        notices=(*(note_port(serving) if port else ()), *note_debugger(serving)),
        port=port,
    )


def _with_variables(form: str, command: str) -> str:
    """Return a command with variables set for it, which go behind a change of directory."""
    directory, separator, rest = command.partition(" && exec ")
    if separator:
        return f"{directory} && {form.format(f'exec {rest}')}"
    return form.format(command)


def _by_framework(apps: Apps, scope: Scope) -> Candidate | None:
    module = scope.module
    for name, app in scope.names.items():
        if app.framework is MARIMO and app.path == module.path:
            return _of_file(apps, module, _MARIMO, f"Marimo notebook: {name}", app.line)
    shown = _streamlit_line(module)
    if shown:
        return _of_file(apps, module, _STREAMLIT, "Streamlit page", shown)
    for call in calls_in(module.statements):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "servable":
            return _of_file(apps, module, _PANEL, "Panel app", call.lineno)
    return None


def _of_file(apps: Apps, module: Module, form: str, what: str, line: int) -> Candidate:
    place = apps.place(module)
    root = place.root if place else posixpath.dirname(module.path)
    here = Place(module.path, root)
    path = module.path
    if here.is_working_directory:
        path = posixpath.relpath(path, root)
    command = in_place(here, form.format(shlex.quote(path)))
    return Candidate(command, module.path, line, what, (0, *rank_of(module.path), 0))


def _streamlit_line(module: Module) -> int:
    """Return the line of the first call that shows something, 0 where the file shows nothing."""
    names = {name for name, item in module.imports.items() if item.dotted == "streamlit"}
    if not names or "pages" in module.path.split("/")[:-1]:
        return 0
    statements = [*module.guarded, *_running(module)]
    lines = [
        call.lineno
        for call in calls_in(statements)
        if isinstance(call.func, ast.Attribute) and _is_shown(call.func, names)
    ]
    if lines:
        return min(lines)
    # def main(): st.title(…), called at the end
    called = {call.func.id for call in calls_in(statements) if isinstance(call.func, ast.Name)}
    bodies = [module.definitions[name] for name in called if name in module.definitions]
    inner = [
        call.lineno
        for call in calls_in(bodies)
        if isinstance(call.func, ast.Attribute) and _is_shown(call.func, names)
    ]
    return min(inner, default=0)


def _running(module: Module) -> Iterator[ast.stmt]:
    for node in module.statements:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def _is_shown(function: ast.Attribute, names: set[str]) -> bool:
    owner = function.value
    while isinstance(owner, ast.Attribute):
        owner = owner.value
    return isinstance(owner, ast.Name) and owner.id in names and function.attr not in _NOT_SHOWN


def _imported_files(apps: Apps) -> Iterator[str]:
    for scope in apps.scopes():
        for item in (*scope.module.imports.values(), *scope.module.stars):
            for file, _ in files_of(apps.tree, scope.module.path, item):
                if file != scope.module.path:
                    yield file
