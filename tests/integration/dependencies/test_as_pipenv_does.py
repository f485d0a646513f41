"""What is installed for a Pipfile is what Pipenv installs."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from dependency_bench import (
    MARKS,
    PYTHON,
    Bench,
    make_bare_repository,
    make_project,
    make_wheel,
    write_lock,
)

from portside.model.errors.dependencies import (
    HashMismatchError,
    IndexUnreachableError,
    PipfileLockOutdatedError,
)
from portside.steps.dependencies import (
    InstallOutcome,
)

pytestmark = MARKS

SIX = "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254"


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
    names = {name for name, _ in bench.same_as_pipenv().outcome.distributions}
    assert names == {"six", "proj", "requests"}


def test_hashes_and_markers_with_extras(bench: Bench) -> None:
    make_project(bench.app / "proj", "proj", '["six"]')
    entries: dict[str, object] = {
        "six": {
            "hashes": [f"sha256:{'0' * 64}", f"sha256:{SIX}"],
            "index": "pypi",
            "markers": "python_version >= '2.7' and python_version not in '3.0, 3.1, 3.2'",
            "version": "==1.16.0",
        },
        "requests": {
            "extras": ["socks", "use_chardet_on_py3"],
            "index": "pypi",
            "markers": "python_version >= '3.8'",
            "version": "==2.31.0",
        },
        "pysocks": {"version": "==1.7.1"},
        "colorama": {"markers": "sys_platform == 'win32'", "version": "==0.4.6"},
        "proj": {"path": "./proj", "extras": ["more"]},
    }
    write_lock(bench, '[packages]\nrequests = "*"\n', entries)
    names = {name.lower() for name, _ in bench.same_as_pipenv().outcome.distributions}
    assert names == {"six", "requests", "pysocks", "proj"}


def test_each_source_for_its_own(bench: Bench, serve: Callable[[Path], str]) -> None:
    sources = []
    for name, version in (("first", "1.0"), ("second", "2.0")):
        # Both indexes have both distributions: only the pins tell which one is asked.
        for distribution in ("first", "second"):
            index = bench.tmp / name / f"local-{distribution}"
            wheel = make_wheel(index, f"local_{distribution}", "1.0", code=f"FROM = {version}\n")
            assert wheel.is_file()
        sources.append({"name": name, "url": serve(bench.tmp / name), "verify_ssl": True})
    entries = {f"local-{name}": {"index": name, "version": "==1.0"} for name in ("first", "second")}
    pipfile = "[packages]\n" + "".join(
        f'local-{name} = {{version = "*", index = "{name}"}}\n' for name in ("first", "second")
    )
    write_lock(bench, pipfile, entries, sources=sources)
    ours = bench.same_as_pipenv()
    for name, version in (("first", "1.0"), ("second", "2.0")):
        module = f"{PYTHON.site_packages}/local_{name}.py"
        assert (ours.prefix / module).read_text() == f"FROM = {version}\n"
        assert (bench.app / ".venv" / module).read_text() == f"FROM = {version}\n"


def test_an_unverified_source(bench: Bench, serve_tls: Callable[[Path], str]) -> None:
    make_wheel(bench.tmp / "index/local-one", "local_one", "1.0")
    source = {"name": "own", "url": serve_tls(bench.tmp / "index"), "verify_ssl": True}
    entry = {"index": "own", "version": "==1.0"}
    pipfile = '[packages]\nlocal-one = "*"\n'
    write_lock(bench, pipfile, {"local-one": entry}, sources=[source])
    bench.environ |= {"UV_HTTP_RETRIES": "0"}
    with pytest.raises(IndexUnreachableError) as caught:
        bench.install()
    assert caught.value.failure_reason == "install-dependencies::pipenv"

    write_lock(bench, pipfile, {"local-one": entry}, sources=[{**source, "verify_ssl": False}])
    bench.same_as_pipenv()


def test_without_a_lock_the_first_source_alone_is_asked(
    bench: Bench, serve: Callable[[Path], str]
) -> None:
    sources = ""
    for name, version in (("one", "1.0"), ("two", "9.0")):
        wheel = make_wheel(bench.tmp / name / "cargo", "cargo", version)
        (wheel.parent / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
        url = serve(bench.tmp / name)
        sources += f'[[source]]\nname = "{name}"\nurl = "{url}"\nverify_ssl = true\n'
    bench.write("Pipfile", f'{sources}[packages]\ncargo = "*"\n')
    assert bench.install().outcome.distributions == (("cargo", "1.0"),)


def test_files_and_urls(bench: Bench, serve: Callable[[Path], str]) -> None:
    first = make_wheel(bench.tmp / "files", "local_one", "1.0")
    second = make_wheel(bench.tmp / "files", "local_two", "2.0")
    entries = {
        "local-one": {"file": first.as_uri()},
        "local-two": {"file": f"{serve(bench.tmp / 'files')}/{second.name}"},
    }
    write_lock(bench, '[packages]\nlocal-one = "*"\n', entries)
    bench.same_as_pipenv()


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
    make_wheel(bench.app / "files", "local_one", "1.0", "six")
    bench.write(
        "Pipfile",
        '[packages]\nsix = "==1.16.0"\nidna = {version = "<3.7"}\n'
        'local-one = {path = "./files/local_one-1.0-py3-none-any.whl"}\n'
        'tabulate = {version = "~=0.9.0", extras = ["widechars"]}\n'
        '[dev-packages]\niniconfig = "*"\n',
    )
    ours = bench.same_as_pipenv(command=("install", "--skip-lock"))
    names = [name for name, _ in ours.outcome.distributions]
    assert names == ["idna", "local_one", "six", "tabulate", "wcwidth"]
    assert dict(ours.outcome.distributions)["idna"] == "3.6"
    assert (ours.prefix / "bin/tabulate").is_file()


def test_a_repository(bench: Bench, serve: Callable[[Path], str]) -> None:
    bare, commit = make_bare_repository(bench.tmp / "repository")
    url = f"{serve(bare.parent)}/{bare.name}"
    write_lock(bench, '[packages]\nfromgit = "*"\n', {"fromgit": {"git": url, "ref": commit}})
    ours = bench.same_as_pipenv()
    assert ours.outcome.distributions == (("fromgit", "2.0"),)
    assert (ours.prefix / "bin/fromgit").is_file()


def test_an_editable_repository(bench: Bench) -> None:
    # Of a file:// URL Pipenv makes an editable install, whether the lock says so or not.
    bare, commit = make_bare_repository(bench.tmp / "repository")
    entry = {"git": bare.as_uri(), "ref": commit, "editable": True}
    write_lock(bench, '[packages]\nfromgit = "*"\n', {"fromgit": entry})
    ours = bench.same_as_pipenv("pip")
    assert ours.outcome.distributions == (("fromgit", "2.0"),)
    assert (ours.prefix / "src/fromgit/src/fromgit.py").is_file()


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


def test_pip_takes_hashed_and_unhashed_entries(bench: Bench) -> None:
    bench.environ |= {"PIP_PREFER_BINARY": "1"}
    wheel = make_wheel(bench.app / "files", "local_one", "1.0")
    entries: dict[str, object] = {
        "six": {"hashes": [f"sha256:{SIX}"], "version": "==1.16.0"},
        "local-one": {"path": f"./files/{wheel.name}"},
    }
    write_lock(bench, '[packages]\nsix = "*"\n', entries)
    bench.same_as_pipenv("pip")
