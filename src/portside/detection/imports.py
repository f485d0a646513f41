"""What the modules that start an app import at once, and what of that can't be there; pure.

Only imports that nothing guards count: those at the top level of a module, outside of any ``try``
or ``if``. Most are found with a pattern, as parsing takes as long as compiling; what is reported
was parsed.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol

from msgspec import Struct

from portside.model.python_version import Series

_STATEMENT = re.compile(
    rb"import[ \t]+(?P<modules>(?:[^\n#;\\]|\\\n)+)"
    rb"|from[ \t]+(?P<origin>[.\w]+)[ \t]+import[ \t]*(?P<names>\([^)]*\)|(?:[^\n#;\\]|\\\n)+)"
)
_STARTS = (b"\nimport ", b"\nfrom ")
# Of a bigger app the part nearest to its start is looked at: that takes a moment.
_MOST_FILES = 200
_COMMENT = re.compile(rb"#[^\n]*")
_IDENTIFIER = re.compile(r"[\s\\]*([^\W\d][\w.]*)")
# A module with one of these may get names that its text doesn't show.
_DYNAMIC = (
    b"import *",
    b"__getattr__",
    b"sys.modules",
    b"globals()",
    b"exec(",
    b"__path__",
    b"setattr(",
)
_WORD = b"_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
# In which series modules left the standard library (docs.python.org/3/whatsnew, PEP 594).
_REMOVED = {
    name: series
    for series, names in {
        (3, 10): "formatter parser symbol",
        (3, 11): "binhex",
        (3, 12): "asynchat asyncore distutils imp smtpd",
        (3, 13): "aifc audioop cgi cgitb chunk crypt imghdr lib2to3 mailcap nis nntplib ossaudiodev"
        " pipes sndhdr spwd sunau telnetlib uu xdrlib",
    }.items()
    for name in names.split()
}
_REMOVED_NAMES = {
    (module, name): series
    for (module, series), names in {
        ("collections", (3, 10)): "Callable Container Hashable Iterable Iterator Mapping"
        " MutableMapping MutableSequence MutableSet Sequence Set Sized",
        ("asyncio", (3, 11)): "coroutine",
        ("configparser", (3, 12)): "SafeConfigParser",
        ("inspect", (3, 11)): "formatargspec getargspec",
        ("pkgutil", (3, 12)): "ImpImporter",
    }.items()
    for name in names.split()
}
# A part of setuptools, up to 81.
PKG_RESOURCES = "pkg_resources"


class Modules(Protocol):
    """The modules that an app can import, those of the standard library apart."""

    def find(self, name: str) -> str | None:
        """Return the path of a module's source, "" for one without, None where there is none."""
        ...

    def read(self, path: str) -> bytes:
        """Return the text of a source, empty for one that can't be read."""
        ...

    def is_installed(self, path: str) -> bool:
        """Return whether a source is of an installed distribution, and not the app's own."""
        ...


class MissingImport(Struct, frozen=True):
    """An import that fails. ``name`` is what the module lacks, "" where the module is missing.

    ``removed_in`` is the series that took it out of the standard library.
    """

    path: str
    line: int
    module: str
    name: str = ""
    removed_in: Series | None = None


class _Import(Struct, frozen=True):
    module: str
    names: tuple[str, ...]
    offset: int


class _Origin(Struct, frozen=True):
    """The source that imports another, and where in it."""

    path: str
    offset: int


def find_missing_imports(
    modules: Modules, starts: Iterable[str], series: Series
) -> tuple[MissingImport, ...]:
    """Return the imports that fail on the way from modules that are started, by their sources.

    What isn't known for sure is left out.
    """
    search = _Search(modules, series)
    for name in starts:
        search.reach(name, None)
    while search.queue and search.count < _MOST_FILES:
        search.count += 1
        name, path = search.queue.popleft()
        is_package = path.endswith("/__init__.py")
        for item in read_imports(modules.read(path), name, is_package=is_package):
            search.follow(item, name, path)
    return tuple(found for found in search.found if search.is_certain(found))


