"""What the version files share: parsing a version; it chooses nothing."""

import re

from portside.model.python_version import Origin, RequestedPython, Series

_NUMBER = "(0|[1-9][0-9]{0,4})"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}(?:\.{_NUMBER})?")


def parse_version(text: str, origin: Origin) -> RequestedPython | None:
    """Return the Python that ``text`` ("3.12", "3.12.7") asks for; None where it isn't that.

    Leading zeros are refused: "3.09" would silently become 3.9.
    """
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    major, minor, patch = match.groups()
    return RequestedPython(
        Series(int(major), int(minor)), None if patch is None else int(patch), origin
    )
