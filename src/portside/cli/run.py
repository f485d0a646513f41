"""``portside run``: a process of an app or a slug, under the contract of production."""

import argparse
from pathlib import Path

from portside.cli.config_vars import read_config_vars
from portside.cli.options import add_cache_dir, add_env, not_negative, port
from portside.cli.places import data_root
from portside.cli.session import Session, open_session
from portside.console import print_out
from portside.effects.host import read_host
from portside.engine import build
from portside.event_log import TextLog
from portside.model.errors.run import OneOffWithProcessError
from portside.packing.slug import slug_key
from portside.preparation import BuildRequest
from portside.runtime.dotenv import collect_env
from portside.runtime.run import run_process

_DESCRIPTION = """\
Run the web process of APP or SLUG (default: this directory), or another by its name.
An app is built first, as far as it changed. After -- comes any command:

  portside run                        the web process, on $PORT or 5000
  portside run . worker               another process type of the Procfile
  portside run . -- python -V         a command with the slug's environment
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments and options."""
    parser.description = _DESCRIPTION
    parser.usage = "portside run [OPTIONS] [APP|SLUG] [PROCESS | -- COMMAND ...]"
    parser.add_argument(
        "place", metavar="APP|SLUG", nargs="?", type=Path, default=Path(), help="what to run"
    )
    parser.add_argument("process", metavar="PROCESS", nargs="?", help="a process type")
    parser.add_argument("--port", type=port, help="serve on this port")
    parser.add_argument(
        "--check", action="store_true", help="boot, wait for an HTTP answer, stop; exit 0 or 1"
    )
    parser.add_argument(
        "--timeout",
        type=not_negative,
        default=60.0,
        metavar="SECONDS",
        help="how long a web process has to bind its port (default: 60)",
    )
    add_env(parser)
    add_cache_dir(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run a process and return its exit code."""
    one_off: tuple[str, ...] = arguments.one_off
    if one_off and arguments.process:
        raise OneOffWithProcessError(process=arguments.process)
    env = read_config_vars(arguments, read_host().environ)
    session = open_session(arguments.cache_dir, env)
    slug, app_env = _slug_of(arguments.place, session, env)
    return run_process(
        slug,
        process=arguments.process,
        command=one_off,
        port=arguments.port,
        env={**app_env, **env},
        host=session.host,
        on_line=print_out,
        check=arguments.check,
        boot_timeout=arguments.timeout,
    )


def _slug_of(place: Path, session: Session, env: dict[str, str]) -> tuple[Path, dict[str, str]]:
    """Return the slug at ``place``, built if that is an app's source, and the app's ``.env``."""
    if slug_key(place) is not None:
        return place, {}
    request = BuildRequest(place, data_root(session.host), config_vars=env)
    result = build(request, session.tools, TextLog(session.host.environ))
    return result.slug, collect_env(place)
