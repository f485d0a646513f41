"""Artifacts made from a finished slug: copies, and reproducible archives; what an archive holds."""

import gzip
import importlib
import io
import stat
import sys
import tarfile
import zlib
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from types import ModuleType
from typing import IO, cast

from portside.effects.files import copy_tree, disk_errors, is_kept, scan
from portside.effects.staging import VISIBLE_PREFIX, private_directory
from portside.model.errors.run import NotASlugError
from portside.model.errors.store import OutputTargetError
from portside.packing.slug import ARCHIVE_ENDINGS, DATA, publish, reproducible_data, slug_staging

# The time Cloud Native Buildpacks give every file (1980-01-01T00:00:01Z); bytecode in a slug is
# never checked against it.
_TIME = 315532801
_LEVEL = 6


def copy_slug(slug: Path, path: Path) -> None:
    """Copy a slug to another place."""
    with slug_staging(path.absolute().parent) as root, disk_errors(path):
        staged = root / "slug"
        staged.mkdir()
        copy_tree(slug, staged, tuple(stamp for stamp in scan(slug) if is_kept(stamp)))
        publish(staged, path)


def write_archive(slug: Path, path: Path) -> None:
    """Write the slug to ``path``, whole or not at all. The name's ending says how it is packed.

    Raises ``OutputTargetError`` for an ending that isn't one of ``ARCHIVE_ENDINGS``.
    """
    if not path.name.endswith(ARCHIVE_ENDINGS):
        raise OutputTargetError(target=f"slug:{path}")
    with disk_errors(path.parent, "the archive"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with private_directory(path.parent, VISIBLE_PREFIX) as root:
            staged = root / "archive"
            with staged.open("wb") as file, _compressed(file, path.suffix) as out:
                _write_tar(slug, out)
            staged.replace(path)


def read_archive(path: Path) -> tuple[dict[str, bytes], int]:
    """Return the launch data in an archive of a slug, by path, and the size in bytes of all files.

    Nothing is unpacked. Raises ``NotASlugError`` where it isn't a whole archive, or none of a slug.
    """
    damaged: tuple[type[Exception], ...] = (OSError, EOFError, tarfile.TarError, zlib.error)
    if path.suffix == ".zst":
        damaged = (*damaged, _zstd().ZstdError)
    try:
        with path.open("rb") as file, _decompressed(file, path.suffix) as plain:
            data, size = _read_tar(plain)
    except damaged as error:
        cause = f"It can't be read as an archive ({error})"
        raise NotASlugError(path=str(path), cause=cause) from error
    if f"{DATA}/slug.json" not in data:
        raise NotASlugError(path=str(path), cause=f"It holds no {DATA}/slug.json")
    return data, size


def _read_tar(file: IO[bytes]) -> tuple[dict[str, bytes], int]:
    data: dict[str, bytes] = {}
    size = 0
    with tarfile.open(fileobj=file, mode="r|") as archive:
        for member in archive:
            size += member.size
            if member.name.startswith(f"{DATA}/") and member.name.endswith(".json"):
                content = archive.extractfile(member)
                data[member.name] = content.read() if content else b""
    return data, size


def _decompressed(file: IO[bytes], suffix: str) -> AbstractContextManager[IO[bytes]]:
    """Return what reads the plain contents of a compressed ``file``."""
    match suffix:
        case ".tar":
            return nullcontext(file)
        case ".zst":
            return closing(cast("IO[bytes]", _zstd().ZstdFile(file, "rb")))
        case _:
            return closing(cast("IO[bytes]", gzip.GzipFile(mode="rb", fileobj=file)))


def _zstd() -> ModuleType:
    """Return the module that packs with zstd, which is imported only when it is asked for."""
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return importlib.import_module(name)


def _compressed(file: IO[bytes], suffix: str) -> AbstractContextManager[IO[bytes]]:
    """Return what compresses all that is written to it into ``file``."""
    match suffix:
        case ".tar":
            return nullcontext(file)
        case ".zst":
            return closing(cast("IO[bytes]", _zstd().ZstdFile(file, "wb")))
        case _:
            packed = gzip.GzipFile(
                filename="", mode="wb", compresslevel=_LEVEL, fileobj=file, mtime=0
            )
            return closing(cast("IO[bytes]", packed))


def _write_tar(slug: Path, file: IO[bytes]) -> None:
    data = reproducible_data(slug)
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for stamp in scan(slug):
            if not is_kept(stamp):
                continue
            member = _normalised(archive.gettarinfo(slug / stamp.path, stamp.path))
            if stamp.path in data:
                member.size = len(data[stamp.path])
                archive.addfile(member, io.BytesIO(data[stamp.path]))
            elif member.isreg():
                with (slug / stamp.path).open("rb") as content:
                    archive.addfile(member, content)
            else:
                archive.addfile(member)


def _normalised(member: tarfile.TarInfo) -> tarfile.TarInfo:
    if member.isreg():
        # A slug that is linked to the store has files nobody may write to, others not.
        member.mode |= stat.S_IWUSR
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = _TIME
    return member
