"""The store: finished layers, content-addressed by key, shared by all builds of a user.

A layer is written to a staging directory and renamed into place under a lock, so that it is
either whole or not there. One that is of use before it is finished is put into place earlier, and
locked until then. A layer's manifest (path, mode, size and time of every file) is written last and
flushed to disk. Without one there is no layer, and one that doesn't match it is discarded, so a
torn write after a power loss is found when it is restored. Nothing outside this module writes to a
finished layer.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from portside.effects.files import FileStamp, disk_errors, scan, write_new
from portside.effects.layer_description import (
    FORMAT,
    HEADER,
    MANIFEST,
    TREE,
    LayerHeader,
    damaged_files,
    decode_header,
    decode_stamps,
    describe_tree,
    identity_of,
    matching,
)
from portside.effects.removal import remove_tree
from portside.effects.staging import (
    is_held,
    make_private_directory,
    private_directory,
    remove_abandoned,
)
from portside.model.layers import LayerKey

_INSTANCE = "instance"
# Locked by those who use the store, and by who clears it.
_USERS = "in-use.lock"


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
        return self.root / TREE


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
    def in_use(self) -> Iterator[None]:
        """Have ``clear`` wait until the block ends; nobody can clear what can't be written to."""
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                fcntl.flock(stack.enter_context(self._users()), fcntl.LOCK_SH)
            yield

    @contextmanager
    def _users(self) -> Iterator[int]:
        self.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.root / _USERS, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def staging(self) -> Iterator[Staging]:
        """Make a private directory in the store's file system, with an empty ``tree`` in it."""
        with contextlib.ExitStack() as stack:
            with disk_errors(self.root):
                self._staging.mkdir(parents=True, exist_ok=True)
                root = stack.enter_context(private_directory(self._staging))
                (root / TREE).mkdir()
            yield Staging(root)

    def find(
        self,
        key: LayerKey,
        on_damaged: Callable[[str], None] = lambda _: None,
        *,
        verifies: bool = True,
    ) -> StoredLayer | None:
        """Return the layer with this key, or None.

        A damaged one is removed and counts as None; ``on_damaged`` is told its kind. What it was
        linked with is removed, too: made again from that, it would be as damaged as before.
        Without ``verifies`` its files aren't looked at: for who copies all of them, and asks again
        if that fails.
        """
        place = self._place(key.layer, key.digest)
        found = self._load(place, verifies=verifies)
        if found is None and place.is_dir():
            with self.lock(f"{key.layer}-{key.digest[:16]}"):
                # Another build may have put it there, or replaced it, while it was looked at.
                found = self._load(place)
                if found is None and place.is_dir():
                    was_finished = any((place / name).exists() for name in (HEADER, MANIFEST))
                    self._drop_linked_with(damaged_files(place))
                    self._discard(place)
                    if was_finished:
                        on_damaged(key.layer)
        return found

    def has(self, key: LayerKey) -> bool:
        """Return whether there is a layer with this key, unverified."""
        return (self._place(key.layer, key.digest) / MANIFEST).is_file()

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
        facts = _as_instance(facts)
        place = self._place(key.layer, key.digest)
        with self.lock(f"{key.layer}-{key.digest[:16]}"), disk_errors(self.root):
            existing = self._load(place)
            if existing is not None and not replace:
                return existing
            if place.is_dir():
                self._discard(place)
            ready = staging.root / "ready"
            ready.mkdir()
            staging.tree.rename(ready / TREE)
            stamps = describe_tree(ready, key, facts)
            place.parent.mkdir(parents=True, exist_ok=True)
            ready.rename(place)
        return StoredLayer(key, place / TREE, stamps, facts)

    @contextmanager
    def unfinished(self, key: LayerKey, staging: Staging) -> Iterator[Path]:
        """Put the staging tree where its layer will be, for work that goes on there; yield it.

        Builds that want the layer wait until the block ends. It is a layer only after ``finish``:
        without that, or after a kill, it is discarded.
        """
        place = self._place(key.layer, key.digest)
        with self.lock(f"{key.layer}-{key.digest[:16]}"), disk_errors(self.root):
            if place.is_dir():
                self._discard(place)
            place.mkdir(parents=True)
            staging.tree.rename(place / TREE)
            try:
                yield place / TREE
            finally:
                if not self.has(key):
                    self._discard(place)

    def finish(self, key: LayerKey, facts: tuple[tuple[str, str], ...] = ()) -> StoredLayer:
        """Make what is ``unfinished`` a layer."""
        facts = _as_instance(facts)
        place = self._place(key.layer, key.digest)
        return StoredLayer(key, place / TREE, describe_tree(place, key, facts), facts)

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
        """Remove layers not used for ``older_than`` seconds; return (layers, bytes) removed.

        Those that are being made are left alone.
        """
        removed = freed = 0
        remove_abandoned(self._staging)
        for place in sorted((self.root / "layers").glob("*/*")):
            is_old = time.time() - place.stat().st_mtime > older_than
            if is_old and not self._is_being_made(place):
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
        """Remove every layer but those with these digests, and those that are being made."""
        for place in sorted((self.root / "layers").glob("*/*")):
            if place.name not in digests and not self._is_being_made(place):
                self._discard(place)

    def clear(self, on_wait: Callable[[], None]) -> int:
        """Remove everything when no build uses the store any more; return the bytes freed.

        ``on_wait`` is called before waiting for builds. Raises the errors of a store that is
        read-only or can't be made.
        """
        if not self.root.is_dir():
            return 0
        with disk_errors(self.root), self._users() as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            freed = tree_size(self.root)
            for entry in self.root.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    remove_tree(entry)
                elif entry.name != _USERS:  # builds that wait for it have it open
                    entry.unlink()
        return freed

    def _is_being_made(self, place: Path) -> bool:
        """Return whether a build holds the lock on the layer at ``place``."""
        lock = self.root / "locks" / f"{place.parent.name}-{place.name[:16]}.lock"
        try:
            return is_held(lock)
        except OSError:
            return False

    def _place(self, layer: str, digest: str) -> Path:
        return self.root / "layers" / layer / digest

    def _read_header(self, place: Path) -> LayerHeader | None:
        try:
            header = decode_header((place / HEADER).read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return header if header.key.digest == place.name else None

    def _load(self, place: Path, *, verifies: bool = True) -> StoredLayer | None:
        """Return the layer at ``place`` if it is what its manifest says, else None."""
        header = self._read_header(place)
        stamps: tuple[FileStamp, ...] | None
        try:
            stamps = decode_stamps((place / MANIFEST).read_bytes())
        except (OSError, ValueError, TypeError):
            stamps = None
        found = matching(place / TREE, stamps) if verifies and stamps is not None else stamps
        if header is None or found is None:
            return None
        with contextlib.suppress(FileNotFoundError):
            os.utime(place)
        return StoredLayer(header.key, place / TREE, found, header.facts)

    def _linked_places(self) -> Iterator[Path]:
        """Yield the directories whose files layers link to, one for each distribution."""
        for pattern in ("uv/archive-v*/*", "bytecode/*/*"):
            yield from self.root.glob(pattern)

    def _drop_linked_with(self, files: frozenset[tuple[int, int]]) -> None:
        for place in self._linked_places() if files else ():
            if any(identity_of(file) in files for file in _files(place)):
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


def _as_instance(facts: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return (*facts, (_INSTANCE, os.urandom(8).hex()))


def _files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file())
