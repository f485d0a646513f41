"""The app as rules look at it: its files, their text and their syntax; nothing is imported.

What can't be read counts as empty: a build says so with an error of its own.
"""

import ast
import posixpath
import warnings
from collections.abc import Iterator
from datetime import date
from functools import cached_property

from msgspec import Struct

from portside.model.errors import BuildError
from portside.model.facts import Facts, Process
from portside.model.policy import PythonPolicy
from portside.model.source import Entry, Source

ENVIRONMENT_MARK = "pyvenv.cfg"
_DEPTH = 12
_MOST_FILES = 50_000
_LARGEST_TEXT = 1_000_000
_NOT_ENTERED = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".mypy_cache",
        ".nox",
        ".portside",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
        "__pycache__",
        "node_modules",
        "site-packages",
    }
)
_OF_TESTS = frozenset({"test", "tests", "testing", "fixtures", "conftest.py", "examples", "docs"})


class Evidence(Struct, frozen=True):
    """What is known of an app beside its files.

    ``facts`` are None where reading them failed with ``refusal``. ``tracked`` are the paths that
    are under version control, None where nothing says so.
    """

    facts: Facts | None
    policy: PythonPolicy
    today: date
    refusal: BuildError | None = None
    tracked: frozenset[str] | None = None


class App:
    """An app under inspection. Each file is read and parsed once, when a rule asks for it."""

    def __init__(self, source: Source, evidence: Evidence) -> None:
        """Take the app's files and what detection made of them."""
        self.source = source
        self.evidence = evidence
        self._texts: dict[str, str] = {}
        self._modules: dict[str, ast.Module | None] = {}

    @property
    def facts(self) -> Facts | None:
        """Return what detection found, None where it failed."""
        return self.evidence.facts

    @property
    def web(self) -> Process | None:
        """Return the web process, None where there is none."""
        processes = self.facts.processes if self.facts else ()
        return next((process for process in processes if process.type == "web"), None)

    @property
    def manifest(self) -> str:
        """Return the file that names the dependencies: what stands for the app as a whole."""
        return self.facts.dependencies.manifest if self.facts else "."

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Return the paths of the files that get deployed: the tracked ones, or all there are."""
        tracked = self.evidence.tracked
        if tracked is None:
            return tuple(path for path in self._walked if not self._is_in_environment(path))
        return tuple(
            path
            for path in sorted(tracked)
            if self.has_file(path) and not self._is_in_environment(path)
        )

    @cached_property
    def environments(self) -> tuple[str, ...]:
        """Return the directories that are virtual environments."""
        paths = self.evidence.tracked
        candidates = self._walked if paths is None else sorted(paths)
        marks = [path for path in candidates if posixpath.basename(path) == ENVIRONMENT_MARK]
        return tuple(posixpath.dirname(mark) for mark in marks if posixpath.dirname(mark))

    @cached_property
    def python_files(self) -> tuple[str, ...]:
        """Return the paths of the Python files that aren't tests."""
        return tuple(path for path in self.files if path.endswith(".py") and not is_of_tests(path))

    def has_file(self, path: str) -> bool:
        """Return whether there is such a file; what is neither file nor directory isn't."""
        try:
            return self.source.is_file(path)
        except BuildError:
            return False

    def text(self, path: str) -> str:
        """Return a file's text, "" for one that is missing, large, or not text."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def module(self, path: str) -> ast.Module | None:
        """Return the syntax of a Python file, None where it has none."""
        if path not in self._modules:
            self._modules[path] = _parse(self.text(path)) if self.has_file(path) else None
        return self._modules[path]

    def find_module(self, dotted: str, root: str = "") -> str | None:
        """Return the file of a module of the app, looked for in ``root`` first."""
        below = dotted.replace(".", "/")
        for start in dict.fromkeys((root, "", "src")):
            for ending in (".py", "/__init__.py"):
                path = posixpath.join(start, below + ending)
                if self.has_file(path):
                    return path
        return None

    def _read(self, path: str) -> str:
        if not self.has_file(path) or self.source.size(path) > _LARGEST_TEXT:
            return ""
        try:
            data = self.source.read(path)
        except BuildError:
            return ""
        return "" if b"\0" in data else data.decode("utf-8-sig", "replace")

    @cached_property
    def _walked(self) -> tuple[str, ...]:
        return tuple(sorted(self._walk()))

    def _walk(self) -> Iterator[str]:
        level = [""]
        found = 0
        for _ in range(_DEPTH):
            below: list[str] = []
            for directory in level:
                for entry in self._entries(directory):
                    if entry.is_dir:
                        below += [entry.path] if _is_entered(entry) else []
                    elif found < _MOST_FILES:
                        found += 1
                        yield entry.path
            level = below

    def _entries(self, directory: str) -> tuple[Entry, ...]:
        try:
            entries = self.source.entries(directory)
        except BuildError:
            return ()
        if directory and any(entry.name == ENVIRONMENT_MARK for entry in entries):
            return tuple(entry for entry in entries if entry.name == ENVIRONMENT_MARK)
        return entries

    def _is_in_environment(self, path: str) -> bool:
        return any(path.startswith(f"{place}/") for place in self.environments)


def is_of_tests(path: str) -> bool:
    """Return whether a file belongs to tests, examples or documentation, by its path."""
    *directories, name = path.split("/")
    return (
        not _OF_TESTS.isdisjoint(directories)
        or name in _OF_TESTS
        or name.startswith("test_")
        or name.endswith("_test.py")
    )


def _is_entered(entry: Entry) -> bool:
    return not entry.is_symlink and entry.name not in _NOT_ENTERED


def _parse(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            # Invalid escapes are the app's own business.
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
