"""Finds Django's manage.py, at most three levels down, and which of several the app means."""

import posixpath
import re
import shlex
from collections.abc import Iterator

from portside.model.errors import BuildError
from portside.model.facts import Notice, Process
from portside.model.source import Source, walk

_LEVELS = 3
_WEB = "web"
# Larger than any shell script: a program.
_SCRIPT_BYTES = 65536
_SERVED = re.compile(r"(?<![\w./-])((?:\w+\.)*[aw]sgi)(?![\w.])")
DISABLING_FILE = ".heroku/collectstatic_disabled"


def find_manage_pys(source: Source) -> Iterator[str]:
    """Yield the paths of all ``manage.py``, the nearest to the app's root first."""
    for entry in walk(source, depth=_LEVELS):
        if entry.name == "manage.py" and not entry.is_dir:
            yield entry.path


def narrow_manage_pys(source: Source, processes: tuple[Process, ...]) -> tuple[str, ...]:
    """Return the ``manage.py`` of the project that the app starts; several where that isn't clear.

    The web process, or the shell script that it is, says it by naming the project's directory or
    a module of the project; without that the nearest counts.
    """
    found = tuple(find_manage_pys(source))
    if len(found) <= 1:
        return found
    commands = [process.command for process in processes if process.type == _WEB]
    commands = commands or [process.command for process in processes]
    lines = [line for command in commands for line in _lines(source, command)]
    named = tuple(path for path in found if any(_is_named(path, line) for line in lines))
    named = named or tuple(path for path in found if _serves(source, path, lines))
    if len(named) == 1:
        return named
    nearest = tuple(path for path in found if path.count("/") == found[0].count("/"))
    # Other frameworks have had files by that name.
    is_one = len(nearest) <= 1
    return nearest if is_one else tuple(path for path in nearest if _is_django(source, path))


def note_several(manage_pys: tuple[str, ...]) -> Notice:
    """Return a warning that static files aren't collected, since there are several projects."""
    directory = posixpath.dirname(manage_pys[0])
    return Notice(
        "django::several-projects",
        f"{' and '.join(manage_pys[:3])} may each be this app's: no static files are collected.",
        "Name the project's directory in the web line of a file named Procfile, such as:\n"
        f"    web: gunicorn --chdir {shlex.quote(directory)} PROJECT.wsgi --bind 0.0.0.0:$PORT\n"
        "Where none are needed: collectstatic = false in portside.toml.",
    )


def _lines(source: Source, command: str) -> Iterator[str]:
    """Yield a command, and the lines of the app's shell scripts that it runs."""
    yield command
    for word in re.split(r"[\s;&|\"']+", command):
        script = posixpath.normpath(word.removeprefix("/app/").removeprefix("$HOME/"))
        is_small = 0 < source.size(script) <= _SCRIPT_BYTES
        if script.startswith(("/", "..")) or not is_small or not source.is_file(script):
            continue
        text = source.read(script).decode("utf-8", "replace")
        if script.endswith(".sh") or re.match(r"#!.*\b(ba|da)?sh\b", text):
            yield from (line for line in text.splitlines() if not line.lstrip().startswith("#"))


def _serves(source: Source, manage_py: str, lines: list[str]) -> bool:
    """Return whether a server is told to import a module that is in the project's directory."""
    directory = posixpath.dirname(manage_py)
    modules = {name for line in lines for name in _SERVED.findall(line)}
    paths = [f"{name.replace('.', '/')}.py" for name in modules]
    return bool(directory) and any(
        source.is_file(path)
        if path.startswith(f"{directory}/")
        else source.is_file(f"{directory}/{path}")
        for path in paths
    )


def _is_named(manage_py: str, command: str) -> bool:
    directory = posixpath.dirname(manage_py)
    place = rf"[\"']?(?:/app/|\$HOME/|\./)?{re.escape(directory)}(?![\w.-])"
    pattern = rf"(?:--(?:chdir|app-dir|pythonpath)[ =]|\bcd |\bPYTHONPATH=){place}/?(?![\w/.-])"
    return bool(directory) and (
        re.search(pattern, command) is not None
        or re.search(rf"(?<![\w./-])(?:\./)?{re.escape(manage_py)}(?![\w.-])", command) is not None
    )


def _is_django(source: Source, manage_py: str) -> bool:
    try:
        return b"django" in source.read(manage_py).lower()
    except BuildError:
        return False
