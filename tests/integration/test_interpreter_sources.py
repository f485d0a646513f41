"""Interpreters from a real HTTP server, with archives and catalogs as uv wants them."""

import hashlib
import json
import os
import socket
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from mirror import VERSION, Server, catalog, entry, key

from local_pythons import needed_installation
from portside.effects.host import Host, read_host
from portside.effects.interpreters.check import check_interpreter
from portside.effects.interpreters.download import (
    check_reachable,
    download_interpreter,
    uv_environment,
)
from portside.effects.interpreters.inventory import read_inventory
from portside.effects.interpreters.obtain import describe_origin, obtain_interpreter
from portside.effects.process import Command, ProcessRunner
from portside.model.errors import BuildError
from portside.model.errors.interpreter import (
    ArchiveDamagedError,
    ChecksumMismatchError,
    InterpreterUnusableError,
    SourceUnreachableError,
)
from portside.model.interpreter import InterpreterCandidate, InterpreterSource

UV = Path(__file__).parents[2] / ".venv" / "bin" / "uv"
# uv puts a mirror's address in the place of this one.
UPSTREAM = "https://github.com/astral-sh/python-build-standalone/releases/download"


def host(home: Path, **variables: str) -> Host:
    this = read_host()
    kept = {name: this.environ[name] for name in ("PATH", "LANG") if name in this.environ}
    short = {"UV_HTTP_TIMEOUT": "20", "UV_HTTP_RETRIES": "0"}
    environ = {**kept, **short, "HOME": str(home), **variables}
    return Host(environ, home, this.machine, this.libc)


def candidates(directory: Path, host: Host) -> tuple[InterpreterCandidate, ...]:
    return read_inventory(ProcessRunner(), host, UV, directory / "cache" / "inventory.json")


def download(directory: Path, url: str, sha256: str | None, **variables: str) -> Path:
    """Download what a catalog with one entry has, and return where it was put."""
    path = str(catalog(directory, url, sha256))
    machine = host(directory, UV_PYTHON_DOWNLOADS_JSON_URL=path, **variables)
    destination = directory / "staging" / "tree"
    destination.mkdir(parents=True)
    (candidate,) = candidates(directory, machine)
    download_interpreter(
        candidate,
        destination,
        runner=ProcessRunner(),
        host=machine,
        uv=UV,
        on_line=lambda _: None,
    )
    return destination


def obtain(candidate: InterpreterCandidate, host: Host, directory: Path) -> tuple[Path, str]:
    """Obtain the candidate, and return where it was put and its origin."""
    destination = directory / "staging" / "tree"
    destination.mkdir(parents=True)
    obtained = obtain_interpreter(
        candidate,
        destination,
        runner=ProcessRunner(),
        host=host,
        uv=UV,
        on_line=lambda _: None,
    )
    return destination, obtained.origin


def assert_nothing_left(directory: Path) -> None:
    assert [str(path.relative_to(directory)) for path in (directory / "staging").rglob("*")] == [
        "staging/tree"
    ]


def test_an_archive_of_a_catalog_becomes_a_working_interpreter(
    server: Server, archive: bytes, tmp_path: Path
) -> None:
    server.files["/python.tar.gz"] = archive
    sha256 = hashlib.sha256(archive).hexdigest()
    path = catalog(tmp_path, server.url("/python.tar.gz"), sha256)
    machine = host(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=str(path))
    (candidate,) = candidates(tmp_path, machine)
    destination, origin = obtain(candidate, machine, tmp_path)
    assert origin == "downloaded from 127.0.0.1"
    moved = tmp_path / "elsewhere"
    destination.rename(moved)
    program = "import sys, ssl, sqlite3; print(sys.prefix, sys.version_info[:3])"
    answer = ProcessRunner().capture(
        Command((str(moved / "bin" / "python3.12"), "-c", program), tmp_path, {})
    )
    assert answer.stdout.decode() == f"{moved} (3, 12, {VERSION.patch})\n"


def test_nothing_but_the_interpreter_is_left_of_a_download(
    server: Server, archive: bytes, tmp_path: Path
) -> None:
    server.files["/python.tar.gz"] = archive
    tree = download(tmp_path, server.url("/python.tar.gz"), hashlib.sha256(archive).hexdigest())
    assert [path.name for path in tree.parent.iterdir()] == ["tree"]


def test_an_archive_is_taken_from_a_file_url(archive: bytes, tmp_path: Path) -> None:
    path = tmp_path / "python.tar.gz"
    path.write_bytes(archive)
    tree = download(tmp_path, path.as_uri(), hashlib.sha256(archive).hexdigest())
    assert (tree / "bin" / "python3.12").exists()


