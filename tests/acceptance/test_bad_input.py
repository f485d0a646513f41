"""Bad input through the real command: a cause, a fix, the exit code, and the last slug intact."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
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
    shutil.copytree(good[1], tmp_path / "slug", symlinks=True)
    return Path(shutil.copytree(good[0], tmp_path / "app"))


def refused(
    portside: Portside, app: Path, says: str, code: int = 1, **env: str
) -> subprocess.CompletedProcess[str]:
    """Build over the last good slug; it must fail with a message and leave that slug running."""
    slug = app.parent / "slug"
    done = portside("build", app, "-o", f"dir:{slug}", env=env)
    assert done.returncode == code, done.stderr
    message = done.stderr.rpartition("Error: ")[2]
    assert says in message, done.stderr
    assert "More: docs/errors.md#" in message
    assert "defect in portside" not in done.stderr
    command = (slug / ".portside/launch", "--", "python", "value.py")
    old = subprocess.run(command, capture_output=True, text=True, check=False)
    assert old.stdout == "last good\n", old.stderr
    assert [p.name for p in app.parent.iterdir() if p.name.startswith(".portside-")] == []
    return done


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


def test_a_cache_below_a_file(portside: Portside, app: Path) -> None:
    refused(portside, app, "can't write to", PORTSIDE_CACHE_DIR="/etc/passwd/cache")


def test_closed_standard_streams(portside: Portside, app: Path) -> None:
    slug = app.parent / "other"
    script = '"$0" build "$1" -o "dir:$2" <&- >&- 2>&-'
    argv = ["sh", "-c", script, portside.program, app, slug]
    assert subprocess.run(argv, env=portside.env, check=False).returncode == 0
    assert (slug / ".portside/launch").is_file()


def test_pipes_sockets_and_devices_are_left_out(portside: Portside, app: Path) -> None:
    os.mkfifo(app / "pipe")
    portside.build(app, app.parent / "slug")
    assert not (app.parent / "slug/pipe").exists()


def test_paths_with_quotes_newlines_and_signs(portside: Portside, app: Path) -> None:
    odd = app.rename(app.parent / "a 'b' \"c\"\n#%$HOME")
    slug = app.parent / "s 'b' \"c\"\n#%$HOME"
    portside.build(odd, slug, env={})
    command = (slug / ".portside/launch", "--", "python", "value.py")
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"last good\n"
