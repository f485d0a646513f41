"""Options that several commands share, and how their values are read."""

from pathlib import Path

import click
from click.decorators import FC


def app_argument(function: FC) -> FC:
    """Add the APP argument: the app's directory, this one unless given."""
    return click.argument("app", type=click.Path(path_type=Path), default=Path())(function)


def cache_option(function: FC) -> FC:
    """Add ``--cache-dir``."""
    return click.option(
        "--cache-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where the store lives. [default: $PORTSIDE_CACHE_DIR or ~/.cache/portside]",
    )(function)


def json_option(function: FC) -> FC:
    """Add ``--json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Write JSON on standard output (docs/events.md)."
    )(function)


def env_options(function: FC) -> FC:
    """Add ``--env`` and ``--env-file``."""
    function = click.option(
        "--env-file",
        "env_files",
        multiple=True,
        type=click.Path(path_type=Path, dir_okay=False),
        help="Read config vars from a file of NAME=VALUE lines. May be given again.",
    )(function)
    return click.option(
        "--env",
        "env_pairs",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_pairs,
        help="Set a config var; NAME alone takes its value from this environment.",
    )(function)


def _pairs(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str | None], ...]:
    return tuple(_pair(value) for value in values)


def _pair(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not name or " " in name:
        raise click.BadParameter(f"'{text}' isn't NAME=VALUE")
    return name, value if equals else None
