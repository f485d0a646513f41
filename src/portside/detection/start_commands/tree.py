"""The Python files of an app that may start it: which there are, and their bytes, within bounds.

Whatever can't be read counts as not there; a start command is never worth a failed build.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator

from portside.model.errors import BuildError
from portside.model.source import Entry, Source

_DEPTH = 5
_DIRECTORIES = 300
_FILES = 600
_FILE_BYTES = 256_000
_ALL_BYTES = 3_000_000
_SKIPPED = frozenset(
    {
        "__pycache__",
        "bench",
        "benchmarks",
        "build",
        "dist",
        "doc",
        "docs",
        "env",
        "example",
        "examples",
        "fixtures",
        "migrations",
        "node_modules",
        "samples",
        "site-packages",
        "test",
        "testing",
        "tests",
        "vendor",
        "venv",
        "wheelhouse",
    }
)
_TEST_FILE = re.compile(r"test_.*|.*_test|tests?|conftest|setup|noxfile|fabfile|tasks?_test")


class AppTree:
    """The app's Python files, nearest to its root first. Files are read once, when asked for.

    ``directories`` are those that hold a Python file.
    """

    def __init__(self, source: Source) -> None:
        """Take the app; list its files."""
        self.source = source
        self.directories: set[str] = set()
        self.files: dict[str, None] = dict.fromkeys(self._walk())
        self._contents: dict[str, bytes] = {}
        self._bytes_left = _ALL_BYTES

    def read(self, path: str) -> bytes:
        """Return a file's contents; b"" for what is too large or can't be read."""
        if path not in self._contents:
            self._contents[path] = self._read(path)
        return self._contents[path]

    def _read(self, path: str) -> bytes:
        size = self.source.size(path)
        if size > min(_FILE_BYTES, self._bytes_left):
            return b""
        self._bytes_left -= size
        try:
            # A pipe would make a reader wait forever.
            data = self.source.read(path) if self.source.is_file(path) else b""
        except BuildError:
            return b""
        return data.removeprefix(BOM_UTF8)

    def _walk(self) -> Iterator[str]:
        level = [""]
        found = entered = 0
        for _ in range(_DEPTH):
            below: list[str] = []
            for directory in level:
                entered += 1
                entries = self._entries(directory) if entered <= _DIRECTORIES else ()
                if any(entry.name == "pyvenv.cfg" for entry in entries):
                    continue
                for entry in entries:
                    if entry.is_dir:
                        below += [entry.path] if _is_entered(entry) else []
                    elif _is_python(entry) and found < _FILES:
                        found += 1
                        self.directories.add(directory)
                        yield entry.path
            level = below

    def _entries(self, directory: str) -> tuple[Entry, ...]:
        try:
            return self.source.entries(directory)
        except BuildError:
            return ()


def _is_entered(entry: Entry) -> bool:
    is_hidden = entry.name.startswith(".")
    return not (entry.is_symlink or is_hidden or entry.name.lower() in _SKIPPED)


def _is_python(entry: Entry) -> bool:
    stem, dot, ending = entry.name.rpartition(".")
    return bool(dot) and ending == "py" and not _TEST_FILE.fullmatch(stem)
