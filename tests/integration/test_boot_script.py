"""The boot script of a classic build, sourced by a real bash as a platform does."""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from portside.model.facts import PackageManager
from portside.platforms.heroku.home import write_profile

PATH = "/usr/local/bin:/usr/bin:/bin"
MB = 1024 * 1024
# Twice, because a platform's shell may be started within another.
SOURCE_AND_SHOW = 'source "$1"; source "$1"; echo ---; env -0'
VERSION_2 = "memory.max"
VERSION_1 = "memory/memory.limit_in_bytes"
NOT_OURS = {"PWD", "OLDPWD", "SHLVL", "_", "HOME"}


@dataclass
class Boot:
    """A dyno with a fake number of processors, memory limit and /app."""

    root: Path
    home: Path
    script: Path
    told: list[str] = field(default_factory=list)

    def limit(self, content: str, file: str = VERSION_2) -> "Boot":
        path = self.root / "cgroup" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return self

    def processors(self, number: int) -> "Boot":
        nproc = self.root / "bin/nproc"
        nproc.parent.mkdir(exist_ok=True)
        nproc.write_text(f"#!/bin/sh\necho {number}\n")
        nproc.chmod(0o755)
        return self

    def run(self, command: str = SOURCE_AND_SHOW, **variables: str) -> dict[str, str]:
        """Source the script and return the environment, less what the shell itself sets."""
        env = {"PATH": f"{self.root}/bin:{PATH}", "HOME": str(self.home), **variables}
        done = subprocess.run(
            ["bash", "--norc", "-euo", "pipefail", "-c", command, "bash", str(self.script)],
            env=env,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        told, _, shown = done.stdout.partition("---\n")
        self.told = told.splitlines()
        pairs = [line.partition("=") for line in shown.split("\0") if line]
        return {name: value for name, _, value in pairs if name not in NOT_OURS}


def boot_of(
    root: Path, manager: PackageManager, *, home: str = "app", corpora: bool = False
) -> Boot:
    directory = root / home
    if corpora:
        (directory / ".heroku/python/nltk_data").mkdir(parents=True)
    (directory / ".heroku").mkdir(parents=True, exist_ok=True)
    write_profile(directory, manager)
    script = directory / ".profile.d/python.sh"
    # What belongs to the machine is replaced; everything else is what a platform gets.
    text = script.read_text().replace("/sys/fs/cgroup", f"{root}/cgroup")
    script.write_text(text.replace("/app", f"{root}/app"))
    return Boot(root, directory, script).processors(8)


@pytest.fixture
def boot(tmp_path: Path) -> Boot:
    return boot_of(tmp_path, PackageManager.PIP)


def test_all_variables_of_a_pip_app(boot: Boot) -> None:
    home = f"{boot.home}/.heroku/python"
    assert boot.run() == {
        "FORWARDED_ALLOW_IPS": "*",
        "GUNICORN_CMD_ARGS": "--access-logfile -",
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": f"{home}/lib",
        "LIBRARY_PATH": f"{home}/lib",
        "PATH": f"{home}/bin:{boot.root}/bin:{PATH}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONHOME": home,
        "PYTHONPATH": str(boot.home),
        "PYTHONUNBUFFERED": "true",
    }


def test_all_variables_of_a_pipenv_app_with_corpora(tmp_path: Path) -> None:
    boot = boot_of(tmp_path, PackageManager.PIPENV, corpora=True)
    home = f"{boot.home}/.heroku/python"
    env = boot.run()
    assert env["PATH"] == f"{home}/bin:{home}/pipenv/bin:{tmp_path}/bin:{PATH}"
    assert env["NLTK_DATA"] == f"{home}/nltk_data"
    assert env["PIPENV_SYSTEM"] == "1"
    assert env["PIPENV_VERBOSITY"] == "-1"
    assert env["VIRTUAL_ENV"] == home
    assert "PIP_DISABLE_PIP_VERSION_CHECK" not in env


@pytest.mark.parametrize("manager", list(PackageManager))
def test_sourcing_it_once_or_twice_is_the_same(tmp_path: Path, manager: PackageManager) -> None:
    boot = boot_of(tmp_path, manager).limit(f"{512 * MB}\n")
    variables = {"LD_LIBRARY_PATH": "/other/lib", "LIBRARY_PATH": ""}
    once = boot.run('source "$1"; echo ---; env -0', **variables)
    assert boot.run(**variables) == once
    assert once["LD_LIBRARY_PATH"] == f"{boot.home}/.heroku/python/lib:/other/lib"
    assert once["LIBRARY_PATH"] == f"{boot.home}/.heroku/python/lib"
    # Its functions are nobody else's concern.
    boot.run('source "$1"; echo ---; if declare -F | grep portside; then exit 1; fi')


def test_it_is_first_on_a_path_that_names_it_elsewhere(tmp_path: Path) -> None:
    boot = boot_of(tmp_path, PackageManager.PIPENV)
    home = f"{boot.home}/.heroku/python"
    env = boot.run(PATH=f"/usr/bin:{home}/bin:/bin")
    assert env["PATH"] == f"{home}/bin:{home}/pipenv/bin:/usr/bin:{home}/bin:/bin"


def test_what_the_user_set_wins_where_it_is_a_default(boot: Boot) -> None:
    own = {
        "LANG": "de_DE.UTF-8",
        "PYTHONPATH": "/app/src",
        "GUNICORN_CMD_ARGS": "--workers 3",
        "WEB_CONCURRENCY": "7",
    }
    fixed = {"PYTHONHOME": "/usr", "PYTHONUNBUFFERED": "0", "FORWARDED_ALLOW_IPS": "10.0.0.1"}
    env = boot.limit(f"{512 * MB}").run(DYNO="web.1", **own, **fixed)
    assert {name: env[name] for name in own} == own
    assert "WEB_CONCURRENCY_SET_BY" not in env
    assert env["DYNO_RAM"] == "512"
    assert env["FORWARDED_ALLOW_IPS"] == "*"
    assert env["PYTHONHOME"] == f"{boot.home}/.heroku/python"
    assert env["PYTHONUNBUFFERED"] == "true"
    assert boot.told[1] == "Python: WEB_CONCURRENCY is 7, as it was set."


@pytest.mark.parametrize("file", [VERSION_1, VERSION_2])
@pytest.mark.parametrize(
    ("megabytes", "processors", "expected"),
    [
        (512, 8, 2),
        (1024, 8, 4),
        (2560, 2, 5),
        (14 * 1024, 8, 17),
        (30 * 1024, 4, 9),
        (126 * 1024, 16, 33),
        (64, 8, 1),
        (1024 * 1024, 1, 3),
    ],
)
def test_concurrency_follows_memory_and_processors(
    boot: Boot, file: str, megabytes: int, processors: int, expected: int
) -> None:
    env = boot.limit(f"{megabytes * MB}\n", file).processors(processors).run()
    assert env["WEB_CONCURRENCY"] == str(expected)
    assert env["WEB_CONCURRENCY_SET_BY"] == "heroku/python"
    assert env["DYNO_RAM"] == str(megabytes)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (VERSION_2, "max\n"),
        (VERSION_2, ""),
        (VERSION_2, "no number"),
        (VERSION_2, "-1"),
        (VERSION_2, "089"),
        (VERSION_2, "1e9; touch x"),
        (VERSION_2, f"{(1024 * 1024 + 1) * MB}"),
        (VERSION_1, "9223372036854771712\n"),
        (VERSION_1, "18446744073709551615\n"),
        ("unrelated", "1"),
    ],
)
def test_without_a_limit_nothing_is_set_or_said(boot: Boot, file: str, content: str) -> None:
    env = boot.limit(content, file).run(DYNO="web.1")
    assert {"WEB_CONCURRENCY", "WEB_CONCURRENCY_SET_BY", "DYNO_RAM"}.isdisjoint(env)
    assert boot.told == []


