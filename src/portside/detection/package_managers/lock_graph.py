"""Follows a lock that says what needs what, but not who asked for it: from the project's own on.

It is not a resolver: every version is the lock's, and the question is only which entries count.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from portside.detection.package_managers.markers import holds
from portside.model.locked import LockedDistribution

# Older tools left out what they took for part of every environment.
_UNLOCKED = frozenset({"distribute", "pip", "setuptools", "wheel"})


class Wish(Struct, frozen=True):
    """What one asks of another distribution.

    ``versions`` are PEP 440 specifier sets of which one has to hold, none of them stands for any
    version; ``only_for`` are extras of the one that asks without which it doesn't.
    """

    name: str
    extras: frozenset[str] = frozenset()
    marker: str = ""
    versions: tuple[str, ...] = ()
    only_for: frozenset[str] = frozenset()


class Node(Struct, frozen=True):
    """An entry of a lock and what it asks for.

    ``extras`` are those the entry is for, where a lock has entries of their own for them;
    ``pythons`` are the specifier sets of its Python, of which one has to hold.
    """

    entry: LockedDistribution
    version: str
    extras: frozenset[str] = frozenset()
    pythons: tuple[str, ...] = ()
    wishes: tuple[Wish, ...] = ()


def follow(
    nodes: Iterable[Node],
    roots: Sequence[Wish],
    environment: Mapping[str, str],
    extras: frozenset[str],
) -> tuple[LockedDistribution, ...]:
    """Return the entries that ``roots`` need, directly or not, each name once.

    ``extras`` are those of the project. Raises ValueError where an entry is missing or a marker
    or a version isn't one.
    """
    graph = _Graph(environment)
    for node in nodes:
        graph.add(node)
    while (taken := graph.walk(roots, frozenset(extras))) is None:
        pass
    return tuple({node.entry.name: node.entry for node in taken}.values())


class _Graph:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.nodes: dict[tuple[str, frozenset[str]], list[Node]] = {}
        self.refused: list[Node] = []

    def add(self, node: Node) -> None:
        self.nodes.setdefault((node.entry.name, node.extras), []).append(node)

    def walk(self, roots: Sequence[Wish], extras: frozenset[str]) -> list[Node] | None:
        """Return all that is needed; None where a choice had to be taken back on the way."""
        taken: dict[tuple[str, frozenset[str]], Node] = {}
        asked = {(wish, extras) for wish in roots}
        queue = deque((wish, extras) for wish in roots)
        while queue:
            wish, active = queue.popleft()
            node = self._wanted(wish, active)
            if node is None:
                continue
            before = taken.setdefault((node.entry.name, node.extras), node)
            if before is not node and _fits(node, wish) and not _fits(before, wish):
                self.refused.append(before)
                return None
            more = {(item, wish.extras) for item in before.wishes} - asked
            asked |= more
            queue.extend(more)
        return list(taken.values())

    def _wanted(self, wish: Wish, extras: frozenset[str]) -> Node | None:
        if wish.only_for and not wish.only_for & extras:
            return None
        if not holds(wish.marker, self.environment, extras):
            return None
        same_name = self.nodes.get((wish.name, wish.extras)) or self.nodes.get(
            (wish.name, frozenset()), []
        )
        known = [node for node in same_name if node not in self.refused]
        if not known and wish.name not in _UNLOCKED:
            raise ValueError(f"it has no entry for {wish.name}, which is needed")
        return max(known, key=lambda node: self._rank(node, wish)) if known else None

    def _rank(self, node: Node, wish: Wish) -> tuple[object, ...]:
        from packaging.version import Version  # noqa: PLC0415 (start-up time)

        python = self.environment["python_full_version"]
        return _any_holds(node.pythons, python), _fits(node, wish), Version(node.version)


def _fits(node: Node, wish: Wish) -> bool:
    return bool(node.entry.location) or _any_holds(wish.versions, node.version)


def _any_holds(specifiers: Sequence[str], version: str) -> bool:
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 (start-up time)

    return not specifiers or any(
        SpecifierSet(item).contains(version, prereleases=True) for item in specifiers
    )
