"""What install_dependencies puts in place is what pip and Pipenv put in place."""

import base64
import hashlib
import json
import os
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from portside.detection.package_managers import detect_dependencies
from portside.detection.package_managers.pipenv import pipfile_hashes
from portside.effects.app_source import DirectorySource
from portside.effects.process import ProcessRunner
from portside.model.errors.dependencies import (
    BuildOfDistributionFailedError,
    HashMismatchError,
    IndexCredentialsError,
    IndexNotFoundError,
    IndexUnreachableError,
    InstallFailedError,
    NoSolutionError,
    NoWheelForPythonError,
    PipfileLockOutdatedError,
)
from portside.model.interpreter import Interpreter
from portside.model.layers import KeyInput, LayerKey
from portside.model.python_version import PythonVersion
from portside.steps.dependencies import (
    DependenciesRequest,
    InstallOutcome,
    dependency_inputs,
    install_dependencies,
    list_distributions,
)

ROOT = Path.home() / ".pyenv/versions/3.12.1"
BIN = Path(__file__).parents[2] / ".venv/bin"
PYTHON = Interpreter(PythonVersion(3, 12, 1), ROOT, "pyenv", LayerKey("python", ()))
IGNORED = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(not PYTHON.executable.exists(), reason="needs pyenv's Python 3.12.1"),
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

    @property
    def app(self) -> Path:
        return self.tmp / "app"

    def write(self, path: str, content: str | bytes) -> Path:
        target = self.app / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def install(self, *, upgrade: bool = False) -> Installed:
        source = DirectorySource(self.app)
        prefix = self.tmp / "ours"
        details: list[str] = []
        lines: list[str] = []
        request = DependenciesRequest(
            app=self.app,
            source=source,
            dependencies=detect_dependencies(source, self.environ),
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

    def inputs(self) -> dict[str, str]:
        source = DirectorySource(self.app)
        found = dependency_inputs(
            source,
            detect_dependencies(source, self.environ),
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


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "app").mkdir()
    return Bench(tmp_path)


def make_wheel(directory: Path, name: str, version: str, requires: str = "") -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += f"Requires-Dist: {requires}\n" if requires else ""
    contents = {
        f"{name}.py": f"VERSION = '{version}'\n",
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = ""
    for path, text in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
        record += f"{path},sha256={digest.rstrip(b'=').decode()},{len(text)}\n"
    wheel = directory / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**contents, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(path, text)
    return wheel


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
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a"}
    env = {**os.environ, **identity, "GIT_COMMITTER_EMAIL": "a@b"}
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["tag", "v2"]):
        subprocess.run(["git", *command], cwd=directory, env=env, check=True)


@pytest.fixture
def serve() -> Iterator[Callable[[type[BaseHTTPRequestHandler] | Path], str]]:
    servers = []

    def start(what: type[BaseHTTPRequestHandler] | Path) -> str:
        handler = partial(QuietFiles, directory=str(what)) if isinstance(what, Path) else what
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


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


# --- The same as pip -------------------------------------------------------------------------

TEXTS: Mapping[str, bytes] = {
    "pins": b"six==1.16.0\nidna==3.6\n",
    "bom": b"\xef\xbb\xbfsix==1.16.0\n",
    "utf-16": "six==1.16.0\n# caf\xe9\nidna==3.6\n".encode("utf-16"),
    "crlf": b"six==1.16.0\r\nidna==3.6  # comment\r\n\r\n",
    "latin-1": b"# -*- coding: latin-1 -*-\n# caf\xe9\nsix==1.16.0\n",
    "markers": b"six==1.16.0 ; python_version >= '3'\nidna==3.6; python_version < '3'\n",
    "extras": b"requests[socks]==2.31.0\nurllib3<2\n",
    "continued": b"six\\\n==1.16.0\n",
    "names": b"ItsDangerous==2.1.2\nMarkupSafe==2.1.5\nruamel.yaml==0.18.6\n",
    "dependencies": b"flask==3.0.0\nwerkzeug<3.0.2\n",
    "hashes": b"six==1.16.0 \\\n  --hash=sha256:"
    b"8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254\n",
    "only-binary": b"--only-binary :all:\nsix==1.16.0\n",
    "no-binary": b"--no-binary=six,idna\nsix==1.16.0\n",
    "prerelease": b"--pre\nclick==8.0.0rc1\n",
    "index": b"-i https://pypi.org/simple\n--trusted-host example.com\nsix==1.16.0\n",
    "duplicate": b"six>=1.15\nsix==1.16.0\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts(bench: Bench, name: str) -> None:
    bench.write("requirements.txt", TEXTS[name])
    bench.same_as_pip()


def test_nested_files_and_constraints(bench: Bench) -> None:
    bench.write("requirements.txt", "-r requirements/base.txt\n-c constraints.txt\nclick\n")
    bench.write("requirements/base.txt", "-r more.txt\nsix\n")
    bench.write("requirements/more.txt", "idna\n")
    bench.write("constraints.txt", "six==1.15.0\nclick<8.1\nidna==3.6\nflask==1.0\n")
    assert ("six", "1.15.0") in bench.same_as_pip().outcome.distributions


def test_a_symbolic_link(bench: Bench) -> None:
    bench.write("deploy/real.txt", "six==1.16.0\n")
    (bench.app / "requirements.txt").symlink_to("deploy/real.txt")
    bench.same_as_pip()


def test_variables(bench: Bench) -> None:
    bench.environ |= {"SIX_VERSION": "1.16.0"}
    bench.write("requirements.txt", "six==${SIX_VERSION}\n")
    bench.same_as_pip()


@pytest.mark.parametrize(
    "line", ["./lib/legacy", "-e lib/legacy", "legacy @ file://{app}/lib/legacy"]
)
def test_a_legacy_project(bench: Bench, line: str) -> None:
    make_legacy(bench.app / "lib/legacy", "legacy", "['six==1.16.0']")
    bench.write("requirements.txt", line.format(app=bench.app) + "\n")
    bench.same_as_pip()


@pytest.mark.parametrize("line", ["-e ./proj", "-e proj[more]", "./proj[more]", "-e file:proj"])
def test_a_project(bench: Bench, line: str) -> None:
    make_project(bench.app / "proj", "proj", '["six==1.16.0"]')
    bench.write("requirements.txt", f"{line}\n")
    bench.same_as_pip()


def test_the_app_itself(bench: Bench) -> None:
    make_project(bench.app, "whole")
    bench.write("requirements.txt", "-e .\n")
    bench.same_as_pip()


def test_a_path_with_a_space(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "with space")
    make_project(bench.app / "proj", "proj")
    bench.write("requirements.txt", "./proj\n")
    bench.same_as_pip()


def test_a_changed_local_project_is_built_again(bench: Bench) -> None:
    make_project(bench.app / "proj", "proj")
    bench.write("requirements.txt", "./proj\n")
    bench.install()
    bench.write("proj/src/proj/__init__.py", "X = 2\n")
    installed = bench.install()
    module = installed.prefix / PYTHON.site_packages / "proj/__init__.py"
    assert module.read_text() == "X = 2\n"


@pytest.mark.parametrize(
    "line", ["git+file://{repo}@v2#egg=fromgit", "git+file://{repo}#egg=fromgit"]
)
def test_a_repository(bench: Bench, line: str) -> None:
    make_repository(bench.tmp / "repo")
    bench.write("requirements.txt", line.format(repo=bench.tmp / "repo") + "\n")
    bench.same_as_pip()


def test_an_editable_repository_needs_pip(bench: Bench) -> None:
    make_repository(bench.tmp / "repo")
    bench.write("requirements.txt", f"-e git+file://{bench.tmp / 'repo'}#egg=fromgit\n")
    installed = bench.same_as_pip("pip")
    assert "editable install from a repository" in installed.details[0]


def test_find_links(bench: Bench) -> None:
    make_wheel(bench.app / "wheels", "local_one", "1.0", "local_two>=2")
    make_wheel(bench.app / "wheels", "local_two", "2.0")
    bench.write("requirements.txt", "--find-links wheels\nlocal_one\n")
    bench.same_as_pip()


def test_find_links_of_the_configuration(bench: Bench) -> None:
    make_wheel(bench.tmp / "wheels", "local_one", "1.0")
    conf = bench.tmp / "pip.conf"
    conf.write_text(f"[global]\nno-index = yes\n[install]\nfind-links =\n    {bench.tmp}/wheels\n")
    bench.environ |= {"PIP_CONFIG_FILE": str(conf)}
    bench.write("requirements.txt", "local_one\n")
    bench.same_as_pip()


def test_constraints_of_the_environment(bench: Bench) -> None:
    (bench.tmp / "c.txt").write_text("six==1.15.0\n")
    bench.environ |= {"PIP_CONSTRAINT": str(bench.tmp / "c.txt")}
    bench.write("requirements.txt", "six\n")
    bench.same_as_pip()


def test_a_wheel_by_path(bench: Bench) -> None:
    make_wheel(bench.app / "wheels", "local_one", "1.0")
    bench.write("requirements.txt", "wheels/local_one-1.0-py3-none-any.whl\n")
    bench.same_as_pip()


def test_a_wheel_by_url(bench: Bench, serve: Callable[[Path], str]) -> None:
    make_wheel(bench.tmp / "wheels", "local_one", "1.0")
    url = serve(bench.tmp / "wheels")
    bench.write("requirements.txt", f"{url}/local_one-1.0-py3-none-any.whl\n")
    bench.same_as_pip()


def test_the_best_match_of_all_indexes(bench: Bench, serve: Callable[[Path], str]) -> None:
    for index, version in (("first", "1.0"), ("second", "2.0")):
        make_wheel(bench.tmp / index / "local-one", "local_one", version)
    first, second = (serve(bench.tmp / index) for index in ("first", "second"))
    bench.write("requirements.txt", f"-i {first}\n--extra-index-url {second}\nlocal_one\n")
    assert bench.same_as_pip().outcome.distributions == (("local_one", "2.0"),)


def test_nothing_runs_for_an_empty_file(bench: Bench) -> None:
    bench.write("requirements.txt", "# nothing yet\n")
    installed = bench.install()
    assert installed.outcome == InstallOutcome("uv", ())
    assert installed.lines == []


def test_an_option_only_pip_has(bench: Bench) -> None:
    bench.write("requirements.txt", "--prefer-binary\nsix==1.16.0\n")
    assert "--prefer-binary" in bench.same_as_pip("pip").details[0]


def test_other_environments_are_left_alone(bench: Bench) -> None:
    bench.environ |= {"VIRTUAL_ENV": "/nonexistent", "PYTHONHOME": "/nonexistent", "PIP_USER": "1"}
    bench.environ |= {"UV_PYTHON": "3.99", "PIP_TARGET": "/nonexistent", "UV_RESOLUTION": "lowest"}
    bench.write("requirements.txt", "six\n")
    installed = bench.install()
    assert installed.outcome.installer == "uv"
    assert not (installed.prefix / ".lock").exists()


# --- Pipenv ----------------------------------------------------------------------------------

SIX = "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254"


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


def pipenv_sync(bench: Bench) -> Path:
    environ = {**bench.environ, "PIPENV_VENV_IN_PROJECT": "1", "PIPENV_NOSPIN": "1"}
    command = [BIN / "pipenv", "sync", "--python", PYTHON.executable]
    subprocess.run(command, cwd=bench.app, env=environ, check=True, capture_output=True)
    return bench.app / ".venv"


def test_pipenv_sync(bench: Bench) -> None:
    make_project(bench.app / "proj", "proj")
    entries: dict[str, object] = {
        "six": {"hashes": [f"sha256:{SIX}"], "index": "pypi", "version": "==1.16.0"},
        "idna": {"markers": "python_version < '3'", "version": "==3.6"},
        "proj": {"editable": True, "path": "./proj"},
        "requests": {"extras": ["socks"], "version": "==2.31.0"},
    }
    pipfile = '[packages]\nsix = "*"\nidna = "*"\nproj = {path = "./proj", editable = true}\n'
    write_lock(bench, pipfile + 'requests = {extras = ["socks"], version = "*"}\n', entries)
    ours = bench.install()
    theirs = {
        item
        for item in list_distributions(pipenv_sync(bench) / PYTHON.site_packages)
        if item[0] not in {"pip", "setuptools", "wheel"}
    }
    assert ours.outcome.installer == "uv"
    assert set(ours.outcome.distributions) == theirs
    assert {name for name, _ in theirs} == {"six", "proj", "requests"}
    wanted = {name for name in files(ours.prefix) if "/site-packages/" in name}
    assert wanted <= files(bench.app / ".venv")


def test_pipenv_interpolates_the_index(bench: Bench, serve: Callable[[Path], str]) -> None:
    wheel = make_wheel(bench.tmp / "index/local-one", "local_one", "1.0")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    bench.environ |= {"INDEX_HOST": serve(bench.tmp / "index").removeprefix("http://")}
    entry = {"hashes": [f"sha256:{digest}"], "index": "pypi", "version": "==1.0"}
    write_lock(bench, '[packages]\nlocal-one = "*"\n', {"local-one": entry}, "http://${INDEX_HOST}")
    assert bench.install().outcome.distributions == (("local_one", "1.0"),)


def test_pipenv_checks_hashes(bench: Bench) -> None:
    entry = {"hashes": ["sha256:" + "0" * 64], "version": "==1.16.0"}
    write_lock(bench, '[packages]\nsix = "*"\n', {"six": entry})
    with pytest.raises(HashMismatchError):
        bench.install()


def test_an_outdated_lock_installs_nothing(bench: Bench) -> None:
    write_lock(bench, '[packages]\nsix = "*"\n', {"six": {"version": "==1.16.0"}})
    bench.write("Pipfile", '[packages]\nsix = "*"\nidna = "*"\n')
    with pytest.raises(PipfileLockOutdatedError):
        bench.install()
    assert not (bench.tmp / "ours").exists()


def test_a_pipfile_without_a_lock(bench: Bench) -> None:
    bench.write("Pipfile", '[packages]\nsix = "==1.16.0"\nidna = {version = "<3.7"}\n')
    assert bench.install().outcome.distributions == (("idna", "3.6"), ("six", "1.16.0"))


def test_pipenv_installs_a_repository(bench: Bench) -> None:
    make_repository(bench.tmp / "repo")
    for editable in (False, True):
        entry = {"git": f"file://{bench.tmp / 'repo'}", "ref": "v2", "editable": editable}
        write_lock(bench, '[packages]\nfromgit = "*"\n', {"fromgit": entry})
        installed = bench.install()
        assert ("fromgit", "2.0") in installed.outcome.distributions
        assert installed.outcome.installer == ("pip" if editable else "uv")


# --- Failures --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "leaf"),
    [
        (401, IndexCredentialsError),
        (403, IndexCredentialsError),
        (404, IndexNotFoundError),
        (500, IndexUnreachableError),
    ],
)
def test_an_index_that_refuses(
    bench: Bench,
    serve: Callable[[type[BaseHTTPRequestHandler]], str],
    status: int,
    leaf: type[InstallFailedError],
) -> None:
    bench.environ |= {"UV_HTTP_RETRIES": "0"}
    bench.write("requirements.txt", f"-i {serve(always(status))}/simple\nsix==1.16.0\n")
    with pytest.raises(leaf):
        bench.install()


@pytest.mark.parametrize(
    ("status", "leaf"), [(403, IndexCredentialsError), (404, IndexNotFoundError)]
)
def test_an_address_that_is_refused(
    bench: Bench,
    serve: Callable[[type[BaseHTTPRequestHandler]], str],
    status: int,
    leaf: type[InstallFailedError],
) -> None:
    url = serve(always(status))
    bench.write("requirements.txt", f"{url}/thing-1.0-py3-none-any.whl\n")
    with pytest.raises(leaf):
        bench.install()


def test_pipenv_asks_each_index_for_its_own(bench: Bench, serve: Callable[[Path], str]) -> None:
    sources, entries = [], {}
    for name, version in (("first", "1.0"), ("second", "2.0")):
        make_wheel(bench.tmp / name / f"local-{name}", f"local_{name}", version)
        url = serve(bench.tmp / name)
        sources.append({"name": name, "url": url, "verify_ssl": name == "first"})
        entries[f"local-{name}"] = {"index": name, "version": f"=={version}"}
    write_lock(bench, '[packages]\nlocal-first = "*"\n', entries, sources=sources)
    found = bench.install().outcome
    assert found == InstallOutcome("uv", (("local_first", "1.0"), ("local_second", "2.0")))


def test_one_of_two_indexes_refuses(
    bench: Bench, serve: Callable[[type[BaseHTTPRequestHandler]], str]
) -> None:
    refusing, empty = serve(always(403)), serve(always(404))
    bench.write("requirements.txt", f"-i {refusing}\n--extra-index-url {empty}\nprivate-thing\n")
    with pytest.raises(IndexCredentialsError):
        bench.install()


def test_an_index_that_is_not_there(bench: Bench) -> None:
    bench.environ |= {"UV_HTTP_RETRIES": "0"}
    bench.write("requirements.txt", "-i http://127.0.0.1:1/simple\nsix\n")
    with pytest.raises(IndexUnreachableError):
        bench.install()


def test_half_a_file(bench: Bench, serve: Callable[[type[BaseHTTPRequestHandler]], str]) -> None:
    bench.environ |= {"UV_HTTP_RETRIES": "0"}
    wheel = make_wheel(bench.tmp / "wheels", "local_one", "1.0")
    bench.write("requirements.txt", f"-i {serve(half_file(wheel))}\nlocal_one\n")
    with pytest.raises(IndexUnreachableError):
        bench.install()


def test_a_wrong_hash(bench: Bench) -> None:
    bench.write("requirements.txt", f"six==1.16.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(HashMismatchError):
        bench.install()


@pytest.mark.parametrize(
    ("text", "leaf"),
    [
        ("six==99\n", IndexNotFoundError),
        ("no-such-distribution-of-portside\n", IndexNotFoundError),
        ("flask==3.0.0\nwerkzeug<2\n", NoSolutionError),
        ("./broken\n", BuildOfDistributionFailedError),
        ("--only-binary :all:\nnumpy==1.19.0\n", NoWheelForPythonError),
        ("git+file:///nonexistent/x@v1#egg=x\n", IndexNotFoundError),
        ("-f wheels\n--no-index\nbad\n", IndexUnreachableError),
    ],
)
def test_what_cannot_be_installed(bench: Bench, text: str, leaf: type[InstallFailedError]) -> None:
    bench.write("wheels/bad-1.0-py3-none-any.whl", b"PK\x03\x04nonsense")
    bench.write("broken/setup.py", "raise SystemExit('this needs a compiler')\n")
    bench.write("requirements.txt", text)
    with pytest.raises(leaf):
        bench.install()


# --- The inputs of the layer -----------------------------------------------------------------


def test_the_inputs_name_what_changed(bench: Bench) -> None:
    make_project(bench.app / "proj", "proj")
    bench.write("requirements.txt", "-r base.txt\n-e proj\n")
    bench.write("base.txt", "six\n")
    before = bench.inputs()
    assert list(before) == ["requirements.txt", "base.txt", "proj", "index configuration"]
    bench.write("proj/src/proj/__init__.py", "X = 3\n")
    bench.write("proj/src/proj/__pycache__/x.pyc", "x")
    bench.environ |= {"PIP_EXTRA_INDEX_URL": "https://user:one@example.com/simple"}
    after = bench.inputs()
    assert {name for name in after if after[name] != before[name]} == {
        "proj",
        "index configuration",
    }
    bench.environ |= {"PIP_EXTRA_INDEX_URL": "https://user:two@example.com/simple"}
    assert bench.inputs() == after


def test_a_build_leaves_the_inputs_alone(bench: Bench) -> None:
    make_legacy(bench.app / "legacy", "legacy")
    bench.write("requirements.txt", "./legacy\n")
    before = bench.inputs()
    bench.install()
    assert bench.inputs() == before


def test_variables_are_inputs(bench: Bench) -> None:
    bench.write("requirements.txt", "six==${SIX_VERSION}\n")
    bench.environ |= {"SIX_VERSION": "1.16.0"}
    before = bench.inputs()
    bench.environ |= {"SIX_VERSION": "1.15.0"}
    assert bench.inputs()["variables in the files"] != before["variables in the files"]


def test_inputs_are_key_inputs(bench: Bench) -> None:
    bench.write("requirements.txt", "six\n")
    source = DirectorySource(bench.app)
    found = dependency_inputs(
        source, detect_dependencies(source), environ={}, home=bench.tmp, app=bench.app
    )
    digest = hashlib.sha256(b"six\n").hexdigest()
    assert found[0] == KeyInput("requirements.txt", digest)
