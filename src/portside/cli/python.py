"""``portside python``: which interpreters can be had, and which one an app would get."""

from pathlib import Path

import click

from portside.cli.options import app_argument, cache_option
from portside.cli.places import data_root
from portside.cli.session import open_session
from portside.console import print_out
from portside.effects.interpreters.inventory import read_inventory
from portside.effects.interpreters.local import find_local_interpreters
from portside.model.plan import ProvideInterpreter
from portside.preparation import BuildRequest, prepare
from portside.steps.interpreter import stored_candidates


@click.group("python")
def command() -> None:
    """List and find Python interpreters."""


@command.command("list")
@click.option("--all", "show_all", is_flag=True, help="Every patch, not only each series' newest.")
@cache_option
def list_interpreters(cache_dir: Path | None, *, show_all: bool) -> None:
    """List the interpreters in the store, on this machine and for download."""
    tools = open_session(cache_dir).tools
    found = [
        *stored_candidates(tools.store, tools.host.platform),
        *find_local_interpreters(tools.host, tools.runner),
        *read_inventory(tools.runner, tools.host, tools.uv, tools.store.root / "inventory.json"),
    ]
    seen: set[tuple[str, str]] = set()
    for item in sorted(found, key=lambda c: c.version, reverse=True):
        line = (item.source.value, str(item.version.series))
        if show_all or line not in seen:
            print_out(f"{item.version!s:<10} {item.source.value:<9} {item.location}")
        seen.add(line)


@command.command("find")
@app_argument
@cache_option
def find(app: Path, cache_dir: Path | None) -> None:
    """Say which interpreter a build of APP would use first, and why."""
    session = open_session(cache_dir)
    plan = prepare(BuildRequest(app, data_root(session.host)), session.tools).plan
    for step in plan.steps:
        if isinstance(step, ProvideInterpreter):
            print_out(f"{step.candidates[0]}  ({step.origin})")
