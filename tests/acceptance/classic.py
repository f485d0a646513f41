"""Runs the programs in bin/ as a classic platform does, and what they make as its dynos do."""

import contextlib
import fcntl
import json
import os
import shlex
import shutil
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

APP = Path("/app")
REPOSITORY = Path(__file__).parents[2]
SIX = "six==1.16.0\n"
PIPFILE = """
    [[source]]
    name = "pypi"
    url = "https://pypi.org/simple"
    verify_ssl = true

    [packages]
    six = "==1.16.0"

    [dev-packages]
    iniconfig = "==2.0.0"
"""
PYTHON = ".heroku/python"
# All that a shell could take for something else, but for a colon: search paths are split there.
ODD = "a $HOME `id` \\n 'b' \"c\" %s\nd é"
_SECONDS = 300
_BOOT_PATH = "/usr/local/bin:/usr/bin:/bin"
# What a platform's own machines don't have set.
_DROPPED = ("PIP_", "UV_", "PIPENV_", "PYTHON", "PORTSIDE_", "DJANGO_", "NLTK_", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Done:
    """How a call ended: its exit code, all it printed, and the report after it."""

    code: int
    text: str
    report: dict[str, Any]

    def expect(self, code: int = 0) -> "Done":
        assert self.code == code, f"exit code {self.code}\n{self.text}"
        assert "Traceback" not in self.text, self.text
        return self


@dataclass(frozen=True)
class Platform:
    """A platform that builds one app: its directories and what its environment has set."""

    root: Path
    buildpack: Path
    cache: Path
    build: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()

    @property
    def env_dir(self) -> Path:
        return self.root / "env"

    def with_(self, **changes: Any) -> "Platform":
        return replace(self, **changes)

    def setting(self, **variables: str) -> "Platform":
        return replace(self, environ={**self.environ, **variables})

    def app(self, files: Mapping[str, str | bytes] | None = None, name: str = "") -> "Platform":
        """Put an app's source in a new build directory."""
        build = self.root / name if name else self.build
        defaults: dict[str, str | bytes] = {".python-version": "3.12\n", "requirements.txt": SIX}
        for path, content in {**defaults, **(files or {})}.items():
            self.write(build / path, content)
        return replace(self, build=build)

    def write(self, path: Path, content: str | bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else textwrap.dedent(content).encode()
        path.write_bytes(data)

    def config(self, **variables: str | bytes) -> "Platform":
        for name, value in variables.items():
            self.write(self.env_dir / name, value)
        return self

    def call(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.prefix, self.buildpack / "bin" / program, *map(str, arguments)],
            cwd="/",
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if program == "report" else subprocess.STDOUT,
            text=True,
            errors="surrogateescape",
            timeout=_SECONDS,
            check=False,
        )

    def report(self) -> dict[str, Any]:
        told = self.call("report", self.build, self.cache, self.env_dir)
        assert told.returncode == 0, told.stderr
        document = json.loads(told.stdout)
        assert isinstance(document, dict)
        return document

    def run(self, program: str = "compile") -> Done:
        done = self.call(program, self.build, self.cache, self.env_dir)
        return Done(done.returncode, done.stdout, self.report())

    def compile(self) -> Done:
        """Build as a platform does and expect it to succeed."""
        return self.run().expect()

    def later_buildpack(self, script: str) -> str:
        """Run shell lines as a buildpack that comes after this one: with `export` sourced."""
        places = (shlex.quote(str(place)) for place in (self.buildpack / "export", self.build))
        lines = "\n".join((*map(" ".join, zip((".", "cd"), places, strict=True)), script))
        done = subprocess.run(
            [*self.prefix, "/bin/sh", "-euc", lines],
            env={"PATH": _BOOT_PATH, "HOME": str(self.root)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def boot(self) -> None:
        """Put what was built where its processes run; the build directory is gone after."""
        empty(APP)
        for path in list(self.build.iterdir()):
            shutil.move(path, APP / path.name)
        self.build.rmdir()

    def process(self, command: str, **variables: str) -> str:
        """Return what a process of the booted app prints; its boot scripts are sourced first."""
        source = 'for script in .profile.d/*.sh; do source "$script"; done; set +u'
        done = subprocess.run(
            ["bash", "-euc", f"{source}; {command}"],
            cwd=APP,
            env={"PATH": _BOOT_PATH, "HOME": str(APP), "DYNO": "run.1", **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


def platform_environ(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    own = {
        "STACK": "heroku-24",
        "HOME": str(home),
        "PYENV_ROOT": os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv")),
        "PIP_CONFIG_FILE": os.devnull,
    }
    return {**kept, **own}


def checkout(directory: Path) -> Path:
    """Copy what a platform clones: nothing is installed in it, and `export` isn't shared."""
    unwanted = shutil.ignore_patterns("__pycache__")
    for name in ("bin", "libexec", "src"):
        shutil.copytree(REPOSITORY / name, directory / name, ignore=unwanted)
    return directory


def has_python(series: str) -> bool:
    """Return whether this machine has an interpreter of this series for tests."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return any(versions.glob(f"{series}.*")) or shutil.which(f"python{series}") is not None


def needs_python(series: str) -> pytest.MarkDecorator:
    reason = f"needs a Python {series} on this machine"
    return pytest.mark.skipif(not has_python(series), reason=reason)


@contextlib.contextmanager
def exclusive_app() -> Iterator[None]:
    """Have /app, which is one for the machine, to oneself; skip where that isn't possible."""
    try:
        APP.mkdir(exist_ok=True)
    except OSError as error:
        pytest.skip(f"needs to write to {APP}: {error.strerror}")
    if not os.access(APP, os.W_OK):
        pytest.skip(f"needs to write to {APP}")
    with contextlib.ExitStack() as stack:
        # The directory itself: a file's place would depend on TMPDIR.
        lock = os.open(APP, os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        foreign = [path.name for path in APP.iterdir() if path.name != ".heroku"]
        if foreign or ((APP / PYTHON).is_dir() and not (APP / PYTHON).is_symlink()):
            pytest.skip(f"needs {APP} to be empty, and it holds {', '.join(foreign) or PYTHON}")
        try:
            yield
        finally:
            empty(APP)


def empty(directory: Path) -> None:
    for path in directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
