"""The classic buildpack installs only what builds need: a build works without the rest."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from workshop import Workshop

pytestmark = pytest.mark.network
REPOSITORY = Path(__file__).parents[2]
MODULES = {"backports.zstd": "backports", "python-dotenv": "dotenv"}
PROGRAM = """
import importlib, pkgutil, sys
absent = set(sys.argv[1].split(","))
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import portside.platforms
for found in pkgutil.walk_packages(portside.platforms.__path__, "portside.platforms."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
sys.argv[1:] = sys.argv[2:]
from portside.cli.main import main
main()
"""


def names_in(texts: list[str]) -> set[str]:
    return {
        re.split(r"[^\w.-]", text.strip())[0].replace("backports-", "backports.") for text in texts
    }


def test_a_build_needs_nothing_beside_what_is_locked_for_the_classic_buildpack(
    workshop: Workshop,
) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    lock = (REPOSITORY / "libexec/requirements.txt").read_text("utf-8")
    locked = names_in([line for line in lock.splitlines() if "==" in line])
    absent = {MODULES.get(name, name) for name in names_in(project["dependencies"]) - locked}
    assert absent == {"backports", "dotenv", "httptools", "shtab"}
    app = workshop.app()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, ",".join(absent), "build", app, "-o", "dir:slug"],
        cwd=workshop.root,
        env=workshop.variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (workshop.root / "slug/.portside/launch.json").is_file()
