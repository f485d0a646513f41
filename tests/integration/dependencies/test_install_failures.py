"""A failed install says why."""

import io
import tarfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from dependency_bench import MARKS, Bench, always, half_file, make_wheel

from portside.model.errors.dependencies import (
    BuildOfDistributionFailedError,
    HashMismatchError,
    IndexCredentialsError,
    IndexNotFoundError,
    IndexUnreachableError,
    InstallFailedError,
    NoSolutionError,
    NoWheelForPythonError,
)

pytestmark = MARKS


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


def test_every_index_is_unreachable(bench: Bench) -> None:
    bench.environ |= {"PIP_RETRIES": "0"}
    bench.write(
        "requirements.txt", "-i http://127.0.0.1:1/a\n--extra-index-url http://127.0.0.1:1/b\nsix\n"
    )
    with pytest.raises(IndexUnreachableError) as caught:
        bench.install()
    assert caught.value.failure_reason == "install-dependencies::pip"


FAILING = "def build_wheel(*_): raise SystemExit('this needs another Python')\n"


def test_an_old_pin_with_wheels_for_an_older_python_only(
    bench: Bench, serve: Callable[[Path], str]
) -> None:
    """Its source can't be built here, which says nothing of the Python that it was made for."""
    index = bench.tmp / "index/thing"
    wheel = make_wheel(index, "thing", "1.0")
    wheel.rename(wheel.with_name("thing-1.0-cp310-cp310-manylinux_2_17_x86_64.whl"))
    with tarfile.open(index / "thing-1.0.tar.gz", "w:gz") as archive:
        for name, text in {
            "PKG-INFO": "Metadata-Version: 2.2\nName: thing\nVersion: 1.0\n",
            "backend.py": FAILING,
            "pyproject.toml": "[build-system]\nrequires = []\n"
            'build-backend = "backend"\nbackend-path = ["."]\n',
        }.items():
            entry = tarfile.TarInfo(f"thing-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    bench.write("requirements.txt", f"-i {serve(bench.tmp / 'index')}\nthing==1.0\n")
    with pytest.raises(NoWheelForPythonError) as caught:
        bench.install()
    assert "thing 1.0 has no wheel for Python 3.12; its newest are for 3.10." in caught.value.detail
    assert "Ask for a newer thing" in caught.value.hint
    assert "echo 3.10 > .python-version" in caught.value.hint