class _Search:
    def __init__(self, modules: Modules, series: Series) -> None:
        self.modules = modules
        self.version = (series.major, series.minor)
        self.queue: deque[tuple[str, str]] = deque()
        self.found: list[MissingImport] = []
        self.count = 0
        self._origins: dict[str, _Origin | None] = {}
        self._known: set[str] = set()

    def reach(self, name: str, origin: _Origin | None) -> str | None:
        """Return the source of a module, to be looked into where it wasn't yet."""
        path = self.modules.find(name)
        if path and name not in self._known:
            self._known.add(name)
            self._origins.setdefault(path, origin)
            self.queue.append((name, path))
        return path

    def follow(self, item: _Import, importer: str, path: str) -> None:
        """Reach what a module imports, and note what isn't there."""
        origin = _Origin(path, item.offset)
        parts = item.module.split(".")
        if self.modules.find(parts[0]) is None:
            self._judge_absent(item, parts[0], origin)
            return
        source: str | None = None
        for end in range(1, len(parts) + 1):
            source = self.reach(".".join(parts[:end]), origin)
        # A distribution fits itself, and what the app has in its own modules its tests know.
        is_judged = self.modules.is_installed(source or "") and (
            importer.partition(".")[0] != parts[0]
        )
        for name in item.names:
            is_module = self.reach(f"{item.module}.{name}", origin) is not None
            if source and is_judged and not is_module:
                self._judge_name(item.module, name, source, origin)

    def is_certain(self, missing: MissingImport) -> bool:
        """Return whether each import on the way to this one is a statement, and not just text."""
        path, line = missing.path, missing.line
        while line in _statements(self.modules.read(path)):
            origin = self._origins[path]
            if origin is None:
                return True
            path, line = origin.path, self._line(origin)
        return False

    def _judge_absent(self, item: _Import, top: str, origin: _Origin) -> None:
        removed = _REMOVED.get(top)
        if top == PKG_RESOURCES or (removed and self.version >= removed):
            self._add(origin, top, removed_in=removed)
        for name in item.names:
            removed = _REMOVED_NAMES.get((item.module, name))
            if removed and self.version >= removed:
                self._add(origin, item.module, name, removed_in=removed)

    def _judge_name(self, module: str, name: str, source: str, origin: _Origin) -> None:
        text = self.modules.read(source)
        if not has_word(text, name.encode()) and not any(mark in text for mark in _DYNAMIC):
            self._add(origin, module, name)

    def _add(
        self,
        origin: _Origin,
        module: str,
        name: str = "",
        *,
        removed_in: tuple[int, int] | None = None,
    ) -> None:
        series = Series(*removed_in) if removed_in else None
        self.found.append(MissingImport(origin.path, self._line(origin), module, name, series))

    def _line(self, origin: _Origin) -> int:
        return self.modules.read(origin.path).count(b"\n", 0, origin.offset) + 1


def read_imports(text: bytes, module: str, *, is_package: bool) -> Iterator[_Import]:
    """Yield what looks like imports at the top level of a module, relative ones made absolute."""
    for offset in _offsets(text):
        match = _STATEMENT.match(text, offset)
        if match is None:
            continue
        if match["modules"] is not None:
            for name in _identifiers(match["modules"]):
                yield _Import(name, (), offset)
            continue
        origin = _absolute(
            match["origin"].decode("utf-8", "replace"), module, is_package=is_package
        )
        if origin:
            yield _Import(origin, tuple(_identifiers(match["names"])), offset)


def _offsets(text: bytes) -> Iterator[int]:
    """Yield where lines begin that begin with an import."""
    for start in _STARTS:
        if text.startswith(start[1:]):
            yield 0
        at = text.find(start)
        while at >= 0:
            yield at + 1
            at = text.find(start, at + 1)


def has_word(text: bytes, word: bytes) -> bool:
    """Return whether a word is in a text, and not only as a part of another."""
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        before, after = text[max(start - 1, 0) : start], text[end : end + 1]
        if (not before or before not in _WORD) and (not after or after not in _WORD):
            return True
        start = text.find(word, end)
    return False


def _identifiers(text: bytes) -> Iterator[str]:
    """Yield the names in a list such as ``a.b, c as d``."""
    if b"#" in text:
        text = _COMMENT.sub(b"", text)
    for part in text.strip(b"()\\ \t\r\n").decode("utf-8", "replace").split(","):
        match = _IDENTIFIER.match(part)
        if match:
            yield match[1]


def _absolute(origin: str, module: str, *, is_package: bool) -> str:
    name = origin.lstrip(".")
    level = len(origin) - len(name)
    if not level:
        return name
    package = module.split(".") if is_package else module.split(".")[:-1]
    if level > len(package):
        return ""
    return ".".join([*package[: len(package) - level + 1], *([name] if name else [])])


def _statements(text: bytes) -> frozenset[int]:
    """Return the lines of the imports at the top level of a module."""
    import ast  # noqa: PLC0415 (start-up time)
    import warnings  # noqa: PLC0415 (start-up time)

    try:
        with warnings.catch_warnings():
            # Invalid escapes are the module's own business.
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    imports = (node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    return frozenset(node.lineno for node in imports)
