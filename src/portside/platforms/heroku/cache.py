"""What a cache directory says of the last build: this buildpack's own, or the existing one's."""

import os
import re
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from portside.effects.process import Command, CouldNotStartError
from portside.effects.removal import remove_tree
from portside.effects.store import Store, StoredLayer
from portside.effects.toolbox import Toolbox
from portside.model.codec import decode, encode
from portside.model.layers import LayerKey
from portside.platforms.heroku.report import LAST_PLACE, read_last_report

# One app has one cache, and so the store in it has the state of one app.
APP_ID = "app"
_STORE = "portside"
_FOREIGN = (
    ".heroku/python",
    ".heroku/python-poetry",
    ".heroku/python-stack",
    ".heroku/python-uv",
    ".heroku/python-version",
    ".heroku/requirements.txt",
    ".heroku/src",
    "build-data/python",
    LAST_PLACE,
)
# What goes without saying where something else changed.
_IMPLIED = (
    ("Python changed", "the interpreter's build"),
    ("package manager changed", "package manager's version"),
)
_SERIES = re.compile(r"(?:python-)?(?P<series>[0-9]+\.[0-9]+)(?:\.[0-9]+)?")


class LastBuild(Struct, frozen=True):
    """What the last build of this cache was.

    ``series`` is its Python series, ``dependencies`` the key of its dependencies, ``is_foreign``
    says that another buildpack wrote the cache.
    """

    series: str | None
    stack: str | None
    dependencies: LayerKey | None
    is_foreign: bool


def store_of(cache: Path) -> Store:
    """Return the store within a cache directory."""
    return Store(cache / _STORE)


def read_last_build(cache: Path) -> LastBuild | None:
    """Return what the cache says, None where it says nothing; a damaged cache says nothing."""
    state = store_of(cache).read_state(APP_ID)
    if state:
        series, stack = state.get("python_series"), state.get("stack")
        key = None
        with suppress(ValueError):
            key = decode(LayerKey, state.get("dependencies"))
        return LastBuild(_text(series), _text(stack), key, is_foreign=False)
    return _read_foreign(cache)


def keep_build(cache: Path, *, series: str, stack: str, dependencies: LayerKey) -> None:
    """Write what the next build of this cache should know, and drop what others left in it."""
    store_of(cache).write_state(
        APP_ID, {"python_series": series, "stack": stack, "dependencies": encode(dependencies)}
    )
    for name in _FOREIGN:
        place = cache / name
        if place.is_dir() and not place.is_symlink():
            remove_tree(place)
        elif os.path.lexists(place):
            place.unlink()


def judge_cache(key: LayerKey, last: LastBuild | None) -> tuple[str, tuple[str, ...]]:
    """Return the cache's status for the report, and why it doesn't serve the dependencies."""
    if last is None:
        return "empty", ()
    if last.dependencies is None:
        return "discarded", ("another buildpack wrote the cache",)
    reasons = key.changes_since(last.dependencies)
    for told, implied in _IMPLIED:
        if any(reason.startswith(told) for reason in reasons):
            reasons = tuple(reason for reason in reasons if not reason.startswith(implied))
    return ("discarded" if reasons else "reused"), reasons


def discard_layers(store: Store) -> None:
    """Remove all that was built, because it was built for another stack."""
    store.keep_only(frozenset())
    remove_tree(store.uv_cache)


def tidy_cache(tools: Toolbox, used: tuple[StoredLayer, ...]) -> None:
    """Keep what this build used: what only earlier ones did would grow for ever."""
    tools.store.keep_only(frozenset(layer.key.digest for layer in used))
    tools.store.drop_unlinked()
    if _has_old_buckets(tools.store.uv_cache):
        argv = (str(tools.uv), "cache", "prune", "--no-config", "--quiet")
        own = ("--cache-dir", str(tools.store.uv_cache))
        with suppress(CouldNotStartError):
            tools.runner.capture(Command((*argv, *own), tools.store.root, tools.host.environ))


def _has_old_buckets(uv_cache: Path) -> bool:
    """Return whether several versions of uv have left their caches there, `simple-v20` and so on.

    uv itself knows which are its own, but asking it costs a part of each build's time.
    """
    kinds = [path.name.rpartition("-v")[0] for path in uv_cache.glob("*-v*")]
    return len(kinds) != len(set(kinds))


def _read_foreign(cache: Path) -> LastBuild | None:
    # A report alone is what a first build that failed has left.
    if not any((cache / name).exists() for name in _FOREIGN if name != LAST_PLACE):
        return None
    place = cache / ".heroku"
    version = _first_line(place / "python-version") or _reported_version(cache)
    match = _SERIES.match(version)
    series = match["series"] if match else None
    return LastBuild(series, _first_line(place / "python-stack") or None, None, is_foreign=True)


def _reported_version(cache: Path) -> str:
    """Return the version in the existing buildpack's report, or in the older form of that."""
    reported = read_last_report(cache).get("python_version_major")
    if isinstance(reported, str):
        return reported
    settings = dict(
        line.partition("=")[::2] for line in _read(cache / "build-data/python").splitlines()
    )
    return settings.get("python_version_major") or settings.get("python_version") or ""


def _first_line(path: Path) -> str:
    return _read(path).partition("\n")[0]


def _read(path: Path) -> str:
    """Return a text without the space around it, "" where it can't be read."""
    with suppress(OSError, ValueError):
        return path.read_text("utf-8").strip()
    return ""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
