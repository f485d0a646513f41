"""Names of distributions, as they count in comparisons."""

import re
from collections.abc import Iterator

_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[^\]]*)\])?"
)


def canonical(name: str) -> str:
    """Return the normal form of the name of a distribution, an extra or a group (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def split_requirement(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the name and the extras of a requirement (PEP 508), in their normal form.

    None for what doesn't begin with a name.
    """
    match = _REQUIREMENT.match(text)
    if match is None:
        return None
    extras = (extra.strip() for extra in (match["extras"] or "").split(","))
    return canonical(match["name"]), tuple(canonical(extra) for extra in extras if extra)


def names_of(text: str) -> Iterator[str]:
    """Yield the name in a requirement, and it again with each of its extras: ``name[extra]``."""
    found = split_requirement(text)
    if found is not None:
        name, extras = found
        yield name
        yield from (f"{name}[{extra}]" for extra in extras)
