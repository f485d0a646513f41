"""What the two commands that must start fast may not import: a structure, never a time."""

import subprocess
import sys
from pathlib import Path

import pytest

APP = {"requirements.txt": "six\n", ".python-version": "3.12\n", "Procfile": "web: python app.py\n"}
# Each took several milliseconds of every call before it was left out.
SLOW = {
    "concurrent.futures",
    "configparser",
    "ctypes",
    "dataclasses",
    "email",
    "importlib.metadata",
    "importlib.resources",
    "packaging",
    "random",
    "shutil",
    "socket",
    "ssl",
    "sysconfig",
    "tempfile",
    "zipfile",
}
OF_ANOTHER_APP = {
    "portside.detection.package_managers.exports",
    "portside.detection.package_managers.pipenv",
    "portside.detection.package_managers.uv",
    "portside.steps.dependencies.managers.pipenv",
    "portside.steps.dependencies.managers.uv",
    "portside.steps.dependencies.uv_sync",
}
OF_BUILDING = {
    "portside.construction",
    "portside.effects.interpreters.build_settings",
    "portside.effects.interpreters.download",
    "portside.effects.interpreters.installation",
    "portside.effects.interpreters.local",
    "portside.effects.interpreters.obtain",
    "portside.effects.interpreters.relocate",
    "portside.effects.interpreters.run_paths",
    "portside.steps.dependencies.installation",
    "portside.runtime.run",
}
OF_THE_STORE = {"hashlib", "json", "portside.effects.store", "subprocess", "threading"}
_RUN = """
import atexit, sys
from portside.cli.main import main
atexit.register(lambda: print("loaded:", *sys.modules))
main()
"""
_IMPORT = "import sys, portside.cli.build; print('loaded:', *sys.modules)"


def loaded(program: str, *arguments: str) -> set[str]:
    """Return the modules that a fresh interpreter has after a program."""
    argv = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return set(done.stdout.partition("loaded: ")[2].split())


@pytest.fixture
def app(tmp_path: Path) -> Path:
    for name, text in APP.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_detect_imports_neither_the_store_nor_what_builds(app: Path) -> None:
    modules = loaded(_RUN, "detect", str(app))
    assert "portside.detection.package_managers.pip" in modules
    assert modules & (SLOW | OF_ANOTHER_APP | OF_BUILDING | OF_THE_STORE) == set()


def test_build_imports_what_constructs_only_when_something_changed() -> None:
    modules = loaded(_IMPORT)
    assert "portside.preparation" in modules
    assert modules & (SLOW | OF_ANOTHER_APP | OF_BUILDING) == set()
