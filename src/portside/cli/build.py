"""``portside build``: an app's source becomes a slug that runs."""

import argparse
from pathlib import Path

from portside.cli.config_vars import read_config_vars
from portside.cli.options import (
    add_app,
    add_cache_dir,
    add_env,
    add_json,
    add_settings,
    settings_of,
)
from portside.cli.places import absolute, data_root
from portside.cli.session import open_session
from portside.effects.host import read_host
from portside.engine import build
from portside.event_log import JsonLog, TextLog
from portside.model.errors.store import OutputTargetError
from portside.model.settings import BOOT_CHECK
from portside.packing.slug import ARCHIVE_ENDINGS
from portside.preparation import BuildRequest


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments and options."""
    add_app(parser)
    parser.add_argument(
        "-o",
        "--output",
        dest="targets",
        action="append",
        default=[],
        metavar="TARGET",
        help="dir:PATH for a slug directory, slug:FILE.tar.gz or slug:FILE.tar.zst for an archive; "
        "may be given again (default: a slug in portside's own data directory)",
    )
    add_env(parser)
    add_cache_dir(parser)
    parser.add_argument(
        "--upgrade", action="store_true", help="take the newest versions that the app admits"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="boot the web process before the slug replaces the last one: --boot-check true",
    )
    add_json(parser)
    add_settings(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Build an app."""
    directories, archives = read_targets(tuple(arguments.targets))
    host = read_host()
    config_vars = read_config_vars(arguments, host.environ)
    session = open_session(arguments.cache_dir, config_vars)
    request = BuildRequest(
        arguments.app,
        data_root(session.host),
        directories,
        archives,
        config_vars,
        arguments.upgrade,
        options=_options(arguments),
    )
    build(request, session.tools, JsonLog() if arguments.as_json else TextLog(host.environ))
    return 0


def _options(arguments: argparse.Namespace) -> dict[str, str]:
    return {**({BOOT_CHECK: "true"} if arguments.check else {}), **settings_of(arguments)}


def read_targets(targets: tuple[str, ...]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the slug directories and the archives asked for.

    Raises ``OutputTargetError`` and ``WorkingDirectoryGoneError``.
    """
    directories: list[Path] = []
    archives: list[Path] = []
    for target in targets:
        kind, _, path = target.partition(":")
        if kind == "dir" and path:
            directories.append(absolute(Path(path)))
        elif kind == "slug" and path.endswith(ARCHIVE_ENDINGS):
            archives.append(absolute(Path(path)))
        else:
            raise OutputTargetError(target=target)
    return tuple(directories), tuple(archives)
