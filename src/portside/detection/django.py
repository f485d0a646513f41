"""Finds Django's manage.py: the nearest to the app's root, at most three levels down."""

from portside.model.source import Source, walk

_LEVELS = 3
DISABLING_FILE = ".heroku/collectstatic_disabled"


def find_manage_py(source: Source) -> str | None:
    """Return the path of the nearest ``manage.py``, or None."""
    for entry in walk(source, depth=_LEVELS):
        if entry.name == "manage.py" and not entry.is_dir:
            return entry.path
    return None
