"""Python versions as the app asks for them and as they are resolved; no policy, no I/O."""

import re
from typing import Self

from portside.model.record import Record

_VERSION = re.compile(r"(?P<major>[0-9]{1,3})\.(?P<minor>[0-9]{1,4})(?:\.(?P<patch>[0-9]{1,5}))?")


class Series(Record, frozen=True, order=True):
    """A feature release line of CPython, such as 3.12."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the series that ``text`` ("3.12") names; raise ValueError for anything else."""
        match = _VERSION.fullmatch(text)
        if match is None or match["patch"] is not None:
            raise ValueError(text)
        return cls(int(match["major"]), int(match["minor"]))


class PythonVersion(Record, frozen=True, order=True):
    """A full version of CPython, such as 3.12.7."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def series(self) -> Series:
        """Return the series this version belongs to."""
        return Series(self.major, self.minor)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the version that ``text`` ("3.12.7") names; raise ValueError for anything else."""
        match = _VERSION.fullmatch(text)
        if match is None or match["patch"] is None:
            raise ValueError(text)
        return cls(int(match["major"]), int(match["minor"]), int(match["patch"]))


class Origin(Record, frozen=True):
    """Where a chosen value comes from.

    ``name`` is the file's name as the app has it (``.python-version``) or a word (``default``,
    ``cached``); ``field`` and ``line`` narrow it down within a file.
    """

    name: str
    field: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.name}:{self.line}" if self.line else self.name
        return f"{place} ({self.field})" if self.field else place


class RequestedPython(Record, frozen=True):
    """The Python an app asks for: a series, or an exact version when ``patch`` is given.

    ``alternatives`` are older series that will do as well, newest first: a declared range allows
    them, while a version that is named allows no other.
    """

    series: Series
    patch: int | None
    origin: Origin
    alternatives: tuple[Series, ...] = ()

    def __str__(self) -> str:
        return str(self.series) if self.patch is None else f"{self.series}.{self.patch}"

    @property
    def exact(self) -> PythonVersion | None:
        """Return the exact version asked for, or None where any patch of the series will do."""
        if self.patch is None:
            return None
        return PythonVersion(self.series.major, self.series.minor, self.patch)

    def admits(self, version: PythonVersion) -> bool:
        """Return whether ``version`` is one that was asked for."""
        is_series = version.series == self.series or version.series in self.alternatives
        return is_series and self.patch in (None, version.patch)


class PythonConstraint(Record, frozen=True):
    """A range of versions the project declares (PEP 621 ``requires-python`` and its kin).

    ``specifier`` is a PEP 440 specifier set, or Poetry's alternatives of such with ``||`` between.
    """

    specifier: str
    origin: Origin

    @property
    def alternatives(self) -> tuple[str, ...]:
        """Return the PEP 440 specifier sets of which one has to hold."""
        return tuple(self.specifier.split("||"))
