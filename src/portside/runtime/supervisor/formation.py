"""Which processes run, how often, and when a crashed one starts again. Pure."""

from collections.abc import Mapping

from msgspec import Struct

from portside.model.errors.formation import InvalidScaleError
from portside.model.errors.run import UnknownProcessError
from portside.runtime.launcher import Capacity

ALL = "all"
FORMATION = "formation"
RELEASE = "release"
WEB = "web"
_MOST = 100
_FIRST_DELAY = 1.0
_LONGEST_DELAY = 60.0
STEADY_SECONDS = 60.0


class Slot(Struct, frozen=True):
    """One process of the formation: the first of type web is ``web.1``."""

    type: str
    number: int
    command: str

    @property
    def name(self) -> str:
        """Return the name that the log and the variable DYNO have."""
        return f"{self.type}.{self.number}"

    @property
    def is_web(self) -> bool:
        """Return whether requests go to it."""
        return self.type == WEB


class Formation(Struct, frozen=True):
    """The processes to run, and the release command that comes before them, if any."""

    slots: tuple[Slot, ...]
    release: str | None


def plan_formation(scale: str, processes: Mapping[str, str]) -> Formation:
    """Return what ``--scale`` asks for: ``web=2,worker=1``, or ``all`` for one of each type.

    ``release`` is no type to scale: it runs once, before the others, unless ``release=0``.
    Raises ``InvalidScaleError`` or ``UnknownProcessError``.
    """
    counts = _counts(scale, processes)
    wants_release = counts.pop(RELEASE, 1) > 0
    slots = tuple(
        Slot(name, number, processes[name])
        for name, count in counts.items()
        for number in range(1, count + 1)
    )
    if not slots:
        raise InvalidScaleError(scale=scale, part=scale)
    return Formation(slots, processes.get(RELEASE) if wants_release else None)


def share_capacity(capacity: Capacity, count: int) -> Capacity:
    """Return what one of ``count`` processes has of a machine that they are on together."""
    memory = None if capacity.memory is None else max(1, capacity.memory // count)
    return Capacity(max(1, capacity.cores // count), memory)


def restart_delay(crashes: int) -> float:
    """Return how many seconds to wait after so many crashes in a row: 1, 2, 4, … 60."""
    return min(_LONGEST_DELAY, _FIRST_DELAY * (1 << min(crashes - 1, 10)))


def _counts(scale: str, processes: Mapping[str, str]) -> dict[str, int]:
    if scale.strip() == ALL:
        return {name: 1 for name in processes if name != RELEASE}
    counts: dict[str, int] = {}
    for part in scale.split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        is_count = number.isascii() and number.isdigit() and len(number) <= len(str(_MOST))
        if not (name and equals and is_count) or int(number) > _MOST or name in counts:
            raise InvalidScaleError(scale=scale, part=part.strip())
        if name not in processes and int(number) > 0:
            raise UnknownProcessError(name=name, known=tuple(sorted(processes)))
        counts[name] = int(number)
    return {name: count for name, count in counts.items() if count or name == RELEASE}
