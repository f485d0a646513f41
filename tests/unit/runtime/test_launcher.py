import ast
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from portside.runtime import launcher
from portside.runtime.launcher import Capacity, launch_environment

NO_LIMIT = Capacity(4, None)
SLUG = "/srv/my slug"
PYTHON = f"{SLUG}/.heroku/python"
SOURCE = Path(launcher.__file__)
PYTHON_38 = Path.home() / ".pyenv/versions/3.8.18/bin/python3"


def environment(
    environ: dict[str, str] | None = None, *, capacity: Capacity = NO_LIMIT, **options: Any
) -> dict[str, str]:
    return launch_environment(SLUG, environ or {}, capacity=capacity, **options)


def test_the_slugs_python_comes_first_on_path() -> None:
    assert environment({"PATH": "/usr/bin:/bin"})["PATH"] == f"{PYTHON}/bin:/usr/bin:/bin"


def test_path_is_not_prepended_twice() -> None:
    once = environment({"PATH": "/usr/bin"})
    assert environment(once) == once


def test_library_path_has_no_empty_entry() -> None:
    assert environment()["LD_LIBRARY_PATH"] == f"{PYTHON}/lib"
    assert environment({"LD_LIBRARY_PATH": "/opt/lib:"})["LD_LIBRARY_PATH"] == (
        f"{PYTHON}/lib:/opt/lib"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PYTHONUNBUFFERED", "true"),
        ("FORWARDED_ALLOW_IPS", "*"),
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
    ],
)
def test_fixed_variables_always_hold(name: str, value: str) -> None:
    assert environment({name: "other"})[name] == value


@pytest.mark.parametrize(
    ("name", "default"),
    [("LANG", "C.UTF-8"), ("PYTHONPATH", SLUG), ("GUNICORN_CMD_ARGS", "--access-logfile -")],
)
def test_defaults_give_way_to_the_user(name: str, default: str) -> None:
    assert environment()[name] == default
    assert environment({name: ""})[name] == default
    assert environment({name: "mine"})[name] == "mine"


def test_the_callers_pythons_are_dropped() -> None:
    env = environment({"PYTHONHOME": "/opt/other", "VIRTUAL_ENV": "/opt/venv", "HOME": "/home/me"})
    assert "PYTHONHOME" not in env
    assert "VIRTUAL_ENV" not in env
    assert env["HOME"] == "/home/me"


def test_the_slugs_own_pythonhome_stays() -> None:
    assert environment({"PYTHONHOME": PYTHON})["PYTHONHOME"] == PYTHON


def test_only_a_web_process_has_a_default_port() -> None:
    assert "PORT" not in environment()
    assert environment(web=True)["PORT"] == "8000"
    assert environment({"PORT": "1234"}, web=True)["PORT"] == "1234"


def test_the_slugs_defaults_win_over_the_launchers_but_not_over_the_user() -> None:
    defaults = {"LANG": "de_DE.UTF-8", "MODE": "slug"}
    env = environment({"MODE": "user"}, defaults=defaults)
    assert (env["LANG"], env["MODE"]) == ("de_DE.UTF-8", "user")


@pytest.mark.parametrize(
    ("memory", "cores", "expected"),
    [
        (128, 1, "1"),
        (512, 8, "2"),
        (1024, 8, "4"),
        (2560, 2, "5"),
        (14 * 1024, 8, "17"),
        (30 * 1024, 4, "9"),
        (126 * 1024, 16, "33"),
    ],
)
def test_web_concurrency_suits_cores_and_memory(memory: int, cores: int, expected: str) -> None:
    env = environment(capacity=Capacity(cores, memory))
    assert env["WEB_CONCURRENCY"] == expected
    assert env["DYNO_RAM"] == str(memory)
    assert env["WEB_CONCURRENCY_SET_BY"] == "heroku/python"


def test_the_users_web_concurrency_wins() -> None:
    env = environment({"WEB_CONCURRENCY": "7"}, capacity=Capacity(2, 512))
    assert env["WEB_CONCURRENCY"] == "7"
    assert "WEB_CONCURRENCY_SET_BY" not in env


def test_without_a_memory_limit_nothing_is_said_about_memory() -> None:
    assert not {"WEB_CONCURRENCY", "DYNO_RAM"} & environment().keys()


@pytest.mark.parametrize(
    ("name", "text", "memory"),
    [
        ("memory.max", "536870912\n", 512),
        ("memory.max", "max\n", None),
        ("memory/memory.limit_in_bytes", "1073741824\n", 1024),
        ("memory/memory.limit_in_bytes", "9223372036854771712\n", None),
        ("other", "1", None),
    ],
)
def test_memory_comes_from_either_cgroup_version(
    tmp_path: Path, name: str, text: str, memory: int | None
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    capacity = launcher.read_capacity(str(tmp_path))
    assert capacity.memory == memory
    assert capacity.cores >= 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["echo $PORT"], "echo $PORT"),
        (["python", "-c", "print('a b')"], """python -c 'print('"'"'a b'"'"')'"""),
        (["sh"], "sh"),
    ],
)
def test_several_arguments_are_words_and_one_is_shell_text(arguments: list[str], text: str) -> None:
    assert launcher.command_text(arguments, "/usr/bin:/bin") == text


def test_one_argument_that_is_a_program_is_a_word(tmp_path: Path) -> None:
    program = tmp_path / "my tool"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert launcher.command_text([str(program)], "/bin") == f"'{program}'"


@pytest.mark.parametrize("argv", [[], ["--"], ["web", "extra"]])
def test_wrong_usage_is_told_with_exit_code_2(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launcher.main(argv) == 2
    assert capsys.readouterr().err.startswith("Usage: launch PROCESS")


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_missing_or_malformed_launch_data_is_an_error(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / ".portside").mkdir()
        (tmp_path / ".portside/launch.json").write_text(text)
    with pytest.raises(launcher.LaunchError, match=r"launch\.json"):
        launcher.read_launch_data(str(tmp_path))


def test_the_source_parses_as_python_3_8_and_imports_only_the_standard_library() -> None:
    tree = ast.parse(SOURCE.read_text(), feature_version=(3, 8))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    assert not [name for name in modules | names if name and name.startswith("portside")]


@pytest.mark.skipif(not PYTHON_38.exists(), reason=f"no Python 3.8 at {PYTHON_38}")
def test_it_runs_under_python_3_8(tmp_path: Path) -> None:
    (tmp_path / ".portside").mkdir()
    copy = tmp_path / ".portside/launcher.py"
    copy.write_text(SOURCE.read_text())
    processes = [{"type": "hello", "command": "echo $GREETING from $PWD"}]
    document = {"schema": 1, "processes": processes, "env": {"GREETING": "hi"}}
    (tmp_path / ".portside/launch.json").write_text(json.dumps(document))

    def launch(*arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [PYTHON_38, "-I", "-S", copy, *arguments]
        return subprocess.run(argv, capture_output=True, text=True, check=False, env={})

    assert launch("hello").stdout == f"hi from {tmp_path}\n"
    assert launch("--", "sh", "-c", "exit 7").returncode == 7
    unknown = launch("nope")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "no process type 'nope'" in unknown.stderr
    assert "hello" in unknown.stderr
