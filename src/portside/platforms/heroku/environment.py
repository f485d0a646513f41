"""The environments of the contract, as data and as shell text; it reads and writes nothing."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from portside.model.facts import PackageManager

# Where a platform runs the app, whatever directory it is built in.
APP = Path("/app")
PYTHON_HOME = ".heroku/python"
_INHERITED = frozenset({"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"})
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Directories of the interpreter that stand before what these variables held.
_SEARCHED = (
    ("C_INCLUDE_PATH", "include"),
    ("CPLUS_INCLUDE_PATH", "include"),
    ("LIBRARY_PATH", "lib"),
    ("LD_LIBRARY_PATH", "lib"),
    ("PKG_CONFIG_PATH", "lib/pkg-config"),
)
_PIPENV = (("PIPENV_SYSTEM", "1"), ("PIPENV_VERBOSITY", "-1"))
_PIP = (("PIP_DISABLE_PIP_VERSION_CHECK", "1"),)
_POETRY = (
    ("POETRY_VIRTUALENVS_CREATE", "false"),
    ("POETRY_VIRTUALENVS_USE_POETRY_PYTHON", "true"),
)
_UV = (("UV_NO_MANAGED_PYTHON", "1"), ("UV_PYTHON_DOWNLOADS", "never"))


def build_environment(
    environ: Mapping[str, str],
    home: str,
    manager: PackageManager | None,
    programs: tuple[str, ...] = (),
) -> dict[str, str]:
    """Return the environment of hooks and commands of the app during a build.

    ``home`` is the interpreter's directory as they see it; ``manager`` is None before it is known.
    ``programs`` are directories of programs that are there for the build only.
    """
    env = {name: value for name, value in environ.items() if name not in _INHERITED}
    first = [*_own_programs(home, manager), *programs, f"{home}/bin"]
    env["PATH"] = _joined(*first, env.get("PATH") or _DEFAULT_PATH)
    for name, directory in _SEARCHED:
        env[name] = _joined(f"{home}/{directory}", env.get(name, ""))
    settings = dict(_settings(manager, home))
    return {**env, "PYTHONUNBUFFERED": "1", "LANG": "en_US.UTF-8", **settings}


def export_script(home: str, manager: PackageManager, programs: tuple[str, ...] = ()) -> str:
    """Return the shell lines that give later buildpacks the environment of this one."""
    found = _joined(f"{home}/bin", *_own_programs(home, manager), *programs)
    lines = [_prepending("PATH", found)]
    lines += [_prepending(name, f"{home}/{directory}") for name, directory in _SEARCHED]
    lines += ["export PYTHONUNBUFFERED=true", "export LANG=en_US.UTF-8"]
    values = (("PYTHONHOME", home), ("PYTHONPATH", str(APP)), *_settings(manager, home))
    lines += [f"export {name}={shlex.quote(value)}" for name, value in values]
    return "".join(f"{line}\n" for line in lines)


def profile_settings(manager: PackageManager) -> str:
    """Return the lines of the boot script that depend on the package manager."""
    home = f"$HOME/{PYTHON_HOME}"
    lines = [f'export {name}="{value}"' for name, value in _settings(manager, home)]
    lines += [f'portside_append_path "{path}"' for path in _own_programs(home, manager)]
    return "".join(f"{line}\n" for line in lines)


def _own_programs(home: str, manager: PackageManager | None) -> tuple[str, ...]:
    return (f"{home}/pipenv/bin",) if manager is PackageManager.PIPENV else ()


def _settings(manager: PackageManager | None, home: str) -> tuple[tuple[str, str], ...]:
    match manager:
        case PackageManager.PIPENV:
            return (*_PIPENV, ("VIRTUAL_ENV", home))
        case PackageManager.POETRY:
            return _POETRY
        case PackageManager.UV:
            return (("UV_PROJECT_ENVIRONMENT", home), *_UV)
        case None:
            return ()
        case _:
            return _PIP


def _prepending(name: str, path: str) -> str:
    # A colon at the end would mean the working directory.
    return f'export {name}={shlex.quote(path)}"${{{name}:+:${{{name}%:}}}}"'


def _joined(*paths: str) -> str:
    """Join search paths without empty parts: one of those would mean the working directory."""
    return ":".join(part for path in paths for part in path.split(":") if part)
