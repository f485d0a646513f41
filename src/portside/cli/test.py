"""``portside test``: an app's tests, in a slug of their own that has what they depend on."""

import argparse
import shlex
from pathlib import Path

from portside.cli.config_vars import read_config_vars, read_own_vars
from portside.cli.options import add_cache_dir, add_env, add_settings, settings_of
from portside.cli.places import data_root
from portside.cli.session import open_session
from portside.console import print_out
from portside.effects.host import read_host
from portside.engine import build
from portside.event_log import TextLog
from portside.model.app_json import AppJson
from portside.preparation import BuildRequest
from portside.runtime.guardian import split_off_guardian
from portside.runtime.run import run_process

_DESCRIPTION = """\
Build APP (default: this directory) with the dependencies of its tests, and run these:

  portside test                            the command that app.json has for it, or
                                           manage.py test, pytest or unittest
  portside test . -- pytest -x tests/unit  another command

The slug that serves the app is left alone.
"""
_ENVIRONMENT = "test"
_PYTHON = Path(".heroku/python/bin")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments and options."""
    parser.description = _DESCRIPTION
    parser.usage = "portside test [OPTIONS] [APP] [-- COMMAND ...]"
    parser.add_argument(
        "app", metavar="APP", nargs="?", type=Path, default=Path(), help="the app's source"
    )
    add_env(parser)
    add_cache_dir(parser)
    add_settings(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run the tests and return the exit code of the first command that fails, or 0.

    Raises ``ConfigVarsMissingError`` and the ``BuildError`` of what fails in the build.
    """
    app: Path = arguments.app
    env = read_config_vars(arguments, read_host().environ)
    session = open_session(arguments.cache_dir, env)
    own = read_own_vars(app, {**session.host.environ, **env}, environment=_ENVIRONMENT)
    request = BuildRequest(
        app,
        data_root(session.host),
        config_vars={**own.added.defaults, **env},
        # Tests take static files from where they are.
        options={"collectstatic": "false", **settings_of(arguments)},
        warns_of_missing=False,
        generated=own.added.generated,
        includes_tests=True,
    )
    slug = build(request, session.tools, TextLog(session.host.environ)).slug
    split_off_guardian(own_session=False)
    status = 0
    for command in _commands(arguments.one_off, own.app_json or AppJson(), slug):
        print_out(f"Testing: {shlex.join(command)}")
        status = run_process(
            slug,
            process=None,
            command=command,
            port=None,
            env={**own.all, **env},
            host=session.host,
            on_line=print_out,
            check=False,
        )
        if status:
            break
    return status


def _commands(given: tuple[str, ...], app_json: AppJson, slug: Path) -> tuple[tuple[str, ...], ...]:
    """Return what is run, in order: app.json's setup of tests, and the tests."""
    setup = (("sh", "-c", app_json.test_setup),) if app_json.test_setup else ()
    if given:
        return (*setup, given)
    if app_json.test:
        return (*setup, ("sh", "-c", app_json.test))
    if (slug / "manage.py").is_file():
        return (*setup, ("python", "manage.py", "test"))
    if (slug / _PYTHON / "pytest").is_file():
        return (*setup, ("python", "-m", "pytest"))
    return (*setup, ("python", "-m", "unittest", "discover"))
