"""The slugs of one app in portside's own data directory: one is current, the one before stays.

The one before is for processes that still run from it; any other is spare.
"""

import os
from pathlib import Path

from portside.effects.removal import remove_tree
from portside.packing.slug import PYTHON_HOME, publish, slug_key, slug_layers

_CURRENT = "current"
_KEPT = 2


def current_slug(directory: Path) -> Path | None:
    """Return the current slug of an app, or None."""
    link = directory / _CURRENT
    if slug_key(link) is None:
        return None
    return link.resolve()


def publish_generation(staged: Path, directory: Path, key: str) -> Path:
    """Put a slug among an app's generations and make it the current one; return its place."""
    place = directory / key[:16]
    if slug_key(place) is None:
        # Nobody but portside writes here: what isn't a slug is the rest of one.
        remove_tree(place)
    publish(staged, place)
    link = directory / f".{_CURRENT}-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(place.name)
    link.replace(directory / _CURRENT)
    for old in _generations(directory)[_KEPT:]:
        remove_tree(old)
    return place


def take_spare(directory: Path, layers: tuple[str, ...], aside: Path) -> Path | None:
    """Move a slug that consists of ``layers``, and that the next would push out, into ``aside``.

    Return where it is now; None where there is no such slug. ``give_back`` undoes it.
    """
    current = current_slug(directory)
    if current is None:
        return None
    kept = [current, *(old for old in _generations(directory) if old != current)]
    for spare in kept[_KEPT - 1 :]:
        if slug_layers(spare) == layers:
            aside.mkdir()
            return spare.rename(aside / spare.name)
    return None


def give_back(aside: Path, home: Path, directory: Path) -> None:
    """Put what ``take_spare`` took back in its place, with its tree of Python from ``home``."""
    for spare in aside.iterdir() if aside.is_dir() else ():
        tree = spare / PYTHON_HOME
        if not tree.exists() and home.exists():
            home.rename(tree)
        if tree.exists():
            spare.rename(directory / spare.name)


def _generations(directory: Path) -> list[Path]:
    """Return the directories of an app's slugs, the newest first."""
    found = [
        path
        for path in directory.iterdir()
        if path.is_dir() and not path.name.startswith((".", _CURRENT))
    ]
    return sorted(found, key=lambda path: path.lstat().st_ctime, reverse=True)