def test_a_limit_that_is_no_file_is_none(boot: Boot) -> None:
    (boot.root / "cgroup" / VERSION_2).mkdir(parents=True)
    assert "DYNO_RAM" not in boot.run()


def test_only_web_processes_say_what_they_were_given(boot: Boot) -> None:
    boot.limit(f"{512 * MB}")
    once = 'source "$1"; echo ---; env -0'
    for quiet in ({}, {"DYNO": "run.1"}, {"DYNO": "worker.2"}, {"DYNO": "web"}):
        boot.run(once, **quiet)
        assert boot.told == []
    boot.run(once, DYNO="web.12")
    assert boot.told == [
        "Python: 512 MB of memory and 8 processors are available.",
        "Python: WEB_CONCURRENCY is 2. Set it yourself to change that.",
    ]


def test_without_nproc_one_processor_is_counted(boot: Boot) -> None:
    programs = boot.root / "few"
    programs.mkdir()
    for name in ("env", "mkdir", "ln"):
        (programs / name).symlink_to(shutil.which(name) or pytest.skip(f"needs {name}"))
    source = 'PATH=$FEW; source "$1"; echo ---; env -0'
    env = boot.limit(f"{4096 * MB}").run(source, FEW=str(programs))
    assert env["WEB_CONCURRENCY"] == "3"


def test_a_home_elsewhere_is_linked_to_where_apps_run(tmp_path: Path) -> None:
    boot = boot_of(tmp_path, PackageManager.PIP, home="srv")
    link = tmp_path / "app/.heroku/python"
    env = boot.run()
    assert env["PYTHONPATH"] == str(tmp_path / "srv")
    assert link.readlink() == tmp_path / "srv/.heroku/python"
    link.unlink()
    link.symlink_to("/gone")
    boot.run()
    assert link.readlink() == tmp_path / "srv/.heroku/python"


def test_another_apps_directory_is_left_alone(tmp_path: Path) -> None:
    boot = boot_of(tmp_path, PackageManager.PIP, home="srv")
    own = tmp_path / "app/.heroku/python"
    own.mkdir(parents=True)
    boot.run()
    assert list(own.iterdir()) == []


def test_where_apps_run_may_be_out_of_reach(tmp_path: Path) -> None:
    boot = boot_of(tmp_path, PackageManager.PIP, home="srv")
    (tmp_path / "app").write_text("no directory")
    assert boot.run()["PYTHONHOME"] == f"{tmp_path}/srv/.heroku/python"


def test_what_the_path_finds_is_the_apps_python(boot: Boot) -> None:
    python = boot.home / ".heroku/python/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nprintf 'OWN=yes\\0'\n")
    python.chmod(0o755)
    assert boot.run('source "$1"; echo ---; python') == {"OWN": "yes"}
