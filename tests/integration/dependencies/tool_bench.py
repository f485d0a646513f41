"""What the real Poetry and PDM make of the app on the bench, and projects for them to install."""

import fcntl
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from dependency_bench import BIN, PYTHON, ROOT, Bench, Installed, files, make_wheel

from portside.steps.dependencies import list_distributions

# What a virtual environment has for itself.
_OWN = ("activate", "deactivate", "python", "pydoc.bat", "pip")
_IMPORT = "import site, sys; site.addsitedir(sys.argv[1]); import {0}; print({0}.__file__)"
POETRY_CORE = (
    '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
)
PDM_BACKEND = '[build-system]\nrequires = ["pdm-backend"]\nbuild-backend = "pdm.backend"\n'


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def provide_tool(home: Path, name: str, *requirements: str) -> Path:
    """Return a tool in a virtual environment of its own; skip where the index hasn't got it."""
    with locked(home.with_suffix(".lock")):
        if not (home / "ready").exists():
            commands = (
                ("venv", "--clear", "--python", PYTHON.executable, home),
                ("pip", "install", "--python", home / "bin/python", *requirements),
            )
            for command in commands:
                argv = [BIN / "uv", *command, "--quiet", "--no-config"]
                if subprocess.run(argv, check=False).returncode:
                    pytest.skip(f"needs an index that has {', '.join(requirements)}")
            (home / "ready").touch()
    return home / "bin" / name


def provide_backends(directory: Path) -> Path:
    """Return wheels of what builds the projects, for indexes that a tool asks for nothing else."""
    with locked(directory.with_suffix(".lock")):
        if not directory.exists():
            bundled = next(ROOT.glob("lib/python3.12/ensurepip/_bundled/pip-*.whl"))
            pip = [PYTHON.executable, bundled / "pip", "download", "--quiet", "--no-deps"]
            wanted = ("poetry-core", "pdm-backend")
            if subprocess.run([*pip, "--dest", directory, *wanted], check=False).returncode:
                pytest.skip("needs an index that has poetry-core and pdm-backend")
    return directory


def fill_index(index: Path, backends: Path) -> None:
    """Make an index of small distributions that need each other, as the tools' tests use it."""
    for wheel in backends.glob("*.whl"):
        name = wheel.name.partition("-")[0].replace("_", "-")
        (index / name).mkdir(parents=True)
        (index / name / wheel.name).hardlink_to(wheel)
    for name, version, requires in (
        ("apple", "1.0", ""),
        ("apple", "1.2", 'cherry; extra == "sweet"'),
        ("bread", "2.0", "egg>=1"),
        ("cherry", "1.0", ""),
        ("dill", "1.0", ""),
        ("egg", "1.0", ""),
        ("egg", "2.0", ""),
    ):
        make_wheel(index / name, name, version, requires)


def write_part(directory: Path, name: str, backend: str, needs: str = "[]") -> Path:
    """Write a small project with a program of its own."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).mkdir(exist_ok=True)
    (directory / name / "__init__.py").write_text("def main(): print('here')\n")
    (directory / "pyproject.toml").write_text(
        f'{backend}[project]\nname = "{name}"\nversion = "1.0"\nrequires-python = ">=3.9"\n'
        f'dependencies = {needs}\n[project.scripts]\n{name}-tool = "{name}:main"\n'
    )
    return directory


def commit_all(directory: Path) -> None:
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a"}
    env = {**os.environ, **identity, "GIT_COMMITTER_EMAIL": "a@b"}
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["tag", "v1"]):
        subprocess.run(["git", *command], cwd=directory, env=env, check=True)


class Kitchen:
    """A bench with a real tool, which locks and installs what the app on the bench asks for."""

    def __init__(self, bench: Bench, tool: Path, variables: Mapping[str, str]) -> None:
        self.bench = bench
        self.tool = tool
        self.theirs = bench.tmp / "theirs"
        self.variables = variables

    def run(self, *arguments: str) -> None:
        env = {**self.bench.environ, **self.variables, "VIRTUAL_ENV": str(self.theirs)}
        if not self.theirs.exists():
            argv = [BIN / "uv", "venv", "--quiet", "--python", PYTHON.executable, self.theirs]
            subprocess.run(argv, env=self.bench.environ, check=True)
        done = subprocess.run(
            [self.tool, *arguments],
            cwd=self.bench.app,
            env=env,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def same_as_theirs(self, *install: str) -> set[str]:
        """Compare distributions and programs, and return the names of what is installed."""
        ours = self.bench.install()
        self.run(*install)
        found = list_distributions(self.theirs / PYTHON.site_packages)
        assert ours.outcome.distributions == found
        assert programs(ours.prefix) == programs(self.theirs)
        assert modules(ours.prefix) == modules(self.theirs)
        assert ours.outcome.installer == "uv", ours.details
        return {name for name, _ in ours.outcome.distributions}

    def imports_the_same(self, module: str) -> Path:
        """Return the file of a module, which must be the same one for both."""
        ours = file_of(module, self.bench.tmp / "ours")
        assert ours == file_of(module, self.theirs)
        return ours


def programs(prefix: Path) -> set[str]:
    found = (prefix / "bin").iterdir() if (prefix / "bin").is_dir() else ()
    return {path.name for path in found if not path.name.startswith(_OWN)}


def modules(prefix: Path) -> set[str]:
    """Return the modules that are there as files, what links to projects apart."""
    names = {Path(name) for name in files(prefix) if "/site-packages/" in name}
    return {p.name for p in names if p.suffix == ".py" and not p.name.startswith("_virtualenv")}


def file_of(module: str, prefix: Path) -> Path:
    argv = [PYTHON.executable, "-c", _IMPORT.format(module), prefix / PYTHON.site_packages]
    done = subprocess.run(argv, cwd="/", check=True, capture_output=True, text=True)
    return Path(done.stdout.strip())


def detail_of(installed: Installed) -> str:
    return " ".join(installed.details)
