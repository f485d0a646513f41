"""Bad input through the real command: a cause, a fix, the exit code, and the last slug intact."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from command_line import Portside

pytestmark = pytest.mark.network
Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, store: Path) -> tuple[Path, Path]:
    """An app that builds and its slug; tests copy both before they spoil them."""
    app = tmp_path_factory.mktemp("good") / "app"
    app.mkdir()
    for name, text in {
        ".python-version": "3.12\n",
        "requirements.txt": "six==1.16.0\n",
        "Procfile": "web: python value.py\n",
        "value.py": "print('last good')\n",
    }.items():
        (app / name).write_text(text)
    environ = {**os.environ, "PORTSIDE_CACHE_DIR": str(store), "PIP_CONFIG_FILE": os.devnull}
    Portside(environ).build(app, app.parent / "slug")
    return app, app.parent / "slug"


@pytest.fixture
def app(good: tuple[Path, Path], tmp_path: Path) -> Path:
    """The app after a change, with the last good slug of what it was before beside it."""
    shutil.copytree(good[1], tmp_path / "slug", symlinks=True)
    app = Path(shutil.copytree(good[0], tmp_path / "app"))
    (app / "value.py").write_text("print('new')\n")
    return app


def refused(
    portside: Portside, app: Path, says: str, code: int = 1, **env: str
) -> subprocess.CompletedProcess[str]:
    """Build over the last good slug; it must fail with a message and leave that slug running."""
    done = portside("build", app, "-o", f"dir:{app.parent / 'slug'}", env=env)
    assert done.returncode == code, done.stderr
    message = done.stderr.rpartition("Error: ")[2]
    assert says in message, done.stderr
    assert "More: docs/errors.md#" in message
    assert "defect in portside" not in done.stderr
    still_good(app)
    return done


def still_good(app: Path) -> None:
    """Expect that the last good slug runs, and that nothing of a failed build lies beside it."""
    command = (app.parent / "slug/.portside/launch", "--", "python", "value.py")
    old = subprocess.run(command, capture_output=True, text=True, check=False)
    assert old.stdout == "last good\n", old.stderr
    assert [p.name for p in app.parent.iterdir() if p.name.startswith(".portside-")] == []


def empty(app: Path) -> None:
    shutil.rmtree(app)
    app.mkdir()


def a_file(app: Path) -> None:
    shutil.rmtree(app)
    app.write_text("")


def looping(app: Path) -> None:
    shutil.rmtree(app)
    app.symlink_to(app.name)


def broken_distribution(app: Path) -> None:
    (app / "broken").mkdir()
    (app / "broken/setup.py").write_text("raise SystemExit('needs a compiler')\n")
    (app / "requirements.txt").write_text("./broken\n")


def bad_lock(app: Path) -> None:
    (app / "requirements.txt").unlink()
    (app / "Pipfile").write_text("[packages]\nsix = '*'\n")
    (app / "Pipfile.lock").write_text("{not json")


def make_wheel(directory: Path, name: str, files: dict[str, bytes]) -> None:
    """Write a wheel of version 1.0 with these files."""
    info = f"{name}-1.0.dist-info"
    metadata = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    content = {**files, **metadata}
    record = "".join(f"{path},,\n" for path in (*content, f"{info}/RECORD"))
    with zipfile.ZipFile(
        directory / f"{name}-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED
    ) as wheel:
        for path, data in {**content, f"{info}/RECORD": record.encode()}.items():
            wheel.writestr(path, data)


SPOILED: dict[str, tuple[Spoil, str]] = {
    "an empty directory": (empty, "No file names this app's dependencies"),
    "a file": (a_file, "is a file, but an app is a directory"),
    "a link to itself": (looping, "There is no directory"),
    "no directory": (shutil.rmtree, "There is no directory"),
    "a link out of the app": (
        lambda app: (app / "out").symlink_to("../../secret"),
        "leads out of the app",
    ),
    "requirements that name themselves": (
        lambda app: (app / "requirements.txt").write_text("-r requirements.txt\n"),
        "includes itself",
    ),
    "a lock that isn't JSON": (bad_lock, "Pipfile.lock"),
    "a distribution that can't be built": (broken_distribution, "couldn't be built"),
    "a binary Procfile": (
        lambda app: (app / "Procfile").write_bytes(b"\x1b[31m\xff\x00" * 5000),
        "\\x1b[31m",
    ),
    "a NUL in a command": (
        lambda app: (app / "Procfile").write_bytes(b"web: python\0 value.py\n"),
        "can't be read",
    ),
}


@pytest.mark.parametrize(("spoil", "says"), SPOILED.values(), ids=SPOILED.keys())
def test_an_app_that_cannot_be_built(
    portside: Portside, app: Path, spoil: Spoil, says: str
) -> None:
    spoil(app)
    done = refused(portside, app, says)
    assert max(map(len, done.stderr.splitlines())) < 2000
    assert "\x1b" not in done.stderr


@pytest.fixture
def index() -> Iterator[Callable[[int], str]]:
    """Start an index that answers everything with a status; 0 is half a page."""
    servers: list[HTTPServer] = []

    def start(status: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status or 200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"<!DOCTYPE html><html>" if not status else b" " * 1000)

            def log_message(self, *_: object) -> None:
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/simple"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "refused the credentials"),
        (404, "they must exist for this Python version"),
        (500, "can't be reached, fails"),
        (0, "damaged files"),
    ],
)
def test_an_index_that_fails(
    portside: Portside, app: Path, index: Callable[[int], str], status: int, says: str
) -> None:
    (app / "requirements.txt").write_text(f"-i {index(status)}\nsix\n")
    done = refused(portside, app, "couldn't be installed", UV_HTTP_RETRIES="0", PIP_RETRIES="0")
    assert says in done.stderr


@pytest.fixture
def silent_index() -> Iterator[Callable[[str], str]]:
    """Start an index that never answers: connections are taken, or their packets swallowed."""
    with contextlib.ExitStack() as sockets:

        def start(kind: str) -> str:
            # Nobody accepts: the system does so itself until the backlog is full, then drops.
            backlog = 0 if kind == "packets are swallowed" else 64
            listener = sockets.enter_context(
                socket.create_server(("127.0.0.1", 0), backlog=backlog)
            )
            for _ in range(8 if backlog == 0 else 0):
                waiting = sockets.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(listener.getsockname())
            return f"http://127.0.0.1:{listener.getsockname()[1]}/simple"

        yield start


@pytest.mark.parametrize("kind", ["connections are taken", "packets are swallowed"])
def test_an_index_that_never_answers(
    portside: Portside, app: Path, silent_index: Callable[[str], str], kind: str
) -> None:
    (app / "requirements.txt").write_text(f"-i {silent_index(kind)}\nsix\n")
    limits = {"UV_HTTP_TIMEOUT": "1", "UV_HTTP_RETRIES": "0", "PIP_TIMEOUT": "1"}
    connecting = {"UV_HTTP_CONNECT_TIMEOUT": "1", "PIP_RETRIES": "0"}
    done = refused(portside, app, "couldn't be installed", **limits, **connecting)
    assert "can't be reached, fails" in done.stderr


PLACES = {
    "a file": ("dir:/etc/passwd", "isn't a slug, so it was left alone"),
    "the root": ("dir:/", "isn't a slug, so it was left alone"),
    "below a file": ("dir:/etc/passwd/slug", "can't write to"),
    "a system's file system": ("dir:/proc/slug", "can't write to"),
    "too long a name": (f"dir:/tmp/{'x' * 300}", "can't write to"),
    "an archive below a file": ("slug:/etc/passwd/slug.tar", "can't write to"),
}


@pytest.mark.parametrize(("target", "says"), PLACES.values(), ids=PLACES.keys())
def test_a_place_that_cannot_be_written(
    portside: Portside, app: Path, target: str, says: str
) -> None:
    done = portside("build", app, "-o", target)
    assert done.returncode == 1, done.stderr
    assert says in done.stderr
    still_good(app)


def test_a_cache_below_a_file(portside: Portside, app: Path) -> None:
    refused(portside, app, "can't write to", PORTSIDE_CACHE_DIR="/etc/passwd/cache")


def test_closed_standard_streams(portside: Portside, app: Path) -> None:
    slug = app.parent / "other"
    script = '"$0" build "$1" -o "dir:$2" <&- >&- 2>&-'
    argv = ["sh", "-c", script, portside.program, app, slug]
    assert subprocess.run(argv, env=portside.env, check=False).returncode == 0
    assert (slug / ".portside/launch").is_file()


def test_a_pipe_in_place_of_a_file_that_counts(portside: Portside, app: Path) -> None:
    (app / "requirements.txt").unlink()
    os.mkfifo(app / "requirements.txt")
    refused(portside, app, "'requirements.txt' in your app is a pipe, not a file")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-o", "dir:slug"), "'slug' means nothing here"),
        (("-o", "slug:app.tar.gz"), "'app.tar.gz' means nothing here"),
        (("--cache-dir", "cache", "-o", "dir:{slug}"), "'cache' means nothing here"),
    ],
)
def test_a_relative_path_in_a_working_directory_that_is_gone(
    portside: Portside, app: Path, arguments: tuple[str, ...], says: str
) -> None:
    words = [word.format(slug=app.parent / "slug") for word in arguments]
    script = 'mkdir "$1" && cd "$1" && rmdir "$1" && shift && exec "$@"'
    gone = ("sh", "-c", script, "sh", app.parent / "gone")
    command = [*gone, portside.program, "build", app, *words]
    done = subprocess.run(command, env=portside.env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert says in done.stderr
    assert "defect in portside" not in done.stderr
    still_good(app)


def test_pipes_sockets_and_devices_are_left_out(portside: Portside, app: Path) -> None:
    os.mkfifo(app / "pipe")
    portside.build(app, app.parent / "slug")
    assert not (app.parent / "slug/pipe").exists()


def test_paths_with_quotes_newlines_and_signs(portside: Portside, app: Path) -> None:
    odd = app.rename(app.parent / "a 'b' \"c\"\n#%$HOME")
    slug = app.parent / "s 'b' \"c\"\n#%$HOME"
    portside.build(odd, slug, env={})
    command = (slug / ".portside/launch", "--", "python", "value.py")
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"new\n"


# --- Places that lie in each other, and places with no room --------------------------------------


def test_targets_and_apps_within_a_slug_are_refused(portside: Portside, app: Path) -> None:
    slug = app.parent / "slug"
    inside = app.rename(slug / "source")
    for targets in (
        (inside, "-o", f"dir:{slug}"),
        (inside, "-o", f"dir:{slug}/b", "-o", f"slug:{slug}/b/archive.tar"),
        (inside, "-o", f"dir:{slug}/b", "-o", f"dir:{slug}/b/c"),
    ):
        done = portside("build", *targets)
        assert done.returncode == 2, done.stderr
        assert "would swallow" in done.stderr
    assert (inside / "value.py").is_file()


def test_a_directory_is_not_replaced_by_an_archive(portside: Portside, app: Path) -> None:
    (app.parent / "app.tar").mkdir()
    done = portside("build", app, "-o", f"slug:{app.parent / 'app.tar'}")
    assert done.returncode == 1
    assert "isn't a file, so it was left alone" in done.stderr


def test_a_cache_within_the_app_is_no_part_of_the_slug(portside: Portside, app: Path) -> None:
    inside = {"PORTSIDE_CACHE_DIR": str(app / "cache"), "PORTSIDE_DATA_DIR": str(app / "data")}
    shutil.copytree(portside.env["PORTSIDE_CACHE_DIR"], app / "cache", symlinks=True)
    portside.build(app, app.parent / "slug", env=inside)
    assert not (app.parent / "slug/cache").exists()
    assert not (app.parent / "slug/data").exists()


def test_a_full_disk(portside: Portside, app: Path, small_disk: Path) -> None:
    refused(portside, app, "disk", PORTSIDE_CACHE_DIR=str(small_disk / "cache"))
    for target in (f"dir:{small_disk}/slug", f"slug:{small_disk}/app.tar"):
        done = portside("build", app, "-o", target)
        assert done.returncode == 1, done.stderr
        assert "The disk is full" in done.stderr
    assert [path.name for path in small_disk.iterdir() if path.name != "cache"] == []


def test_a_disk_that_fills_while_dependencies_are_installed(
    portside: Portside, app: Path, small_disk: Path, store: Path
) -> None:
    resize = ["mount", "-o", "remount,size={}", small_disk]
    subprocess.run([word.format("2g") for word in map(str, resize)], check=True)
    # The interpreter is there already, so that only the dependencies have to find room.
    (small_disk / "cache/layers").mkdir(parents=True)
    subprocess.run(["cp", "-a", store / "layers/python", small_disk / "cache/layers"], check=True)
    for name in ("inventory.json", "unreachable.json"):
        if (store / name).exists():
            shutil.copy2(store / name, small_disk / "cache" / name)
    usage = shutil.disk_usage(small_disk)
    room = usage.used + (8 << 20)
    subprocess.run([word.format(room) for word in map(str, resize)], check=True)
    make_wheel(app, "big", {"big/data.bin": bytes(24 << 20)})
    (app / "requirements.txt").write_text("six\n./big-1.0-py3-none-any.whl\n")
    cache = {"PORTSIDE_CACHE_DIR": str(small_disk / "cache")}
    done = refused(portside, app, "no room left on the disk", **cache)
    assert "reused" in done.stderr.partition("Python")[2].partition("ependencies")[0]
    # Once there is room, the same store will do.
    subprocess.run([word.format("2g") for word in map(str, resize)], check=True)
    portside.build(app, app.parent / "slug", env=cache)
    assert (app.parent / "slug/value.py").read_text() == "print('new')\n"
    assert [path.name for path in (small_disk / "cache/staging").iterdir()] == []


# --- What may not be read or written, and what changes meanwhile ----------------------------------


def without_privileges(program: Path) -> list[str | Path]:
    """Return how to start a program so that file modes hold for it, root or not."""
    if os.geteuid():
        return [program]
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("needs setpriv (util-linux), because modes don't hold for root")
    return [setpriv, "--bounding-set=-all", "--inh-caps=-all", program]


@pytest.mark.parametrize("path", ["value.py", "requirements.txt", "."])
def test_a_file_that_may_not_be_read(portside: Portside, app: Path, path: str) -> None:
    (app / path).chmod(0)
    command = [*without_privileges(portside.program), "build", app, "-o", f"dir:{app.parent}/slug"]
    done = subprocess.run(command, env=portside.env, capture_output=True, text=True, check=False)
    (app / path).chmod(0o755)
    assert done.returncode == 1, done.stderr
    assert "can't be read" in done.stderr
    assert "permission denied" in done.stderr
    still_good(app)


@pytest.mark.parametrize("place", ["cache", "slug"])
def test_a_place_that_may_not_be_written(portside: Portside, app: Path, place: str) -> None:
    locked = app.parent / "locked"
    locked.mkdir()
    slug = app.parent / "slug"
    if place == "slug":
        # The old slug is there already: nothing of it may be replaced.
        slug = slug.rename(locked / "slug")
        (app.parent / "slug").symlink_to(slug)
    present = [path.name for path in locked.iterdir()]
    locked.chmod(0o555)
    cache = locked / "cache" if place == "cache" else Path(portside.env["PORTSIDE_CACHE_DIR"])
    arguments = ["build", app, "-o", f"dir:{slug}", "--cache-dir", cache]
    command = [*without_privileges(portside.program), *arguments]
    done = subprocess.run(command, env=portside.env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert f"can't write to '{locked}" in done.stderr
    assert [path.name for path in locked.iterdir()] == present
    still_good(app)


def test_a_file_that_never_stays_the_same(portside: Portside, app: Path) -> None:
    path, stop = app / "busy.bin", threading.Event()

    def rewrite() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            path.write_bytes(bytes([number % 251]) * 400_000)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        refused(portside, app, "'busy.bin' in your app changed")
    finally:
        stop.set()
        writer.join()


def test_config_vars_that_cannot_name_a_file_reach_hooks_as_variables(
    portside: Portside, app: Path
) -> None:
    (app / "bin").mkdir()
    (app / "bin/post_compile").write_text('#!/bin/sh\nls -A "$3" | tr "\\n" ,\n')
    (app / "bin/post_compile").chmod(0o755)
    names = ("GOOD=a\nb", ".=1", "..=2", f"{'L' * 300}=3")
    options = [word for name in names for word in ("--env", name)]
    done = portside("build", app, "-o", f"dir:{app.parent / 'slug'}", *options)
    assert done.returncode == 0, done.stderr
    assert "       GOOD," in done.stderr


# --- Streams, and size ----------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["build", "detect", "plan"])
def test_a_full_standard_output(portside: Portside, app: Path, command: str) -> None:
    target = ["-o", f"dir:{app.parent / 'other'}"] if command == "build" else []
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [portside.program, command, app, "--json", *target],
            env=portside.env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1, done.stderr
    assert "can't write its standard output" in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_full_standard_error(portside: Portside, app: Path) -> None:
    with Path("/dev/full").open("w") as full:
        argv = [portside.program, "build", app, "-o", f"dir:{app.parent / 'other'}"]
        assert subprocess.run(argv, env=portside.env, stderr=full, check=False).returncode == 1


def test_a_hundred_thousand_files(portside: Portside, app: Path) -> None:
    for number in range(100):
        (app / f"d{number}").mkdir()
        for name in range(1000):
            (app / f"d{number}/{name}").write_text(f"{number} {name}")
    slug = app.parent / "slug"
    command = [portside.program, "build", app, "-o", f"dir:{slug}"]
    assert peak_memory(command, portside.env) < 100_000
    copied = {path: path.read_text() for d in slug.glob("d[0-9]*") for path in d.iterdir()}
    assert len(copied) == 100_000
    assert all(text == f"{path.parent.name[1:]} {path.name}" for path, text in copied.items())
    # One change among them is found.
    (app / "d57/571").write_text("57 175")
    portside.build(app, slug)
    assert (slug / "d57/571").read_text() == "57 175"


# A process begins with its parent's peak: that of the tests must not count, and so a small
# process comes between.
_MEASURE = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""


def peak_memory(command: list[str | Path], env: Mapping[str, str]) -> int:
    """Run a command that has to succeed; return its own peak of memory in kB."""
    argv = [sys.executable, "-c", _MEASURE, *command]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    code, peak = map(int, done.stdout.split())
    assert code == 0
    return peak
