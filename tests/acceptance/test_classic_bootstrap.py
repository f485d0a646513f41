"""What bin/compile runs on is found or made in the cache, from a real index on this machine.

The call is one that portside's own program refuses, so that nothing is built: that it is refused
there shows that it was started.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bare_machine import CALL, PREPARING, REFUSED, UTILITIES, Machine, catalog, pack_interpreter
from package_index import PackageIndex, fetch_wheels, serving

from local_pythons import needed_installation
from portside.model.python_version import PythonVersion

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("bootstrap")]
REPOSITORY = Path(__file__).parents[2]
THIS_SERIES = f"{sys.version_info[0]}.{sys.version_info[1]}"
THIS_PYTHON = os.path.realpath(sys.executable)
PYENV = Path.home() / ".pyenv" / "versions"
POISON = dict.fromkeys(
    (
        *("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONPLATLIBDIR", "VIRTUAL_ENV"),
        *("PIP_TARGET", "PIP_PREFIX", "PIP_CONFIG_FILE", "PIP_CONSTRAINT", "CONDA_PREFIX"),
        *("UV_TARGET", "UV_PREFIX", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_CACHE_DIR", "UV_PYTHON"),
        *("UV_PYTHON_INSTALL_DIR", "UV_CONFIG_FILE", "UV_FIND_LINKS", "UV_BUILD_CONSTRAINT"),
    ),
    "/nowhere",
) | {"UV_OFFLINE": "1", "UV_NO_INDEX": "1", "UV_NO_BINARY": "1", "UV_EXCLUDE_NEWER": "2001-01-01"}


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheels")
    for series in {THIS_SERIES, "3.12"}:
        fetch_wheels(REPOSITORY / "libexec/requirements.txt", directory, series)
    return directory


@pytest.fixture
def index(wheels: Path) -> Iterator[PackageIndex]:
    with serving() as index:
        index.add(wheels)
        yield index


@pytest.fixture
def machine(tmp_path: Path, index: PackageIndex) -> Iterator[Machine]:
    for name in ("programs", "home", "temporary", "app", "buildpack"):
        (tmp_path / name).mkdir()
    # A module of the app must not be taken for Python's own.
    (tmp_path / "app/zipfile.py").write_text("raise SystemExit('the app was imported')")
    unwanted = shutil.ignore_patterns("__pycache__")
    for name in ("libexec", "src"):
        shutil.copytree(REPOSITORY / name, tmp_path / "buildpack" / name, ignore=unwanted)
    # The interpreter that this machine may have at a fixed path must not help.
    start = tmp_path / "buildpack/libexec/start"
    start.write_text(start.read_text().replace("/usr/bin/python3", str(tmp_path / "none")))
    machine = Machine(tmp_path, index)
    for name in (*UTILITIES, "curl"):
        machine.program(name, shutil.which(name) or pytest.skip(f"needs {name}"))
    machine.program("python3", THIS_PYTHON)
    yield machine
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="session")
def warm_cache(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache with the tools in it, for tests that copy it."""
    root = tmp_path_factory.mktemp("warm")
    with serving() as index:
        index.add(wheels)
        environ = {**os.environ, "UV_DEFAULT_INDEX": index.url}
        (root / "app").mkdir()
        start = REPOSITORY / "libexec/start"
        argv = ["sh", start, CALL, root / "app", root / "cache"]
        environ["PATH"] = f"{Path(THIS_PYTHON).parent}:{environ['PATH']}"
        done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    yield root / "cache"
    shutil.rmtree(root)


