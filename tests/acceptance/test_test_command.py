"""`portside test`, called as a user calls it."""

import json
from pathlib import Path

import pytest
from command_line import Portside, write_app

pytestmark = pytest.mark.network
APP_JSON = {
    "env": {"COLOUR": "red", "SIZE": "3", "TOKEN": {"description": "Logs in."}},
    "environments": {
        "test": {
            "env": {"COLOUR": "blue", "TOKEN": "t"},
            "scripts": {"test-setup": "echo setting up $COLOUR; touch made"},
        }
    },
}
TESTS = """\
import os
import unittest


class TestColours(unittest.TestCase):
    def test_all(self):
        import six
        told = [os.environ[name] for name in ("COLOUR", "SIZE", "TOKEN")]
        self.assertEqual(told, ["blue", "3", "t"])
        self.assertTrue(os.path.exists("made"))
        self.assertEqual(six.__version__, "1.17.0")
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    files = {
        ".python-version": "3.12\n",
        "requirements.txt": "six==1.17.0\n",
        "app.json": json.dumps(APP_JSON),
        "tests/__init__.py": "",
        "tests/test_colours.py": TESTS,
        "Procfile": "web: python -m http.server $PORT\n",
    }
    return write_app(tmp_path / "quay", files)


def test_the_tests_run_with_unittest_in_a_slug_of_their_own(portside: Portside, app: Path) -> None:
    assert portside("build", app).returncode == 0
    done = portside("test", app)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "setting up blue\n" in done.stdout
    assert "Testing: python -m unittest discover" in done.stdout
    assert "OK" in done.stderr
    assert not (app / "made").exists()
    assert "Nothing changed in" in portside("build", app).stderr
    assert "Nothing changed in" in portside("test", app).stderr


def test_what_tests_depend_on_is_installed_for_them_alone(portside: Portside, app: Path) -> None:
    (app / "requirements-test.txt").write_text("pytest==8.3.5\n")
    done = portside("test", app)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Testing: python -m pytest" in done.stdout
    assert "1 passed" in done.stdout
    assert portside(
        "run", app, "--env", "TOKEN=x", "--", "python", "-c", "import pytest"
    ).returncode


def test_groups_of_a_project_without_a_lock(portside: Portside, app: Path) -> None:
    (app / "requirements.txt").unlink()
    (app / "pyproject.toml").write_text(
        '[project]\nname = "quay"\nversion = "1"\ndependencies = ["six==1.17.0"]\n'
        '[dependency-groups]\ntest = ["pytest==8.3.5"]\ndocs = ["idna==3.6"]\n'
    )
    done = portside("test", app)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert portside("test", app, "--", "python", "-c", "import idna").returncode == 1


def test_tests_that_fail_and_commands_of_ones_own(portside: Portside, app: Path) -> None:
    failed = portside("test", app, "--env", "COLOUR=green")
    assert failed.returncode == 1
    assert "FAILED" in failed.stderr
    own = portside("test", app, "--", "python", "-c", "raise SystemExit(7)")
    assert own.returncode == 7
    (app / "app.json").write_text(json.dumps({"scripts": {"test": "echo from $0; exit 3"}}))
    assert portside("test", app).returncode == 3
    (app / "app.json").write_text(json.dumps({"scripts": {"test-setup": "exit 4"}}))
    stopped = portside("test", app)
    assert (stopped.returncode, "unittest" in stopped.stdout) == (4, False)


def test_a_config_var_that_tests_lack(portside: Portside, app: Path) -> None:
    (app / "app.json").write_text(json.dumps({"env": {"TOKEN": {"description": "Logs in."}}}))
    done = portside("test", app)
    assert done.returncode == 1
    assert "TOKEN: Logs in." in done.stderr
