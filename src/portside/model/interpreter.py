"""CPython installations: where one can be had, and one that is in place; no I/O."""

from enum import StrEnum
from pathlib import Path

from portside.model.layers import LayerKey
from portside.model.python_version import PythonVersion
from portside.model.record import Record


class InterpreterSource(StrEnum):
    """The kinds of places an interpreter comes from, in the order they are tried."""

    STORE = "store"
    CATALOG = "catalog"
    DOWNLOAD = "download"
    LOCAL = "local"


class InterpreterCandidate(Record, frozen=True):
    """One way to get an interpreter.

    ``location`` is the archive's URL (CATALOG, DOWNLOAD), the path of the executable (LOCAL) or
    the store's digest (STORE). ``name`` is uv's key, such as ``cpython-3.12.7-linux-x86_64-gnu``.
    """

    version: PythonVersion
    source: InterpreterSource
    location: str
    name: str = ""
    sha256: str | None = None

    def __str__(self) -> str:
        if self.source is InterpreterSource.STORE:
            return f"Python {self.version} from the store"
        return f"Python {self.version} from {self.location}"


class Interpreter(Record, frozen=True):
    """A relocatable CPython in place below ``root`` (``bin/``, ``lib/``, ``include/``).

    ``key`` identifies its contents; ``origin`` is a phrase for people.
    """

    version: PythonVersion
    root: Path
    origin: str
    key: LayerKey

    @property
    def executable(self) -> Path:
        """Return the path of the versioned executable."""
        return self.root / "bin" / f"python{self.version.series}"

    @property
    def site_packages(self) -> str:
        """Return the directory of installed distributions, relative to the root."""
        return f"lib/python{self.version.series}/site-packages"
