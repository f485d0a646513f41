"""What every command needs: the machine, the store and the tools, from the options given."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from portside.cli.places import open_store
from portside.effects.host import Host, read_host
from portside.effects.process import ProcessRunner
from portside.effects.redaction import Redactor
from portside.effects.store import Store
from portside.effects.toolbox import Toolbox

_SECRET_NAMES = ("SECRET", "TOKEN", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL", "DATABASE_URL")


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
    runner = ProcessRunner(Redactor(_secrets(host.environ, config_vars or {})))
    return Session(host, Toolbox(open_store(host, cache_dir), runner, host))


def _secrets(environ: Mapping[str, str], config_vars: Mapping[str, str]) -> Iterable[str]:
    """Return what output must not show: every config var's value that may be a secret."""
    merged = [*environ.items(), *config_vars.items()]
    return [value for name, value in merged if any(word in name.upper() for word in _SECRET_NAMES)]
