"""What an app's dependencies name beside the app, in its source root: read, and copied for a build.

It never writes to the source.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from portside.effects.app_files import read_app_files
from portside.effects.files import FileStamp, copy_tree, digest_file
from portside.model.errors.app import LinkOutsideAppError

# What building a project leaves in it; setuptools would take old modules from there.
_LEFTOVERS = ("*.egg-info/", ".heroku/")
_BUILT = ("lib", "bdist.", "temp.", "scripts-")


class Neighbour(Struct, frozen=True):
    """A project, archive or file beside the app. ``path`` is relative to the app.

    ``stamps`` are its files in ``root``, which is its directory where it ``is_single`` itself;
    ``digest`` is that of its contents.
    """

    path: str
    root: Path
    stamps: tuple[FileStamp, ...]
    digest: str
    is_single: bool = False


def read_neighbours(
    app: Path,
    paths: Iterable[str],
    index: Path,
    *,
    outputs: tuple[Path, ...],
    excludes: tuple[str, ...],
    root: Path,
) -> tuple[Neighbour, ...]:
    """Return what there is at paths relative to the app.

    Version control, environments, caches, ``outputs`` of builds and ``excludes`` (as in .gitignore)
    are left out, as in the app. ``index`` is the app's; a project gets one of its own beside it.
    Links may lead anywhere in the source ``root``. Raises what ``read_app_files`` raises.
    """
    written = (app, *outputs)
    return tuple(_read(app, path, index, written, excludes, root) for path in dict.fromkeys(paths))


def copy_neighbours(neighbours: Iterable[Neighbour], app: Path) -> None:
    """Put neighbours where an app in another place looks for them.

    Raises ``CopyFailedError`` where one can't be read or was changed meanwhile.
    """
    for item in neighbours:
        place = Path(os.path.normpath(app / item.path))
        target = place.parent if item.is_single else place
        target.mkdir(parents=True, exist_ok=True)
        copy_tree(item.root, target, item.stamps)


def _read(
    app: Path,
    path: str,
    index: Path,
    written: tuple[Path, ...],
    excludes: tuple[str, ...],
    root: Path,
) -> Neighbour:
    place = Path(os.path.normpath(app / path))
    resolved = place.resolve()
    if not resolved.is_relative_to(root):
        raise LinkOutsideAppError(path=path, target=str(resolved))
    if not place.is_dir():
        status = place.stat()
        stamp = FileStamp(place.name, status.st_mode, status.st_size, status.st_mtime_ns)
        return Neighbour(path, place.parent, (stamp,), digest_file(str(place)), is_single=True)
    name = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:10]
    own = index.with_name(f"{index.stem}.{name}{index.suffix}")
    left = (*_LEFTOVERS, "/build/") if _has_only_leftovers(place / "build") else _LEFTOVERS
    files = read_app_files(place, own, written, (*left, *excludes), path, root)
    return Neighbour(path, place, files.stamps, files.digest)


def _has_only_leftovers(directory: Path) -> bool:
    """Return whether a directory is one that setuptools builds in, and no part of the project."""
    try:
        return all(item.name.startswith(_BUILT) for item in directory.iterdir())
    except OSError:
        return False
