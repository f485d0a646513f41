"""Starts a process of the slug it lies in; copied into slugs, so it imports nothing of portside.

It must run on every Python a slug may hold (3.8 and newer) with the standard library alone.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

USAGE = "Usage: launch PROCESS\n       launch -- COMMAND [ARGUMENTS...]\n"
DEFAULT_PORT = "8000"
_MEMORY_LIMIT_FILES = ("memory.max", "memory/memory.limit_in_bytes")
_TERABYTE = 1 << 40
_MEGABYTE = 1 << 20
_WORKER_MEGABYTES = 256
# A second shell takes the first one's place, so that signals reach the program.
_WITH_PROFILES = (
    'for script in .profile.d/*.sh; do HOME=$PWD source "$script"; done; unset script; '
    'exec /bin/bash -c "$1"'
)


class LaunchError(Exception):
    """The process can't be started; the text says why, for people."""


class Capacity(NamedTuple):
    """What the container grants: CPU ``cores`` and ``memory`` in MB, None without a limit."""

    cores: int
    memory: int | None


class LaunchData(NamedTuple):
    """What ``.portside/launch.json`` holds: commands by process type, and default variables.

    ``ports`` are those that process types listen on whatever ``$PORT`` is.
    """

    processes: dict[str, str]
    env: dict[str, str]
    ports: dict[str, int]


