"""`portside run --scale` with real processes: start, crash, stop, and nothing left behind."""

import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from front import free_port, wait_until

import portside.runtime

RUNTIME = Path(portside.runtime.__file__).parent
SERVER = """
    import http.server, os, sys, time
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/slow":
                print("takes its time", flush=True)
                time.sleep(1.5)
            body = (os.environ["DYNO"] + " " + os.environ["PORT"]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def log_message(self, *args): pass
    if os.path.exists("daemon.sh"):
        os.system("setsid sh daemon.sh & echo")
    http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
MakeSlug = Callable[..., Path]


class Run:
    """A `portside run` under way; ``lines`` is what it printed."""

    def __init__(self, slug: Path, *options: str, prefix: tuple[str, ...] = ()) -> None:
        self.port = free_port()
        command = (*prefix, str(Path(sys.executable).parent / "portside"), "run", str(slug))
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), *options],
            env={"PATH": "/usr/bin:/bin", "HOME": str(slug), "NAME": "host"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, text: str, number: int = 1) -> str:
        wait_until(lambda: sum(text in line for line in self.lines) >= number, 30)
        return next(line for line in self.lines if text in line)

    def get(self, path: str = "/") -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as found:
                return found.status, found.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        status = self.process.wait(40)
        self._reader.join(20)
        return status

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(40)
        self.process.kill()
        self.process.wait()
        self._reader.join(20)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            self.lines.extend(iter(stream.readline, ""))


@pytest.fixture
def make_slug(tmp_path: Path) -> Iterator[MakeSlug]:
    def make(**processes: str) -> Path:
        slug = tmp_path / "a slug"
        (slug / ".heroku/python/bin").mkdir(parents=True)
        (slug / ".heroku/python/bin/python3").symlink_to(sys.executable)
        (slug / ".portside").mkdir()
        shutil.copy(RUNTIME / "launcher.py", slug / ".portside/launcher.py")
        (slug / "app.py").write_text(textwrap.dedent(SERVER))
        entries = [{"type": name, "command": text} for name, text in processes.items()]
        document = {"schema": 1, "processes": entries, "env": {}}
        (slug / ".portside/launch.json").write_text(json.dumps(document))
        (slug / ".portside/slug.json").write_text('{"schema": 1, "key": "k", "layers": []}')
        return slug

    yield make
    # Whatever a test does, nothing that it started may outlive it.
    for pid in processes_in(tmp_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def command_line(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def processes_in(directory: Path) -> list[int]:
    """Return the processes that work in a directory; zombies have none."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            with contextlib.suppress(OSError):
                if (entry / "cwd").readlink().is_relative_to(directory):
                    found.append(int(entry.name))
    return found


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextlib.contextmanager
def running(slug: Path, *options: str, prefix: tuple[str, ...] = ()) -> Iterator[Run]:
    run = Run(slug, *options, prefix=prefix)
    try:
        yield run
    finally:
        run.close()


def test_a_formation_has_names_ports_and_prefixes_and_ends_on_sigterm(make_slug: MakeSlug) -> None:
    slug = make_slug(
        release="echo migrating as $DYNO",
        web="exec python3 app.py",
        worker='echo "$DYNO $NAME $QUOTED"; exec sleep 60',
    )
    (slug / ".env").write_text('NAME=dotenv\nQUOTED="two words" # remark\n')
    with running(slug, "--scale", "web=2,worker=1") as run:
        run.wait_for("up after", 2)
        answers = {run.get()[1] for _ in range(4)}
        assert {answer.split()[0] for answer in answers} == {"web.1", "web.2"}
        assert len({answer.split()[1] for answer in answers} | {str(run.port)}) == 3
        worker = run.wait_for("worker.1 dotenv")
        assert re.fullmatch(
            r"\d\d:\d\d:\d\d\.\d{3} worker\.1  \| worker\.1 dotenv two words\n", worker
        )
        release = run.lines.index(run.wait_for("| migrating as release.1"))
        assert release < run.lines.index(run.wait_for("web.1: starting"))
        assert "dyno=web.1 " in run.wait_for("at=info method=GET")
        assert run.stop() == 143
        assert sum(": stopped" in line for line in run.lines) == 3
    assert processes_in(slug) == []


def test_lines_as_json(make_slug: MakeSlug) -> None:
    slug = make_slug(worker='echo "say \\"hi\\""; sleep 60')
    with running(slug, "--scale", "all", "--json") as run:
        run.wait_for("say ")
        assert run.stop(signal.SIGINT) == 130
        lines = [json.loads(line) for line in run.lines]
    assert ("worker.1", 'say "hi"') in [(line["process"], line["text"]) for line in lines]
    assert all(line["schema"] == 1 for line in lines)


