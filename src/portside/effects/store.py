"""The store: finished layers, content-addressed by key, shared by all builds of a user.

A layer is written to a staging directory and renamed into place under a lock, so that it is
either whole or not there. Its manifest (path, mode, size and time of every file) is written last
and flushed to disk; a layer that doesn't match its manifest is discarded, so a torn write after
a power loss is found when it is restored. Nothing outside this module writes to a layer.
"""

import contextlib
import fcntl
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from portside.effects.files import (
    FileStamp,
    disk_errors,
    protect_files,
    remove_tree,
    scan,
    write_new,
)
from portside.effects.staging import (
    make_private_directory,
    private_directory,
    remove_abandoned,
)
from portside.model.layers import KeyInput, LayerKey

FORMAT = 2
_TREE = "tree"
_INSTANCE = "instance"
_HEADER = "layer.json"
_MANIFEST = "manifest.json"
_SECOND = 1_000_000_000


class LayerHeader(Struct, frozen=True):
    """What a layer is, without its files: its key, and what its maker noted."""

    key: LayerKey
    facts: tuple[tuple[str, str], ...]

    def fact(self, name: str) -> str:
        """Return what the layer's maker noted under ``name``, or "" where nothing was."""
        return dict(self.facts).get(name, "")


class StoredLayer(Struct, frozen=True):
    """A finished layer: ``stamps`` are its files below ``tree``, ``facts`` what its maker noted."""

    key: LayerKey
    tree: Path
    stamps: tuple[FileStamp, ...]
    facts: tuple[tuple[str, str], ...]

    def fact(self, name: str) -> str:
        """Return what the layer's maker noted under ``name``, or "" where nothing was."""
        return dict(self.facts).get(name, "")

    @property
    def instance(self) -> str:
        """Return what tells this layer from another made later with the same key."""
        return self.fact(_INSTANCE)


class Staging(Struct, frozen=True):
    """A private directory that is removed at the end, and by the next build after a kill."""

    root: Path

    @property
    def tree(self) -> Path:
        """Return the directory that becomes the layer's tree."""
        return self.root / _TREE


