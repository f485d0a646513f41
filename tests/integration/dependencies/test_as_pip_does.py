"""What is installed for requirements files is what pip installs."""

import hashlib
import subprocess
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from dependency_bench import (
    MARKS,
    PYTHON,
    Bench,
    always,
    make_legacy,
    make_project,
    make_repository,
    make_wheel,
    protected,
)

from portside.steps.dependencies import InstallOutcome
from portside.steps.dependencies.relocation import relocate_editables

pytestmark = MARKS

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
    # The repository's own configuration has the URL, credentials included.
    assert not list(installed.prefix.rglob(".git"))
    relocate_editables(installed.prefix / PYTHON.site_packages, bench.app, installed.prefix)
    moved = installed.prefix.rename(bench.tmp / "elsewhere")
    code = f"import site; site.addsitedir({str(moved / PYTHON.site_packages)!r}); import fromgit"
    subprocess.run([PYTHON.executable, "-c", code], env=bench.environ, check=True)


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


def test_a_marker_after_an_editable_counts_for_nothing(bench: Bench) -> None:
    make_project(bench.app / "proj", "proj")
    bench.write("requirements.txt", "-e ./proj ; python_version < '3'\n")
    assert bench.same_as_pip().outcome.distributions == (("proj", "2.0"),)


@pytest.mark.parametrize("option", ["-r", "-c"])
def test_a_file_by_url(bench: Bench, serve: Callable[[Path], str], option: str) -> None:
    remote = bench.tmp / "remote"
    remote.mkdir()
    (remote / "more.txt").write_text("idna==3.6\n")
    bench.write("requirements.txt", f"{option} {serve(remote)}/more.txt\nidna\n")
    assert bench.same_as_pip("pip").outcome.distributions == (("idna", "3.6"),)


@pytest.mark.parametrize("status", [500, 503, 0])
def test_an_extra_index_that_fails_is_left_out(
    bench: Bench, serve: Callable[[type[BaseHTTPRequestHandler] | Path], str], status: int
) -> None:
    make_wheel(bench.tmp / "index/local-one", "local_one", "1.0")
    main = serve(bench.tmp / "index")
    extra = serve(always(status)) if status else "http://127.0.0.1:1/simple"
    bench.environ |= {"PIP_RETRIES": "0"}
    bench.write("requirements.txt", f"-i {main}\n--extra-index-url {extra}\nlocal_one\n")
    assert "goes on without it" in bench.same_as_pip("pip").details[0]


@pytest.mark.parametrize(
    ("lines", "requires", "expected"),
    [
        ("local_one>=1.0b1", "", "1.1b1"),
        ("local_one\n-c c.txt", "", "1.1b1"),
        ("local_top", "local_one>=1.0b1", "1.1b1"),
        ("local_top", "local_one>=1.0b1; python_version < '3'\nRequires-Dist: local_one", "1.0"),
        ("local_top", "local_one", "1.0"),
    ],
)
def test_prereleases_by_pips_rule(
    bench: Bench, serve: Callable[[Path], str], lines: str, requires: str, expected: str
) -> None:
    for version in ("1.0", "1.1b1"):
        make_wheel(bench.tmp / "index/local-one", "local_one", version)
    make_wheel(bench.tmp / "index/local-top", "local_top", "1.0", requires)
    bench.write("c.txt", "local_one>=1.0b1\n")
    bench.write("requirements.txt", f"-i {serve(bench.tmp / 'index')}\n{lines}\n")
    assert ("local_one", expected) in bench.same_as_pip().outcome.distributions


def test_what_pip_freeze_writes(bench: Bench) -> None:
    make_project(bench.app / "proj", "proj")
    wheel = make_wheel(bench.tmp / "files", "local_one", "1.0")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    bench.write(
        "requirements.txt",
        f"# Editable install with no version control (proj==2.0)\n-e {bench.app}/proj\n"
        f"local_one @ {wheel.as_uri()}#sha256={digest}\n",
    )
    bench.same_as_pip()


def test_a_file_as_people_write_them(bench: Bench, serve: Callable[[Path], str]) -> None:
    """Tabs, abbreviated options, comments after URLs and continued lines, in nested files."""
    for name in ("one", "two"):
        for version in ("1.0", "2.0"):
            make_wheel(bench.tmp / f"index/local-{name}", f"local_{name}", version)
    wheel = make_wheel(bench.tmp / "index", "local_three", "1.0")
    url = serve(bench.tmp / "index")
    bench.environ |= {"PIP_CONSTRAINT": "deploy/one.txt deploy/two.txt"}
    bench.write("deploy/one.txt", "local_one<2\n")
    bench.write("deploy/two.txt", f"local_two @ {url}/local-two/local_two-1.0-py3-none-any.whl\n")
    bench.write("requirements.txt", " \n-r deploy/all.txt # all\n\t\n")
    bench.write(
        "deploy/all.txt",
        f"--index \\\n  {url}\n\tlocal_one\t>=\t1.0\t# tab\n"
        f"local_two ; \\\n  python_version>'3'\n{url}/{wheel.name} # the wheel\\",
    )
    versions = dict(bench.same_as_pip().outcome.distributions)
    assert versions == {"local_one": "1.0", "local_two": "1.0", "local_three": "1.0"}


def test_credentials_of_netrc(
    bench: Bench, serve: Callable[[type[BaseHTTPRequestHandler]], str]
) -> None:
    make_wheel(bench.tmp / "index/local-one", "local_one", "1.0")
    netrc = bench.tmp / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password s3cret-word\n")
    netrc.chmod(0o600)
    bench.environ |= {"NETRC": str(netrc)}
    url = serve(protected(bench.tmp / "index", "someone:s3cret-word"))
    bench.write("requirements.txt", f"-i {url}\nlocal_one\n")
    bench.same_as_pip()


def test_credentials_are_kept_nowhere(
    bench: Bench, serve: Callable[[type[BaseHTTPRequestHandler]], str]
) -> None:
    wheel = make_wheel(bench.tmp / "files", "local_one", "1.0")
    url = serve(protected(bench.tmp / "files", "someone:s3cret-word"))
    bench.environ |= {"LOGIN": "someone:s3cret-word"}
    bench.write("requirements.txt", f"{url.replace('//', '//${LOGIN}@')}/{wheel.name}\n")
    ours = bench.same_as_pip()
    assert not [
        path
        for path in ours.prefix.rglob("*")
        if path.is_file() and b"s3cret-word" in path.read_bytes()
    ]
    assert "s3cret-word" not in f"{bench.inputs()}{ours.details}{ours.lines}"
