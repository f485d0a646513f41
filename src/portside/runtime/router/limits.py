"""What the router grants to clients and web processes: durations in seconds, sizes in bytes."""

from msgspec import Struct

_KIB = 1 << 10
_MIB = 1 << 20
_GIB = 1 << 30


class Limits(Struct, frozen=True):
    """The router's limits; the defaults are those operators know from Heroku where it has one.

    ``first_byte`` counts from the end of the request, ``rolling`` from the last byte in either
    direction, ``boot`` for a request that waits for a web process to start.
    """

    head_seconds: float = 30.0
    first_byte: float = 30.0
    rolling: float = 55.0
    connect: float = 5.0
    boot: float = 75.0
    keep_alive: float = 90.0
    linger: float = 5.0
    sweep: float = 0.5
    target: int = 8 * _KIB
    header: int = 16 * _KIB
    head: int = 64 * _KIB
    headers: int = 128
    response_head: int = 512 * _KIB
    body: int = 1 * _GIB
    buffered: int = 64 * _KIB
    lingering: int = 64 * _MIB
    connections: int = 8192