def test_a_release_command_that_fails_stops_the_start(make_slug: MakeSlug) -> None:
    slug = make_slug(release="echo no database; exit 3", web="touch started; python3 app.py")
    with running(slug, "--scale", "web=1") as run:
        assert run.ended() == 1
        output = "".join(run.lines)
    assert "ended with exit status 3; nothing was started" in output
    assert "no database" in output
    assert not (slug / "started").exists()


def test_scripts_in_profile_d_are_for_the_release_and_each_process(make_slug: MakeSlug) -> None:
    slug = make_slug(release="echo $FROM_PROFILE", worker="echo $FROM_PROFILE; exec sleep 60")
    (slug / ".profile.d").mkdir()
    (slug / ".profile.d/a.sh").write_text('export FROM_PROFILE="profile of $DYNO"\n')
    with running(slug, "--scale", "worker=1") as run:
        run.wait_for("| profile of release.1")
        run.wait_for("| profile of worker.1")
        assert run.stop() == 143
    assert processes_in(slug) == []


def test_web_processes_killed_at_random_lose_only_their_own_requests(make_slug: MakeSlug) -> None:
    slug = make_slug(web="exec python3 app.py")
    statuses: list[int] = []
    stopping = threading.Event()

    def load() -> None:
        while not stopping.is_set():
            try:
                statuses.append(run.get()[0])
            except http.client.HTTPException:
                # Its process ended between the head and the body of the response (H18).
                statuses.append(0)

    with running(slug, "--scale", "web=3") as run:
        run.wait_for("up after", 3)
        threads = [threading.Thread(target=load) for _ in range(8)]
        for thread in threads:
            thread.start()
        for number in range(1, 5):
            at = len(statuses)
            wait_until(lambda at=at: len(statuses) > at + 50)
            victims = [pid for pid in processes_in(slug) if b"app.py" in command_line(pid)]
            os.kill(random.choice(victims), signal.SIGKILL)
            run.wait_for("up after", 3 + number)
        at = len(statuses)
        wait_until(lambda: len(statuses) > at + 50)
        stopping.set()
        for thread in threads:
            thread.join(20)
        failed = sum(status != 200 for status in statuses)
        wait_until(lambda: sum("at=error" in line for line in run.lines) >= failed)
        errors = [line for line in run.lines if "at=error" in line]
        assert len(errors) == failed
        # Eight clients have no more than eight requests under way when one is killed.
        assert failed <= 8 * 4
        assert all("code=H13" in line or "code=H18" in line for line in errors), errors
        assert run.stop() == 143


def test_a_crashed_process_starts_again_ever_later(make_slug: MakeSlug) -> None:
    slug = make_slug(worker="echo $$ >> pids; (sleep 60 &) ; exit 7", beat="sleep 60")
    with running(slug, "--scale", "worker=1,beat=1") as run:
        run.wait_for("starts again in 4 s")
        told = [line for line in run.lines if "worker.1: " in line]
        delays = re.findall(r"again in (\d+) s", "".join(told))
        assert delays[:3] == ["1", "2", "4"]
        assert "ended with exit status 7" in "".join(told)
        # What a crashed process left in its session is ended before it starts again.
        assert len(processes_in(slug)) <= 2
        assert run.stop() == 143
    assert processes_in(slug) == []


def test_a_web_process_that_cannot_be_reached_is_diagnosed_and_has_h10(make_slug: MakeSlug) -> None:
    slug = make_slug(web="python3 -m http.server --bind 127.0.0.1 $PORT")
    with running(slug, "--scale", "web=1", "--timeout", "10") as run:
        run.wait_for("listens only on 127.0.0.1:")
        run.wait_for("--bind 0.0.0.0")
        status, page = run.get()
        assert status == 503
        assert "Code H10" in page
        run.wait_for("code=H10")
        assert run.stop() == 143
    assert processes_in(slug) == []


def test_requests_in_flight_are_answered_before_web_processes_stop(make_slug: MakeSlug) -> None:
    slug = make_slug(web="exec python3 app.py")
    with running(slug, "--scale", "web=1") as run:
        run.wait_for("up after")
        answers: list[tuple[int, str]] = []
        thread = threading.Thread(target=lambda: answers.append(run.get("/slow")))
        thread.start()
        run.wait_for("takes its time")
        assert run.stop() == 143
        thread.join(20)
        assert answers[0][0] == 200


