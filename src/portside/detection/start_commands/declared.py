"""The app object that an app names for its framework's own command; it looks nothing up.

FastAPI's reads ``entrypoint`` in ``[tool.fastapi]`` (fastapi-cli 0.0.15), Flask's ``FLASK_APP`` in
a ``.flaskenv`` (Flask, "Application Discovery").
"""

import re

from msgspec import Struct

from portside.detection.documents import read_toml, value_at
from portside.detection.project import PYPROJECT
from portside.model.errors import BuildError
from portside.model.source import Source

_FLASKENV = ".flaskenv"
_FLASK_APP = re.compile(
    r"^\s*(?:export\s+)?FLASK_APP\s*=\s*([\"']?)(.*?)\1\s*(?:#.*)?$", re.MULTILINE
)
_TARGET = re.compile(r"([\w./-]+?)(?:\.py)?(?::(\w+)(?:\(\))?)?")


class Declared(Struct, frozen=True):
    """A module by its dotted name, and a name in it, "" for whichever is an app; ``by`` says it."""

    module: str
    name: str
    by: str


def find_declared(source: Source) -> Declared | None:
    """Return what the app names; None where it names nothing, or nothing that can be followed."""
    try:
        entrypoint = value_at(read_toml(source, PYPROJECT), "tool", "fastapi", "entrypoint")
        if isinstance(entrypoint, str):
            return _declared(entrypoint, "[tool.fastapi]")
        has_flaskenv = source.is_file(_FLASKENV)
        text = source.read(_FLASKENV).decode("utf-8", "replace") if has_flaskenv else ""
    except BuildError:
        return None
    found = _FLASK_APP.search(text)
    return _declared(found[2], _FLASKENV) if found else None


def _declared(text: str, by: str) -> Declared | None:
    found = _TARGET.fullmatch(text.strip().removeprefix("./"))
    if found is None:
        return None
    return Declared(found[1].replace("/", "."), found[2] or "", by)