def files_below(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*")}


def test_the_tools_are_made_once_and_found_wherever_the_cache_is(machine: Machine) -> None:
    (machine.tools / ".new-999999999" / "lib").mkdir(parents=True)
    (machine.tools / "of-an-earlier-version").mkdir()
    checkout = files_below(machine.root / "buildpack")
    assert machine.works() == PREPARING
    assert len(machine.made()) == 1
    assert machine.index.requests[0] == "/simple/uv/"
    machine.index.requests.clear()
    assert machine.works() == ""
    elsewhere = machine.cache.rename(machine.root / "a cache's place")
    assert machine.works(elsewhere) == ""
    assert machine.index.requests == []
    assert files_below(machine.root / "buildpack") == checkout
    assert list((machine.root / "temporary").iterdir()) == []
    # Another stack may have another C library.
    assert machine.works(elsewhere, STACK="heroku-24") == PREPARING


@pytest.mark.parametrize(
    ("through", "client"),
    [
        (("dash",), "wget"),
        (("bash", "--posix"), "python3"),
        (("busybox", "sh"), "curl"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_any_shell_and_any_client(machine: Machine, through: tuple[str, ...], client: str) -> None:
    program = shutil.which(through[0])
    if program is None:
        pytest.skip(f"needs {through[0]} on this machine")
    (machine.root / "programs/curl").unlink()
    if through[0] == "busybox":
        listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
        for name in set(listed.stdout.split()) & {*UTILITIES, "unzip"}:
            machine.program(name, program)
    if client != "python3" and not (machine.root / "programs" / client).exists():
        machine.program(client, shutil.which(client) or pytest.skip(f"needs {client}"))
    assert machine.works(through=(program, *through[1:])) == PREPARING
    assert machine.works(through=(program, *through[1:])) == ""


def test_a_version_managers_shim_that_fails_is_passed_over(machine: Machine) -> None:
    (machine.root / "programs/python3").unlink()
    machine.script("python3", "echo 'python3: command not found' >&2; exit 127")
    machine.program(f"python{THIS_SERIES}", THIS_PYTHON)
    machine.program("unzip", shutil.which("unzip") or pytest.skip("needs unzip"))
    assert machine.works() == PREPARING


@pytest.fixture(scope="session")
def interpreter_archive() -> tuple[bytes, PythonVersion]:
    installed, version = needed_installation()
    return pack_interpreter(installed), version


@pytest.mark.parametrize("has_old_python", [False, True])
def test_without_a_python_that_will_do_one_is_installed_into_the_cache(
    machine: Machine, interpreter_archive: tuple[bytes, PythonVersion], *, has_old_python: bool
) -> None:
    (machine.root / "programs/python3").unlink()
    if has_old_python:
        old, _ = needed_installation("3.8")
        machine.program("python3", old / "bin/python3.8")
    else:
        machine.program("unzip", shutil.which("unzip") or pytest.skip("needs unzip"))
    source = str(catalog(machine, *interpreter_archive))
    told = machine.works(UV_PYTHON_DOWNLOADS_JSON_URL=source, UV_PYTHON_DOWNLOADS="never")
    assert told.startswith(f"{PREPARING}       No Python 3.11 or newer here")
    machine.index.requests.clear()
    moved = machine.cache.rename(machine.root / "moved")
    assert machine.works(moved) == ""
    assert machine.index.requests == []


# The pages still claim the digest of what was there.
def replace_content(path: str) -> Callable[[PackageIndex], None]:
    def act(index: PackageIndex) -> None:
        found = path if path.startswith("/") else index.path_of(path)
        index.files[found] = index.files[found][:-1] + b"!"

    return act


def no_answer(index: PackageIndex) -> None:
    index.hanging.add("/simple/uv/")


def cut(index: PackageIndex) -> None:
    index.truncated.add(index.path_of("uv"))


def no_page(index: PackageIndex) -> None:
    del index.files["/simple/uv/"]


def no_wheel(index: PackageIndex) -> None:
    del index.files[index.path_of("uv")]


def other_wheels(index: PackageIndex) -> None:
    index.files["/simple/uv/"] = b'<a href="uv-0.1-py3-none-any.whl">uv</a>'


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (no_page, "The package index can't be reached."),
        (no_answer, "The package index can't be reached."),
        (other_wheels, "The package index has no uv-"),
        (no_wheel, "can't be downloaded."),
        (cut, "can't be downloaded."),
        (replace_content("uv"), "isn't the file that was expected."),
        (replace_content("msgspec"), "What the buildpack depends on couldn't be installed."),
    ],
    ids=["404", "hangs", "no-such-wheel", "wheel-404", "truncated", "uv-digest", "library-digest"],
)
def test_an_index_that_fails_is_told_and_leaves_nothing(
    machine: Machine, fault: Callable[[PackageIndex], None], told: str
) -> None:
    fault(machine.index)
    last = machine.cache / "build-data/python.json"
    last.parent.mkdir(parents=True)
    last.write_text('{"python_version": "3.12.1"}')
    url = machine.index.url.replace("//", "//user:hidden@")
    patience = "1" if fault is no_answer else "30"
    done = machine.call(UV_HTTP_TIMEOUT=patience, UV_DEFAULT_INDEX=url)
    assert done.returncode == 1, done.stderr
    assert "\n !     Error: " in done.stderr
    assert told in done.stderr
    assert "hidden" not in done.stdout + done.stderr
    assert machine.made() == []
    report = json.loads(last.read_text())
    assert report["failure_reason"] == "internal-error::unhandled"
    assert told in report["failure_detail"]


@pytest.mark.parametrize(
    ("missing", "told"),
    [("curl", "Nothing here can download files."), ("unzip", "Nothing here can unpack a wheel.")],
)
def test_a_machine_without_the_programs_it_takes(machine: Machine, missing: str, told: str) -> None:
    (machine.root / "programs/python3").unlink()
    if missing == "curl":
        (machine.root / "programs/curl").unlink()
    done = machine.call()
    assert done.returncode == 1
    assert told in done.stderr
    assert machine.made() == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_call_that_is_ended_half_way_doesnt_hinder_the_next(
    machine: Machine, number: signal.Signals
) -> None:
    wheel = machine.index.path_of("msgspec")
    page = "/simple/msgspec/"
    machine.index.hanging.add(page)
    with subprocess.Popen(
        machine.argv(),
        cwd=machine.root,
        env=machine.environ(),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as started:
        machine.index.wait_for(page)
        assert [name.startswith(".new-") for name in machine.made()] == [True]
        os.killpg(started.pid, number)
        assert started.wait(30) in {-number, 128 + number}
    if number == signal.SIGTERM:
        assert machine.made() == []
    machine.index.hanging.clear()
    assert wheel not in machine.index.requests
    assert machine.works() == PREPARING
    assert [name.startswith(".") for name in machine.made()] == [False]


def test_two_calls_at_once_share_what_one_of_them_makes(machine: Machine) -> None:
    calls = [
        subprocess.Popen(
            machine.argv(),
            cwd=machine.root,
            env=machine.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for call in calls:
        told, error = call.communicate(timeout=120)
        assert call.returncode == 2, told + error
        assert error.endswith(f"{REFUSED}\n")
    assert len(machine.made()) == 1
    assert machine.works() == ""


@pytest.mark.parametrize("kind", ["below-a-file", "a-file", "read-only", "full"])
def test_a_cache_that_cant_be_used_costs_time_and_not_the_build(
    machine: Machine, kind: str
) -> None:
    machine.root.joinpath("file").touch()
    machine.cache.mkdir()
    cache = {"below-a-file": machine.root / "file/cache", "a-file": machine.root / "file"}.get(
        kind, machine.cache
    )
    through: tuple[str, ...] = ("sh",)
    if cache == machine.cache:
        mount = "mkdir $0/portside && mount -o remount,ro $0" if kind == "read-only" else ":"
        script = f'mount -t tmpfs -o size=1m none $0 && {mount} && exec sh "$@"'
        through = ("unshare", "--mount", "sh", "-c", script, str(cache))
        for name in ("unshare", "mount"):
            machine.program(name, shutil.which(name) or pytest.skip(f"needs {name}"))
        probe = subprocess.run([*through, "-c", ":"], capture_output=True, text=True, check=False)
        if probe.returncode != 0:
            pytest.skip(f"needs the right to mount: {probe.stderr.strip()}")
    told = machine.works(cache, through)
    why = "is full" if kind == "full" else "can't be written to"
    warning = f" !     Warning: The cache directory '{cache}' {why}, so nothing is kept.\n"
    assert sorted(told.splitlines(keepends=True)) == sorted([PREPARING, warning])
    assert list((machine.root / "temporary").iterdir()) == []


def test_a_poisoned_environment_changes_nothing(machine: Machine) -> None:
    assert machine.works(**POISON) == PREPARING
    assert machine.works(**POISON) == ""
    assert not Path("/nowhere").exists()


def test_an_index_named_for_pip_is_used(machine: Machine) -> None:
    assert machine.works(UV_DEFAULT_INDEX="", PIP_INDEX_URL=f"{machine.index.url}/") == PREPARING
    assert any(path.startswith("/files/msgspec-") for path in machine.index.requests)


@pytest.mark.parametrize("series", ["3.8", "3.13", "gone"])
def test_an_interpreter_that_was_replaced_is_noticed(
    machine: Machine, warm_cache: Path, series: str
) -> None:
    shutil.copytree(warm_cache, machine.cache, symlinks=True)
    (record,) = machine.tools.glob("*/interpreter")
    path = machine.root / "python"
    if series != "gone":
        found = sorted(PYENV.glob(f"{series}.*/bin/python3"))
        if not found or series == THIS_SERIES:
            pytest.skip(f"needs a Python {series} at {PYENV}, and another to run this")
        path.symlink_to(found[0])
    record.write_text(f"{path}\n")
    # The checkout's lock is what the cache was made for.
    assert machine.works() == PREPARING
    (series_file,) = machine.tools.glob("*/series")
    assert series_file.read_text() == f"{THIS_SERIES}\n"
    assert record.read_text() != f"{path}\n"
    assert len(machine.made()) == 1
    assert machine.works() == ""


@pytest.mark.parametrize(
    "arguments",
    [(), ("compile",), ("compile", "."), ("compile", "", "cache"), ("compile", *"1234")],
)
def test_missing_arguments_are_usage(machine: Machine, arguments: tuple[str, ...]) -> None:
    start = machine.root / "buildpack/libexec/start"
    done = subprocess.run(
        ["sh", start, *arguments],
        cwd=machine.root,
        env=machine.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "Usage: bin/compile BUILD_DIR CACHE_DIR [ENV_DIR]\n"
    assert machine.index.requests == []


def test_a_build_directory_that_isnt_there_is_told(machine: Machine) -> None:
    (machine.root / "app/zipfile.py").unlink()
    (machine.root / "app").rmdir()
    start = machine.root / "buildpack/libexec/start"
    done = subprocess.run(
        ["sh", start, "compile", machine.root / "app", machine.cache],
        env=machine.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"There is no directory '{machine.root / 'app'}' to build." in done.stderr