def test_an_archive_with_another_checksum_is_refused(
    server: Server, archive: bytes, tmp_path: Path
) -> None:
    server.files["/python.tar.gz"] = archive
    with pytest.raises(ChecksumMismatchError) as caught:
        download(tmp_path, server.url("/python.tar.gz"), "0" * 64)
    assert caught.value.failure_detail == server.url("/python.tar.gz")
    assert_nothing_left(tmp_path)


def test_a_truncated_archive_is_refused(server: Server, archive: bytes, tmp_path: Path) -> None:
    half = archive[: len(archive) // 2]
    server.files["/python.tar.gz"] = half
    with pytest.raises(ArchiveDamagedError):
        download(tmp_path, server.url("/python.tar.gz"), hashlib.sha256(archive).hexdigest())
    assert_nothing_left(tmp_path)


def test_an_archive_that_is_something_else_is_refused(server: Server, tmp_path: Path) -> None:
    server.files["/python.tar.gz"] = b"<html>Please log in</html>"
    with pytest.raises(ArchiveDamagedError):
        download(tmp_path, server.url("/python.tar.gz"), None)


def test_a_missing_archive_is_named_with_the_servers_answer(server: Server, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachableError) as caught:
        download(tmp_path, server.url("/python.tar.gz"), None)
    assert "404" in caught.value.detail
    assert server.url("/python.tar.gz") in caught.value.detail


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachableError) as caught:
        download(tmp_path, (tmp_path / "none.tar.gz").as_uri(), None)
    assert "No such file" in caught.value.detail


def test_a_server_that_never_answers_is_given_up(server: Server, tmp_path: Path) -> None:
    server.hanging.add("/python.tar.gz")
    with pytest.raises(SourceUnreachableError) as caught:
        download(tmp_path, server.url("/python.tar.gz"), None, UV_HTTP_TIMEOUT="1")
    assert "timed out" in caught.value.detail


def test_a_server_that_stops_in_the_middle_is_given_up(
    server: Server, archive: bytes, tmp_path: Path
) -> None:
    server.files["/python.tar.gz"] = archive
    server.hanging.add("/python.tar.gz")
    with pytest.raises(SourceUnreachableError) as caught:
        download(tmp_path, server.url("/python.tar.gz"), None, UV_HTTP_TIMEOUT="1")
    assert "timed out" in caught.value.detail
    assert_nothing_left(tmp_path)


