"""``portside run``: processes of an app or a slug, under the contract of production."""

import argparse
import sys
from pathlib import Path

from portside.cli.config_vars import read_config_vars, read_own_vars
from portside.cli.options import (
    add_cache_dir,
    add_env,
    add_settings,
    not_negative,
    port,
    settings_of,
)
from portside.cli.places import data_root
from portside.cli.session import Session, open_session
from portside.console import Style, print_out, wants_colours
from portside.detection.settings import read_settings
from portside.effects.app_source import DirectorySource
from portside.effects.host import read_host
from portside.engine import build
from portside.event_log import TextLog
from portside.model.app_json import AppJson
from portside.model.errors.app_json import FormationMissingError
from portside.model.errors.formation import JsonNeedsScaleError, ScaleConflictError
from portside.model.errors.run import OneOffWithProcessError
from portside.model.errors.settings import SettingWithoutEffectError
from portside.model.python_version import Origin
from portside.model.settings import MEMORY_LIMIT, Given
from portside.packing.slug import slug_key
from portside.preparation import BuildRequest
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
  portside run --scale formation           as many of each as app.json says
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
        help="run so many processes of each type, 'all' for one of each, or "
        "'formation' for what app.json says (docs/run.md)",
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
    add_settings(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run what was asked for and return its exit code."""
    one_off: tuple[str, ...] = arguments.one_off
    _check_options(arguments, one_off)
    env = read_config_vars(arguments, read_host().environ)
    session = open_session(arguments.cache_dir, env)
    given = {**session.host.environ, **env}
    own = read_own_vars(arguments.place, given, requires=not one_off)
    settings = settings_of(arguments)
    if arguments.check and slug_key(arguments.place) is not None:
        settings.pop(MEMORY_LIMIT, None)  # the one that counts for a slug that is built already
    slug = _slug_of(arguments.place, session, env, settings)
    split_off_guardian(own_session=not one_off)
    if arguments.scale is not None:
        return _run_formation(arguments, slug, {**own.all, **env}, session, own.app_json)
    return run_process(
        slug,
        process=arguments.process,
        command=one_off,
        port=arguments.port,
        env={**own.all, **env},
        host=session.host,
        on_line=print_out,
        check=arguments.check,
        boot_timeout=arguments.timeout,
        memory_limit=_memory_limit(arguments, {**session.host.environ, **env}),
    )


def _memory_limit(arguments: argparse.Namespace, variables: dict[str, str]) -> int:
    """Return the limit for a check, in bytes, 0 for none. Raises what reading settings raises."""
    if not arguments.check:
        return 0
    given = Given(variables, settings_of(arguments))
    return read_settings(DirectorySource(arguments.place), given).size(MEMORY_LIMIT)


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
    arguments: argparse.Namespace,
    slug: Path,
    env: dict[str, str],
    session: Session,
    app_json: AppJson | None,
) -> int:
    # A single process needs none of this: neither the event loop nor the router.
    from portside.process_log import ProcessLog, render_json, text_renderer  # noqa: PLC0415
    from portside.runtime.run import read_data  # noqa: PLC0415
    from portside.runtime.supervisor.formation import FORMATION, plan_formation  # noqa: PLC0415
    from portside.runtime.supervisor.supervise import Timing, run_formation  # noqa: PLC0415

    style = Style(colours=wants_colours(sys.stdout, session.host.environ))
    scale = _scale_of(app_json) if arguments.scale.strip() == FORMATION else arguments.scale
    formation = plan_formation(scale, read_data(slug).processes)
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


def _scale_of(app_json: AppJson | None) -> str:
    """Return the formation of app.json as a scale. Raises ``FormationMissingError``."""
    if app_json is None or not app_json.formation:
        raise FormationMissingError(has_file=app_json is not None)
    return ",".join(f"{name}={quantity}" for name, quantity in app_json.formation)


def _slug_of(place: Path, session: Session, env: dict[str, str], options: dict[str, str]) -> Path:
    """Return the slug at ``place``, built if that is an app's source.

    Raises ``SettingWithoutEffectError`` for settings that come too late.
    """
    if slug_key(place) is not None:
        for name in options:
            cause = f"'{place}' is a slug, which is built already."
            raise SettingWithoutEffectError(name=name, origin=Origin("the command"), cause=cause)
        return place
    request = BuildRequest(
        place, data_root(session.host), config_vars=env, options=options, warns_of_missing=False
    )
    return build(request, session.tools, TextLog(session.host.environ)).slug
