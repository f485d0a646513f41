"""`portside run` on small slugs with real processes, ports and signals."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from workshop import launch

import portside.runtime
from ports import free_port
from portside.effects.host import Host
from portside.model.errors import BuildError
from portside.model.errors import run as errors
from portside.runtime.boot import wait_for_answer
from portside.runtime.dotenv import collect_env
from portside.runtime.run import run_process

MakeSlug: TypeAlias = Callable[..., Path]
RUNTIME = Path(portside.runtime.__file__).parent
SERVER = """
    import http.server, os, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(STATUS)
            self.send_header("Content-Length", "0")
            self.end_headers()
        def log_message(self, *args): pass
    server = http.server.ThreadingHTTPServer((ADDRESS, PORT), Handler)
    print("serving", flush=True)
    server.serve_forever()
"""
SUPERVISE = """
    import sys, json
    from pathlib import Path
    from portside.effects.host import read_host
    from portside.runtime.run import run_process
    options = json.loads(sys.argv[1])
    options["command"] = tuple(options["command"])
    sys.exit(run_process(Path(options.pop("slug")), env={}, host=read_host(),
        on_line=lambda line: print(line, flush=True), check=False, boot_timeout=20, **options))
"""


def server(
    *, address: str = "'0.0.0.0'", port: int | str = "int(os.environ['PORT'])", status: int = 200
) -> str:
    source = textwrap.dedent(SERVER)
    for name, value in {"ADDRESS": address, "STATUS": str(status)}.items():
        source = source.replace(name, value)
    return source.replace(", PORT)", f", {port})")


@pytest.fixture
def make_slug(tmp_path: Path) -> MakeSlug:
    def make(script: str = "", *, env: dict[str, str] | None = None, **processes: str) -> Path:
        slug = tmp_path / "a slug with spaces"
        (slug / ".heroku/python/bin").mkdir(parents=True)
        (slug / ".heroku/python/bin/python3").symlink_to(sys.executable)
        (slug / ".portside").mkdir()
        shutil.copy(RUNTIME / "launcher.py", slug / ".portside/launcher.py")
        shutil.copy(RUNTIME / "launch_shim.sh", slug / ".portside/launch")
        (slug / ".portside/launch").chmod(0o755)
        (slug / "app.py").write_text(textwrap.dedent(script))
        commands = processes or {"web": "python3 app.py"}
        entries = [{"type": name, "command": text} for name, text in commands.items()]
        document = {"schema": 1, "processes": entries, "env": env or {}}
        (slug / ".portside/launch.json").write_text(json.dumps(document))
        return slug

    return make


def run(slug: Path, *, lines: list[str] | None = None, **options: Any) -> int:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(slug), **options.pop("environ", {})}
    defaults = {
        "process": None,
        "command": (),
        "port": None,
        "env": {},
        "check": False,
        "boot_timeout": 20.0,
    }
    host = Host(environ, slug, "x86_64", "gnu")
    on_line = [].append if lines is None else lines.append
    return run_process(slug, host=host, on_line=on_line, **{**defaults, **options})


def start_supervised(
    slug: Path,
    *,
    process: str | None = None,
    command: tuple[str, ...] = (),
    port: int | None = None,
) -> subprocess.Popen[str]:
    options = {"slug": str(slug), "process": process, "command": command, "port": port}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SUPERVISE), json.dumps(options)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it didn't happen in time"
        time.sleep(0.02)


def text_of(error: BuildError) -> str:
    return f"{error.summary}\n{error.detail}\n{error.hint}"


def test_check_boots_gets_an_answer_and_stops(make_slug: MakeSlug) -> None:
    lines, port = [], free_port()
    assert run(make_slug(server()), check=True, port=port, lines=lines) == 0
    assert "serving" in lines
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("status", [302, 400, 404])
def test_any_answer_below_500_passes_the_check(make_slug: MakeSlug, status: int) -> None:
    assert run(make_slug(server(status=status)), check=True, port=free_port()) == 0


@pytest.mark.parametrize("only", [0, 1], ids=["both families", "IPv6 only"])
def test_an_ipv6_wildcard_is_reachable(make_slug: MakeSlug, only: int) -> None:
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    listen = (
        "import socket\n"
        "class Server(http.server.ThreadingHTTPServer):\n"
        "    address_family = socket.AF_INET6\n"
        "    def server_bind(self):\n"
        f"        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, {only})\n"
        "        self.socket.bind(self.server_address)\n"
        "server = Server"
    )
    script = server(address="'::'").replace("server = http.server.ThreadingHTTPServer", listen)
    assert run(make_slug(script), check=True, port=free_port()) == 0


def test_a_server_error_fails_the_check_with_its_status(make_slug: MakeSlug) -> None:
    with pytest.raises(errors.ServerErrorAnswerError, match="status 503"):
        run(make_slug(server(status=503)), check=True, port=free_port())


def test_a_server_that_does_not_speak_http_fails_the_check(
    make_slug: MakeSlug, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It has all the time it needs to listen, and little to answer.
    monkeypatch.setattr(
        "portside.runtime.run.wait_for_answer",
        lambda web, listener, _, is_stopping: wait_for_answer(web, listener, 1.5, is_stopping),
    )
    slug = make_slug("""
        import os, socket, time
        server = socket.create_server(("0.0.0.0", int(os.environ["PORT"])))
        time.sleep(60)
    """)
    with pytest.raises(errors.NoAnswerError):
        run(slug, check=True, port=free_port())


def test_only_a_web_process_can_be_checked(make_slug: MakeSlug) -> None:
    with pytest.raises(errors.CheckNeedsWebError):
        run(make_slug(worker="true"), process="worker", check=True)


def test_another_port_is_diagnosed_long_before_the_limit(make_slug: MakeSlug) -> None:
    bound, port = free_port(), free_port()
    started = time.monotonic()
    with pytest.raises(errors.WrongPortError) as caught:
        run(make_slug(server(port=bound)), port=port, boot_timeout=60.0)
    assert time.monotonic() - started < 30
    assert f"port {bound}, not on $PORT ({port})" in caught.value.summary


def test_a_loopback_address_is_diagnosed(make_slug: MakeSlug) -> None:
    port = free_port()
    with pytest.raises(errors.WrongAddressError) as caught:
        run(make_slug(server(address="'127.0.0.1'")), port=port)
    assert f"127.0.0.1:{port}" in caught.value.summary
    assert f"0.0.0.0:{port}" in text_of(caught.value)


def test_a_process_that_never_binds_is_diagnosed_at_the_limit(make_slug: MakeSlug) -> None:
    slug = make_slug(web="sleep 60")
    with pytest.raises(errors.WebDidNotBindError, match=r"within 1\.5 seconds"):
        run(slug, port=free_port(), boot_timeout=1.5)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("import os; os.environ['SECRET_KEY']", "--env SECRET_KEY=VALUE"),
        ("import nowhere.at.all", "'nowhere' isn't installed"),
        ("import os; os._exit(0)", "stay in the foreground"),
        ("import os; os.fork() or os.fork() or __import__('time').sleep(60)", "the foreground"),
        # Gunicorn's words for a port in use, and a line after them:
        (
            "print('Connection in use: (x)\\nNo connection to x'); raise SystemExit(1)",
            "Another program",
        ),
        ("raise SystemExit(3)", "exit status 3"),
        ("import os; os.kill(os.getpid(), 9)", "exit status 137 (signal 9)"),
    ],
)
def test_an_early_end_is_explained(make_slug: MakeSlug, script: str, expected: str) -> None:
    with pytest.raises(errors.WebExitedError) as caught:
        run(make_slug(script), port=free_port())
    assert expected in text_of(caught.value)


def test_an_import_error_below_a_real_server_is_explained(make_slug: MakeSlug) -> None:
    serve = f"exec {sys.executable} -m gunicorn --bind 0.0.0.0:$PORT"
    slug = make_slug("import nowhere.at.all", web=f"{serve} app:app")
    # Gunicorn listens before its workers import the app.
    with pytest.raises(errors.WebExitedError) as caught:
        run(slug, check=True, port=free_port())
    assert "'nowhere' isn't installed" in caught.value.hint
    assert "ModuleNotFoundError: No module named 'nowhere'" in caught.value.detail


def test_a_command_that_is_not_there_is_named(make_slug: MakeSlug) -> None:
    with pytest.raises(errors.WebExitedError) as caught:
        run(make_slug(web="no-such-server --bind"), port=free_port())
    assert "'no-such-server' isn't installed" in caught.value.hint


def test_a_script_that_is_not_there_is_not_called_a_distribution(make_slug: MakeSlug) -> None:
    with pytest.raises(errors.WebExitedError) as caught:
        run(make_slug(web="./bin/serve.sh"), port=free_port())
    assert "There is no file './bin/serve.sh'" in caught.value.hint
    assert "distribution" not in caught.value.hint


def test_a_port_in_use_is_explained(make_slug: MakeSlug) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        with pytest.raises(errors.WebExitedError) as caught:
            run(make_slug(server()), port=taken.getsockname()[1])
    assert "Another program listens on that port" in caught.value.hint


def test_a_web_process_that_ignores_sigterm_fails_the_check(
    make_slug: MakeSlug, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portside.runtime.run.STOP_SECONDS", 1.0)
    script = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + server()
    port = free_port()
    with pytest.raises(errors.WebDidNotStopError, match="1 seconds after SIGTERM"):
        run(make_slug(script), check=True, port=port)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_every_diagnosis_is_short() -> None:
    tail = tuple(f"line {number}" for number in range(50))
    causes = (errors.MissingModule("a.b"), errors.MissingVariable("A"), errors.MissingCommand("c"))
    leaves = [
        errors.WebDidNotBindError(command="python x", port=1, limit=60),
        errors.WrongPortError(command="gunicorn x", port=1, bound=(2, 3)),
        errors.WrongAddressError(command="flask run", port=1, addresses=("127.0.0.1", "::1")),
        *(
            errors.WebExitedError(command="x", exit_status=1, tail=tail, cause=cause)
            for cause in (*causes, errors.AddressInUse(), None)
        ),
        errors.NoWebProcessError(known=("a", "b")),
        errors.UnknownProcessError(name="x", known=()),
    ]
    assert all(len(text_of(leaf).splitlines()) <= 15 for leaf in leaves)


def test_missing_processes_list_those_there_are(make_slug: MakeSlug) -> None:
    slug = make_slug(worker="true", beat="true")
    with pytest.raises(errors.NoWebProcessError) as no_web:
        run(slug)
    with pytest.raises(errors.UnknownProcessError) as unknown:
        run(slug, process="clock")
    assert "beat, worker" in no_web.value.detail
    assert "beat, worker" in unknown.value.detail


def test_a_directory_without_launch_data_is_no_slug(tmp_path: Path) -> None:
    with pytest.raises(errors.NotASlugError):
        run(tmp_path)


@pytest.mark.parametrize("status", [0, 7])
def test_the_exit_code_of_a_process_is_kept(make_slug: MakeSlug, status: int) -> None:
    assert run(make_slug(worker=f"exit {status}"), process="worker") == status


def test_a_web_process_that_ends_later_keeps_its_exit_code(make_slug: MakeSlug) -> None:
    script = server().replace(
        "server.serve_forever()",
        "import threading, time\n"
        "threading.Thread(target=server.serve_forever, daemon=True).start()\n"
        "time.sleep(4)\nsys.exit(9)",
    )
    assert run(make_slug(script), port=free_port()) == 9


def test_a_one_off_command_runs_in_the_slug_and_keeps_its_exit_code(make_slug: MakeSlug) -> None:
    slug = make_slug("print('x')")
    code = (
        "import os, pathlib; pathlib.Path('out file').write_text(os.getcwd()); raise SystemExit(5)"
    )
    assert run(slug, command=("python3", "-c", code)) == 5
    assert (slug / "out file").read_text() == str(slug)


def test_scripts_in_profile_d_are_sourced_before_any_process(make_slug: MakeSlug) -> None:
    slug = make_slug(worker='echo "$FIRST $SECOND $HOME"')
    (slug / ".profile.d").mkdir()
    (slug / ".profile.d/b.sh").write_text('export SECOND="$FIRST, then $0" WORDS=(1 2)\n')
    (slug / ".profile.d/a.sh").write_text('export FIRST="$HOME/bin of $DYNO"\n')
    (slug / ".profile.d/c.txt").write_text("exit 3\n")
    lines: list[str] = []
    assert run(slug, process="worker", lines=lines, environ={"HOME": "/nonexistent"}) == 0
    first = f"{slug}/bin of worker.1"
    assert lines == [f"{first} {first}, then bash /nonexistent"]
    assert run(slug, command=('test "$FIRST" = "$PWD/bin of run.1"',)) == 0
    # By the slug's own launcher, too, and signals reach the program.
    done = launch(slug, "--", 'echo "$FIRST"; kill -TERM $$')
    assert (done.out, done.code) == (f"{slug}/bin of \n", -15)


def test_a_one_off_command_that_dies_of_a_signal_has_128_plus_n(make_slug: MakeSlug) -> None:
    assert run(make_slug(), command=("sh", "-c", "kill -KILL $$")) == 137


def test_the_users_variables_win_in_order(make_slug: MakeSlug) -> None:
    slug = make_slug(worker='echo "$A $B $C $D $E"', env=dict.fromkeys("ABCDE", "slug"))
    (slug / ".env").write_text("C=dotenv\nD=dotenv\nE=dotenv\n")
    (slug / "more.env").write_text("D=file\nE=file\n")
    env = collect_env(slug, (slug / "more.env",), {"E": "option"})
    lines = []
    environ = dict.fromkeys("BCDE", "host")
    assert run(slug, process="worker", environ=environ, env=env, lines=lines) == 0
    assert lines == ["slug host dotenv file option"]


def test_an_env_file_may_begin_with_a_mark_and_name_what_it_does_not_set(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\ufeffA=after a mark\nB\n", "utf-8")
    assert collect_env(tmp_path) == {"A": "after a mark"}


def test_an_env_file_that_is_not_utf_8_or_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.env").write_bytes(b"NAME=\xff\xfe\n")
    with pytest.raises(errors.EnvFileEncodingError, match=r"bad\.env"):
        collect_env(tmp_path, (tmp_path / "bad.env",))
    with pytest.raises(errors.EnvFileUnreadableError, match=r"none\.env"):
        collect_env(tmp_path, (tmp_path / "none.env",))


@pytest.mark.parametrize("value", ["http", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused(make_slug: MakeSlug, value: str) -> None:
    with pytest.raises(errors.InvalidPortError, match=value):
        run(make_slug(), env={"PORT": value})


def test_a_taken_default_port_is_replaced_and_said(make_slug: MakeSlug) -> None:
    lines = []
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("0.0.0.0", 5000))
            taken.listen()
        except OSError:
            pass  # another program has it: just as well
        assert run(make_slug(server()), check=True, lines=lines) == 0
    assert "Port 5000 is in use" in lines[0]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"])
def test_signals_are_passed_on(make_slug: MakeSlug, name: str) -> None:
    slug = make_slug(
        f"""
        import os, signal, sys, time
        def stop(number, frame):
            print("got", signal.Signals(number).name, flush=True)
            sys.exit(40)
        signal.signal(signal.{name}, stop)
        print("ready", flush=True)
        time.sleep(60)
        """,
        worker="python3 app.py",
    )
    with start_supervised(slug, process="worker") as supervised:
        try:
            assert supervised.stdout.readline() == "ready\n"
            supervised.send_signal(signal.Signals[name])
            assert supervised.stdout.readline() == f"got {name}\n"
            assert supervised.wait(20) == 40
        finally:
            supervised.kill()


def test_a_stopped_web_process_leaves_nothing_behind(make_slug: MakeSlug) -> None:
    daemon = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        open('daemon.pid', 'w').write(str(os.getpid()))\n"
        "        time.sleep(60)\n"
        "    os._exit(0)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    import signal; signal.signal(signal.SIGTERM, lambda *a: os._exit(0))\n"
        "    open('child.pid', 'w').write(str(os.getpid()))\n"
        "    time.sleep(60)\n"
        "    os._exit(0)\n"
    )
    slug = make_slug(daemon + server())
    pid_files = [slug / "child.pid", slug / "daemon.pid"]
    with start_supervised(slug, port=free_port()) as supervised:
        try:
            assert supervised.stdout.readline() == "serving\n"
            wait_until(lambda: all(path.exists() and path.read_text() for path in pid_files))
            pids = [int(path.read_text()) for path in pid_files]
            assert all(map(is_alive, pids))
            supervised.terminate()
            assert supervised.wait(40) == 143
        finally:
            supervised.kill()
    assert not any(map(is_alive, pids))


def test_orphans_that_end_are_reaped_while_the_process_runs(make_slug: MakeSlug) -> None:
    slug = make_slug(worker="(sleep 0.2 & echo $!) ; sleep 60")
    with start_supervised(slug, process="worker") as supervised:
        try:
            orphan = int(supervised.stdout.readline())
            wait_until(lambda: not Path(f"/proc/{orphan}").exists())
            assert supervised.poll() is None
        finally:
            supervised.terminate()
            assert supervised.wait(40) == 143


def test_a_one_off_command_gets_signals_too(make_slug: MakeSlug) -> None:
    slug = make_slug()
    script = "trap 'exit 41' TERM; echo ready; while :; do sleep 0.1; done"
    with start_supervised(slug, command=("sh", "-c", script)) as supervised:
        try:
            assert supervised.stdout.readline() == "ready\n"
            supervised.terminate()
            assert supervised.wait(20) == 41
        finally:
            supervised.kill()


def test_a_one_off_command_owns_the_terminal(make_slug: MakeSlug) -> None:
    options = {"slug": str(make_slug()), "process": None, "port": None}
    trap = "trap 'echo interrupted; exit 42' INT; test -t 1 && read x && echo got $x"
    options["command"] = ["sh", "-c", f"{trap}; while :; do sleep 0.1; done"]
    master, slave = os.openpty()
    program = [sys.executable, "-c", textwrap.dedent(SUPERVISE), json.dumps(options)]
    with subprocess.Popen(
        ["setsid", "--ctty", "--wait", *program], stdin=slave, stdout=slave, stderr=slave
    ) as supervised:
        os.close(slave)
        try:
            os.write(master, b"hi\n")
            shown = b""
            while b"got hi" not in shown:
                shown += os.read(master, 1024)
            os.write(master, b"\x03")
            assert supervised.wait(20) == 42
            rest = b""
            # The end of a terminal that nobody has open any more is an error (EIO).
            with contextlib.suppress(OSError):
                while piece := os.read(master, 1024):
                    rest += piece
            assert rest.count(b"interrupted") == 1
        finally:
            os.close(master)
            supervised.kill()


def test_the_shim_works_through_links_read_only_and_with_a_poisoned_environment(
    make_slug: MakeSlug, tmp_path: Path
) -> None:
    slug = make_slug("print('hello', __import__('os').getcwd())", web="python3 app.py")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/start").symlink_to("../linked/launch")
    (tmp_path / "linked").symlink_to(slug / ".portside")
    (slug / ".portside").chmod(0o555)
    environ = {
        "PATH": f"{tmp_path}/bin:/usr/bin:/bin",
        "PYTHONHOME": "/nowhere",
        "PYTHONPATH": "/nowhere",
        "CDPATH": "/tmp",
    }
    for program in (slug / ".portside/launch", tmp_path / "bin/start"):
        done = subprocess.run(
            [program, "web"], env=environ, capture_output=True, text=True, check=True, cwd="/"
        )
        assert done.stdout == f"hello {slug}\n"
    by_name = subprocess.run(
        ["sh", "-c", "start -- 'exit 6'"], env=environ, check=False, cwd=os.sep
    )
    assert by_name.returncode == 6
