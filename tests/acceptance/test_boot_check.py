"""The boot check as the last step before a slug is in its place, called as a user calls it."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from command_line import Portside, free_port, write_app

SERVER = """\
import http.server
import os
import pathlib

os.environ["GREETING"]
pathlib.Path("written-at-boot").write_text("x")
hoard = bytearray(b"x") * (HOARD << 20)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""


def server(hoard: int = 0) -> str:
    return SERVER.replace("HOARD", str(hoard))


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(
        tmp_path / "app",
        {
            ".python-version": "3.12\n",
            "requirements.txt": "",
            "server.py": server(),
            "Procfile": "web: python server.py\n",
            ".env": "GREETING=hello\n",
        },
    )


def test_a_slug_that_does_not_boot_never_replaces_one_that_did(
    portside: Portside, app: Path, tmp_path: Path
) -> None:
    slug = tmp_path / "slug"
    build = ("build", app, "-o", f"dir:{slug}", "--check")
    first = portside(*build)
    assert first.returncode == 0, first.stderr
    assert "answered with HTTP status 200" in first.stderr
    assert "MB of memory after boot" in first.stderr
    assert "after SIGTERM" in first.stderr
    assert not (slug / "written-at-boot").exists()
    steps = json.loads((slug / ".portside/report.json").read_text())["steps"]
    assert [step["outcome"] for step in steps if step["step"] == "boot-check"] == ["done"]
    assert "Booting the web process" not in portside(*build).stderr  # nothing changed

    good = (slug / ".portside/slug.json").read_bytes()
    (app / "server.py").write_text("import not_there\n")
    failed = portside(*build, "--json")
    assert failed.returncode == 1
    events = [json.loads(line)["event"] for line in failed.stdout.splitlines()]
    assert events[-1]["kind"] == "BuildFailed"
    assert any(e.get("step") == "boot-check" and e.get("outcome") == "failed" for e in events)
    assert "'not_there' isn't installed" in events[-1]["hint"]
    assert (slug / ".portside/slug.json").read_bytes() == good
    assert portside("build", app, "-o", f"dir:{slug}").returncode == 0  # it wasn't asked for


def test_memory_after_boot_is_held_against_the_limit(
    portside: Portside, app: Path, tmp_path: Path
) -> None:
    (app / "server.py").write_text(server(hoard=80))
    (app / "portside.toml").write_text('boot-check = true\nmemory-limit = "64M"\n')
    failed = portside("build", app, "-o", f"dir:{tmp_path}/slug")
    assert failed.returncode == 1
    assert "more than the limit of 64 MB" in failed.stderr
    assert not (tmp_path / "slug").exists()
    slug = tmp_path / "slug"
    portside.build(app, slug, env={"PORTSIDE_MEMORY_LIMIT": "1G"})
    check = ("run", slug, "--check", "--port", free_port(), "--env", "GREETING=x")
    limited = portside(*check)
    assert limited.returncode == 1
    assert "run-too-much-memory" in limited.stderr
    roomy = portside(*check, "--memory-limit", "1G")
    assert roomy.returncode == 0, roomy.stderr
    assert "1 process uses" in roomy.stdout
    wrong = portside("run", slug, "--check", "--memory-limit", "plenty")
    assert "a size such as 512M or 1G" in wrong.stderr


def test_what_has_no_web_process_is_built_without_the_check(
    portside: Portside, app: Path, tmp_path: Path
) -> None:
    (app / "Procfile").write_text("worker: python server.py\n")
    (app / "server.py").write_text("print('at work')\n")
    planned = portside("plan", app, "--boot-check", "true")
    assert "skip   boot check" in planned.stdout
    done = portside.build(app, tmp_path / "slug", env={"PORTSIDE_BOOT_CHECK": "true"})
    assert "there is no web process" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_check_ends_the_build_and_what_it_booted(
    portside: Portside, app: Path, tmp_path: Path, number: signal.Signals
) -> None:
    (app / "server.py").write_text(
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(0))\n"
        "print('pid', os.getpid(), flush=True)\ntime.sleep(60)\n"
    )
    build = subprocess.Popen(
        [portside.program, "build", app, "-o", f"dir:{tmp_path}/slug", "--check"],
        env=dict(portside.env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert build.stdout is not None
    line = next(line for line in build.stdout if "pid " in line)
    build.send_signal(number)
    build.communicate(timeout=40)
    assert build.returncode == 128 + number
    assert not (tmp_path / "slug").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(line.split()[-1]), 0)
