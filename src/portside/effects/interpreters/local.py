"""Finds CPython installations on this machine, without running anything that may be a shim."""

import re
from collections.abc import Iterator
from pathlib import Path

from portside.effects.host import Host
from portside.effects.process import Command, CouldNotStartError, ProcessRunner
from portside.effects.tools import ELF
from portside.model.interpreter import InterpreterCandidate, InterpreterSource
from portside.model.python_version import PythonVersion

SYSTEM_DIRECTORIES = (Path("/usr/bin"), Path("/usr/local/bin"))
_SYSTEM_NAME = re.compile(r"python(?P<series>3\.[0-9]{1,3})")
_ASK_VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
_SECONDS = 3.0


def find_local_interpreters(host: Host, runner: ProcessRunner) -> tuple[InterpreterCandidate, ...]:
    """Return the installations on this machine, newest version first, each one once.

    What can't be read, is incomplete or doesn't answer is left out; nothing is raised.
    """
    found: dict[Path, PythonVersion] = {}
    for directory in _version_directories(host):
        for executable, version in _named_installations(directory, host):
            found.setdefault(executable.resolve(), version)
    for executable in _system_executables():
        if executable not in found and (answer := _ask_version(executable, runner)):
            found[executable] = answer
    ordered = sorted(found.items(), key=lambda item: item[1], reverse=True)
    return tuple(
        InterpreterCandidate(version, InterpreterSource.LOCAL, str(executable))
        for executable, version in ordered
    )


def _version_directories(host: Host) -> tuple[Path, ...]:
    """Return the directories whose entries are installations, in the order they are preferred."""
    data = _directory(host, "XDG_DATA_HOME", host.home / ".local" / "share")
    return (
        _directory(host, "PYENV_ROOT", host.home / ".pyenv") / "versions",
        _directory(host, "ASDF_DATA_DIR", host.home / ".asdf") / "installs" / "python",
        _directory(host, "MISE_DATA_DIR", data / "mise") / "installs" / "python",
        _directory(host, "UV_PYTHON_INSTALL_DIR", data / "uv" / "python"),
    )


def _directory(host: Host, variable: str, fallback: Path) -> Path:
    value = host.environ.get(variable, "")
    return Path(value) if value.startswith("/") else fallback


def _named_installations(directory: Path, host: Host) -> Iterator[tuple[Path, PythonVersion]]:
    for root in _entries(directory):
        version = _version_of_name(root.name, host)
        if version is None:
            continue
        executable = root / "bin" / f"python{version.series}"
        if _is_installation(executable, str(version.series)):
            yield executable, version


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []


def _version_of_name(name: str, host: Host) -> PythonVersion | None:
    """Return the version in ``3.12.1`` or uv's ``cpython-3.12.1-linux-x86_64-gnu``, else None."""
    name = name.removeprefix("cpython-").removesuffix(f"-{host.platform}")
    try:
        return PythonVersion.parse(name)
    except ValueError:
        return None


def _system_executables() -> Iterator[Path]:
    for directory in SYSTEM_DIRECTORIES:
        for path in _entries(directory):
            match = _SYSTEM_NAME.fullmatch(path.name)
            if match and _is_installation(path, match["series"]):
                yield path.resolve()


def _is_installation(executable: Path, series: str) -> bool:
    """Return whether a real program is there with its standard library, and not a shim."""
    try:
        real = executable.resolve(strict=True)
        with real.open("rb") as file:
            is_program = file.read(len(ELF)) == ELF
        return is_program and (standard_library(real, series) / "os.py").is_file()
    except OSError:
        return False


def standard_library(executable: Path, series: str) -> Path:
    """Return where the standard library of the installation is that ``executable`` belongs to."""
    return executable.parent.parent / "lib" / f"python{series}"


def _ask_version(executable: Path, runner: ProcessRunner) -> PythonVersion | None:
    argv = (str(executable), "-I", "-S", "-B", "-c", _ASK_VERSION)
    try:
        answer = runner.capture(Command(argv, Path("/"), {}, _SECONDS))
        return PythonVersion.parse(answer.stdout.decode("ascii").strip())
    except (CouldNotStartError, TimeoutError, ValueError):
        return None
