"""Where things are kept on this machine: options first, then variables, then the defaults."""

from pathlib import Path

from portside.effects.host import Host
from portside.effects.store import Store
from portside.model.errors.store import WorkingDirectoryGoneError


def open_store(host: Host, cache_dir: Path | None) -> Store:
    """Return the store in a cache directory (the user's own unless given)."""
    configured = host.environ.get("PORTSIDE_CACHE_DIR")
    root = cache_dir or (Path(configured) if configured else host.cache_root)
    return Store(absolute(root))


def data_root(host: Host) -> Path:
    """Return where slugs go that the user gave no place."""
    configured = host.environ.get("PORTSIDE_DATA_DIR")
    return absolute(Path(configured)) if configured else host.data_root


def absolute(path: Path) -> Path:
    """Return a path that was given, from the root on; raise ``WorkingDirectoryGoneError``."""
    try:
        return path.absolute()
    except FileNotFoundError as error:
        raise WorkingDirectoryGoneError(path=str(path)) from error
