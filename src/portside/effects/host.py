"""Facts about this machine and this process's environment; the only reader of ``os.environ``."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct


class Host(Struct, frozen=True):
    """The machine and the environment that portside was started in."""

    environ: Mapping[str, str]
    home: Path
    machine: str
    libc: str

    @property
    def platform(self) -> str:
        """Return the platform as uv's keys end: ``linux-x86_64-gnu``."""
        return f"{sys.platform}-{self.machine}-{self.libc}"

    @property
    def cache_root(self) -> Path:
        """Return where the store lives unless the user says otherwise (XDG Base Directory)."""
        return self._xdg("XDG_CACHE_HOME", ".cache") / "portside"

    @property
    def data_root(self) -> Path:
        """Return where slugs live unless the user says otherwise (XDG Base Directory)."""
        return self._xdg("XDG_DATA_HOME", ".local/share") / "portside"

    def _xdg(self, variable: str, fallback: str) -> Path:
        value = self.environ.get(variable, "")
        return Path(value) if value.startswith("/") else self.home / fallback


def read_host() -> Host:
    """Return what this process sees of its machine and environment."""
    environ = dict(os.environ)
    home = Path(environ.get("HOME") or "/")
    libc = "musl" if any(Path("/lib").glob("ld-musl-*")) else "gnu"
    return Host(environ, home, os.uname().machine, libc)
