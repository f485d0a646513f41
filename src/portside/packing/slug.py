"""The slug on disk: what it holds, how it is put in its place and found again."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct

from portside.effects.files import disk_errors, exchange, write_new
from portside.effects.removal import remove_tree
from portside.effects.staging import VISIBLE_PREFIX, private_directory
from portside.model.errors.store import (
    ArchiveInTheWayError,
    NotWritableError,
    OutputInTheWayError,
    OutputsOverlapError,
)
from portside.model.facts import Process

PYTHON_HOME = ".heroku/python"
DATA = ".portside"
ARCHIVE_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.zst")
SCHEMA = 1


class LaunchData(Struct, frozen=True):
    """What the launcher needs to know: the process types and defaults for the environment."""

    python: str
    package_manager: str
    processes: tuple[Process, ...]
    env: tuple[tuple[str, str], ...] = ()


def write_launch_data(slug: Path, data: LaunchData, launcher: bytes, shim: bytes) -> None:
    """Write ``.portside/``: launch data, the launcher and the program that starts it."""
    directory = slug / DATA
    directory.mkdir(exist_ok=True)
    document = {
        "schema": SCHEMA,
        "python": data.python,
        "package_manager": data.package_manager,
        "processes": [_process(process) for process in data.processes],
        "env": dict(data.env),
    }
    write_new(directory / "launch.json", _json(document))
    write_new(directory / "launcher.py", launcher)
    write_new(directory / "launch", shim, 0o755)


def _process(process: Process) -> dict[str, object]:
    port = {"port": process.port} if process.port else {}
    return {"type": process.type, "command": process.command, **port}


def write_identity(
    slug: Path, *, app: str, key: str, layers: tuple[str, ...], report: dict[str, object]
) -> None:
    """Write what tells this slug from others, and the report of its build.

    ``layers`` are the digests of the layers that its Python consists of.
    """
    write_new(slug / DATA / "report.json", _json(report))
    identity: dict[str, object] = {
        "schema": SCHEMA,
        "app": app,
        "key": key,
        "layers": list(layers),
    }
    write_new(slug / DATA / "slug.json", _json(identity))


def reproducible_data(slug: Path) -> dict[str, bytes]:
    """Return the launch data that an archive holds in place of a slug's own, by path.

    How a build went (steps, durations, which layers it found) differs from one build to the next,
    so that two archives of one app would never be the same.
    """
    report = _read_json(slug / DATA / "report.json")
    identity = _read_json(slug / DATA / "slug.json")
    return {
        f"{DATA}/report.json": _json({**report, "steps": [], "total_duration": 0.0}),
        f"{DATA}/slug.json": _json({**identity, "layers": []}),
    }


def slug_key(path: Path) -> str | None:
    """Return the key of the slug at ``path``, or None where there is no whole slug."""
    try:
        data: object = json.loads((path / DATA / "slug.json").read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(data, dict) or not (path / PYTHON_HOME / "bin" / "python3").exists():
        return None
    key = data.get("key")
    return key if isinstance(key, str) else None


def slug_layers(path: Path) -> tuple[str, ...]:
    """Return the digests of the layers in the slug at ``path``, () where there is no whole slug."""
    if slug_key(path) is None:
        return ()
    layers = _read_json(path / DATA / "slug.json").get("layers")
    return tuple(map(str, layers)) if isinstance(layers, list) else ()


@contextmanager
def slug_staging(parent: Path) -> Iterator[Path]:
    """Make a private directory beside where the slug will be; it is removed at the end."""
    with ExitStack() as stack:
        with disk_errors(parent):
            parent.mkdir(parents=True, exist_ok=True)
            root = stack.enter_context(private_directory(parent, VISIBLE_PREFIX))
            root.chmod(0o755)
        yield root


def check_target(path: Path) -> None:
    """Raise an error unless a slug may be put at ``path``.

    Raises ``OutputInTheWayError`` and ``NotWritableError``.
    """
    if not os.path.lexists(path):
        return
    is_empty = path.is_dir() and not path.is_symlink() and not any(path.iterdir())
    if slug_key(path) is None and not is_empty:
        raise OutputInTheWayError(path=str(path))
    if os.path.ismount(path):  # pathlib raises where a name is too long
        cause = "it is a mount point, which can't be replaced: give a directory in it"
        raise NotWritableError(path=str(path), cause=cause)


def check_archive(path: Path) -> None:
    """Raise ``ArchiveInTheWayError`` unless an archive may be put at ``path``."""
    if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
        raise ArchiveInTheWayError(path=str(path))


def check_overlap(directories: tuple[Path, ...], others: tuple[Path, ...]) -> None:
    """Raise ``OutputsOverlapError`` where a slug would replace what ``others`` are."""
    for directory in directories:
        place = directory.resolve()
        for other in others:
            if other != directory and other.resolve().is_relative_to(place):
                raise OutputsOverlapError(outer=str(directory), inner=str(other))


def publish(staged: Path, path: Path) -> None:
    """Put a finished slug at ``path`` in one step; what was there before is removed after that."""
    check_target(path)
    with disk_errors(path):
        if not os.path.lexists(path):
            staged.rename(path)
        elif exchange(staged, path):
            remove_tree(staged)
        else:
            with private_directory(path.parent, VISIBLE_PREFIX) as aside:
                path.rename(aside / "old")
                try:
                    staged.rename(path)
                except OSError:
                    (aside / "old").rename(path)
                    raise


def _read_json(path: Path) -> dict[str, object]:
    data: object = json.loads(path.read_bytes())
    return data if isinstance(data, dict) else {}


def _json(document: dict[str, object]) -> bytes:
    return json.dumps(document, indent=1).encode() + b"\n"
