"""`make classic APP=DIR`: the examples, built twice and booted as a classic platform does."""

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest
from classic import APP, REPOSITORY, checkout, exclusive_app, platform_environ

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("app-directory")]


def running_in(directory: Path) -> list[bytes]:
    """Return the command lines of processes that name a directory."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found.append(file.read_bytes())
    return [line for line in found if str(directory).encode() in line]


@pytest.mark.parametrize(
    ("example", "page"),
    [("guestbook", "<title>Guestbook</title>"), ("flask-pipenv", "<h1>Hello,")],
)
def test_an_example_is_built_twice_and_answers(tmp_path: Path, example: str, page: str) -> None:
    for program in ("bash", "make", "curl", "setsid"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")
    buildpack = checkout(tmp_path / "buildpack")
    for name in ("scripts", f"examples/{example}"):
        shutil.copytree(REPOSITORY / name, buildpack / name)
    shutil.copy(REPOSITORY / "Makefile", buildpack)
    (tmp_path / "home").mkdir()
    environ = {**platform_environ(tmp_path / "home"), "TMPDIR": str(tmp_path)}
    call = ["make", "--no-print-directory", "classic", f"APP=examples/{example}"]
    with exclusive_app():
        done = subprocess.run(
            call,
            cwd=buildpack,
            env=environ,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert list(APP.iterdir()) == []
    first, second = done.stdout.split("\n==> bin/compile in ")[1:]
    assert '"cache_status": "empty"' in first
    assert '"cache_status": "reused"' in second
    assert "\n==> HTTP 200 from http://127.0.0.1:" in second
    assert page in second
    # Nothing but its tools' directories is left of it.
    assert {path.name for path in tmp_path.iterdir()} <= {"buildpack", "home"}
    assert running_in(tmp_path) == []
