"""Builds on a machine that reaches nothing but itself, from what the app or the user brings."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from workshop import Workshop, python

from wheels import make_wheel

pytestmark = pytest.mark.network
# Loopback is down in a new namespace (netdevice(7): SIOCSIFFLAGS, IFF_UP).
LOOPBACK = """
import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 1))
os.execvp(sys.argv[1], sys.argv[1:])
"""
PROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.12"\n'


@pytest.fixture
def offline(own_store: Workshop) -> Workshop:
    """A workshop without a network, and with an empty cache of uv."""
    unshare = shutil.which("unshare")
    prefix = (str(unshare), "--user", "--map-root-user", "--net", sys.executable, "-c", LOOPBACK)
    if unshare is None or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("needs unshare (util-linux) and user namespaces to be without a network")
    return own_store.with_(prefix=prefix)


def wheels(directory: Path) -> Path:
    make_wheel(directory, "cargo", "1.0", "crane>=2")
    make_wheel(directory, "crane", "2.1")
    return directory


def test_it_is_without_a_network(offline: Workshop) -> None:
    code = "import socket; socket.create_connection(('pypi.org', 443), 5)"
    tried = subprocess.run([*offline.prefix, sys.executable, "-c", code], check=False)
    assert tried.returncode == 1


@pytest.mark.parametrize("place", ["vendor", "wheelhouse"])
def test_wheels_that_the_app_brings_along(offline: Workshop, place: str) -> None:
    app = offline.app(files={"requirements.txt": "cargo\n"})
    wheels(app / place)
    slug = offline.built(app)
    assert python(slug, "import cargo, crane; print(crane.VERSION)") == "2.1"


@pytest.mark.parametrize(
    ("variable", "manifest", "text"),
    [
        ("PIP_FIND_LINKS", "requirements.txt", "cargo\n"),
        ("UV_FIND_LINKS", "requirements.txt", "cargo\n"),
        ("PIP_FIND_LINKS", "Pipfile", '[packages]\ncargo = "*"\n'),
        ("UV_FIND_LINKS", "pyproject.toml", f'{PROJECT}dependencies = ["cargo"]\n'),
    ],
)
def test_wheels_that_the_user_has(
    offline: Workshop, variable: str, manifest: str, text: str
) -> None:
    app = offline.app(files={manifest: text})
    if manifest != "requirements.txt":
        (app / "requirements.txt").unlink()
    links = {variable: str(wheels(offline.root / "links")), "UV_HTTP_RETRIES": "0"}
    slug = offline.root / "slug"
    assert (
        "only the places of --find-links" in offline.setting(**links).build(app, slug).expect().err
    )
    assert python(slug, "import cargo, crane; print(crane.VERSION)") == "2.1"


def test_a_lock_of_uv_with_wheels_beside_it(offline: Workshop) -> None:
    # uv locks with the Python of these tests: those on PATH may be shims that fail here.
    project = PROJECT.replace(">=3.12", ">=3.11")
    text = f'{project}dependencies = ["cargo"]\n[tool.uv]\nfind-links = ["links"]\n'
    app = offline.app(files={"pyproject.toml": text})
    (app / "requirements.txt").unlink()
    wheels(app / "links")
    uv = Path(sys.executable).with_name("uv")
    lock = (uv, "lock", "--offline", "-q", "--python", sys.executable)
    subprocess.run([*offline.prefix, *lock], cwd=app, check=True)
    slug = offline.built(app)
    assert python(slug, "import cargo, crane; print(crane.VERSION)") == "2.1"


@pytest.mark.parametrize("more", ["", "--no-index\n--find-links vendor\n"])
def test_a_source_without_its_build_backend(offline: Workshop, more: str) -> None:
    app = offline.app(files={"requirements.txt": f"{more}./anchor\n"})
    (app / "anchor").mkdir()
    (app / "anchor/setup.py").write_text("from setuptools import setup\nsetup(name='anchor')\n")
    wheels(app / "vendor")
    told = offline.setting(UV_HTTP_RETRIES="0").build(app).expect(1).err
    assert "What builds a distribution from its source can't be had." in told
    assert "setuptools>=40.8.0" in told.rpartition("can't be had.")[2]
    assert "pip wheel --wheel-dir vendor" in told
