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
# What of a source or an index is on this machine.
_LOCAL_SOURCES = ("path", "workspace")


def uv_choice(source: Source, table: object, place: str) -> str | None:
    """Return what decides in a phrase: a key of ``table``, which is ``place``, or of a uv.toml.

    None without any. Another installer would choose something else. Raises
    ``PythonVersionInvalidTomlError``.
    """
    for where, settings in ((place, table), (_FILE, read_toml(source, _FILE))):
        for key in _KEYS:
            value = value_at(settings, key)
            if value and value != _DEFAULTS.get(key):
                return f"{where} has '{key}', which only uv reads"
    return None


def local_choice(source: Source, table: object, place: str) -> str | None:
    """Return which key names files or projects of this machine, in a phrase; None without any.

    Only a lock says all of these: one leads to others. Raises ``PythonVersionInvalidTomlError``.
    """
    for where, settings in ((place, table), (_FILE, read_toml(source, _FILE))):
        sources = value_at(settings, "sources")
        found = sources.values() if isinstance(sources, dict) else ()
        listed = [one for value in found for one in (value if isinstance(value, list) else [value])]
        if any(value_at(one, key) for one in listed for key in _LOCAL_SOURCES):
            return f"{where} has 'sources' with a path or the workspace"
        indexes = value_at(settings, "index")
        links = value_at(settings, "find-links")
        places = {
            "index": [value_at(one, "url") for one in indexes] if isinstance(indexes, list) else [],
            "find-links": links if isinstance(links, list) else [],
        }
        for key, values in places.items():
            if any("://" not in str(value) for value in values):
                return f"{where} has '{key}' with a directory"
    return None
