"""Finds the directory in which an app keeps the distributions that it needs; never reads them."""

from portside.model.source import Source

_PLACES = ("wheelhouse", "vendor", "vendor/wheels", "wheels")
_DISTRIBUTIONS = (".whl", ".tar.gz", ".zip")


def vendored_directory(source: Source) -> str | None:
    """Return the directory of the app with wheels or source distributions in it, or None."""
    for place in _PLACES:
        names = (entry.name for entry in source.entries(place) if not entry.is_dir)
        if any(name.endswith(_DISTRIBUTIONS) and "-" in name for name in names):
            return place
    return None
