"""``portside build``: an app's source becomes a slug that runs."""

from pathlib import Path

import click

from portside.cli.options import app_argument, cache_option, env_options, json_option
from portside.cli.places import data_root
from portside.cli.plan import read_config_vars
from portside.cli.session import open_session
from portside.engine import build
from portside.event_log import JsonConsole, TextConsole
from portside.model.errors.store import OutputTargetError
from portside.preparation import BuildRequest


@click.command("build")
@app_argument
@click.option(
    "-o",
    "--output",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="dir:PATH for a slug directory, slug:FILE.tar.gz for an archive. May be given again. "
    "[default: a slug in portside's own data directory]",
)
@cache_option
@env_options
@click.option("--upgrade", is_flag=True, help="Take the newest versions that the app admits.")
@json_option
def command(
    app: Path,
    targets: tuple[str, ...],
    cache_dir: Path | None,
    env_pairs: tuple[tuple[str, str | None], ...],
    env_files: tuple[Path, ...],
    *,
    upgrade: bool,
    as_json: bool,
) -> None:
    """Build APP (default: this directory) into a slug: app, Python and dependencies together."""
    directories, archives = read_targets(targets)
    session = open_session(cache_dir)
    config_vars = read_config_vars(env_pairs, env_files, dict(session.host.environ))
    session = open_session(cache_dir, config_vars)
    request = BuildRequest(
        app, data_root(session.host), directories, archives, config_vars, upgrade
    )
    emit = JsonConsole() if as_json else TextConsole(session.host.environ)
    build(request, session.tools, emit)


def read_targets(targets: tuple[str, ...]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the slug directories and the archives asked for; raise ``OutputTargetError``."""
    directories: list[Path] = []
    archives: list[Path] = []
    for target in targets:
        kind, _, path = target.partition(":")
        if kind == "dir" and path:
            directories.append(Path(path).absolute())
        elif kind == "slug" and path.endswith((".tar", ".tar.gz", ".tgz")):
            archives.append(Path(path).absolute())
        else:
            raise OutputTargetError(target=target)
    return tuple(directories), tuple(archives)
