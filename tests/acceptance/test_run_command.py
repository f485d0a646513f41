"""`portside run` and the smaller commands, called as a user calls them."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from command_line import Portside, free_port, write_app

COMMANDS = (
    ("build", "Turn an app's source into a slug"),
    ("run", "Run the web process"),
    ("detect", "Say what was found in an app"),
    ("plan", "Say what a build would do"),
    ("check", "Say what will hurt APP in production"),
    ("inspect", "Say what a slug holds"),
    ("export", "Write what runs SLUG"),
    ("python", "List and find Python interpreters"),
    ("python list", "List the interpreters"),
    ("python find", "Say which interpreter"),
    ("cache", "Show, prune or clear the store"),
    ("cache dir", "Print where the store is"),
    ("cache prune", "Remove layers that no build has used"),
    ("cache clear", "Remove everything from the store"),
    ("completion", "Print the completion script"),
)
SERVER = """\
import http.server
import os


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (os.environ.get("GREETING", "nobody") + " on " + os.environ["PORT"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
PRINT_NAMES = "import os; print(*(os.environ.get(n, '-') for n in ('A', 'B', 'C', 'D')))"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app without dependencies: nothing is fetched for it."""
    return write_app(
        tmp_path / "an app",
        {
            ".python-version": "3.12\n",
            "requirements.txt": "",
            "server.py": SERVER,
            "Procfile": "web: python server.py\nworker: echo at work with $WHO && exit 7\n",
        },
    )


def test_an_app_is_built_before_it_runs_and_again_after_a_change(
    portside: Portside, app: Path
) -> None:
    (app / "tide.py").write_text("print('low tide')")
    command = ("run", app, "--", "python", "tide.py")
    first = portside(*command)
    assert (first.returncode, first.stdout) == (0, "low tide\n"), first.stderr
    assert "Built in" in first.stderr
    second = portside(*command)
    assert (second.returncode, second.stdout) == (0, "low tide\n")
    assert "Nothing changed in" in second.stderr
    (app / "tide.py").write_text("print('high tide')")
    third = portside(*command)
    assert (third.returncode, third.stdout) == (0, "high tide\n")
    assert "Built in" in third.stderr


def test_this_directory_is_run_unless_another_is_given(portside: Portside, app: Path) -> None:
    done = portside("run", "--", "pwd", cwd=app)
    assert done.returncode == 0, done.stderr
    assert str(app) not in done.stdout  # the slug, not the source
    done = portside("run", "--check", "--port", free_port(), cwd=app)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("worker", "--env", "WHO=crew"),
        ("--env", "WHO=crew", "worker"),
        ("--timeout", "30", "worker", "--env=WHO=crew"),
    ],
)
def test_another_process_type_runs_and_its_exit_code_is_kept(
    portside: Portside, app: Path, arguments: tuple[str, ...]
) -> None:
    done = portside("run", ".", *arguments, cwd=app)
    assert done.stdout == "at work with crew\n", done.stderr
    assert done.returncode == 7


@pytest.mark.parametrize("code", [0, 1, 2, 42, 255])
def test_the_exit_code_of_a_command_is_kept(portside: Portside, app: Path, code: int) -> None:
    done = portside("run", ".", "--", "python", "-c", f"raise SystemExit({code})", cwd=app)
    assert done.returncode == code


def test_the_words_of_a_command_arrive_as_given(portside: Portside, app: Path) -> None:
    words = ["--check", "two words", "$HOME", "it's", "*", "", "--"]
    show = "import json, sys; print(json.dumps(sys.argv[1:]))"
    done = portside("run", ".", "--", "python", "-c", show, *words, cwd=app)
    assert json.loads(done.stdout) == words


def test_one_word_with_shell_syntax_is_a_shell_command(portside: Portside, app: Path) -> None:
    done = portside("run", ".", "--env", "WHO=crew", "--", "echo $WHO | tr a-z A-Z", cwd=app)
    assert done.stdout == "CREW\n"


def test_a_command_reads_standard_input(portside: Portside, app: Path, tmp_path: Path) -> None:
    slug = tmp_path / "slug"
    portside.build(app, slug)
    done = subprocess.run(
        [portside.program, "run", slug, "--", "cat"],
        env=portside.env,
        input="by the pipe\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "by the pipe\n")


def test_variables_come_from_env_then_env_files_in_order_then_options(
    portside: Portside, app: Path, tmp_path: Path
) -> None:
    (app / ".env").write_text("A=dotenv\nB=dotenv\nC=dotenv\nD='dot env'\n")
    files = write_app(tmp_path / "files", {"one": "A=one\nB=one\nC=one\n", "two": "A=two\nB=two\n"})
    environ = {"A": "outside", "B": "outside"}
    show = ("--", "python", "-c", PRINT_NAMES)
    alone = portside("run", app, *show, env=environ)
    assert alone.stdout == "dotenv dotenv dotenv dot env\n", alone.stderr
    both = ("--env-file", files / "one", "--env-file", files / "two")
    done = portside("run", app, "--env", "A=option", *both, *show, env=environ)
    assert done.stdout == "option two one dot env\n", done.stderr
    taken = portside("run", app, "--env", "A", *show, env=environ)
    assert taken.stdout == "outside dotenv dotenv dot env\n", taken.stderr


def test_an_env_file_that_is_not_there_is_said(portside: Portside, app: Path) -> None:
    done = portside("run", app, "--env-file", "absent.env", "--", "true")
    assert done.returncode == 1
    assert "absent.env" in done.stderr


def test_a_slug_never_holds_the_env_file(portside: Portside, app: Path, tmp_path: Path) -> None:
    (app / ".env").write_text("A=secret\n")
    portside.build(app, tmp_path / "slug")
    assert not (tmp_path / "slug/.env").exists()


def test_the_port_is_taken_from_the_environment_and_from_the_option_first(
    portside: Portside, app: Path
) -> None:
    port, other = free_port(), free_port()
    done = portside("run", app, "--check", env={"PORT": str(port)})
    assert done.returncode == 0, done.stderr
    show = portside("run", app, "--check", "--port", other, env={"PORT": "not a port"})
    assert show.returncode == 0, show.stderr
    wrong = portside("run", app, "--check", env={"PORT": "not a port"})
    assert wrong.returncode == 1
    assert "not a port" in wrong.stderr


def test_the_web_process_is_served_with_its_variables(
    portside: Portside, app: Path, tmp_path: Path
) -> None:
    (app / ".env").write_text("GREETING=ahoy\n")
    with portside.running(app, log=tmp_path / "log") as site:
        assert site.get() == f"ahoy on {site.port}"


def test_an_unknown_process_lists_the_known_ones(portside: Portside, app: Path) -> None:
    done = portside("run", app, "clock")
    assert done.returncode == 1
    assert "There is no process type 'clock'." in done.stderr
    assert "web, worker" in done.stderr


@pytest.mark.network
@pytest.mark.parametrize(
    "command", ["flask --app hello run --port $PORT", "gunicorn hello:app --bind 127.0.0.1:$PORT"]
)
def test_an_app_that_only_this_machine_can_reach_fails_the_check(
    portside: Portside, tmp_path: Path, command: str
) -> None:
    hello = "from flask import Flask\napp = Flask(__name__)\n"
    requirements = "flask\ngunicorn\n"
    app = write_app(
        tmp_path / "app",
        {"hello.py": hello, "requirements.txt": requirements, "Procfile": f"web: {command}\n"},
    )
    port = free_port()
    done = portside("run", app, "--check", "--port", port)
    assert done.returncode == 1
    assert "127.0.0.1" in done.stderr
    assert "0.0.0.0" in done.stderr
    assert str(port) in done.stderr
    assert "run-wrong-address" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--nope"),
        ("run", "--port", "0"),
        ("run", "--port", "65536"),
        ("run", "--port", "http"),
        ("run", "--timeout", "-1"),
        ("run", "--timeout", "soon"),
        ("run", "--env", "=value"),
        ("run", "--env", "two words=value"),
        ("run", ".", "--"),
        ("run", ".", "worker", "another"),
        ("run", ".", "worker", "--", "true"),
        ("build", ".", "another"),
        ("build", "-o", "zip:file"),
        ("build", "-o", "dir:"),
        ("inspect",),
        ("cache", "empty"),
        ("cache", "prune", "--days", "-1"),
        ("python",),
        ("completion", "cmd"),
        ("--nope",),
        ("ruin",),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(
    portside: Portside, app: Path, arguments: tuple[str, ...]
) -> None:
    done = portside(*arguments, cwd=app)
    assert done.returncode == 2, done.stderr
    assert done.stderr.strip()
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_an_unknown_command_suggests_a_known_one(portside: Portside) -> None:
    done = portside("biuld")
    assert done.returncode == 2
    assert "Did you mean 'build'?" in done.stderr


@pytest.mark.parametrize(("command", "says"), COMMANDS, ids=[name for name, _ in COMMANDS])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_says_what_a_command_does(
    portside: Portside, command: str, says: str, flag: str
) -> None:
    done = portside(*command.split(), flag)
    assert (done.returncode, done.stderr) == (0, "")
    assert says in done.stdout
    assert "\\b" not in done.stdout
    assert all(len(line) <= 100 for line in done.stdout.splitlines())


def test_help_lists_every_command(portside: Portside) -> None:
    done = portside("--help")
    assert done.returncode == 0
    for command, _ in COMMANDS:
        assert re.search(rf"^ +{command.split()[0]}\b", done.stdout, re.MULTILINE)
    assert portside().stdout == done.stdout


def test_the_version_is_printed(portside: Portside) -> None:
    done = portside("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"portside \d+\.\d+\.\d+\S*\n", done.stdout)


def test_the_completion_script_for_bash_can_be_read_by_bash(portside: Portside) -> None:
    done = portside("completion", "bash")
    assert done.returncode == 0, done.stderr
    complete = "\ncomplete -p portside\n"
    bash = subprocess.run(
        ["bash", "-n"], input=done.stdout, capture_output=True, text=True, check=False
    )
    assert (bash.returncode, bash.stderr) == (0, "")
    bash = subprocess.run(
        ["bash"], input=done.stdout + complete, capture_output=True, text=True, check=False
    )
    assert bash.returncode == 0, bash.stderr
    assert "portside" in bash.stdout


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("portside bui", "build"),
        ("portside build --upg", "--upgrade"),
        ("portside cache pr", "prune"),
        ("portside python find --cache", "--cache-dir"),
        ("portside completion z", "zsh"),
    ],
)
def test_bash_completes_what_has_been_typed(portside: Portside, line: str, offered: str) -> None:
    """Call the function that the script registers, with what bash sets for it."""
    script = portside("completion", "bash").stdout
    complete = """
        read -ra COMP_WORDS <<<"$1"
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        [[ $(complete -p portside) =~ -F\\ ([^ ]+) ]]
        "${BASH_REMATCH[1]}" portside "${COMP_WORDS[COMP_CWORD]}"
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    bash = subprocess.run(
        ["bash", "-c", script + complete, "bash", line], capture_output=True, text=True, check=False
    )
    assert bash.stdout.split() == [offered], bash.stderr


def test_a_slug_is_inspected(portside: Portside, app: Path, tmp_path: Path) -> None:
    procfile = "web: python server.py\nnightly_clean-up: true\n"
    (app / "Procfile").write_text(procfile)
    slug = tmp_path / "slug"
    portside.build(app, slug)
    done = portside("inspect", slug)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^Python: +3\.12\.\d+$", done.stdout, re.MULTILINE)
    assert re.search(r"^Process web: +python server.py$", done.stdout, re.MULTILINE)
    assert re.search(r"^Process nightly_clean-up: +true$", done.stdout, re.MULTILINE)
    detected = portside("detect", app).stdout
    assert re.search(r"^Process nightly_clean-up: +true ", detected, re.MULTILINE)
    document = json.loads(portside("inspect", slug, "--json").stdout)
    assert document["launch"]["python"].startswith("3.12.")
    refused = portside("inspect", app)
    assert refused.returncode == 1
    assert "isn't a slug" in refused.stderr


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tar.zst"])
def test_an_archive_is_inspected_and_half_of_one_refused(
    portside: Portside, app: Path, tmp_path: Path, ending: str
) -> None:
    archive = tmp_path / f"slug.{ending}"
    assert portside("build", app, "-o", f"slug:{archive}").returncode == 0
    done = portside("inspect", archive)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^Process web: +python server.py$", done.stdout, re.MULTILINE)
    os.truncate(archive, archive.stat().st_size // 2)
    refused = portside("inspect", archive)
    assert refused.returncode == 1
    assert "isn't a slug" in refused.stderr


def test_interpreters_are_listed_and_found(portside: Portside, app: Path) -> None:
    portside("run", app, "--", "true")
    listed = portside("python", "list")
    assert listed.returncode == 0, listed.stderr
    assert re.search(r"^3\.12\.\d+ +store ", listed.stdout, re.MULTILINE)
    every = portside("python", "list", "--all").stdout
    assert set(listed.stdout.splitlines()) <= set(every.splitlines())
    found = portside("python", "find", app)
    assert found.returncode == 0, found.stderr
    assert re.match(r"Python 3\.12\.\d+ ", found.stdout)
    assert "(.python-version:1)" in found.stdout


def test_the_store_is_shown_pruned_and_cleared(
    portside: Portside, app: Path, tmp_path: Path
) -> None:
    own = {"PORTSIDE_CACHE_DIR": str(tmp_path / "own store")}
    assert portside("cache", "dir", env=own).stdout == f"{tmp_path}/own store\n"
    given = portside("cache", "dir", "--cache-dir", "given", env=own, cwd=tmp_path)
    assert given.stdout == f"{tmp_path}/given\n"
    # Nothing is there yet, which is no error.
    assert portside("cache", "prune", env=own).returncode == 0
    assert portside("cache", "clear", env=own).returncode == 0
    portside.build(app, tmp_path / "slug", env=own)
    shown = portside("cache", env=own).stdout
    assert re.search(r"^  1 python layers +\d+\.\d MB$", shown, re.MULTILINE)
    assert portside("cache", "--cache-dir", tmp_path / "own store").stdout == shown
    kept = portside("cache", "prune", "--days", "1", env=own)
    assert "Removed 0 layers" in kept.stdout
    pruned = portside("cache", "prune", "--days", "0", env=own)
    assert re.match(r"Removed [1-9]\d* layers", pruned.stdout)
    cleared = portside("cache", "clear", env=own)
    assert (cleared.returncode, cleared.stderr) == (0, "")
    # What was built doesn't need the store, and the next build fills it again.
    assert portside("run", tmp_path / "slug", "--", "python", "-V", env=own).returncode == 0
    (app / "server.py").write_text(SERVER + "\n")
    again = portside.build(app, tmp_path / "slug", env=own)
    assert "Built in" in again.stderr


def test_a_reader_that_is_gone_is_no_defect(portside: Portside) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [portside.program, "completion", "bash"],
            env=portside.env,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)
    assert done.returncode == 1
    assert done.stderr == ""
