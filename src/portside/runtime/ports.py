"""TCP ports for processes: the one asked for, the default, or free ones."""

import socket
from collections.abc import Mapping

from portside.effects.process import OnLine
from portside.model.errors.run import InvalidPortError

DEFAULT_PORT = 5000
_HIGHEST_PORT = 65535
# The kernel gives ports from here on to connections that go out (ip_local_port_range).
_FIRST_EPHEMERAL = 32768


def choose_port(
    given: int | None, env: Mapping[str, str], on_line: OnLine, *, taken: int = 0
) -> int:
    """Return the port asked for; without one, the default or, if that is taken, a free one.

    ``taken`` is one that the web process itself will take. Raises ``InvalidPortError``.
    """
    asked = str(given) if given is not None else env.get("PORT", "")
    if asked:
        if not (asked.isascii() and asked.isdigit() and 0 < int(asked) <= _HIGHEST_PORT):
            raise InvalidPortError(value=asked)
        return int(asked)
    if taken != DEFAULT_PORT and can_bind(DEFAULT_PORT):
        return DEFAULT_PORT
    free = any_free_port()
    on_line(f"Port {DEFAULT_PORT} is in use; the web process gets PORT={free} instead.")
    return free


class PortPool:
    """Hands out ports that nobody listens on, in order, and none twice at a time."""

    def __init__(self, after: int) -> None:
        """Start after a port, or after the default where connections might take the next ones."""
        self._first = (after if after < _FIRST_EPHEMERAL - 1 else DEFAULT_PORT) + 1
        self._used: set[int] = set()

    def take(self) -> int:
        """Return a free port."""
        candidates = range(self._first, _FIRST_EPHEMERAL)
        found = (port for port in candidates if port not in self._used and can_bind(port))
        port = next(found, 0) or any_free_port()
        self._used.add(port)
        return port

    def give_back(self, port: int) -> None:
        """Let a port be handed out again."""
        self._used.discard(port)


def can_bind(port: int) -> bool:
    """Return whether nobody listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 (what the process will bind; never listens)
        except OSError:
            return False
    return True


def any_free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))  # noqa: S104 (what the process will bind; never listens)
        port: int = probe.getsockname()[1]
    return port
