"""No manifest at all: right for an app that imports only itself and the standard library."""

import sys
from collections.abc import Iterator, Mapping

from portside.model.errors.app import UndeclaredImportsError
from portside.model.facts import DependencySource, PackageManager
from portside.model.source import Source

_ENTRIES = ("main.py", "app.py", "server.py", "bot.py", "run.py", "wsgi.py", "asgi.py")


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:  # noqa: ARG001 (the protocol)
    """Return that nothing is needed; None where there is no entry file to tell by.

    Raises ``UndeclaredImportsError`` where a file imports what nothing installs.
    """
    names = [e.name for e in source.entries() if e.name.endswith(".py") and not e.is_dir]
    entries = [name for name in _ENTRIES if name in names] or (names if len(names) == 1 else [])
    if not entries:
        return None
    missing = tuple(
        item for name in _reached(source, entries) for item in _undeclared(source, name)
    )
    if missing:
        raise UndeclaredImportsError(imports=missing)
    return DependencySource(
        manager=PackageManager.NONE,
        manifest=entries[0],
        lock=None,
        files=(),
        reason=f"{entries[0]} imports only the standard library",
    )


def _reached(source: Source, entries: list[str]) -> list[str]:
    """Return the files of the app that are imported, directly or by others, and the entries."""
    reached = list(entries)
    for name in reached:
        # The list grows while it is walked.
        for _, module in _imports(source, name):
            path = module.replace(".", "/")
            found = (f"{path}.py", f"{path}/__init__.py", f"{path.partition('/')[0]}/__init__.py")
            reached += [file for file in found if source.is_file(file) and file not in reached]
    return reached


def _undeclared(source: Source, name: str) -> Iterator[tuple[str, int, str]]:
    """Yield file, line and module of each import of what is neither here nor Python's own."""
    for line, module in _imports(source, name):
        top = module.partition(".")[0]
        if top not in sys.stdlib_module_names and not _is_local(source, top):
            yield name, line, top


def _imports(source: Source, name: str) -> Iterator[tuple[int, str]]:
    """Yield line and module of each import that must succeed."""
    import ast  # noqa: PLC0415 (start-up time: only apps without a manifest need it)

    try:
        pending: list[ast.AST] = [ast.parse(source.read(name))]
    except (SyntaxError, ValueError):
        return
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module
        elif not _is_optional(node):
            pending += ast.iter_child_nodes(node)


def _is_optional(node: object) -> bool:
    """Return whether imports below may fail, or are for type checkers only."""
    import ast  # noqa: PLC0415 (start-up time)

    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.dump(node.test)
    return isinstance(node, ast.Try) and any(
        (
            handler.type is None
            or "ImportError" in (text := ast.dump(handler.type))
            or "ModuleNotFoundError" in text
        )
        # One that raises again only explains, as Django's manage.py does.
        and not any(isinstance(inner, ast.Raise) for inner in ast.walk(handler))
        for handler in node.handlers
    )


def _is_local(source: Source, module: str) -> bool:
    return source.is_file(f"{module}.py") or source.is_dir(module)
