"""Apps that a PasteDeploy file describes, as Pyramid's own templates have them."""

import re

from portside.detection.start_commands.apps import Apps
from portside.detection.start_commands.candidate import Candidate
from portside.detection.start_commands.servers import GUNICORN
from portside.model.errors import BuildError

_FILE = "production.ini"
_APP = re.compile(r"^\[(?:app|composite|pipeline):main\]", re.MULTILINE)
_USE = re.compile(r"^use\s*=\s*(?:egg|call):", re.MULTILINE)
# After a wsgi.py, and before the files whose names only say that something starts there.
_RANK = (0, 0, 0, 1)


def find_paste(apps: Apps, requirements: frozenset[str]) -> tuple[Candidate, ...]:
    """Return how to serve the app of a ``production.ini``: gunicorn reads such files itself.

    Its own server section names a port, which is nothing to a platform.
    """
    source = apps.tree.source
    try:
        text = source.read(_FILE).decode("utf-8", "replace") if source.is_file(_FILE) else ""
    except BuildError:
        return ()
    found = _APP.search(text)
    if found is None or not _USE.search(text):
        return ()
    return (
        Candidate(
            f"gunicorn --paste {_FILE} --bind 0.0.0.0:$PORT",
            _FILE,
            text.count("\n", 0, found.start()) + 1,
            "PasteDeploy app",
            _RANK,
            added=() if "gunicorn" in requirements else GUNICORN,
        ),
    )