def test_a_closed_port_is_noticed_before_uv_is_started(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(SourceUnreachableError) as caught:
            download(tmp_path, f"http://127.0.0.1:{unused.getsockname()[1]}/p.tar.gz", None)
    assert "127.0.0.1: connection refused" in caught.value.detail


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """Yield a port whose backlog is full, so that the kernel drops every further attempt."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = []
        for _ in range(8):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            waiting.append(client)
        yield listener.getsockname()[1]
        for client in waiting:
            client.close()


def test_a_host_that_swallows_packets_is_unreachable(deaf_port: int) -> None:
    with pytest.raises(SourceUnreachableError):
        check_reachable(f"https://127.0.0.1:{deaf_port}/", {})


def test_name_resolution_that_blocks_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def block(*args: object, **options: object) -> list[object]:
        released.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", block)
    with pytest.raises(SourceUnreachableError) as caught:
        check_reachable("https://mirror.example/", {})
    released.set()
    assert "no answer within 3 s" in caught.value.detail


def test_a_name_without_address_is_unreachable() -> None:
    with pytest.raises(SourceUnreachableError) as caught:
        check_reachable("https://user:password@mirror.invalid/python/", {})
    assert "https://mirror.invalid/python/" in caught.value.detail


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_with_a_proxy_only_the_proxy_must_be_reachable(server: Server, name: str) -> None:
    check_reachable("http://mirror.invalid/", {name: server.url("")})


@pytest.mark.parametrize("exempt", ["*", "mirror.invalid", ".invalid", "a.example, invalid"])
def test_a_host_exempt_from_the_proxy_must_be_reachable_itself(server: Server, exempt: str) -> None:
    with pytest.raises(SourceUnreachableError):
        check_reachable(
            "http://mirror.invalid/", {"http_proxy": server.url(""), "no_proxy": exempt}
        )


def test_an_address_in_an_exempt_network_is_reached_without_the_proxy(server: Server) -> None:
    check_reachable(
        server.url("/"), {"http_proxy": "http://proxy.invalid:3128", "NO_PROXY": "127.0.0.0/8"}
    )


def test_an_unreachable_proxy_is_noticed(server: Server) -> None:
    with pytest.raises(SourceUnreachableError) as caught:
        check_reachable(server.url("/"), {"http_proxy": "proxy.invalid:3128"})
    assert "proxy.invalid" in caught.value.detail


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {"UV_HTTP_TIMEOUT": "4", "UV_HTTP_RETRIES": "1", "UV_HTTP_CONNECT_TIMEOUT": "3"}),
        ({"UV_HTTP_TIMEOUT": "60", "UV_HTTP_RETRIES": ""}, {"UV_HTTP_TIMEOUT": "60"}),
        ({"UV_HTTP_RETRIES": "9"}, {"UV_HTTP_RETRIES": "9", "UV_HTTP_TIMEOUT": "4"}),
        ({"UV_HTTP_RETRIES": ""}, {"UV_HTTP_RETRIES": "1"}),
    ],
)
def test_limits_that_the_user_has_set_are_kept(
    tmp_path: Path, variables: dict[str, str], expected: dict[str, str]
) -> None:
    environ = uv_environment(Host(variables, tmp_path, "x86_64", "gnu"))
    assert expected.items() <= environ.items()


def test_a_timeout_set_by_another_name_is_kept(tmp_path: Path) -> None:
    environ = uv_environment(Host({"HTTP_TIMEOUT": "60"}, tmp_path, "x86_64", "gnu"))
    assert "UV_HTTP_TIMEOUT" not in environ


def test_downloads_that_the_user_forbids_are_not_made(server: Server, tmp_path: Path) -> None:
    path = catalog(tmp_path, server.url("/python.tar.gz"), None)
    machine = host(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=str(path), UV_PYTHON_DOWNLOADS="never")
    (candidate,) = candidates(tmp_path, machine)
    with pytest.raises(SourceUnreachableError) as caught:
        obtain(candidate, machine, tmp_path)
    assert "not allowed" in caught.value.detail
    assert server.requests == []
    assert_nothing_left(tmp_path)


def test_an_archive_without_a_working_interpreter_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "python3.12"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    with tarfile.open(tmp_path / "python.tar.gz", "w:gz") as archive:
        archive.add(program, "python/bin/python3.12")
    path = catalog(tmp_path, (tmp_path / "python.tar.gz").as_uri(), None)
    machine = host(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=str(path))
    (candidate,) = candidates(tmp_path, machine)
    with pytest.raises(BuildError) as caught:
        obtain(candidate, machine, tmp_path)
    assert caught.value.code == "install-python"
    assert_nothing_left(tmp_path)


def test_an_installation_of_this_machine_that_is_gone_is_unusable(tmp_path: Path) -> None:
    gone = tmp_path / "gone" / "bin" / "python3.12"
    candidate = InterpreterCandidate(VERSION, InterpreterSource.LOCAL, str(gone))
    with pytest.raises(InterpreterUnusableError) as caught:
        obtain(candidate, host(tmp_path), tmp_path)
    assert caught.value.failure_detail == str(gone)
    assert "no such file" in caught.value.detail
    assert_nothing_left(tmp_path)


def test_an_installation_of_this_machine_is_copied(tmp_path: Path) -> None:
    installed, _ = needed_installation()
    executable = installed / "bin" / "python3.12"
    candidate = InterpreterCandidate(VERSION, InterpreterSource.LOCAL, str(executable))
    root, origin = obtain(candidate, host(tmp_path), tmp_path)
    assert origin == f"copied from {executable}"
    assert (root / "bin" / "python3.12").stat().st_ino != executable.stat().st_ino


def test_uvs_own_inventory_has_final_releases_for_this_machine_only(tmp_path: Path) -> None:
    found = candidates(tmp_path, host(tmp_path))
    assert found
    for item in found:
        assert item.source is InterpreterSource.DOWNLOAD
        assert item.name == key(str(item.version))
        assert item.location.startswith("https://")


def test_a_mirror_makes_the_inventory_a_catalog(tmp_path: Path) -> None:
    machine = host(tmp_path, UV_PYTHON_INSTALL_MIRROR="http://u:password@mirror.invalid/m")
    found = candidates(tmp_path, machine)
    assert {item.source for item in found} == {InterpreterSource.CATALOG}
    assert {describe_origin(item) for item in found} == {"downloaded from mirror.invalid"}
    assert "password" not in (tmp_path / "cache" / "inventory.json").read_text()


def test_an_archive_is_downloaded_from_a_mirror(
    server: Server, archive: bytes, tmp_path: Path
) -> None:
    server.files["/mirror/20240107/python.tar.gz"] = archive
    url = f"{UPSTREAM}/20240107/python.tar.gz"
    path = catalog(tmp_path, url, hashlib.sha256(archive).hexdigest())
    mirror = server.url("/mirror").replace("//", "//u:password@")
    machine = host(
        tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=str(path), UV_PYTHON_INSTALL_MIRROR=mirror
    )
    (candidate,) = candidates(tmp_path, machine)
    root, origin = obtain(candidate, machine, tmp_path)
    assert origin == "downloaded from 127.0.0.1"
    assert server.requests == ["/mirror/20240107/python.tar.gz"]
    assert check_interpreter(root, VERSION, ProcessRunner()) is None


def test_what_a_mirror_has_must_have_the_checksum_that_uv_knows(
    server: Server, archive: bytes, tmp_path: Path
) -> None:
    machine = host(tmp_path, UV_PYTHON_INSTALL_MIRROR=server.url("/mirror"))
    candidate = candidates(tmp_path, machine)[0]
    path = candidate.location.removeprefix(server.url(""))
    assert path.startswith("/mirror/")
    server.files[unquote(path)] = server.files[path] = archive
    with pytest.raises(ChecksumMismatchError):
        obtain(candidate, machine, tmp_path)
    assert server.requests
    assert_nothing_left(tmp_path)


def test_user_preference_for_system_interpreters_does_not_empty_the_inventory(
    tmp_path: Path,
) -> None:
    assert candidates(tmp_path, host(tmp_path, UV_PYTHON_PREFERENCE="only-system"))


def test_variants_and_prereleases_of_a_catalog_are_left_out(tmp_path: Path) -> None:
    url = "http://mirror.invalid/p.tar.gz"
    path = tmp_path / "catalog.json"
    entries = {
        key(): entry(url, None),
        key("3.12.98rc1"): entry(url, None, 98, prerelease="rc1"),
        key("3.12.99+freethreaded"): entry(url, None, 99, variant="freethreaded"),
        key().replace("cpython", "pypy"): entry(url, None, name="pypy"),
    }
    path.write_text(json.dumps(entries))
    machine = host(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=path.as_uri())
    (found,) = candidates(tmp_path, machine)
    assert found == InterpreterCandidate(VERSION, InterpreterSource.CATALOG, url, key())


def test_the_inventory_is_asked_for_once(server: Server, tmp_path: Path) -> None:
    url = server.url("/catalog.json")
    server.files["/catalog.json"] = json.dumps({key(): entry(url, None)}).encode()
    machine = host(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=url)
    first = candidates(tmp_path, machine)
    asked = len(server.requests)
    assert candidates(tmp_path, machine) == first
    assert len(server.requests) == asked


def test_an_old_answer_of_a_catalog_serves_while_it_is_down(server: Server, tmp_path: Path) -> None:
    url = server.url("/catalog.json")
    server.files["/catalog.json"] = json.dumps({key(): entry(url, None)}).encode()
    machine = host(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=url)
    first = candidates(tmp_path, machine)
    os.utime(tmp_path / "cache" / "inventory.json", (0, 0))
    asked = len(server.requests)
    del server.files["/catalog.json"]
    assert candidates(tmp_path, machine) == first
    assert len(server.requests) > asked


def test_a_changed_catalog_file_is_read_again(tmp_path: Path) -> None:
    path = catalog(tmp_path, "http://mirror.invalid/p.tar.gz", None)
    machine = host(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=str(path))
    assert len(candidates(tmp_path, machine)) == 1
    second = entry("http://mirror.invalid/q.tar.gz", None, 99)
    path.write_text(json.dumps({**json.loads(path.read_text()), key("3.12.99"): second}))
    assert len(candidates(tmp_path, machine)) == 2


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff\xfe", b'{"key": 1}'])
def test_a_damaged_cache_counts_as_none(tmp_path: Path, damage: bytes) -> None:
    machine = host(tmp_path)
    first = candidates(tmp_path, machine)
    (tmp_path / "cache" / "inventory.json").write_bytes(damage)
    assert candidates(tmp_path, machine) == first


@pytest.mark.parametrize("content", [None, "not JSON"])
def test_a_catalog_that_cannot_be_read_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "catalog.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SourceUnreachableError) as caught:
        candidates(tmp_path, host(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=str(path)))
    assert str(path) in caught.value.detail


def test_a_catalog_server_that_hangs_is_given_up(server: Server, tmp_path: Path) -> None:
    server.hanging.add("/catalog.json")
    url = server.url("/catalog.json")
    machine = host(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=url, UV_HTTP_TIMEOUT="1")
    with pytest.raises(SourceUnreachableError):
        candidates(tmp_path, machine)
