"""Where things are kept on this machine: options first, then variables, then the defaults."""

from pathlib import Path

from portside.effects.host import Host
from portside.effects.store import Store


def open_store(host: Host, cache_dir: Path | None) -> Store:
    """Return the store in a cache directory (the user's own unless given)."""
    configured = host.environ.get("PORTSIDE_CACHE_DIR")
    root = cache_dir or (Path(configured) if configured else host.cache_root)
    return Store(root.absolute())


def data_root(host: Host) -> Path:
    """Return where slugs go that the user gave no place."""
    configured = host.environ.get("PORTSIDE_DATA_DIR")
    return Path(configured).absolute() if configured else host.data_root
