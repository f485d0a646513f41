"""Small apps, the real command that builds them, and ways to use what it makes."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

COMMAND = Path(sys.executable).with_name("portside")
NOBODY = 65534
IS_ROOT = os.geteuid() == 0
SETPRIV = shutil.which("setpriv")
SERVER = """
    import http.server, os
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
    http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""

needs_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")
needs_setpriv = pytest.mark.skipif(
    not (IS_ROOT and SETPRIV), reason="needs root and setpriv (util-linux) to become another user"
)


def as_nobody() -> tuple[str, ...]:
    """What runs a command as a user who owns nothing."""
    return (str(SETPRIV), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def without_privileges() -> tuple[str, ...]:
    """What runs a command so that file modes hold for it, root or not."""
    if not IS_ROOT:
        return ()
    if SETPRIV is None:
        pytest.skip("needs setpriv (util-linux), because modes don't hold for root")
    return (SETPRIV, "--bounding-set=-all", "--inh-caps=-all")


def clean_environ() -> dict[str, str]:
    """This process's environment without what configures Python, pip, uv or portside."""
    prefixes = ("PIP_", "UV_", "PIPENV_", "VIRTUAL_ENV", "PYTHON", "PORTSIDE_", "DJANGO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    return {**kept, "PIP_CONFIG_FILE": os.devnull}


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    def expect(self, code: int = 0) -> "Answer":
        assert self.code == code, f"exit code {self.code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err + self.out or code == 0, self.err
        return self


@dataclass(frozen=True)
class Workshop:
    """The command with a store and a data directory, and a directory for apps."""

    root: Path
    cache: Path
    environ: dict[str, str] = field(default_factory=clean_environ)
    prefix: tuple[str, ...] = ()

    def with_(self, **changes: Any) -> "Workshop":
        return replace(self, **changes)

    def setting(self, **variables: str) -> "Workshop":
        return replace(self, environ={**self.environ, **variables})

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def variables(self) -> dict[str, str]:
        return {
            "PORTSIDE_CACHE_DIR": str(self.cache),
            "PORTSIDE_DATA_DIR": str(self.data),
            **self.environ,
        }

    def app(self, name: str = "app", files: Mapping[str, str | bytes] | None = None) -> Path:
        """Make an app: a Python version, no requirements and a web process, plus ``files``."""
        app = self.root / name
        defaults: dict[str, str | bytes] = {
            ".python-version": "3.12\n",
            "requirements.txt": "",
            "Procfile": "web: python server.py\n",
            "server.py": SERVER,
        }
        for path, content in {**defaults, **(files or {})}.items():
            write(app / path, content)
        return app

    def portside(self, *arguments: str | Path, timeout: float = 300) -> Answer:
        done = subprocess.run(
            [*self.prefix, COMMAND, *arguments],
            cwd=self.root,
            env=self.variables,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        err = done.stderr.decode("utf-8", "backslashreplace")
        return Answer(done.returncode, done.stdout.decode("utf-8", "backslashreplace"), err)

    def start(self, *arguments: str | Path) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*self.prefix, COMMAND, *arguments],
            cwd=self.root,
            env=self.variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def build(self, app: Path, slug: Path | None = None, *more: str | Path) -> Answer:
        target = ("-o", f"dir:{slug}") if slug else ()
        return self.portside("build", app, *target, *more)

    def built(self, app: Path, slug: Path | None = None, *more: str | Path) -> Path:
        """Build and return the slug (below the workshop's root unless given)."""
        slug = slug or self.root / f"{app.name}-slug"
        self.build(app, slug, *more).expect()
        return slug


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else textwrap.dedent(content).encode()
    path.write_bytes(data)
    if path.parent.name == "bin":
        path.chmod(0o755)
    return path


def launch(slug: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> Answer:
    """Run a process or, after ``--``, a command in a slug, as a platform does."""
    done = subprocess.run(
        [*prefix, slug / ".portside/launch", *arguments],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def python(slug: Path, code: str, prefix: tuple[str, ...] = ()) -> str:
    """Return what Python code prints in a slug."""
    return launch(slug, "--", "python", "-c", code, prefix=prefix).expect().out.strip()


def regular_files(root: Path) -> list[Path]:
    return [p for p in root.rglob("*") if p.is_file() and not p.is_symlink()]


def listing(root: Path) -> dict[str, tuple[int, int, int]]:
    """Return what changes with any write below a directory."""
    found = {}
    for path in [root, *root.rglob("*")]:
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_mtime_ns, status.st_ctime_ns)
    return found


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that these have started."""
    parents: dict[int, list[int]] = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            fields = (directory / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(directory.name))
    found, pending = [], [pid]
    while pending:
        children = parents.get(pending.pop(), [])
        found += children
        pending += children
    return found


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def wait_for(condition: Any, seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def end(process: "subprocess.Popen[bytes]", number: signal.Signals, seconds: float = 30) -> int:
    process.send_signal(number)
    process.communicate(timeout=seconds)
    return process.returncode
