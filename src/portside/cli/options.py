"""Options that several commands share, and how their values are read."""

import argparse
from pathlib import Path
from typing import NamedTuple

from portside.model.settings import SETTINGS

_HIGHEST_PORT = 65535
_METAVARS = {"list": "NAMES", "path": "DIR", "size": "SIZE"}


class EnvPair(NamedTuple):
    """A config var of ``--env``; a value of None is taken from the caller's environment."""

    name: str
    value: str | None


def add_app(parser: argparse.ArgumentParser) -> None:
    """Add the APP argument: the app's directory, this one unless given."""
    parser.add_argument(
        "app",
        metavar="APP",
        nargs="?",
        type=Path,
        default=Path(),
        help="the app's directory (default: this one)",
    )


def add_cache_dir(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add ``--cache-dir``; ``argparse.SUPPRESS`` as its default leaves a value given before."""
    parser.add_argument(
        "--cache-dir",
        default=default,
        type=Path,
        metavar="DIR",
        help="where the store lives (default: $PORTSIDE_CACHE_DIR or ~/.cache/portside)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument(
        "--json",
        dest="as_json",
        action="store_true",
        help="write JSON on standard output (docs/events.md)",
    )


def add_env(parser: argparse.ArgumentParser) -> None:
    """Add ``--env`` and ``--env-file``."""
    parser.add_argument(
        "--env",
        dest="env_pairs",
        action="append",
        default=[],
        type=env_pair,
        metavar="NAME=VALUE",
        help="set a config var; NAME alone takes its value from this environment",
    )
    parser.add_argument(
        "--env-file",
        dest="env_files",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="read config vars from a file of NAME=VALUE lines",
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add an option for each setting; ``settings_of`` returns those that were given."""
    group = parser.add_argument_group("settings (docs/configuration.md)")
    for setting in SETTINGS:
        group.add_argument(
            *(f"--{name}" for name in (setting.option, setting.name) if name),
            dest=f"setting_{setting.name}",
            metavar=_METAVARS.get(setting.kind, "VALUE"),
            help=setting.summary[:1].lower() + setting.summary[1:].rstrip("."),
        )


def settings_of(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the settings that were given as options, by name."""
    found = {setting.name: getattr(arguments, f"setting_{setting.name}") for setting in SETTINGS}
    return {name: value for name, value in found.items() if value is not None}


def env_pair(text: str) -> EnvPair:
    """Return the config var that ``text`` sets; raise ArgumentTypeError for anything else."""
    name, equals, value = text.partition("=")
    if not name or any(character.isspace() for character in name):
        raise argparse.ArgumentTypeError(f"'{text}' isn't NAME=VALUE")
    return EnvPair(name, value if equals else None)


def not_negative(text: str) -> float:
    """Return the number that ``text`` names; raise ArgumentTypeError for anything else."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if 0 <= number < float("inf"):
        return number
    raise argparse.ArgumentTypeError(f"'{text}' isn't a number of at least 0")


def port(text: str) -> int:
    """Return the TCP port that ``text`` names; raise ArgumentTypeError for anything else."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _HIGHEST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' isn't a port (1 to {_HIGHEST_PORT})")