def read_capacity(cgroup: str = "/sys/fs/cgroup") -> Capacity:
    """Return the cores this process may use and its memory limit (cgroup v2, then v1)."""
    limits = (_read_limit(Path(cgroup) / name) for name in _MEMORY_LIMIT_FILES)
    memory = next((limit // _MEGABYTE for limit in limits if limit is not None), None)
    return Capacity(len(os.sched_getaffinity(0)), memory)


def web_concurrency(cores: int, memory: int) -> int:
    """Return how many web workers suit ``cores`` and ``memory`` (MB)."""
    return min(cores * 2 + 1, max(1, memory // _WORKER_MEGABYTES))


def launch_environment(
    slug: str,
    environ: Mapping[str, str],
    *,
    defaults: Mapping[str, str] | None = None,
    capacity: Capacity | None = None,
    web: bool = False,
) -> dict[str, str]:
    """Return the environment of a process of ``slug``: what must hold, and defaults.

    ``environ`` is what the user set: it wins over ``defaults`` and over every default here.
    """
    env = _without_other_pythons(slug, environ)
    for name, value in {**_fallbacks(slug, web=web), **(defaults or {})}.items():
        if not env.get(name):
            env[name] = value
    python = slug + "/.heroku/python"
    env.update(PYTHONUNBUFFERED="true", PIP_DISABLE_PIP_VERSION_CHECK="1", FORWARDED_ALLOW_IPS="*")
    env["PATH"] = _prepended(python + "/bin", env.get("PATH") or os.defpath)
    env["LD_LIBRARY_PATH"] = _prepended(python + "/lib", env.get("LD_LIBRARY_PATH", ""))
    _set_concurrency(env, capacity or read_capacity())
    return env


def read_launch_data(slug: str) -> LaunchData:
    """Return the slug's launch data. Raises ``LaunchError`` when it isn't there or malformed."""
    path = Path(slug) / ".portside" / "launch.json"
    try:
        document: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LaunchError(f"{path} can't be read: {error}") from None
    if not isinstance(document, dict):
        raise LaunchError(f"{path} doesn't hold a JSON object")
    processes = document.get("processes")
    return LaunchData(_processes(processes), _strings(document.get("env")), _ports(processes))


def command_text(arguments: Sequence[str], path: str) -> str:
    """Return ``arguments`` as text for a shell.

    One argument alone is shell text already (``'echo $PORT'``), unless it names a program on
    ``path``; several are words, passed on as they are.
    """
    if len(arguments) == 1 and shutil.which(arguments[0], path=path) is None:
        return arguments[0]
    return " ".join(map(shlex.quote, arguments))


def shell_command(text: str, slug: str) -> tuple[str, ...]:
    """Return what runs ``text`` in ``slug``: bash, as platforms do, or the POSIX shell without one.

    With bash the scripts in ``.profile.d`` are sourced first, in the slug, which is their home.
    """
    if not os.access("/bin/bash", os.X_OK):
        return ("/bin/sh", "-c", text)
    if not any(Path(slug, ".profile.d").glob("*.sh")):
        return ("/bin/bash", "-c", text)
    return ("/bin/bash", "-c", _WITH_PROFILES, "bash", text)


def main(argv: Sequence[str]) -> int:
    """Become the process that ``argv`` asks for; return an exit code only if that fails."""
    slug = str(Path(__file__).resolve().parent.parent)
    if not argv or argv == ["--"] or (argv[0] != "--" and len(argv) > 1):
        sys.stderr.write(USAGE)
        return 2
    try:
        _become(slug, argv)
    except LaunchError as error:
        sys.stderr.write(f"launch: {error}\n")
    except OSError as error:
        sys.stderr.write(f"launch: the process could not be started: {error}\n")
    return 1


def _become(slug: str, argv: Sequence[str]) -> None:
    data = read_launch_data(slug)
    env = launch_environment(slug, os.environ, defaults=data.env, web=argv[0] == "web")
    if argv[0] == "--":
        text = command_text(argv[1:], env["PATH"])
    else:
        text = _command_of(argv[0], data.processes)
    shell = shell_command(text, slug)
    os.chdir(slug)
    os.execve(shell[0], shell, env)  # noqa: S606 (becoming the process is the point)


def _command_of(process: str, processes: Mapping[str, str]) -> str:
    if process in processes:
        return processes[process]
    known = ", ".join(sorted(processes)) or "none"
    raise LaunchError(
        f"there is no process type '{process}'. The slug's process types are: {known}."
    )


def _without_other_pythons(slug: str, environ: Mapping[str, str]) -> dict[str, str]:
    env = {name: value for name, value in environ.items() if name != "VIRTUAL_ENV"}
    if env.get("PYTHONHOME") != slug + "/.heroku/python":
        env.pop("PYTHONHOME", None)
    return env


def _fallbacks(slug: str, *, web: bool) -> dict[str, str]:
    fallbacks = {
        "LANG": "C.UTF-8",
        "PYTHONPATH": slug,
        "GUNICORN_CMD_ARGS": "--access-logfile -",
    }
    return {**fallbacks, "PORT": DEFAULT_PORT} if web else fallbacks


def _set_concurrency(env: dict[str, str], capacity: Capacity) -> None:
    if capacity.memory is None:
        return
    env["DYNO_RAM"] = str(capacity.memory)
    if not env.get("WEB_CONCURRENCY"):
        env["WEB_CONCURRENCY"] = str(web_concurrency(capacity.cores, capacity.memory))
        env["WEB_CONCURRENCY_SET_BY"] = "heroku/python"


def _read_limit(path: Path) -> int | None:
    """Return a cgroup's limit in bytes; a kernel's "no limit" is the word max or a huge number."""
    try:
        limit = int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return limit if 0 < limit < _TERABYTE else None


def _prepended(first: str, rest: str) -> str:
    others = [part for part in rest.split(":") if part and part != first]
    return ":".join([first, *others])


def _processes(document: object) -> dict[str, str]:
    entries = document if isinstance(document, list) else []
    return {
        str(entry["type"]): str(entry["command"])
        for entry in entries
        if isinstance(entry, dict) and "type" in entry and "command" in entry
    }


def _ports(document: object) -> dict[str, int]:
    entries = document if isinstance(document, list) else []
    return {
        str(entry["type"]): entry["port"]
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("port"), int) and "type" in entry
    }


def _strings(document: object) -> dict[str, str]:
    pairs = document.items() if isinstance(document, dict) else ()
    return {str(name): str(value) for name, value in pairs}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
