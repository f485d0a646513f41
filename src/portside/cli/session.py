"""What every command needs: the machine, the store and the tools, from the options given."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from portside.cli.places import open_store
from portside.effects.host import Host, read_host
from portside.effects.process import ProcessRunner
from portside.effects.redaction import Redactor, secret_values
from portside.effects.store import Store
from portside.effects.toolbox import Toolbox


class Session(Struct, frozen=True):
    """The machine that portside runs on and what it was told to use."""

    host: Host
    tools: Toolbox

    @property
    def store(self) -> Store:
        """Return the store."""
        return self.tools.store


def open_session(cache_dir: Path | None, config_vars: Mapping[str, str] | None = None) -> Session:
    """Return the session for a cache directory (the user's own unless given)."""
    host = read_host()
    runner = ProcessRunner(Redactor(secret_values(host.environ, config_vars or {})))
    return Session(host, Toolbox(open_store(host, cache_dir), runner, host))
