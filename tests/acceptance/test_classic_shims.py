"""The programs in bin/ that need no Python: each runs with a few utilities on PATH."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(__file__).parents[2] / "bin"
MARKERS = (
    *(".python-version", "__init__.py", "app.py", "main.py", "manage.py", "server.py"),
    *("pdm.lock", "Pipfile", "Pipfile.lock", "poetry.lock", "uv.lock", "pylock.toml"),
    *("pyproject.toml", "requirements.txt", "runtime.txt", "setup.cfg", "setup.py"),
    *("requirement.txt", "requirments.txt", "requeriments.txt", "requirements"),
    *("requirements.text", "requirements.txt.txt", "Requirements.txt"),
)
DIRECTORIES = ("__pycache__", ".venv", "venv")
SHELLS = {
    "sh": ("sh",),
    "dash": ("dash",),
    "bash": ("bash", "--posix"),
    "busybox": ("busybox", "sh"),
}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The only directory on PATH: no Python is in it."""
    directory = tmp_path / "programs"
    directory.mkdir()
    for name in ("cat", "env", "ls", "sed"):
        (directory / name).symlink_to(shutil.which(name) or pytest.skip(f"needs {name}"))
    return directory


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "an app"
    app.mkdir()
    return app


def call(
    programs: Path, program: str, *arguments: object, through: tuple[str, ...] = ("sh",), **env: str
) -> subprocess.CompletedProcess[str]:
    shell = shutil.which(through[0])
    if shell is None:
        pytest.skip(f"needs {through[0]} on this machine")
    return subprocess.run(
        [shell, *through[1:], BIN / program, *map(str, arguments)],
        env={"PATH": str(programs), **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("name", [*MARKERS, *DIRECTORIES])
def test_each_name_says_that_it_is_a_python_app(programs: Path, app: Path, name: str) -> None:
    if name in DIRECTORIES:
        (app / name).mkdir()
    else:
        (app / name).touch()
    done = call(programs, "detect", app)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Python\n", "")


@pytest.mark.parametrize("through", SHELLS.values(), ids=SHELLS)
def test_links_count_whatever_they_lead_to(
    programs: Path, app: Path, through: tuple[str, ...]
) -> None:
    (app / "requirements.txt").symlink_to("nowhere")
    link = app.parent / "link"
    link.symlink_to(app)
    done = call(programs, "detect", link, through=through)
    assert (done.returncode, done.stdout) == (0, "Python\n")


@pytest.mark.parametrize("through", SHELLS.values(), ids=SHELLS)
def test_another_app_gets_help(programs: Path, app: Path, through: tuple[str, ...]) -> None:
    (app / "backend").mkdir()
    for name in ("package.json", ".env", "requirements.md", "Gemfile"):
        (app / name).touch()
    done = call(programs, "detect", app, through=through)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("This isn't a Python app: ")
    assert "requirements.txt" in done.stderr
    listed = [line.strip() for line in done.stderr.splitlines() if line.startswith("    ")]
    assert sorted(listed) == [".env", "Gemfile", "backend", "package.json", "requirements.md"]


def test_a_long_listing_is_cut(programs: Path, app: Path) -> None:
    for number in range(100):
        (app / f"file-{number}").touch()
    done = call(programs, "detect", app)
    assert len(done.stderr.splitlines()) < 30
    assert call(programs, "detect", app / "gone").returncode == 1


@pytest.mark.parametrize(
    ("program", "takes", "usage"),
    [
        ("detect", 1, "BUILD_DIR"),
        ("release", 1, "BUILD_DIR"),
        ("report", 2, "BUILD_DIR CACHE_DIR [ENV_DIR]"),
        ("test", 1, "BUILD_DIR [ENV_DIR]"),
    ],
)
def test_missing_arguments_are_usage(programs: Path, program: str, takes: int, usage: str) -> None:
    done = call(programs, program, *["x"] * (takes - 1))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"Usage: bin/{program} {usage}\n"


def read_addons(document: str) -> list[str]:
    """Read what a release prints: the one mapping of one list that it may hold."""
    first, *lines = document.splitlines()
    assert first == "---"
    if not lines:
        return []
    assert lines[0] == "addons:"
    assert all(re.fullmatch(r"  - [a-z-]+", line) for line in lines[1:])
    return [line.removeprefix("  - ") for line in lines[1:]]


@pytest.mark.parametrize("through", SHELLS.values(), ids=SHELLS)
@pytest.mark.parametrize(
    ("present", "addons"),
    [
        ({"manage.py", "django", "psycopg2"}, ["heroku-postgresql"]),
        ({"django", "psycopg2"}, []),
        ({"manage.py", "psycopg2"}, []),
        ({"manage.py", "django"}, []),
        (set(), []),
    ],
)
def test_a_database_is_for_django_apps_that_can_use_one(
    programs: Path, app: Path, present: set[str], addons: list[str], through: tuple[str, ...]
) -> None:
    if "manage.py" in present:
        (app / "manage.py").touch()
    for name in present - {"manage.py"}:
        (app / ".heroku/python/lib/python3.12/site-packages" / name).mkdir(parents=True)
    done = call(programs, "release", app, through=through)
    assert done.returncode == 0, done.stderr
    assert read_addons(done.stdout) == addons


def test_the_report_is_json_whatever_the_cache_holds(programs: Path, tmp_path: Path) -> None:
    cache = tmp_path / "the cache"
    assert json.loads(call(programs, "report", "build", cache).stdout) == {}
    (cache / "build-data").mkdir(parents=True)
    place = cache / "build-data/python.json"
    place.touch()
    assert json.loads(call(programs, "report", "build", cache, "env").stdout) == {}
    place.write_text('{"cache_status": "reused"}\n')
    done = call(programs, "report", "build", cache, "env")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"cache_status": "reused"})
    for cut in ('{"cache_status": "reu', '{"cache_status": "reused}', '{"a": {"b": 1}', "}"):
        place.write_text(cut)
        assert json.loads(call(programs, "report", "build", cache).stdout) == {}
    for whole in ("{}", '{"cache_status": "reused", "x": "}"}', '{\n  "total_duration": 1.5\n}\n'):
        place.write_text(whole)
        told = call(programs, "report", "build", cache).stdout
        assert json.loads(told) == json.loads(whole)
    place.unlink()
    place.mkdir()
    assert json.loads(call(programs, "report", "build", cache).stdout) == {}


