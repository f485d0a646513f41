"""``portside cache``: what the store holds, where it is, and less of it."""

import argparse

from portside.cli.options import add_cache_dir, not_negative
from portside.cli.places import open_store
from portside.console import print_err, print_out
from portside.effects.host import read_host
from portside.effects.store import Store, tree_size

_DAY = 86400.0
_LINKED = "  Files that are linked count in each place, so that less is used in all."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's own commands."""
    commands = parser.add_subparsers(dest="action", metavar="dir|prune|clear")
    show = commands.add_parser(
        "dir", help="print where the store is", description="Print where the store is."
    )
    prune = commands.add_parser(
        "prune",
        help="remove layers that no build has used for a while",
        description="Remove layers that no build has used for a while.",
    )
    prune.add_argument(
        "--days",
        type=not_negative,
        default=30.0,
        help="keep what was used since then (default: 30)",
    )
    clear = commands.add_parser(
        "clear",
        help="remove everything; slugs are not touched",
        description=(
            "Remove everything from the store, when no build uses it. Slugs are not touched."
        ),
    )
    add_cache_dir(parser)
    for command in (show, prune, clear):
        # Where it stands before the command's name it counts, too.
        add_cache_dir(command, argparse.SUPPRESS)


def execute(arguments: argparse.Namespace) -> int:
    """Carry out what was asked for and print what it did."""
    store = open_store(read_host(), arguments.cache_dir)
    print_out(_act(store, arguments))
    return 0


def _act(store: Store, arguments: argparse.Namespace) -> str:
    match arguments.action:
        case "prune":
            removed, freed = store.prune(older_than=arguments.days * _DAY)
            return f"Removed {removed} layers, {freed / 1e6:.1f} MB."
        case "clear":
            return f"Freed {store.clear(_tell_of_builds) / 1e6:.1f} MB."
        case "dir":
            return str(store.root)
        case _:
            return _summary(store)


def _tell_of_builds() -> None:
    print_err("Waiting for the builds that use the store.")


def _summary(store: Store) -> str:
    rows = [
        (f"{len(tuple(place.iterdir()))} {place.name} layers", tree_size(place))
        for place in sorted((store.root / "layers").glob("*"))
    ]
    rows += [
        (what, tree_size(store.root / name))
        for name, what in (("bytecode", "bytecode"), ("uv", "downloads and wheels"))
    ]
    lines = [f"  {what:<24}{size / 1e6:10.1f} MB" for what, size in rows if size]
    # Layers link to the wheels and the bytecode they were made from.
    return "\n".join([str(store.root), *(lines or ["  (empty)"]), *([_LINKED] if lines else [])])
