"""Finds the programs that portside brings along: uv, by its real path and never through PATH."""

import importlib.machinery
from pathlib import Path


def find_uv() -> Path:
    """Return the path of the uv that was installed with portside.

    The installer wrote it down in ``RECORD`` (PyPA, Recording installed projects). uv's own
    ``find_uv_bin`` asks ``sysconfig`` instead, which is slow to start, and is asked where the
    record leads nowhere.
    """
    for info in _site_packages().glob("uv-*.dist-info"):
        for path in _recorded_programs(info):
            if path.is_file():
                return path
    from uv import find_uv_bin  # noqa: PLC0415 (start-up time)

    return Path(find_uv_bin())


def uv_version() -> str:
    """Return the version of the uv that was installed with portside.

    It is in the name of its ``.dist-info`` directory (Binary distribution format, PyPA), which is
    read here because ``importlib.metadata`` takes longer than the rest of an unchanged rebuild.
    """
    for info in _site_packages().glob("uv-*.dist-info"):
        return info.name.removeprefix("uv-").removesuffix(".dist-info")
    from importlib.metadata import version  # noqa: PLC0415

    return version("uv")


def _site_packages() -> Path:
    """Return the directory that uv was installed in, without importing it."""
    spec = importlib.machinery.PathFinder.find_spec("uv")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("uv, which portside depends on, isn't installed", name="uv")
    return Path(spec.origin).parent.parent


def _recorded_programs(info: Path) -> list[Path]:
    try:
        lines = (info / "RECORD").read_text("utf-8").splitlines()
    except OSError:
        return []
    names = [line.partition(",")[0] for line in lines]
    return [(info.parent / name).resolve() for name in names if name.endswith("/bin/uv")]
