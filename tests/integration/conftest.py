import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from mirror import Server, pack, serving
from workshop import Workshop

from local_pythons import needed_installation


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all tests and all of xdist's workers, with an interpreter in it."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    cache = base / "portside-cache"
    with (base / "portside-cache.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cache / "layers").is_dir():
            first = Workshop(tmp_path_factory.mktemp("first"), cache)
            answer = first.build(first.app())
            if "Python 3.12 can't be had" in answer.err:
                pytest.skip("needs a Python 3.12 on this machine or a network to download one")
            answer.expect()
    return cache


@pytest.fixture
def workshop(tmp_path: Path, shared_cache: Path) -> Workshop:
    return Workshop(tmp_path, shared_cache)


@pytest.fixture
def own_store(tmp_path: Path, shared_cache: Path) -> Workshop:
    """A workshop whose store the test may damage: a copy that has the interpreter already."""
    cache = tmp_path / "cache"
    # Times count in the manifests, and so copies must keep them.
    shutil.copytree(shared_cache / "layers/python", cache / "layers/python", symlinks=True)
    for name in ("inventory.json", "unreachable.json"):
        if (shared_cache / name).exists():
            shutil.copy2(shared_cache / name, cache / name)
    return Workshop(tmp_path, cache)


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user can reach, which pytest's own aren't."""
    directory = Path(tempfile.mkdtemp(prefix="portside-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    installed, _ = needed_installation()
    return pack(installed, tmp_path_factory.mktemp("archive") / "python.tar.gz")
