"""A bench to install an app on, beside what pip and Pipenv make of it, and things to install."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from msgspec.structs import replace

from local_pythons import own_installation
from portside.detection.package_managers import detect_dependencies
from portside.detection.package_managers.pipenv import pipfile_hashes
from portside.effects.app_source import DirectorySource
from portside.effects.process import ProcessRunner
from portside.model.interpreter import Interpreter
from portside.model.layers import LayerKey
from portside.model.python_version import PythonVersion
from portside.model.settings import Settings
from portside.steps.dependencies import (
    DependenciesRequest,
    InstallOutcome,
    dependency_inputs,
    install_dependencies,
    list_distributions,
)
from wheels import make_wheel as make_wheel  # noqa: PLC0414 (part of the bench)

FOUND = own_installation()
ROOT = Path(FOUND.location).parent.parent if FOUND else Path("no Python 3.12")
VERSION = FOUND.version if FOUND else PythonVersion(3, 12, 0)
BIN = Path(__file__).parents[3] / ".venv/bin"
PYTHON = Interpreter(VERSION, ROOT, "pyenv", LayerKey("python", ()))
IGNORED = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
MARKS = [
    pytest.mark.network,
    pytest.mark.skipif(not PYTHON.executable.exists(), reason="needs a CPython 3.12 of its own"),
]


def clean_environ(**more: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "UV_", "PIPENV_", "VIRTUAL_ENV", "PYTHON"))
    }
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}


@dataclass
class Installed:
    outcome: InstallOutcome
    prefix: Path
    details: list[str]
    lines: list[str]


@dataclass
class Bench:
    tmp: Path
    environ: dict[str, str] = field(default_factory=clean_environ)
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    original: Path | None = None
    settings: Settings | None = None

    @property
    def app(self) -> Path:
        return self.tmp / "app"

    def write(self, path: str, content: str | bytes) -> Path:
        target = self.app / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def install(self, *, upgrade: bool = False) -> Installed:
        source = DirectorySource(self.original or self.app)
        prefix = self.tmp / "ours"
        details: list[str] = []
        lines: list[str] = []
        request = DependenciesRequest(
            app=self.app,
            original=self.original or self.app,
            source=source,
            dependencies=replace(
                detect_dependencies(source, self.environ, self.settings),
                groups=self.groups,
                extras=self.extras,
            ),
            interpreter=PYTHON,
            prefix=prefix,
            uv=BIN / "uv",
            uv_cache=self.tmp / "uv-cache",
            work=self.tmp / "work",
            environ=self.environ,
            home=Path.home(),
            upgrade=upgrade,
        )
        outcome = install_dependencies(
            request, runner=ProcessRunner(), on_line=lines.append, on_detail=details.append
        )
        return Installed(outcome, prefix, details, lines)

    def pip(self) -> Path:
        prefix = self.tmp / "theirs"
        wheel = next(ROOT.glob("lib/python3.12/ensurepip/_bundled/pip-*.whl"))
        subprocess.run(
            [
                *(PYTHON.executable, wheel / "pip", "install", "--prefix", prefix),
                *("--ignore-installed", "--no-compile", "--no-warn-script-location"),
                *("--no-input", "--no-cache-dir", "--src", prefix / "src"),
                *("-r", "requirements.txt"),
            ],
            cwd=self.app,
            env=self.environ,
            check=True,
            capture_output=True,
        )
        return prefix

    def same_as_pip(self, installer: str = "uv") -> Installed:
        ours = self.install()
        theirs = self.pip()
        assert ours.outcome.installer == installer, ours.details
        assert ours.outcome.distributions == list_distributions(theirs / PYTHON.site_packages)
        assert files(ours.prefix) == files(theirs)
        return ours

    def same_as_pipenv(
        self, installer: str = "uv", command: tuple[str, ...] = ("sync",)
    ) -> Installed:
        """Compare with what Pipenv adds to a new virtual environment, ``app/.venv``.

        That is all files but bytecode: modules, metadata, the scripts in ``bin``, and sources of
        editable repositories.
        """
        ours = self.install()
        theirs = self.app / ".venv"
        # Pipenv makes its environments with virtualenv, and uses one that is there.
        new = [BIN / "virtualenv", "-q", "-p", PYTHON.executable, theirs]
        subprocess.run(new, check=True, capture_output=True)
        before = files(theirs)
        found_before = list_distributions(theirs / PYTHON.site_packages)
        pipenv(self, *command)
        found = list_distributions(theirs / PYTHON.site_packages)
        assert ours.outcome.installer == installer, ours.details
        added = tuple(item for item in found if item not in found_before)
        assert ours.outcome.distributions == added
        assert files(ours.prefix) == files(theirs) - before
        return ours

    def inputs(self) -> dict[str, str]:
        source = DirectorySource(self.app)
        found = dependency_inputs(
            source,
            detect_dependencies(source, self.environ, self.settings),
            environ=self.environ,
            home=Path.home(),
            app=self.app,
        )
        return {item.name: item.value for item in found}


def files(prefix: Path) -> set[str]:
    return {
        path.relative_to(prefix).as_posix()
        for path in prefix.rglob("*")
        if path.is_file()
        and path.name not in IGNORED
        and path.suffix != ".pyc"
        and ".git" not in path.relative_to(prefix).parts
    }


def make_legacy(directory: Path, name: str, requires: str = "[]") -> None:
    directory.mkdir(parents=True)
    (directory / f"{name}.py").write_text("X = 1\n")
    (directory / "setup.py").write_text(
        "from setuptools import setup\n"
        f"setup(name='{name}', version='1.5', py_modules=['{name}'], install_requires={requires},\n"
        f"      entry_points={{'console_scripts': ['{name}-tool={name}:main']}})\n"
    )


def make_project(directory: Path, name: str, dependencies: str = "[]") -> None:
    (directory / "src" / name).mkdir(parents=True)
    (directory / "src" / name / "__init__.py").write_text("X = 1\n")
    (directory / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        f'[project]\nname = "{name}"\nversion = "2.0"\ndependencies = {dependencies}\n'
        '[project.optional-dependencies]\nmore = ["idna==3.6"]\n'
    )


def make_repository(directory: Path) -> None:
    make_project(directory, "fromgit")
    commit_all(directory)


def commit_all(directory: Path) -> None:
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "x"), ("tag", "v2")):
        git(*words, cwd=directory)


def git(*words: str | Path, cwd: Path) -> str:
    if shutil.which("git") is None:
        pytest.skip("needs git")
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a"}
    env = {**os.environ, **identity, "GIT_COMMITTER_EMAIL": "a@b"}
    done = subprocess.run(
        ["git", *words], cwd=cwd, env=env, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


# Builds a project of one module with nothing but the standard library: there is no other backend
# to be downloaded for each build.
BACKEND = """
import pathlib, zipfile
INFO = "fromgit-2.0.dist-info/"
def wheel(directory, **files):
    files[INFO + "METADATA"] = "Metadata-Version: 2.1\\nName: fromgit\\nVersion: 2.0\\n"
    files[INFO + "WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files[INFO + "entry_points.txt"] = "[console_scripts]\\nfromgit = fromgit:main\\n"
    files[INFO + "RECORD"] = "".join(f"{name},,\\n" for name in [*files, INFO + "RECORD"])
    name = "fromgit-2.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(directory, name), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return name
def build_wheel(directory, *_):
    return wheel(directory, **{"fromgit.py": pathlib.Path("src/fromgit.py").read_text()})
def build_editable(directory, *_):
    return wheel(directory, **{"_fromgit.pth": str(pathlib.Path("src").resolve())})
"""


def make_bare_repository(directory: Path) -> tuple[Path, str]:
    """Make a repository that any server of files can serve; return its place and its commit."""
    work, bare = directory / "work", directory / "bare.git"
    (work / "src").mkdir(parents=True)
    (work / "src/fromgit.py").write_text("def main():\n    print('from git')\n")
    (work / "backend.py").write_text(BACKEND)
    (work / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "fromgit"\nversion = "2.0"\nscripts = {fromgit = "fromgit:main"}\n'
    )
    commit_all(work)
    git("clone", "-q", "--bare", work, bare, cwd=directory)
    git("update-server-info", cwd=bare)
    return bare, git("rev-parse", "v2", cwd=bare)


class QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def always(status: int) -> type[BaseHTTPRequestHandler]:
    class Always(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815 (the standard library's name)

        def log_message(self, *args: object) -> None:
            pass

    return Always


def protected(directory: Path, login: str) -> type[BaseHTTPRequestHandler]:
    wanted = f"Basic {base64.b64encode(login.encode()).decode()}"

    class Protected(QuietFiles):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(directory))  # type: ignore[arg-type]

        def do_GET(self) -> None:
            if self.headers.get("Authorization") == wanted:
                super().do_GET()
                return
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

    return Protected


def half_file(wheel: Path) -> type[BaseHTTPRequestHandler]:
    class Half(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = f'<a href="/{wheel.name}">{wheel.name}</a>'.encode()
            body = wheel.read_bytes() if self.path.endswith(".whl") else page
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if body is page else body[: len(body) // 2])

        def log_message(self, *args: object) -> None:
            pass

    return Half


def write_lock(
    bench: Bench,
    pipfile: str,
    default: Mapping[str, object],
    url: str = "https://pypi.org/simple",
    *,
    sources: object = None,
) -> None:
    bench.write("Pipfile", pipfile)
    sources = sources or [{"name": "pypi", "url": url, "verify_ssl": True}]
    digest = min(pipfile_hashes(DirectorySource(bench.app)))
    meta = {"hash": {"sha256": digest}, "pipfile-spec": 6, "requires": {}, "sources": sources}
    bench.write("Pipfile.lock", json.dumps({"_meta": meta, "default": default, "develop": {}}))


def pipenv(bench: Bench, *words: str) -> None:
    environ = {**bench.environ, "PIPENV_VENV_IN_PROJECT": "1", "PIPENV_NOSPIN": "1"}
    done = subprocess.run(
        [BIN / "pipenv", *words],
        cwd=bench.app,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
