"""Shell commands as far as finding the server in them goes; nothing is expanded or run."""

import posixpath
import re
import shlex
from collections.abc import Iterator

from msgspec import Struct

from portside.checks.app import App
from portside.model.facts import Process

_OPERATORS = frozenset("();<>|&\n")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_PYTHON = re.compile(r"python(3(\.[0-9]+)?)?")
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "source", "."})
# What stands before a program and starts it: how many words it has of its own.
_WRAPPERS = {
    ("exec",): 1,
    ("env",): 1,
    ("nohup",): 1,
    ("time",): 1,
    ("poetry", "run"): 2,
    ("pipenv", "run"): 2,
    ("pdm", "run"): 2,
    ("uv", "run"): 2,
    ("newrelic-admin", "run-program"): 2,
    ("ddtrace-run",): 1,
    ("opentelemetry-instrument",): 1,
    ("bin/start-nginx",): 1,
    ("bin/start-pgbouncer",): 1,
}
_DEEPEST = 3


class Call(Struct, frozen=True):
    """A program that a command starts: its name, its arguments and where that is written.

    ``variables`` are the assignments before it. A module started by ``python -m`` is named as a
    program is; a Python file's name is its path.
    """

    name: str
    arguments: tuple[str, ...]
    variables: tuple[str, ...]
    path: str
    line: int

    @property
    def text(self) -> str:
        """Return the call as it is written, more or less."""
        return " ".join((*self.variables, self.name, *self.arguments))

    def option(self, *names: str) -> str | None:
        """Return the value of an option by any of its names, None where it isn't given."""
        waiting = iter(self.arguments)
        for word in waiting:
            for name in names:
                if word == name:
                    return next(waiting, "")
                if name.startswith("--") and word.startswith(f"{name}="):
                    return word.partition("=")[2]
                if not name.startswith("--") and word.startswith(name) and len(name) == 2:  # noqa: PLR2004 (a letter and its dash)
                    return word[2:]
        return None

    def has(self, *names: str) -> bool:
        """Return whether any of these words is among the arguments."""
        return not set(names).isdisjoint(self.arguments)


def calls_of(app: App, process: Process) -> tuple[Call, ...]:
    """Return the programs that a process type starts, those in the app's own scripts included."""
    return tuple(_calls(app, process.command, process.origin.name, process.origin.line, 0))


def _calls(app: App, command: str, path: str, line: int, depth: int) -> Iterator[Call]:
    for words in _commands(command):
        call = _call(words, path, line)
        if call is None:
            continue
        script = _script(app, call)
        if script is None or depth >= _DEEPEST:
            yield call
            continue
        for number, text in _lines(app.text(script)):
            yield from _calls(app, text, script, number, depth + 1)


def _commands(command: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for token in lexer:
            if token and _OPERATORS.issuperset(token):
                yield words
                words = []
            else:
                words.append(token)
    except ValueError:
        # A quote that is never closed: the shell will complain.
        return
    yield words


def _call(words: list[str], path: str, line: int) -> Call | None:
    variables: list[str] = []
    while words:
        if _ASSIGNMENT.match(words[0]):
            variables.append(words[0])
            words = words[1:]
            continue
        own = next((n for start, n in _WRAPPERS.items() if tuple(words[: len(start)]) == start), 0)
        if not own:
            break
        words = words[own:]
    if not words:
        return None
    name, arguments = words[0], words[1:]
    if _PYTHON.fullmatch(posixpath.basename(name)):
        name, arguments = _of_python(arguments)
    elif name.startswith(("/", ".heroku/", "./")) and not name.endswith((".sh", ".py")):
        name = posixpath.basename(name) if "bin/" in name else posixpath.normpath(name)
    return Call(posixpath.normpath(name), tuple(arguments), tuple(variables), path, line)


def _of_python(arguments: list[str]) -> tuple[str, list[str]]:
    """Return what ``python`` is told to run, and the arguments of that."""
    for at, word in enumerate(arguments):
        if word == "-m" and at + 1 < len(arguments):
            return arguments[at + 1], arguments[at + 2 :]
        if word == "-c":
            break
        if not word.startswith("-"):
            return word, arguments[at + 1 :]
    return "python", arguments


def _script(app: App, call: Call) -> str | None:
    """Return the shell script of the app that a call runs, None where it runs none."""
    name = call.name
    if name in _SHELLS:
        name = next((word for word in call.arguments if not word.startswith("-")), "")
    name = posixpath.normpath(name) if name else ""
    if not name or name.endswith(".py") or name.startswith("/") or not app.has_file(name):
        return None
    first = app.text(name).partition("\n")[0]
    is_shell = name.endswith(".sh") or call.name in _SHELLS
    return name if is_shell or re.match(r"#!.*\b(ba|da|z)?sh\b", first) else None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the logical lines of a shell script with their numbers; comments are left out."""
    first, parts = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        first = first if parts else number
        if line.endswith("\\"):
            parts += line[:-1] + " "
            continue
        joined, parts = parts + line, ""
        if joined.strip() and not joined.lstrip().startswith("#"):
            yield first, joined.strip()
