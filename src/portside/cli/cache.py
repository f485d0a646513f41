"""``portside cache``: where the store is, what it holds, and less of it."""

from pathlib import Path

import click

from portside.cli.options import cache_option
from portside.cli.session import open_session
from portside.console import print_out

_DAY = 86400.0


@click.group("cache")
def command() -> None:
    """Show, prune or clear the store, where layers and downloads are kept."""


@command.command("dir")
@cache_option
def show_dir(cache_dir: Path | None) -> None:
    """Print where the store is."""
    print_out(str(open_session(cache_dir).store.root))


@command.command("prune")
@click.option("--days", default=30.0, show_default=True, help="Keep what was used since then.")
@cache_option
def prune(days: float, cache_dir: Path | None) -> None:
    """Remove layers that no build has used for a while."""
    removed, freed = open_session(cache_dir).store.prune(older_than=days * _DAY)
    print_out(f"Removed {removed} layers, {freed / 1e6:.1f} MB.")


@command.command("clear")
@cache_option
def clear(cache_dir: Path | None) -> None:
    """Remove everything from the store. Slugs are not touched."""
    print_out(f"Freed {open_session(cache_dir).store.clear() / 1e6:.1f} MB.")
