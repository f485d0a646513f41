"""How an app without a Procfile is started: found by parsing its files, never by importing them.

The parser is imported only when there is something to look for.
"""

from portside.model.source import Source
from portside.model.start_commands import StartCommands


def find_start_commands(source: Source, requirements: frozenset[str]) -> StartCommands:
    """Return the process types of an app, with the file and line that each was found at.

    ``requirements`` are the distributions that the app asks for itself, by their normalised
    names (PEP 503), and once more with each extra: ``fastapi``, ``fastapi[standard]``. Raises
    nothing about files that can't be read or parsed: they count as not there.
    """
    from portside.detection.start_commands.finding import find  # noqa: PLC0415 (start-up time)

    return find(source, requirements)
