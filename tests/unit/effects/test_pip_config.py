"""pip's configuration is merged as `pip config debug` says, whatever this machine's own is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from portside.effects.pip_config import PipConfig, config_files, read_pip_config


@dataclass
class Machine:
    """A home directory, a global configuration and variables."""

    tmp: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.tmp / "home"

    def write(self, path: str, text: str) -> Path:
        target = self.tmp / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        return target

    def index(self, path: str, *, section: str = "global", name: str = "") -> Path:
        return self.write(path, f"[{section}]\nindex-url = https://{name or path}\n")

    def read(self) -> PipConfig:
        return read_pip_config(self.environ, self.home)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, {"XDG_CONFIG_DIRS": str(tmp_path / "shared")})


GLOBAL = "shared/pip/pip.conf"
LEGACY = "home/.pip/pip.conf"
USER = "home/.config/pip/pip.conf"


def test_each_file_beats_those_before_it(machine: Machine) -> None:
    seen = []
    for path in (GLOBAL, LEGACY, USER):
        machine.index(path)
        seen.append(machine.read().index_url)
    own = machine.index("own.conf")
    machine.environ["PIP_CONFIG_FILE"] = str(own)
    seen.append(machine.read().index_url)
    machine.environ["PIP_INDEX_URL"] = "https://variable"
    seen.append(machine.read().index_url)

    assert seen == [f"https://{p}" for p in (GLOBAL, LEGACY, USER, "own.conf", "variable")]


def test_a_file_of_ones_own_takes_the_place_of_the_users(machine: Machine) -> None:
    machine.write(USER, "[global]\nno-index = yes\n")
    machine.write(GLOBAL, "[global]\npre = yes\n")
    machine.environ["PIP_CONFIG_FILE"] = str(machine.write("own.conf", ""))

    assert not machine.read().no_index
    assert "--prerelease" in machine.read().arguments


def test_a_file_of_ones_own_that_is_missing_takes_no_place(machine: Machine) -> None:
    machine.index(USER)
    machine.environ["PIP_CONFIG_FILE"] = "/nonexistent/pip.conf"

    assert machine.read().index_url == f"https://{USER}"


def test_the_null_device_switches_every_file_off(machine: Machine) -> None:
    for path in (GLOBAL, LEGACY, USER):
        machine.index(path)
    machine.environ |= {"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1"}

    assert config_files(machine.environ, machine.home) == ()
    assert machine.read().index_url == ""
    assert machine.read().no_index


def test_install_beats_global_even_of_a_later_file(machine: Machine) -> None:
    machine.index(GLOBAL, section="install")
    machine.index(USER, section="global")

    assert machine.read().index_url == f"https://{GLOBAL}"


def test_other_sections_do_not_count(machine: Machine) -> None:
    machine.index(USER, section="download")

    assert machine.read().index_url == ""


@pytest.mark.parametrize("empty", ["PIP_INDEX_URL", "install"])
def test_an_empty_value_hides_nothing_of_another_layer(machine: Machine, empty: str) -> None:
    text = "[global]\nindex-url = https://files\n"
    machine.write(USER, text + ("[install]\nindex-url =\n" if empty == "install" else ""))
    if empty != "install":
        machine.environ[empty] = ""

    assert machine.read().index_url == "https://files"


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("extra-index-url =\n    https://a\n    https://b\n", {}),
        ("extra-index-url = https://a https://b\n", {}),
        ("extra_index_url = https://a https://b\n", {}),
        ("--extra-index-url: https://a https://b\n", {}),
        ("extra-index-url = https://c\n", {"PIP_EXTRA_INDEX_URL": "https://a https://b"}),
    ],
)
def test_lists(machine: Machine, text: str, variables: Mapping[str, str]) -> None:
    machine.write(USER, f"[global]\n{text}")
    machine.environ |= variables

    assert machine.read().extra_index_urls == ("https://a", "https://b")


def test_lists_on_several_lines(machine: Machine) -> None:
    machine.write(
        USER,
        "[install]\nfind-links =\n    /wheels\n    https://b/links\n"
        "no-binary =\n    a,b\n    c\nonly-binary = d\ntrusted-host =\n    one\n    two:8080\n",
    )
    config = machine.read()

    assert config.find_links == ("/wheels", "https://b/links")
    assert (config.no_binary, config.only_binary) == (("a,b", "c"), ("d",))
    assert config.arguments == ("--allow-insecure-host", "one", "--allow-insecure-host", "two:8080")


@pytest.mark.parametrize(("value", "is_set"), [("yes", True), ("1", True), ("off", False)])
def test_flags(machine: Machine, value: str, is_set: bool) -> None:
    machine.environ |= {"PIP_NO_INDEX": value, "PIP_REQUIRE_HASHES": value, "PIP_NO_DEPS": value}
    config = machine.read()

    assert (config.no_index, config.require_hashes) == (is_set, is_set)
    assert ("--no-deps" in config.arguments) is is_set


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"no section\n", b"[global\n", b"[a]\n[a]\n"])
def test_a_file_that_is_no_configuration_counts_as_absent(machine: Machine, data: bytes) -> None:
    machine.write(USER, "").write_bytes(data)

    assert machine.read() == read_pip_config(machine.environ, machine.tmp / "elsewhere")


@pytest.mark.parametrize(
    "setting",
    ["prefer-binary", "use-feature", "platform", "keyring-provider", "config-settings", "abi"],
)
def test_what_only_pip_can_do_is_said(machine: Machine, setting: str) -> None:
    machine.write(USER, f"[global]\n{setting} = thing\n")

    assert machine.read().unsupported == (f"pip's configuration sets {setting}",)


def test_what_is_switched_off_or_unknown_is_not(machine: Machine) -> None:
    machine.write(USER, "[global]\nprefer-binary = no\nnonsense = 1\nquiet = 1\n")

    assert machine.read().unsupported == ()


@pytest.mark.parametrize("setting", ["target", "prefix", "user", "root", "python", "dry-run"])
def test_where_to_install_stays_the_builds(machine: Machine, setting: str) -> None:
    machine.write(USER, f"[install]\n{setting} = /elsewhere\n")

    assert machine.read() == read_pip_config(machine.environ, machine.tmp / "elsewhere")


def test_secrets_are_never_arguments(machine: Machine) -> None:
    secret = "https://user:s3cret@host/simple"
    machine.environ |= {
        f"PIP_{name}": secret
        for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "PROXY", "CONSTRAINT")
    }
    machine.environ |= {"PIP_BUILD_CONSTRAINT": secret, "PIP_CLIENT_CERT": "/s3cret.pem"}
    config = machine.read()

    assert "s3cret" not in " ".join(config.arguments)
    assert config.environment["HTTPS_PROXY"] == secret
    assert config.environment["UV_BUILD_CONSTRAINT"] == secret


def test_how_to_connect_is_no_input(machine: Machine) -> None:
    connection = {"CERT": "/c.pem", "PROXY": "p:1", "TIMEOUT": "1.5", "RETRIES": "2"}
    machine.environ |= {f"PIP_{name}": value for name, value in connection.items()}
    config = machine.read()

    assert config.inputs == {}
    assert config.environment["ALL_PROXY"] == "http://p:1"
    assert config.environment["UV_HTTP_TIMEOUT"] == "1"
    assert config.environment["SSL_CERT_FILE"] == "/c.pem"


def test_isolation_keeps_pips_reversed_meaning(machine: Machine) -> None:
    machine.environ["PIP_NO_BUILD_ISOLATION"] = "0"
    assert "--no-build-isolation" in machine.read().arguments
    machine.environ["PIP_NO_BUILD_ISOLATION"] = "1"
    assert "--no-build-isolation" not in machine.read().arguments
