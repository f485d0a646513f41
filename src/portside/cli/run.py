"""``portside run``: a process of an app or a slug, under the contract of production."""

from pathlib import Path

import click

from portside.cli.options import cache_option, env_options
from portside.cli.places import data_root
from portside.cli.plan import read_config_vars
from portside.cli.session import Session, open_session
from portside.console import print_out
from portside.engine import build
from portside.event_log import TextConsole
from portside.packing.slug import slug_key
from portside.preparation import BuildRequest
from portside.runtime.dotenv import collect_env
from portside.runtime.run import run_process


class _RunCommand(click.Command):
    """Keeps what follows ``--`` apart: click would take the first word of it for an argument."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.obj = tuple(args[at + 1 :])
        if at == len(args) - 1:
            raise click.UsageError("A command must follow '--'.", ctx)
        return super().parse_args(ctx, args[:at])


@click.command("run", cls=_RunCommand)
@click.argument("place", metavar="[APP|SLUG]", type=click.Path(path_type=Path), default=Path())
@click.argument("process", metavar="[PROCESS | -- CMD …]", required=False)
@click.option("--port", type=click.IntRange(1, 65535), help="Serve on this port.")
@click.option("--check", is_flag=True, help="Boot, wait for an HTTP answer, stop; exit 0 or 1.")
@click.option(
    "--timeout", default=60.0, show_default=True, help="Seconds a web process has to bind."
)
@cache_option
@env_options
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 (one per option)
    context: click.Context,
    place: Path,
    process: str | None,
    port: int | None,
    timeout: float,
    cache_dir: Path | None,
    env_pairs: tuple[tuple[str, str | None], ...],
    env_files: tuple[Path, ...],
    *,
    check: bool,
) -> None:
    r"""Run the web process of APP or SLUG (default: this directory), or another by its name.

    An app is built first, as far as it changed. After -- comes any command.

    \b
        portside run                        the web process, on $PORT or 5000
        portside run . worker               another process type of the Procfile
        portside run . -- python -V         a command with the slug's environment
    """
    one_off: tuple[str, ...] = context.obj
    if one_off and process:
        raise click.UsageError("Give a process type, or -- and a command, not both.")
    session = open_session(cache_dir)
    env = read_config_vars(env_pairs, env_files, dict(session.host.environ))
    slug, app_env = _slug_of(place, session, env)
    context.exit(
        run_process(
            slug,
            process=process,
            command=one_off,
            port=port,
            env={**app_env, **env},
            host=session.host,
            on_line=print_out,
            check=check,
            boot_timeout=timeout,
        )
    )


def _slug_of(place: Path, session: Session, env: dict[str, str]) -> tuple[Path, dict[str, str]]:
    """Return the slug at ``place``, built if that is an app's source, and the app's ``.env``."""
    if slug_key(place) is not None:
        return place, {}
    request = BuildRequest(place, data_root(session.host), config_vars=env)
    result = build(request, session.tools, TextConsole(session.host.environ))
    return result.slug, collect_env(place)