TELL = """\
import os, sys
environ = [b"=".join(item) for item in os.environb.items()]
told = [os.fsencode(" ".join(sys.argv[1:])), os.getcwdb(), *environ]
sys.stdout.buffer.write(b"\\0".join(told))
"""


@pytest.fixture
def built(app: Path) -> Path:
    """An app whose Python prints how it was called."""
    python = app / ".heroku/python/bin/python"
    python.parent.mkdir(parents=True)
    # A shell would change some variables on their way.
    python.write_text(f"#!{sys.executable} -IS\n{TELL}")
    python.chmod(0o755)
    return app


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ((), "-m unittest discover"),
        ((".heroku/python/bin/pytest",), "-m pytest"),
        (("manage.py", ".heroku/python/bin/pytest"), "manage.py test"),
    ],
)
def test_the_apps_test_command_is_run_in_it(
    programs: Path, built: Path, files: tuple[str, ...], expected: str
) -> None:
    for name in files:
        (built / name).touch(mode=0o755)
    done = call(programs, "test", built)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\0")[:2] == [expected, str(built)]


@pytest.mark.parametrize("through", SHELLS.values(), ids=SHELLS)
def test_tests_see_the_config_vars(
    programs: Path, built: Path, tmp_path: Path, through: tuple[str, ...]
) -> None:
    config = {
        "QUOTES": 'it\'s "$HOME" `x` \\n',
        "LINES": "one\n\ntwo\n\n",
        "EMPTY": "",
        "name": "not the shell's",
        "file": "nor this",
        "UID": "what bash keeps to itself",
        "SHELLOPTS": "that, too",
        "OPTIND": "no number",
        "IFS": "a",
        "PATH": "/forbidden",
        "PYTHONHOME": "/forbidden",
        "LD_PRELOAD": "/forbidden",
        "a.b-c": "no name for a shell",
        "-u": "left out",
        "not a name": "left out",
        "1ST": "left out",
    }
    directory = tmp_path / "env"
    directory.mkdir()
    (directory / "SUBDIRECTORY").mkdir()
    for name, value in config.items():
        (directory / name).write_text(value)
    done = call(programs, "test", built, directory, through=through, PYTHONHOME="/inherited")
    assert done.returncode == 0, done.stderr
    env = dict(item.split("=", 1) for item in done.stdout.split("\0")[2:] if item)
    left_out = ("/forbidden", "left out")
    for name, value in config.items():
        if value not in left_out:
            assert env[name] == value
    assert env["PATH"] == f"{built}/.heroku/python/bin:{programs}"
    assert {"PYTHONHOME", "LD_PRELOAD", "not a name", "-u", "1ST", "SUBDIRECTORY"}.isdisjoint(env)


def test_failing_tests_fail_the_call(programs: Path, built: Path) -> None:
    python = built / ".heroku/python/bin/python"
    python.write_text("#!/bin/sh\nexit 5\n")
    assert call(programs, "test", built, "/no/such/env").returncode == 5


def test_config_vars_that_cant_be_read_are_told(
    programs: Path, built: Path, tmp_path: Path
) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read every file")
    directory = tmp_path / "env"
    directory.mkdir()
    (directory / "SECRET").touch(mode=0o000)
    done = call(programs, "test", built, directory)
    assert done.returncode != 0
    assert "SECRET" in done.stderr
