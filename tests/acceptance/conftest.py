"""The `portside` command, apart from this user's configuration; one store for all tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from classic import Done, Platform, checkout, exclusive_app, platform_environ
from command_line import Portside

_HOME = Path.home()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    base = tmp_path_factory.getbasetemp()
    # Workers' directories lie beside each other; without workers there is one directory.
    store = (base if worker_id == "master" else base.parent) / "acceptance-store"
    store.mkdir(exist_ok=True)
    return store


@pytest.fixture
def portside(tmp_path: Path, store: Path) -> Portside:
    home = tmp_path / "home"
    home.mkdir()
    # A user's own variables and pip configuration must not decide what the tests see.
    dropped = ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PORT", "VIRTUAL_ENV", "WEB_CONCURRENCY")
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in dropped and not name.startswith(("PORTSIDE_", "XDG_", "PYTHON", "DJANGO_"))
    }
    env |= {
        "HOME": str(home),
        "PORTSIDE_CACHE_DIR": str(store),
        "PIP_CONFIG_FILE": os.devnull,
        "NO_COLOR": "1",
    }
    # The home is new, but the interpreters that this machine has are not to be fetched again.
    env.setdefault("PYENV_ROOT", str(_HOME / ".pyenv"))
    env.setdefault("UV_PYTHON_INSTALL_DIR", str(_HOME / ".local/share/uv/python"))
    return Portside(env)


@pytest.fixture(scope="session")
def first_build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Platform, Done]:
    """A cold build of a small app from a bare checkout."""
    root = tmp_path_factory.mktemp("classic")
    (root / "home").mkdir()
    buildpack = checkout(root / "buildpack")
    environ = platform_environ(root / "home")
    platform = Platform(root, buildpack, root / "cache", root / "build", environ).app()
    with exclusive_app():
        done = platform.compile()
    copy_cache(platform.cache, first_cache(platform))
    return platform, done


@pytest.fixture
def platform(first_build: tuple[Platform, Done], tmp_path: Path) -> Iterator[Platform]:
    """A platform with /app to itself. All tests share its cache, whatever is in it."""
    first, _ = first_build
    with exclusive_app():
        yield Platform(tmp_path, first.buildpack, first.cache, tmp_path / "build", first.environ)
    shutil.rmtree(tmp_path / "build", ignore_errors=True)


@pytest.fixture
def own_cache(platform: Platform, first_build: tuple[Platform, Done]) -> Iterator[Platform]:
    """A platform whose cache is as the first build left it, and nobody else's."""
    cache = platform.root / "cache"
    copy_cache(first_cache(first_build[0]), cache)
    yield platform.with_(cache=cache)
    for directory in platform.root.iterdir():
        shutil.rmtree(directory, ignore_errors=True)


def first_cache(first: Platform) -> Path:
    """Return where the first build's cache is kept as that build left it."""
    return first.root / "first cache"


def copy_cache(cache: Path, target: Path) -> None:
    # Times count in a cache, and so do links within it: cp keeps both.
    subprocess.run(["cp", "-a", cache, target], check=True)
