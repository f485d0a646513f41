"""Finds the programs that portside brings along: uv, by its real path and never through PATH."""

from pathlib import Path


def find_uv() -> Path:
    """Return the path of the uv that was installed with portside."""
    from uv import find_uv_bin  # noqa: PLC0415 (only builds need it)

    return Path(find_uv_bin())


def uv_version() -> str:
    """Return the version of the uv that was installed with portside.

    It is in the name of its ``.dist-info`` directory (Binary distribution format, PyPA), which is
    read here because ``importlib.metadata`` takes longer than the rest of an unchanged rebuild.
    """
    import uv  # noqa: PLC0415 (only builds need it)

    site_packages = Path(uv.__file__).parent.parent
    for info in site_packages.glob("uv-*.dist-info"):
        return info.name.removeprefix("uv-").removesuffix(".dist-info")
    from importlib.metadata import version  # noqa: PLC0415

    return version("uv")
