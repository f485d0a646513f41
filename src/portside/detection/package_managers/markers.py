"""Whether a lock's markers (PEP 508) hold for an interpreter and the extras that were chosen."""

import re
from collections.abc import Mapping

from portside.model.names import canonical

_EXTRA = re.compile(
    r"""\bextra\s*(?P<operator>==|!=)\s*(?P<quote>["'])(?P<name>[^"']*)(?P=quote)"""
)
_ALWAYS = "python_version >= '0'"
_NEVER = "python_version < '0'"
# What Poetry writes for a marker that can't hold, and for one that always does.
_EMPTY = "<empty>"
_ANY = frozenset({"", "*"})


def marker_environment(python: str) -> Mapping[str, str]:
    """Return what CPython ``python`` ("3.12.7") changes in the markers of this machine."""
    return {
        "implementation_name": "cpython",
        "implementation_version": python,
        "platform_python_implementation": "CPython",
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
    }


def holds(
    marker: str, environment: Mapping[str, str], extras: frozenset[str] = frozenset()
) -> bool:
    """Return whether a marker holds, with ``extras`` (in canonical form) chosen.

    Each comparison of ``extra`` is a question by itself, as several may be chosen. Raises
    ValueError for what isn't a marker.
    """
    if marker in _ANY:
        return True
    if marker == _EMPTY:
        return False
    from packaging.markers import Marker  # noqa: PLC0415 (start-up time)

    def answer(match: re.Match[str]) -> str:
        is_chosen = canonical(match["name"]) in extras
        return _ALWAYS if is_chosen is (match["operator"] == "==") else _NEVER

    return Marker(_EXTRA.sub(answer, marker)).evaluate(dict(environment))
