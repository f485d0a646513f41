"""The effects that steps are given, bound together."""

from pathlib import Path

from msgspec import Struct

from portside.effects.host import Host
from portside.effects.process import ProcessRunner
from portside.effects.store import Store
from portside.effects.tools import find_uv


class Toolbox(Struct, frozen=True):
    """The store, the process runner and the facts about this machine."""

    store: Store
    runner: ProcessRunner
    host: Host

    @property
    def uv(self) -> Path:
        """Return uv's path, looked up when it is needed."""
        return find_uv()
