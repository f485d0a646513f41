"""Builds where interpreters can't be downloaded: what is at hand is used, and that is said."""

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from workshop import Workshop, launch

from portside.effects.host import read_host
from portside.effects.interpreters.local import find_local_interpreters
from portside.effects.process import ProcessRunner
from portside.model.python_version import PythonVersion

PYENV = Path.home() / ".pyenv" / "versions"
NOWHERE = {"PYENV_ROOT": "/nonexistent", "UV_PYTHON_INSTALL_DIR": "/nonexistent"}
CATALOG_NOTICE = "only the interpreters in the store and on this machine"


@pytest.fixture
def fresh(tmp_path: Path) -> Workshop:
    """A workshop whose store is empty, on a machine that has a Python 3.12."""
    if not list(PYENV.glob("3.12.*")):
        pytest.skip(f"needs a Python 3.12 in {PYENV}")
    return Workshop(tmp_path, tmp_path / "cache").setting(PYENV_ROOT=str(PYENV.parent))


@pytest.fixture
def closed() -> Iterator[str]:
    """The URL of a catalog at a port that nobody listens on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}/catalog.json"


def without_network() -> tuple[str, ...]:
    """What runs a command in a network namespace that has not even a loopback device up."""
    unshare = shutil.which("unshare")
    prefix = (str(unshare), "--user", "--map-root-user", "--net")
    if unshare is None or subprocess.run([*prefix, "true"], check=False).returncode != 0:
        pytest.skip("needs unshare (util-linux) and user namespaces to be without a network")
    return prefix


def test_without_a_network_a_build_uses_what_the_machine_has_and_says_so(fresh: Workshop) -> None:
    app = fresh.app()
    offline = fresh.with_(prefix=without_network())
    built = offline.build(app, fresh.root / "slug").expect()
    assert re.search(r"Python can't be downloaded from \S+: .+\.", built.err)
    assert re.search(r"Using Python 3\.12\.\d+, copied from /", built.err)
    assert re.search(r"Python 3\.12\.\d+ is used, because 3\.12\.\d+ can't be had now", built.err)
    assert launch(fresh.root / "slug", "--", "python", "-V").expect().out.startswith("Python 3.12.")
    # The next builds don't try again for a while.
    (app / "server.py").write_text("print()")
    again = offline.build(app, fresh.root / "slug").expect()
    assert "can't be downloaded" not in again.err


def test_an_unchanged_app_is_left_as_it_is_where_a_download_is_tried_again(
    fresh: Workshop,
) -> None:
    app = fresh.app()
    slug = fresh.root / "slug"
    offline = fresh.with_(prefix=without_network())
    offline.build(app, slug).expect()
    before = slug.stat().st_ino
    note = fresh.cache / "unreachable.json"
    note.write_text(json.dumps({**json.loads(note.read_bytes()), "time": 0.0}))
    again = offline.build(app, slug).expect()
    assert "can't be downloaded" in again.err
    assert "Nothing changed in" in again.err
    assert slug.stat().st_ino == before
    # What changed is built all the same.
    note.write_text(json.dumps({**json.loads(note.read_bytes()), "time": 0.0}))
    (app / "server.py").write_text("print()")
    assert "Built in" in offline.build(app, slug).expect().err
    assert (slug / "server.py").read_text() == "print()"


def test_a_store_that_was_cleared_is_filled_again_though_the_app_is_unchanged(
    fresh: Workshop,
) -> None:
    app = fresh.app()
    fresh.build(app, fresh.root / "slug").expect()
    fresh.portside("cache", "clear").expect()
    assert "Built in" in fresh.build(app, fresh.root / "slug").expect().err
    assert list((fresh.cache / "layers/dependencies").iterdir())
    assert "Nothing changed in" in fresh.build(app, fresh.root / "slug").expect().err


def test_an_exact_version_that_is_not_at_hand_is_never_replaced(fresh: Workshop) -> None:
    inventory = fresh.portside("python", "list", "--all").expect().out
    local = {path.name for path in PYENV.iterdir()}
    offered = re.findall(r"^(3\.12\.\d+) +download", inventory, re.MULTILINE)
    version = next(found for found in offered if found not in local)
    app = fresh.app(files={".python-version": version})
    refused = fresh.with_(prefix=without_network()).build(app, fresh.root / "slug").expect(1)
    assert f"Python {version} can't be had." in refused.err
    assert re.search(r"These were tried:\n +Python can't be downloaded from \S+: .+\.", refused.err)
    assert not (fresh.root / "slug").exists()


def test_a_declared_range_takes_another_series_where_the_newest_cannot_be_had(
    fresh: Workshop,
) -> None:
    app = fresh.app(files={"pyproject.toml": '[project]\nrequires-python = ">=3.9, <3.13"\n'})
    (app / ".python-version").unlink()
    offline = fresh.with_(prefix=without_network()).setting(UV_PYTHON_INSTALL_DIR="/nonexistent")
    newest = fresh.portside("detect", app).expect().out
    assert re.search(r"^Python: +3\.12 ", newest, re.MULTILINE)
    (app / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.12"\n')
    at_hand = max(tuple(map(int, path.name.split("."))) for path in PYENV.glob("3.*.*"))
    built = offline.build(app, fresh.root / "slug").expect()
    used = ".".join(map(str, at_hand))
    assert re.search(rf"Using Python {used}, copied from /", built.err)
    assert re.search(rf"Python {used} is used, because 3\.\d+\.\d+ can't be had now", built.err)
    assert "Nothing changed" in offline.build(app, fresh.root / "slug").expect().err


def test_a_catalog_that_cannot_be_read_is_said_and_not_asked_again_soon(
    fresh: Workshop, closed: str
) -> None:
    app = fresh.app()
    workshop = fresh.setting(UV_PYTHON_DOWNLOADS_JSON_URL=closed)
    built = workshop.build(app, fresh.root / "slug").expect()
    assert "Python can't be downloaded from 127.0.0.1: connection refused." in built.err
    assert CATALOG_NOTICE in built.err
    assert "copied from" in built.err
    (app / "server.py").write_text("print()")
    assert CATALOG_NOTICE not in workshop.build(app, fresh.root / "slug").expect().err
    assert CATALOG_NOTICE in workshop.portside("build", app, "--upgrade").expect().err


def test_a_catalog_that_cannot_be_read_is_the_error_where_nothing_is_at_hand(
    fresh: Workshop, closed: str
) -> None:
    workshop = fresh.setting(UV_PYTHON_DOWNLOADS_JSON_URL=closed, **NOWHERE)
    # In /usr there may be any version.
    at_hand = {str(item.version) for item in find_local_interpreters(read_host(), ProcessRunner())}
    version = next(name for patch in range(99) if (name := f"3.12.{patch}") not in at_hand)
    app = workshop.app(files={".python-version": version})
    refused = workshop.build(app).expect(1)
    assert "Error: Python can't be downloaded from 127.0.0.1: connection refused." in refused.err
    assert closed in refused.err
    assert "isn't available" not in refused.err


def test_interpreters_at_hand_are_listed_while_a_catalog_cannot_be_read(
    fresh: Workshop, closed: str
) -> None:
    listed = fresh.setting(UV_PYTHON_DOWNLOADS_JSON_URL=closed).portside("python", "list").expect(1)
    assert re.search(r"^3\.12\.\d+ +local +/", listed.out, re.MULTILINE)
    assert "connection refused" in listed.err


def test_a_newer_patch_outside_the_declared_range_is_not_missed(fresh: Workshop) -> None:
    version = max(PythonVersion.parse(path.name) for path in PYENV.glob("3.12.*"))
    project = f'[project]\nname = "app"\nversion = "1"\nrequires-python = "<={version}"\n'
    app = fresh.app(files={"pyproject.toml": project})
    offline = fresh.setting(UV_PYTHON_DOWNLOADS="never")
    assert "can't be had now" not in offline.build(app).expect().err


def test_a_series_that_a_hook_chose_is_not_compared_with_another(fresh: Workshop) -> None:
    if not list(PYENV.glob("3.11.*")):
        pytest.skip(f"needs a Python 3.11 in {PYENV}")
    hook = "#!/bin/sh\necho 3.11 > .python-version\n"
    app = fresh.app(files={"bin/pre_compile": hook})
    built = fresh.setting(UV_PYTHON_DOWNLOADS="never").build(app).expect()
    assert "Using Python 3.11." in built.err
    assert "because 3.12" not in built.err
