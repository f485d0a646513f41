"""Text for people on standard output and standard error; errors and notices as text.

The only module that writes to the standard streams. Colours are used on a terminal, unless
NO_COLOR is set (no-color.org).
"""

import sys
from collections.abc import Mapping
from typing import IO

from portside.model.errors import BuildError
from portside.model.errors.store import StreamNotWritableError

_RESET = "\033[0m"
_COLOURS = {
    "red": "\033[31m",
    "yellow": "\033[33m",
    "green": "\033[32m",
    "bold": "\033[1m",
    "dim": "\033[2m",
    "blue": "\033[34m",
    "magenta": "\033[35m",
    "cyan": "\033[36m",
}


class Style:
    """Colours text where colours are wanted."""

    def __init__(self, *, colours: bool) -> None:
        """Take whether to colour at all."""
        self._colours = colours

    def __call__(self, colour: str, text: str) -> str:
        """Return ``text`` in a colour, or as it is."""
        return f"{_COLOURS[colour]}{text}{_RESET}" if self._colours else text


def wants_colours(stream: IO[str], environ: Mapping[str, str]) -> bool:
    """Return whether to colour: on a terminal, unless NO_COLOR (no-color.org) or TERM=dumb."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def render_error(error: BuildError, style: Style) -> str:
    """Return an error as text for people: what was found, what is required, the fix."""
    blocks = [style("red", f"Error: {error.summary}"), error.detail, error.hint]
    text = "\n\n".join(block for block in blocks if block)
    return f"\n{text}\n\nMore: {error.docs}\n"


def print_error(error: BuildError, environ: Mapping[str, str]) -> None:
    """Print an error on standard error."""
    style = Style(colours=wants_colours(sys.stderr, environ))
    print_err(render_error(error, style))


def print_out(text: str) -> None:
    """Print an answer on standard output."""
    write_line(sys.stdout, text)


def print_err(text: str) -> None:
    """Print a line for people on standard error."""
    write_line(sys.stderr, text)


def write_line(stream: IO[str], text: str) -> None:
    """Write a line at once.

    Raises ``BrokenPipeError`` where the reader is gone, else ``StreamNotWritableError``.
    """
    try:
        stream.write(_encodable(text, stream) + "\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        name = "standard output" if stream is sys.stdout else "standard error"
        cause = (error.strerror or str(error)).lower()
        raise StreamNotWritableError(stream=name, cause=cause) from error


def _encodable(text: str, stream: IO[str]) -> str:
    """Return ``text`` with what the stream can't show (file names that aren't text) replaced."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
