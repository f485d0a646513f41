"""What is exported: a slug's process types and where it lies; and what exporting makes, files."""

import re
from collections.abc import Iterable

from msgspec import Struct

WEB = "web"
RELEASE = "release"
# Within the limit of 63 (RFC 1123) a name needs room for process types and digests behind it.
_LONGEST_NAME = 36
_LONGEST_TYPE = 20
_DIGEST = 8


class File(Struct, frozen=True):
    """A file to write: its name, without a directory, and its text."""

    name: str
    text: str


class Target(Struct, frozen=True):
    """A slug as it is to run.

    ``name`` is a label (see ``label``), ``key`` what tells this slug from others. ``directory``
    is where the slug lies in the image or on the server. Without an ``image``, the slug at
    ``source`` is bound into ``base_image``. ``user`` is the account of a server that runs it, ""
    for one that is made up. ``health_path`` is what is asked for to see whether web is well, "" for
    no HTTP request.
    """

    name: str
    key: str
    types: tuple[str, ...]
    directory: str
    source: str = ""
    image: str = ""
    base_image: str = ""
    env_file: str = ""
    user: str = ""
    port: int = 8000
    health_path: str = ""

    @property
    def launcher(self) -> str:
        """Return the program that starts a process of the slug."""
        return f"{self.directory}/.portside/launch"

    @property
    def python(self) -> str:
        """Return the slug's Python."""
        return f"{self.directory}/.heroku/python/bin/python3"

    @property
    def digest(self) -> str:
        """Return a short text that changes with the slug."""
        return re.sub(r"[^a-z0-9]", "", self.key.lower())[:_DIGEST]

    @property
    def running(self) -> tuple[str, ...]:
        """Return the process types that keep running: all but the release process."""
        return tuple(name for name in self.types if name != RELEASE)

    @property
    def has_release(self) -> bool:
        """Return whether something must run before a new slug is started."""
        return RELEASE in self.types


def label(text: str, longest: int = _LONGEST_NAME) -> str:
    """Return text as a label: lower-case letters, digits and dashes between, a letter first.

    That is what RFC 1035 asks of a Service's name; other objects may begin with a digit (RFC 1123).
    """
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    plain = plain if plain[:1].isalpha() else f"app-{plain}"
    return plain[:longest].strip("-")


def labels(types: Iterable[str]) -> dict[str, str]:
    """Return a label for each process type; no two are the same."""
    found: dict[str, str] = {}
    for name in types:
        base = plain = label(name, _LONGEST_TYPE)
        number = 2
        while plain in found.values():
            plain = f"{base}-{number}"
            number += 1
        found[name] = plain
    return found
