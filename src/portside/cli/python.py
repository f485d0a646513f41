"""``portside python``: which interpreters can be had, and which one an app would get."""

import argparse

from portside.cli.options import add_app, add_cache_dir, add_settings, settings_of
from portside.cli.places import data_root
from portside.cli.session import Session, open_session
from portside.console import print_out
from portside.effects.interpreters.inventory import read_inventory
from portside.effects.interpreters.local import find_local_interpreters
from portside.model.errors.interpreter import SourceUnreachableError
from portside.model.interpreter import InterpreterCandidate
from portside.model.plan import ProvideInterpreter
from portside.preparation import BuildRequest, prepare
from portside.steps.interpreter import stored_candidates


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's own commands."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="list|find")
    listing = commands.add_parser(
        "list",
        help="list the interpreters in the store, on this machine and for download",
        description="List the interpreters in the store, on this machine and for download.",
    )
    listing.add_argument(
        "--all", dest="show_all", action="store_true", help="every patch, not only the newest"
    )
    add_cache_dir(listing)
    find = commands.add_parser(
        "find",
        help="say which interpreter a build of APP would use",
        description="Say which interpreter a build of APP would use, and why.",
    )
    add_app(find)
    add_cache_dir(find)
    add_settings(find)


def execute(arguments: argparse.Namespace) -> int:
    """Print interpreters, or the one for an app."""
    session = open_session(arguments.cache_dir)
    if arguments.action == "list":
        _list(session, show_all=arguments.show_all)
    else:
        options = settings_of(arguments)
        _find(session, BuildRequest(arguments.app, data_root(session.host), options=options))
    return 0


def _list(session: Session, *, show_all: bool) -> None:
    tools = session.tools
    inventory, trouble = _inventory(session)
    found = [
        *stored_candidates(tools.store, tools.host.platform),
        *find_local_interpreters(tools.host, tools.runner),
        *inventory,
    ]
    seen: set[tuple[str, str]] = set()
    for item in sorted(found, key=lambda candidate: candidate.version, reverse=True):
        line = (item.source.value, str(item.version.series))
        if show_all or line not in seen:
            print_out(f"{item.version!s:<10} {item.source.value:<9} {item.location}")
        seen.add(line)
    if trouble is not None:
        raise trouble


def _inventory(
    session: Session,
) -> tuple[tuple[InterpreterCandidate, ...], SourceUnreachableError | None]:
    """Return what can be downloaded, or why a catalog can't be read: the rest is listed still."""
    tools = session.tools
    cache = tools.store.root / "inventory.json"
    try:
        return read_inventory(tools.runner, tools.host, tools.uv, cache), None
    except SourceUnreachableError as trouble:
        return (), trouble


def _find(session: Session, request: BuildRequest) -> None:
    for step in prepare(request, session.tools).plan.steps:
        if isinstance(step, ProvideInterpreter):
            print_out(f"{step.candidates[0]}  ({step.origin})")
