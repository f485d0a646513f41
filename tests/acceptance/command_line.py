"""Runs the `portside` command as a user does, and what it serves, each in its own process."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from ports import free_port as free_port  # noqa: PLC0414 (part of what tests import from here)

BIN = Path(sys.executable).parent
BUILD_SECONDS = 400
BOOT_SECONDS = 60
# What portside itself grants a process to end, and a little more.
STOP_SECONDS = 40


@dataclass(frozen=True)
class Portside:
    """The command with a home and a store of its own."""

    env: Mapping[str, str]
    program: Path = BIN / "portside"

    def __call__(
        self, *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *map(str, arguments)],
            cwd=cwd,
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )

    def build(self, app: Path, slug: Path, **options: Any) -> subprocess.CompletedProcess[str]:
        done = self("build", app, "-o", f"dir:{slug}", **options)
        assert done.returncode == 0, done.stderr + done.stdout
        return done

    @contextlib.contextmanager
    def running(self, place: Path, *arguments: object, **options: Any) -> Iterator["Site"]:
        """Serve an app or slug until the context ends."""
        port = free_port()
        command = [self.program, "run", place, "--port", str(port), *map(str, arguments)]
        with serving(command, port, env={**self.env, **options.pop("env", {})}, **options) as site:
            yield site


@dataclass(frozen=True)
class Site:
    """A web process that answers. ``process`` leads a process group of its own."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    opener: urllib.request.OpenerDirector = field(
        # Without proxies: the site is on this machine.
        default_factory=lambda: urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor()
        )
    )

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str = "/") -> str:
        with self.opener.open(self.url(path), timeout=30) as answer:
            return answer.read().decode()


@contextlib.contextmanager
def serving(
    command: Sequence[str | Path],
    port: int,
    *,
    env: Mapping[str, str],
    log: Path,
    boot_seconds: float = BOOT_SECONDS,
    **options: Any,
) -> Iterator[Site]:
    """Start ``command``, wait until ``port`` answers HTTP, and end its process group after."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,
        )
    try:
        site = Site(process, port, log)
        _wait_for_answer(site, boot_seconds)
        yield site
    finally:
        _end(process)


def _wait_for_answer(site: Site, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            try:
                site.get()
            except urllib.error.HTTPError as error:
                # 503 is the router's own answer while no web process is up.
                with error:
                    if error.code == HTTPStatus.SERVICE_UNAVAILABLE:
                        raise
            return
        assert site.process.poll() is None, site.log.read_text()
        assert time.monotonic() < deadline, site.log.read_text()
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def write_app(directory: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


def holding(secret: str, *places: Path) -> list[str]:
    """Return the files that hold a secret."""
    wanted = secret.encode()
    files = (path for place in places for path in place.rglob("*"))
    return [
        str(path)
        for path in files
        if path.is_file() and not path.is_symlink() and wanted in path.read_bytes()
    ]
