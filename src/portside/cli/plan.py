"""``portside plan``: what a build would do, and why."""

from pathlib import Path

import click

from portside.cli.options import app_argument, cache_option, env_options, json_option
from portside.cli.places import data_root
from portside.cli.session import open_session
from portside.console import print_out
from portside.model.codec import to_json
from portside.model.plan import (
    CollectStatic,
    CopyApp,
    FinishSlug,
    InstallDependencies,
    Plan,
    ProvideInterpreter,
    RunHook,
    Step,
)
from portside.preparation import BuildRequest, prepare
from portside.runtime.dotenv import read_env_file


@click.command("plan")
@app_argument
@cache_option
@env_options
@json_option
def command(
    app: Path,
    cache_dir: Path | None,
    env_pairs: tuple[tuple[str, str | None], ...],
    env_files: tuple[Path, ...],
    *,
    as_json: bool,
) -> None:
    """Say what a build of APP (default: this directory) would do, and why. Changes nothing."""
    session = open_session(cache_dir)
    config_vars = read_config_vars(env_pairs, env_files, dict(session.host.environ))
    request = BuildRequest(app, data_root(session.host), config_vars=config_vars)
    plan = prepare(request, session.tools).plan
    print_out(to_json(plan) if as_json else render_plan(plan))


def read_config_vars(
    pairs: tuple[tuple[str, str | None], ...], files: tuple[Path, ...], environ: dict[str, str]
) -> dict[str, str]:
    """Return the config vars of ``--env-file`` and then ``--env``, later ones winning."""
    collected: dict[str, str] = {}
    for path in files:
        collected.update(read_env_file(path))
    for name, value in pairs:
        collected[name] = environ.get(name, "") if value is None else value
    return collected


def render_plan(plan: Plan) -> str:
    """Return a plan as text for people."""
    lines = [f"A build of {plan.app} would:"]
    lines += [
        f"  {step.action.value:<6} {_title(step)}\n         {step.reason}" for step in plan.steps
    ]
    lines += [f"Warning: {notice.summary}" for notice in plan.notices]
    return "\n".join(lines)


def _title(step: Step) -> str:
    match step:
        case RunHook():
            return step.hook
        case ProvideInterpreter():
            return f"Python {step.requested}: {step.candidates[0]} ({step.origin})"
        case InstallDependencies():
            return f"dependencies with {step.dependencies.manager.value}"
        case CopyApp():
            return f"copy {step.files} files of the app"
        case CollectStatic():
            return f"python {step.manage_py} collectstatic"
        case FinishSlug():
            types = ", ".join(process.type for process in step.processes) or "no process types"
            return f"finish the slug ({types})"
