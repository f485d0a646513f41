"""``portside plan``: what a build would do, and why."""

import argparse

from portside.cli.config_vars import read_config_vars
from portside.cli.options import (
    add_app,
    add_cache_dir,
    add_env,
    add_json,
    add_settings,
    settings_of,
)
from portside.cli.places import data_root
from portside.cli.session import open_session
from portside.console import print_out
from portside.model.app_json import DeclaredVar
from portside.model.codec import to_json
from portside.model.plan import (
    CheckBoot,
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


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments and options."""
    add_app(parser)
    add_env(parser)
    add_cache_dir(parser)
    add_json(parser)
    add_settings(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the plan of a build; nothing is changed."""
    session = open_session(arguments.cache_dir)
    config_vars = read_config_vars(arguments, session.host.environ)
    request = BuildRequest(
        arguments.app,
        data_root(session.host),
        config_vars=config_vars,
        options=settings_of(arguments),
    )
    prepared = prepare(request, session.tools)
    shown = render_plan(prepared.plan, prepared.facts.config_vars)
    print_out(to_json(prepared.plan) if arguments.as_json else shown)
    return 0


def render_plan(plan: Plan, config_vars: tuple[DeclaredVar, ...] = ()) -> str:
    """Return a plan as text for people, with the config vars of app.json, if any."""
    lines = [f"A build of {plan.app} would:"]
    for step in plan.steps:
        lines += [f"  {step.action.value:<6} {_title(step)}", f"         {step.reason}"]
        lines += [f"         {detail}" for detail in _details(step)]
    if config_vars:
        named = ", ".join(f"{var.name} ({var.source.value})" for var in config_vars)
        lines.append(f"The config vars of app.json: {named}")
    for notice in plan.notices:
        lines.append(f"{notice.level.title()}: {notice.summary}")
        lines += [f"  {line}" for line in notice.hint.splitlines()]
    return "\n".join(lines)


def _details(step: Step) -> tuple[str, ...]:
    """Return what a step consists of, with the evidence for it."""
    if isinstance(step, FinishSlug):
        return tuple(f"{p.type}: {p.command}  ({p.origin})" for p in step.processes)
    if isinstance(step, InstallDependencies):
        return tuple(f"and {name}, to start the app" for name in step.dependencies.added_names)
    return ()


def _title(step: Step) -> str:  # noqa: PLR0911 (one for each kind of step)
    match step:
        case RunHook():
            return step.hook
        case ProvideInterpreter():
            return f"Python {step.requested}: {step.candidates[0]} ({step.origin})"
        case InstallDependencies():
            return f"dependencies {step.dependencies.manager.phrase}"
        case CopyApp():
            return f"copy {step.files} files of the app"
        case CollectStatic():
            return f"python {step.manage_py} collectstatic"
        case CheckBoot():
            return "boot check"
        case FinishSlug():
            types = ", ".join(process.type for process in step.processes) or "no process types"
            return f"finish the slug ({types})"