def test_what_ignores_sigterm_is_killed_by_a_second_interrupt(make_slug: MakeSlug) -> None:
    slug = make_slug(worker="trap '' TERM INT; echo ready; while :; do sleep 1; done")
    with running(slug, "--scale", "worker=1") as run:
        run.wait_for("| ready")
        run.process.send_signal(signal.SIGINT)
        run.wait_for("stopping after SIGINT")
        assert run.process.poll() is None
        run.process.send_signal(signal.SIGINT)
        assert run.ended() == 130
    assert processes_in(slug) == []


@pytest.mark.parametrize("victim", ["guardian", "worker", "group"])
@pytest.mark.parametrize("options", [("--scale", "web=1,worker=1"), ()])
def test_nothing_survives_a_kill_of_portside(
    make_slug: MakeSlug, victim: str, options: tuple[str, ...]
) -> None:
    slug = make_slug(web="python3 app.py", worker="sleep 600 & exec sleep 600")
    (slug / "daemon.sh").write_text("echo $$ > daemon.pid; exec sleep 600\n")
    with running(slug, *options) as run:
        wait_until(lambda: (slug / "daemon.pid").exists() and run_answers(run))
        assert processes_in(slug)
        match victim:
            case "guardian":
                run.process.kill()
            case "worker":
                os.kill(children_of(run.process.pid)[0], signal.SIGKILL)
            case _:
                os.killpg(run.process.pid, signal.SIGKILL)
        wait_until(lambda: not processes_in(slug), 30)
        assert run.process.wait(20) == (137 if victim == "worker" else -9)


def run_answers(run: Run) -> bool:
    try:
        return run.get()[0] == 200
    except OSError:
        return False


def test_as_pid_1_it_reaps_orphans_and_stops(make_slug: MakeSlug) -> None:
    prefix = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    if subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs the right to make a PID namespace")
    script = "(sh -c 'setsid sleep 0.3 &') ; sleep 1.5; ps -eo pid,ppid,stat,args; exec sleep 60"
    slug = make_slug(worker=script)
    with running(slug, "--scale", "worker=1", prefix=prefix) as run:
        # In the line of its start, as the shell's command, and last of all as itself.
        run.wait_for("ps -eo", 3)
        shown = "".join(run.lines)
        assert re.search(r"\| +1 +0 ", shown)
        assert "<defunct>" not in shown
        inside = children_of(run.process.pid)[0]
        os.kill(inside, signal.SIGTERM)
        assert run.ended() == 143
    assert processes_in(slug) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--scale", "web=x"), "'web=x' isn't a scale"),
        (("--scale", "clock=1"), "There is no process type 'clock'"),
        (("--scale", "web=1", "--check"), "--check can't be combined with --scale"),
        (("--json",), "--json can't be used without --scale"),
    ],
)
def test_options_that_say_nothing_clear_are_refused(
    make_slug: MakeSlug, options: tuple[str, ...], text: str
) -> None:
    with running(make_slug(web="true"), *options) as run:
        assert run.ended() == (1 if "clock" in text else 2)
        assert text in "".join(run.lines)


def test_each_process_is_told_its_part_of_the_machine(make_slug: MakeSlug) -> None:
    echo = "echo told $WEB_CONCURRENCY $DYNO_RAM; exec sleep 60"
    slug = make_slug(worker=echo, beat=echo)
    program = f"""
        import os
        from pathlib import Path
        from portside.effects.host import Host
        from portside.runtime.launcher import Capacity
        from portside.runtime.supervisor.formation import plan_formation
        from portside.runtime.supervisor.supervise import Timing, run_formation
        slug = Path({str(slug)!r})
        types = {{"worker": {echo!r}, "beat": {echo!r}}}
        host = Host({{"PATH": "/usr/bin:/bin"}}, slug, "x86_64", "gnu")
        print(run_formation(slug, formation=plan_formation("worker=2,beat=2", types), port=None,
            env={{}}, host=host, on_line=lambda line: os.write(1, (line.text + chr(10)).encode()),
            timing=Timing(), capacity=Capacity(8, 2048)))
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told = (line.strip() for line in process.stdout if line.startswith("told"))
        shown = [next(told) for _ in range(4)]
        process.terminate()
        assert process.stdout.read().endswith("143\n")
    assert shown == ["told 2 512"] * 4


def test_a_port_that_is_taken_is_told(make_slug: MakeSlug) -> None:
    slug = make_slug(web="exec python3 app.py")
    with running(slug, "--scale", "web=1") as first:
        first.wait_for("up after")
        with running(slug, "--scale", "web=1", "--port", str(first.port)) as second:
            assert second.ended() == 1
            assert f"Port {first.port} can't be listened on" in "".join(second.lines)
        assert first.stop() == 143
