"""What may start an app, with its evidence and its rank among others; it decides nothing."""

import posixpath

from msgspec import Struct

from portside.model.facts import Notice, Process
from portside.model.python_version import Origin

WEB = "web"
WORKER = "worker"
# File names that say "start here", the surest first.
_ENTRY_NAMES = {
    "wsgi": 0,
    "asgi": 0,
    **dict.fromkeys(
        ("api", "app", "application", "index", "main", "run", "server", "start", "web"), 1
    ),
    **dict.fromkeys(("Home", "__main__", "bot", "home", "streamlit_app", "worker"), 1),
}
_OTHER = 2


class Candidate(Struct, frozen=True):
    """A command that may be the right one.

    The smaller ``rank`` is the surer one; candidates of one rank are equal, and then none is
    chosen. ``what`` says for people what was found there, and ``app`` is the identity of the app
    object that is served. ``port`` is one in the code, for which ``$PORT`` is nothing.
    """

    command: str
    path: str
    line: int
    what: str
    rank: tuple[int, ...]
    type: str = WEB
    added: tuple[str, ...] = ()
    app: tuple[str, int] = ("", 0)
    notices: tuple[Notice, ...] = ()
    port: int = 0

    @property
    def process(self) -> Process:
        """Return the process type that this would be."""
        origin = Origin(self.path, self.what, self.line)
        return Process(self.type, self.command, origin, self.port)


def is_entry_name(path: str) -> bool:
    """Return whether a file's name says that the app starts there."""
    return _stem(path) in _ENTRY_NAMES


def rank_of(path: str) -> tuple[int, int, int]:
    """Return how little a file's name and depth speak for it: whether, how far down, how surely."""
    name = _ENTRY_NAMES.get(_stem(path), _OTHER)
    return int(name == _OTHER), depth_of(path), name


def depth_of(path: str) -> int:
    """Return how many directories lie above a file, or above the package that it is."""
    path = path.removeprefix("src/").removesuffix("/__init__.py")
    return path.count("/")


def _stem(path: str) -> str:
    path = path.removesuffix("/__init__.py").removesuffix(".py")
    return posixpath.basename(path)
