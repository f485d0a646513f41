"""Reads the Procfile: a line per process type, ``type: command``."""

import re

from portside.model.errors.app import ProcfileError
from portside.model.facts import Process
from portside.model.python_version import Origin
from portside.model.source import Source

_LINE = re.compile(r"(?P<type>[A-Za-z0-9_-]+):\s*(?P<command>[^\0]+)")
NAME = "Procfile"


def read_processes(source: Source) -> tuple[Process, ...]:
    """Return the process types in the file's order, () where there is no Procfile.

    Raises ``ProcfileError`` for a line that is no process type and for one given twice.
    """
    if not source.is_file(NAME):
        return ()
    text = source.read(NAME).decode("utf-8-sig", "replace")
    found: dict[str, Process] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None or match["type"] in found:
            raise ProcfileError(line=number, text=stripped, is_repeated=match is not None)
        found[match["type"]] = Process(match["type"], match["command"], Origin(NAME, "", number))
    return tuple(found.values())
