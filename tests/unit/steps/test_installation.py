"""Which installer gets its turn, and what it finds in the prefix; no installer is run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fakes import DictSource

from portside.detection.package_managers import detect_dependencies
from portside.effects.process import Command, Completed
from portside.model.errors.dependencies import IndexUnreachableError, InstallFailedError
from portside.model.interpreter import Interpreter
from portside.model.layers import LayerKey
from portside.model.python_version import PythonVersion
from portside.steps.dependencies import DependenciesRequest, install_dependencies

UNREACHABLE = "error: Request failed after 3 retries"
BROKEN = "error: something else"


@dataclass
class FakeRunner:
    """Leaves a file behind for each run, and fails where the script says so.

    ``script`` holds what each run of uv prints as it fails, "" where it succeeds.
    """

    prefix: Path
    script: list[str]
    programs: list[str] = field(default_factory=list)
    seen: list[set[str]] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

    def run(self, command: Command, on_line: Callable[[str], None]) -> Completed:
        program = "uv" if command.argv[0] == "/uv" else "pip"
        self.seen.append({path.name for path in self.prefix.glob("*")})
        self.programs.append(program)
        self.commands.append(command)
        said = self.script.pop(0) if self.script else ""
        (self.prefix / "lib").mkdir(parents=True, exist_ok=True)
        (self.prefix / f"{program}-{len(self.programs)}").touch()
        return Completed(1 if said else 0, (said,), 0.0)


@dataclass
class Install:
    """An install of an app with the given files."""

    tmp: Path
    files: dict[str, str]
    script: list[str]
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.runner = FakeRunner(self.tmp / "prefix", self.script)
        self.details: list[str] = []

    def run(self) -> str:
        source = DictSource(dict(self.files))
        request = DependenciesRequest(
            app=self.tmp / "app",
            original=self.tmp / "app",
            source=source,
            dependencies=detect_dependencies(source),
            interpreter=Interpreter(
                PythonVersion(3, 12, 1), self.tmp / "python", "", LayerKey("python", ())
            ),
            prefix=self.tmp / "prefix",
            uv=Path("/uv"),
            uv_cache=self.tmp / "cache",
            work=self.tmp / "work",
            environ={"PIP_CONFIG_FILE": "/dev/null", **self.environ},
            home=self.tmp,
        )
        return install_dependencies(
            request,
            runner=self.runner,
            on_line=lambda _: None,
            on_detail=self.details.append,
        ).installer


LOCK = """{"_meta": {"sources": [{"name": "a", "url": "https://a"}, {"name": "b", "url":
"https://user:s3cret@b"}]}, "default": {"one": {"version": "==1", "index": "a"},
"two": {"version": "==2", "index": "b"}}}"""


def test_uv_does_it_alone_where_it_can(tmp_path: Path) -> None:
    install = Install(tmp_path, {"requirements.txt": "six\n"}, [])

    assert install.run() == "uv"
    assert (install.runner.programs, install.details) == (["uv"], [])


def test_pip_starts_from_an_empty_prefix(tmp_path: Path) -> None:
    install = Install(tmp_path, {"requirements.txt": "six\n"}, [BROKEN])

    assert install.run() == "pip"
    assert install.runner.seen == [set(), set()]
    assert install.details == ["uv couldn't install the dependencies, so pip is tried."]


def test_jobs_before_a_failed_one_are_repeated(tmp_path: Path) -> None:
    install = Install(tmp_path, {"Pipfile.lock": LOCK}, ["", BROKEN])

    assert install.run() == "pip"
    assert install.runner.programs == ["uv", "uv", "uv", "pip"]
    assert install.runner.seen[2:] == [set(), {"lib", "uv-3"}]


@pytest.mark.parametrize("text", ["six\n", "--no-index\n-f wheels\nsix\n", "-i https://a\nsix\n"])
def test_one_unreachable_index_is_the_end(tmp_path: Path, text: str) -> None:
    install = Install(tmp_path, {"requirements.txt": text}, [UNREACHABLE])

    with pytest.raises(IndexUnreachableError):
        install.run()
    assert install.runner.programs == ["uv"]


def test_without_an_index_links_alone_may_be_enough(tmp_path: Path) -> None:
    files = {"requirements.txt": "-f wheels\nsix\n"}
    install = Install(tmp_path, dict(files), [UNREACHABLE])
    assert install.run() == "uv"
    first, second = install.runner.commands
    assert ("--no-index" in first.argv, "--no-index" in second.argv) == (False, True)
    assert install.runner.seen == [set(), set()]

    install = Install(tmp_path, dict(files), [UNREACHABLE, BROKEN])
    with pytest.raises(IndexUnreachableError):
        install.run()
    assert install.runner.programs == ["uv", "uv"]


@pytest.mark.parametrize(
    ("text", "runs"),
    [("--extra-index-url https://a\nsix\n", 1), ("-f https://links\nsix\n", 2)],
)
def test_pip_goes_on_without_one_of_several(tmp_path: Path, text: str, runs: int) -> None:
    install = Install(tmp_path, {"requirements.txt": text}, [UNREACHABLE, BROKEN][:runs])

    assert install.run() == "pip"


def test_what_uv_said_stays_where_pip_fails_too(tmp_path: Path) -> None:
    text = "--extra-index-url https://a\nsix\n"
    missing = "ERROR: No matching distribution found for six"
    install = Install(tmp_path, {"requirements.txt": text}, [UNREACHABLE, missing])

    with pytest.raises(IndexUnreachableError):
        install.run()


@pytest.mark.parametrize("said", [BROKEN, UNREACHABLE, "no space left on device"])
def test_the_failure_reason_names_the_package_manager(tmp_path: Path, said: str) -> None:
    reasons = []
    for files in ({"requirements.txt": "six\n"}, {"Pipfile.lock": LOCK}):
        install = Install(tmp_path, dict(files), [said, said, said])
        with pytest.raises(InstallFailedError) as caught:
            install.run()
        reasons.append(caught.value.failure_reason)

    assert reasons == ["install-dependencies::pip", "install-dependencies::pipenv"]


def test_secrets_are_never_arguments(tmp_path: Path) -> None:
    secret = "https://user:s3cret@host"
    text = f"-i {secret}\n--extra-index-url {secret}/more\n-f {secret}/links\nsix\n"
    environ = {
        f"PIP_{name}": f"{secret}/{name}"
        for name in ("EXTRA_INDEX_URL", "FIND_LINKS", "CONSTRAINT", "BUILD_CONSTRAINT", "PROXY")
    }
    for files in ({"requirements.txt": text}, {"Pipfile.lock": LOCK}):
        install = Install(tmp_path, dict(files), [BROKEN], dict(environ))
        install.run()
        for command in install.runner.commands:
            assert "s3cret" not in " ".join(command.argv)
            assert "s3cret" in " ".join(command.env.values())


def test_pips_connection_reaches_uv_sync_and_its_choices_do_not(tmp_path: Path) -> None:
    lock = 'version = 1\nrequires-python = ">=3.12"\n'
    files = {"uv.lock": lock, "pyproject.toml": '[project]\nname = "a"\nversion = "1"\n'}
    environ = {
        "PIP_CERT": "/own/authority.pem",
        "PIP_PROXY": "proxy.example:3128",
        "PIP_BUILD_CONSTRAINT": "/own/constraints.txt",
    }
    install = Install(tmp_path, files, ["error: no such thing"], environ)
    with pytest.raises(InstallFailedError):
        install.run()
    env = install.runner.commands[0].env
    assert env["SSL_CERT_FILE"] == "/own/authority.pem"
    assert env["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert "UV_BUILD_CONSTRAINT" not in env
    environ["SSL_CERT_FILE"] = "/uv"
    install = Install(tmp_path, files, ["error: no such thing"], environ)
    with pytest.raises(InstallFailedError):
        install.run()
    assert install.runner.commands[0].env["SSL_CERT_FILE"] == "/uv"
