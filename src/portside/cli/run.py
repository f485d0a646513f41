"""``portside run``: processes of an app or a slug, under the contract of production."""

import argparse
import sys
from pathlib import Path

from portside.cli.config_vars import read_config_vars
from portside.cli.options import add_cache_dir, add_env, not_negative, port
from portside.cli.places import data_root
from portside.cli.session import Session, open_session
from portside.console import Style, print_out, wants_colours
from portside.effects.host import read_host
from portside.engine import build
from portside.event_log import TextLog
from portside.model.errors.formation import JsonNeedsScaleError, ScaleConflictError
from portside.model.errors.run import OneOffWithProcessError
from portside.packing.slug import slug_key
from portside.preparation import BuildRequest
from portside.runtime.dotenv import collect_env
from portside.runtime.guardian import split_off_guardian
from portside.runtime.run import run_process

_DESCRIPTION = """\
Run the web process of APP or SLUG (default: this directory), or another by its name.
An app is built first, as far as it changed. After -- comes any command:

  portside run                             the web process, on $PORT or 5000
  portside run . worker                    another process type of the Procfile
  portside run . -- python -V              a command with the slug's environment
  portside run --scale web=2,worker=1      several at once, web ones behind a router
  portside run --scale all                 one of each type, after the release command
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
        "--scale",
        metavar="TYPE=N,...",
        help="run so many processes of each type, or 'all' for one of each (docs/run.md)",
    )
    parser.add_argument(
        "--json",
        dest="as_json",
        action="store_true",
        help="with --scale: write the processes' lines as JSON (docs/events.md)",
    )
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
    """Run what was asked for and return its exit code."""
    one_off: tuple[str, ...] = arguments.one_off
    _check_options(arguments, one_off)
    env = read_config_vars(arguments, read_host().environ)
    session = open_session(arguments.cache_dir, env)
    slug, app_env = _slug_of(arguments.place, session, env)
    split_off_guardian(own_session=not one_off)
    if arguments.scale is not None:
        return _run_formation(arguments, slug, {**app_env, **env}, session)
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


def _check_options(arguments: argparse.Namespace, one_off: tuple[str, ...]) -> None:
    """Raise what options contradict each other."""
    if one_off and arguments.process:
        raise OneOffWithProcessError(process=arguments.process)
    if arguments.scale is None:
        if arguments.as_json:
            raise JsonNeedsScaleError
        return
    if one_off:
        raise ScaleConflictError(other="A command after '--'")
    if arguments.process:
        raise ScaleConflictError(other=f"The process type '{arguments.process}'")
    if arguments.check:
        raise ScaleConflictError(other="--check")


def _run_formation(
    arguments: argparse.Namespace, slug: Path, env: dict[str, str], session: Session
) -> int:
    # A single process needs none of this: neither the event loop nor the router.
    from portside.process_log import ProcessLog, render_json, text_renderer  # noqa: PLC0415
    from portside.runtime.run import read_data  # noqa: PLC0415
    from portside.runtime.supervisor.formation import plan_formation  # noqa: PLC0415
    from portside.runtime.supervisor.supervise import Timing, run_formation  # noqa: PLC0415

    style = Style(colours=wants_colours(sys.stdout, session.host.environ))
    formation = plan_formation(arguments.scale, read_data(slug).processes)
    names = (*(slot.name for slot in formation.slots), "release.1")
    log = ProcessLog(print_out, render_json if arguments.as_json else text_renderer(names, style))
    try:
        return run_formation(
            slug,
            formation=formation,
            port=arguments.port,
            env=env,
            host=session.host,
            on_line=log,
            timing=Timing(boot=arguments.timeout),
        )
    finally:
        log.close()


def _slug_of(place: Path, session: Session, env: dict[str, str]) -> tuple[Path, dict[str, str]]:
    """Return the slug at ``place``, built if that is an app's source, and the app's ``.env``."""
    if slug_key(place) is not None:
        return place, {}
    request = BuildRequest(place, data_root(session.host), config_vars=env)
    result = build(request, session.tools, TextLog(session.host.environ))
    return result.slug, collect_env(place)
