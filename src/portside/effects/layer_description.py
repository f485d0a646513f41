"""How a layer is described beside its tree: its header, and a stamp for every file."""

import json
import stat
from pathlib import Path

from msgspec import Struct

from portside.effects.files import FileStamp, protect_files, rounded, scan, write_new
from portside.model.layers import KeyInput, LayerKey

FORMAT = 2
TREE = "tree"
HEADER = "layer.json"
MANIFEST = "manifest.json"


class LayerHeader(Struct, frozen=True):
    """What a layer is, without its files: its key, and what its maker noted."""

    key: LayerKey
    facts: tuple[tuple[str, str], ...]

    def fact(self, name: str) -> str:
        """Return what the layer's maker noted under ``name``, or "" where nothing was."""
        return dict(self.facts).get(name, "")


def matching(tree: Path, stamps: tuple[FileStamp, ...]) -> tuple[FileStamp, ...] | None:
    """Return what is in ``tree``, None where that isn't what the manifest says."""
    try:
        found = tuple(scan(tree))
    except OSError:
        return None
    is_whole = len(found) == len(stamps) and all(map(is_as_written, found, stamps))
    return found if is_whole else None


def is_as_written(found: FileStamp, stamp: FileStamp) -> bool:
    """Compare by all but the times of directories, and of files that an archive has rounded.

    Platforms keep caches in archives, and those of GNU tar know whole seconds only.
    """
    if (found.path, found.mode, found.size) != (stamp.path, stamp.mode, stamp.size):
        return False
    if found.mtime_ns == stamp.mtime_ns or stat.S_ISDIR(found.mode):
        return True
    return found.mtime_ns == rounded(stamp.mtime_ns)


def encode_header(key: LayerKey, facts: tuple[tuple[str, str], ...]) -> bytes:
    """Return a layer's header as JSON."""
    document = {
        "format": FORMAT,
        "layer": key.layer,
        "inputs": [[item.name, item.value] for item in key.inputs],
        "facts": [list(fact) for fact in facts],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def decode_header(data: bytes) -> LayerHeader:
    """Return the header that JSON holds; raise ValueError, KeyError or TypeError for any other."""
    document = json.loads(data)
    if document["format"] != FORMAT:
        raise ValueError("another format")
    key = LayerKey(document["layer"], tuple(KeyInput(n, v) for n, v in document["inputs"]))
    return LayerHeader(key, tuple((n, v) for n, v in document["facts"]))


def encode_stamps(stamps: tuple[FileStamp, ...]) -> bytes:
    """Return a layer's manifest as JSON: a row for every file."""
    rows = [[s.path, s.mode, s.size, s.mtime_ns, s.target] for s in stamps]
    return json.dumps(rows, separators=(",", ":")).encode()


def decode_stamps(data: bytes) -> tuple[FileStamp, ...]:
    """Return the stamps that a manifest holds; raise ValueError or TypeError for any other."""
    return tuple(FileStamp(*row) for row in json.loads(data))


def describe_tree(
    place: Path, key: LayerKey, facts: tuple[tuple[str, str], ...]
) -> tuple[FileStamp, ...]:
    """Protect the tree at ``place``, describe it beside it, and return the stamps of its files."""
    stamps = protect_files(place / TREE, tuple(scan(place / TREE)))
    write_new(place / HEADER, encode_header(key, facts))
    write_new(place / MANIFEST, encode_stamps(stamps))
    return stamps


def damaged_files(place: Path) -> frozenset[tuple[int, int]]:
    """Return device and inode of the files of a layer that aren't what its manifest says."""
    tree = place / TREE
    try:
        written = {s.path: s for s in decode_stamps((place / MANIFEST).read_bytes())}
        return frozenset(
            identity_of(tree / found.path)
            for found in scan(tree)
            if stat.S_ISREG(found.mode)
            and found.path in written
            and not is_as_written(found, written[found.path])
        )
    except (OSError, ValueError, TypeError):
        return frozenset()


def identity_of(path: Path) -> tuple[int, int]:
    """Return device and inode of a file."""
    status = path.lstat()
    return status.st_dev, status.st_ino
