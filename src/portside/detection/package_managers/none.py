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
    missing = tuple(item for name in names for item in _undeclared(source, name))
    if missing:
        raise UndeclaredImportsError(imports=missing)
    return DependencySource(
        manager=PackageManager.NONE,
        manifest=entries[0],
        lock=None,
        files=(),
        reason=f"{entries[0]} imports only the standard library",
    )


def _undeclared(source: Source, name: str) -> Iterator[tuple[str, int, str]]:
    """Yield file, line and module of each import of what is neither here nor Python's own."""
    import ast  # noqa: PLC0415 (start-up time: only apps without a manifest need it)

    try:
        tree = ast.parse(source.read(name))
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        for module in _modules(node):
            top = module.partition(".")[0]
            if top not in sys.stdlib_module_names and not _is_local(source, top):
                yield name, getattr(node, "lineno", 0), top


def _modules(node: object) -> tuple[str, ...]:
    import ast  # noqa: PLC0415 (start-up time)

    if isinstance(node, ast.Import):
        return tuple(alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        return (node.module,)
    return ()


def _is_local(source: Source, module: str) -> bool:
    return source.is_file(f"{module}.py") or source.is_dir(module)
