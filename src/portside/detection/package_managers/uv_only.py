"""What uv's settings may say about which distributions are meant, and what only uv reads."""

from portside.detection.documents import read_toml, value_at
from portside.model.source import Source

# Where distributions come from, and which versions are chosen (uv, "Settings"). What only concerns
# how uv works is left out.
_KEYS = (
    *("sources", "index", "index-url", "extra-index-url", "find-links", "no-index"),
    *("index-strategy", "exclude-newer", "exclude-newer-package", "prerelease", "resolution"),
    *("constraint-dependencies", "override-dependencies", "exclude-dependencies"),
    *("build-constraint-dependencies", "extra-build-dependencies", "dependency-metadata"),
    *("no-binary", "no-binary-package", "no-build", "no-build-package"),
    *("no-build-isolation", "no-build-isolation-package"),
)
_DEFAULTS = {
    "index-strategy": "first-index",
    "index-url": "https://pypi.org/simple",
    "prerelease": "if-necessary-or-explicit",
    "resolution": "highest",
}
_FILE = "uv.toml"


def uv_choice(source: Source, table: object, place: str) -> str | None:
    """Return what decides in a phrase: a key of ``table``, which is ``place``, or of a uv.toml.

    None without any. A uv.lock has all of it; where there is none, another installer would choose
    something else. Raises ``PythonVersionInvalidTomlError``.
    """
    for where, settings in ((place, table), (_FILE, read_toml(source, _FILE))):
        for key in _KEYS:
            value = value_at(settings, key)
            if value and value != _DEFAULTS.get(key):
                return f"{where} has '{key}', which only uv reads"
    return None