class Store:
    """Layers on this machine below ``root``, safe for concurrent builds and kills."""

    def __init__(self, root: Path) -> None:
        """Take the store's directory, which is made when something is first written."""
        self.root = root

    @property
    def uv_cache(self) -> Path:
        """Return uv's own cache: on the same file system, so that layers can link into it."""
        return self.root / "uv"

    @property
    def _staging(self) -> Path:
        return self.root / "staging"

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the named lock; the operating system drops it when the process ends, however."""
        with disk_errors(self.root):
            directory = self.root / "locks"
            directory.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(directory / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def staging(self) -> Iterator[Staging]:
        """Make a private directory in the store's file system, with an empty ``tree`` in it."""
        with contextlib.ExitStack() as stack:
            with disk_errors(self.root):
                self._staging.mkdir(parents=True, exist_ok=True)
                root = stack.enter_context(private_directory(self._staging))
                (root / _TREE).mkdir()
            yield Staging(root)

    def find(
        self, key: LayerKey, on_damaged: Callable[[str], None] = lambda _: None
    ) -> StoredLayer | None:
        """Return the layer with this key, or None.

        A damaged one is removed and counts as None; ``on_damaged`` is told its kind. What it was
        linked with is removed, too: made again from that, it would be as damaged as before.
        """
        place = self._place(key.layer, key.digest)
        found = self._load(place)
        if found is None and place.is_dir():
            with self.lock(f"{key.layer}-{key.digest[:16]}"):
                # Another build may have put it there, or replaced it, while it was looked at.
                found = self._load(place)
                if found is None and place.is_dir():
                    self._drop_linked_with(_damaged_files(place))
                    self._discard(place)
                    on_damaged(key.layer)
        return found

    def has(self, key: LayerKey) -> bool:
        """Return whether there is a layer with this key, unverified."""
        return (self._place(key.layer, key.digest) / _MANIFEST).is_file()

    def header(self, name: str, digest: str) -> LayerHeader | None:
        """Return what the layer with this digest is, unverified, or None."""
        return self._read_header(self._place(name, digest))

    def layers(self, name: str) -> tuple[LayerHeader, ...]:
        """Return what the layers of a kind are, unverified."""
        try:
            places = sorted((self.root / "layers" / name).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return ()
        found = (self._read_header(place) for place in places)
        return tuple(header for header in found if header is not None)

    def commit(
        self,
        key: LayerKey,
        staging: Staging,
        facts: tuple[tuple[str, str], ...] = (),
        *,
        replace: bool = False,
    ) -> StoredLayer:
        """Make the staging tree the layer with this key.

        Where another build was faster its layer is kept and returned, unless ``replace`` says
        that this one is wanted.
        """
        facts = (*facts, (_INSTANCE, os.urandom(8).hex()))
        place = self._place(key.layer, key.digest)
        with self.lock(f"{key.layer}-{key.digest[:16]}"), disk_errors(self.root):
            existing = self._load(place)
            if existing is not None and not replace:
                return existing
            if place.is_dir():
                self._discard(place)
            stamps = protect_files(staging.tree, tuple(scan(staging.tree)))
            ready = staging.root / "ready"
            ready.mkdir()
            (staging.root / _TREE).rename(ready / _TREE)
            write_new(ready / _HEADER, _encode_header(key, facts))
            write_new(ready / _MANIFEST, _encode_stamps(stamps))
            place.parent.mkdir(parents=True, exist_ok=True)
            ready.rename(place)
        return StoredLayer(key, place / _TREE, stamps, facts)

    def read_state(self, app_id: str) -> dict[str, object]:
        """Return what the last build of an app left behind; {} where there is nothing usable."""
        try:
            data: object = json.loads((self.root / "apps" / f"{app_id}.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) and data.get("format") == FORMAT else {}

    def write_state(self, app_id: str, state: dict[str, object]) -> None:
        """Keep what the next build of an app should know."""
        with disk_errors(self.root):
            directory = self.root / "apps"
            directory.mkdir(parents=True, exist_ok=True)
            data = json.dumps({"format": FORMAT, **state}, indent=1).encode()
            write_new(directory / f"{app_id}.json", data)

    def prune(self, *, older_than: float) -> tuple[int, int]:
        """Remove layers not used for ``older_than`` seconds; return (layers, bytes) removed."""
        removed = freed = 0
        remove_abandoned(self._staging)
        for place in sorted((self.root / "layers").glob("*/*")):
            if time.time() - place.stat().st_mtime > older_than:
                freed += tree_size(place)
                removed += 1
                self._discard(place)
        return removed, freed

    def drop_unlinked(self) -> None:
        """Remove what no layer links to any more from uv's cache and from stored bytecode.

        uv downloads again what it finds gone, and bytecode is compiled again.
        """
        for place in self._linked_places():
            if not any(file.lstat().st_nlink > 1 for file in _files(place)):
                remove_tree(place)

    def keep_only(self, digests: frozenset[str]) -> None:
        """Remove every layer but those with these digests."""
        for place in sorted((self.root / "layers").glob("*/*")):
            if place.name not in digests:
                self._discard(place)

    def clear(self) -> int:
        """Remove everything; return the bytes freed."""
        freed = tree_size(self.root)
        if self.root.is_dir():
            for entry in self.root.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    remove_tree(entry)
                else:
                    entry.unlink()
        return freed

    def _place(self, layer: str, digest: str) -> Path:
        return self.root / "layers" / layer / digest

    def _read_header(self, place: Path) -> LayerHeader | None:
        try:
            header = _decode_header((place / _HEADER).read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return header if header.key.digest == place.name else None

    def _load(self, place: Path) -> StoredLayer | None:
        """Return the layer at ``place`` if it is what its manifest says, else None."""
        header = self._read_header(place)
        stamps: tuple[FileStamp, ...] | None
        try:
            stamps = _decode_stamps((place / _MANIFEST).read_bytes())
        except (OSError, ValueError, TypeError):
            stamps = None
        found = None if header is None or stamps is None else _matching(place / _TREE, stamps)
        if header is None or found is None:
            return None
        with contextlib.suppress(FileNotFoundError):
            os.utime(place)
        return StoredLayer(header.key, place / _TREE, found, header.facts)

    def _linked_places(self) -> Iterator[Path]:
        """Yield the directories whose files layers link to, one for each distribution."""
        for pattern in ("uv/archive-v*/*", "bytecode/*/*"):
            yield from self.root.glob(pattern)

    def _drop_linked_with(self, files: frozenset[tuple[int, int]]) -> None:
        for place in self._linked_places() if files else ():
            if any(_identity(file) in files for file in _files(place)):
                remove_tree(place)

    def _discard(self, place: Path) -> None:
        """Take a layer out of sight in one step before its files are removed."""
        self._staging.mkdir(parents=True, exist_ok=True)
        grave = make_private_directory(self._staging, "")
        with contextlib.suppress(FileNotFoundError):
            place.rename(grave / "layer")
        remove_tree(grave)


def tree_size(root: Path) -> int:
    """Return the size in bytes of all files below ``root``; 0 where there is nothing."""
    if not root.is_dir():
        return 0
    return sum(stamp.size for stamp in scan(root))


def _damaged_files(place: Path) -> frozenset[tuple[int, int]]:
    """Return device and inode of the files of a layer that aren't what its manifest says."""
    tree = place / _TREE
    try:
        written = {s.path: s for s in _decode_stamps((place / _MANIFEST).read_bytes())}
        return frozenset(
            _identity(tree / found.path)
            for found in scan(tree)
            if stat.S_ISREG(found.mode)
            and found.path in written
            and not _is_as_written(found, written[found.path])
        )
    except (OSError, ValueError, TypeError):
        return frozenset()


def _identity(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


def _matching(tree: Path, stamps: tuple[FileStamp, ...]) -> tuple[FileStamp, ...] | None:
    """Return what is in ``tree``, None where that isn't what the manifest says."""
    try:
        found = tuple(scan(tree))
    except OSError:
        return None
    is_whole = len(found) == len(stamps) and all(map(_is_as_written, found, stamps))
    return found if is_whole else None


def _is_as_written(found: FileStamp, stamp: FileStamp) -> bool:
    """Compare by all but the times of directories, and of files that an archive has rounded.

    Platforms keep caches in archives, and those of GNU tar know whole seconds only.
    """
    if (found.path, found.mode, found.size) != (stamp.path, stamp.mode, stamp.size):
        return False
    if found.mtime_ns == stamp.mtime_ns or stat.S_ISDIR(found.mode):
        return True
    return found.mtime_ns == stamp.mtime_ns // _SECOND * _SECOND


def _files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file())


def _encode_header(key: LayerKey, facts: tuple[tuple[str, str], ...]) -> bytes:
    document = {
        "format": FORMAT,
        "layer": key.layer,
        "inputs": [[item.name, item.value] for item in key.inputs],
        "facts": [list(fact) for fact in facts],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _decode_header(data: bytes) -> LayerHeader:
    document = json.loads(data)
    if document["format"] != FORMAT:
        raise ValueError("another format")
    key = LayerKey(document["layer"], tuple(KeyInput(n, v) for n, v in document["inputs"]))
    return LayerHeader(key, tuple((n, v) for n, v in document["facts"]))


def _encode_stamps(stamps: tuple[FileStamp, ...]) -> bytes:
    rows = [[s.path, s.mode, s.size, s.mtime_ns, s.target] for s in stamps]
    return json.dumps(rows, separators=(",", ":")).encode()


def _decode_stamps(data: bytes) -> tuple[FileStamp, ...]:
    return tuple(FileStamp(*row) for row in json.loads(data))
