"""The `portside` command, apart from this user's configuration; one store for all tests."""

import os
from pathlib import Path

import pytest
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
