"""What an app asks for itself, by package manager."""

import json

import pytest
from fakes import DictSource

from portside.detection.direct_requirements import requested_distributions
from portside.detection.package_managers import detect_dependencies
from portside.model.facts import DependencySource, PackageManager

PROJECT = """
[project]
name = "x"
dependencies = ["Flask>=3", "uvicorn[standard]"]
[project.optional-dependencies]
serve = ["gunicorn"]
[dependency-groups]
prod = ["waitress"]
dev = ["pytest"]
"""
POETRY = """
[tool.poetry.dependencies]
python = "^3.12"
Flask = "^3"
fastapi = { version = "*", extras = ["standard"] }
[tool.poetry.group.dev.dependencies]
pytest = "*"
"""
PIPFILE = """
[packages]
flask = "*"
uvicorn = { extras = ["standard"], version = "*" }
[dev-packages]
pytest = "*"
"""


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (
            {
                "requirements.txt": "Flask==3.0\n-r more.txt\n-c other.txt\n"
                "waitress ; sys_platform == 'win32'\n",
                "more.txt": "fastapi[standard, all] >=0.1 # why\nzope.interface\n--pre\n",
                "other.txt": "",
            },
            "flask fastapi fastapi[standard] fastapi[all] zope-interface",
        ),
        ({"Pipfile": PIPFILE}, "flask uvicorn uvicorn[standard]"),
        (
            {"Pipfile": PIPFILE, "Pipfile.lock": json.dumps({"default": {"six": {}}})},
            "flask uvicorn uvicorn[standard]",
        ),
        (
            {
                "setup.py": "from setuptools import setup\nsetup(install_requires=['Flask>=2'])\n",
                "setup.cfg": "[options]\ninstall_requires =\n    gunicorn\n",
            },
            "flask gunicorn",
        ),
        (
            {
                "setup.cfg": "[options]\ninstall_requires = file: reqs.txt\n",
                "reqs.txt": "flask\nwaitress\n",
            },
            "flask waitress",
        ),
        ({"pyproject.toml": PROJECT}, "flask uvicorn uvicorn[standard]"),
        (
            {"main.py": '# /// script\n# dependencies = ["sanic"]\n# ///\nimport sanic\n'},
            "sanic",
        ),
        ({"main.py": "import os\n"}, ""),
    ],
)
def test_the_names(files: dict[str, bytes | str], names: str) -> None:
    source = DictSource(files)
    found = requested_distributions(source, detect_dependencies(source))
    assert found == frozenset(names.split())


def dependencies(manager: PackageManager, **choices: tuple[str, ...]) -> DependencySource:
    return DependencySource(manager, "pyproject.toml", None, (), "", **choices)


def test_poetry() -> None:
    source = DictSource({"pyproject.toml": POETRY})
    found = requested_distributions(source, dependencies(PackageManager.POETRY))
    assert found == {"python", "flask", "fastapi", "fastapi[standard]"}


def test_chosen_extras_and_groups_count() -> None:
    source = DictSource({"pyproject.toml": PROJECT})
    chosen = dependencies(PackageManager.UV, extras=("serve",), groups=("prod",))
    found = requested_distributions(source, chosen)
    assert {"gunicorn", "waitress"} < found
    assert "pytest" not in found


def test_a_lock_alone_counts_as_a_whole() -> None:
    lock = 'lock-version = "1.0"\n[[packages]]\nname = "Gunicorn"\n'
    chosen = DependencySource(PackageManager.PYLOCK, "pylock.toml", "pylock.toml", (), "")
    assert requested_distributions(DictSource({"pylock.toml": lock}), chosen) == {"gunicorn"}


@pytest.mark.parametrize("text", ["-r missing.txt\n", "--no-such-option\n"])
def test_a_file_that_is_no_good_counts_as_empty(text: str) -> None:
    chosen = DependencySource(PackageManager.PIP, "requirements.txt", None, (), "")
    assert requested_distributions(DictSource({"requirements.txt": text}), chosen) == frozenset()
