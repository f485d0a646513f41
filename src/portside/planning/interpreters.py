"""Which interpreters to try for an app, best first; pure."""

from portside.model.errors.python_version import UnknownPatchError
from portside.model.interpreter import InterpreterCandidate, InterpreterSource
from portside.model.python_version import (
    PythonConstraint,
    PythonVersion,
    RequestedPython,
    Series,
)

_ORDER = {source: rank for rank, source in enumerate(InterpreterSource)}


def plan_interpreters(
    requested: RequestedPython,
    constraints: tuple[PythonConstraint, ...] = (),
    *,
    inventory: tuple[InterpreterCandidate, ...],
    stored: tuple[InterpreterCandidate, ...],
    local: tuple[InterpreterCandidate, ...],
) -> tuple[InterpreterCandidate, ...]:
    """Return what to try, best first: the newest patch, and of one version the cheapest source.

    Only the newest version of ``inventory`` is worth a download: where that fails, an older one
    would too, so that only what is at hand follows it. An exact request admits one version only,
    and no version outside one of ``constraints`` is used.

    Raises ``UnknownPatchError`` where nothing is known that was asked for.
    """

    def admitted(candidates: tuple[InterpreterCandidate, ...]) -> list[InterpreterCandidate]:
        return _best_first(
            [item for item in candidates if admits(item.version, requested, constraints)]
        )

    found = _best_first([*admitted(stored), *admitted(inventory)[:1], *admitted(local)])
    if not found:
        known = newest((*inventory, *stored, *local), requested.series)
        raise UnknownPatchError(
            requested=str(requested),
            newest=str(known) if known else "",
            origin=str(requested.origin),
        )
    return tuple(found)


def admits(
    version: PythonVersion, requested: RequestedPython, constraints: tuple[PythonConstraint, ...]
) -> bool:
    """Return whether ``version`` is what was asked for and within every declared range."""
    return requested.admits(version) and _satisfies(version, constraints)


def newest(
    inventory: tuple[InterpreterCandidate, ...],
    series: Series,
    constraints: tuple[PythonConstraint, ...] = (),
) -> PythonVersion | None:
    """Return the newest patch of a series that is offered and allowed, or None without any."""
    offered = (item.version for item in inventory if item.version.series == series)
    versions = (version for version in offered if _satisfies(version, constraints))
    return max(versions, default=None)


def _best_first(candidates: list[InterpreterCandidate]) -> list[InterpreterCandidate]:
    by_source = sorted(dict.fromkeys(candidates), key=lambda item: _ORDER[item.source])
    return sorted(by_source, key=lambda item: item.version, reverse=True)


def _satisfies(version: PythonVersion, constraints: tuple[PythonConstraint, ...]) -> bool:
    if not constraints:
        return True
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 (most apps declare no range)

    return all(
        any(SpecifierSet(one).contains(str(version)) for one in item.alternatives)
        for item in constraints
    )
