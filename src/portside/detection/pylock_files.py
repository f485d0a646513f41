"""Which files of an app are locks that any tool may have written (PEP 751, "File Name")."""

import re

from portside.model.source import Source

DEFAULT_PYLOCK = "pylock.toml"
_NAMED = re.compile(r"pylock\.([^.]+)\.toml")
_PREFERRED = ("production", "prod", "main", "base")
# How files are called that name what is for development only.
_NOT_SHIPPED = {
    *("ci", "dev", "develop", "development", "doc", "docs", "lint", "linting", "local"),
    *("test", "tests", "testing", "tox", "typing"),
}


def pylock_files(source: Source) -> tuple[str, ...]:
    """Return the lock that counts: ``pylock.toml``, or a ``pylock.NAME.toml`` in its place.

    They are several where nothing tells which of these it is, and none where there is none but for
    development.
    """
    if source.is_file(DEFAULT_PYLOCK):
        return (DEFAULT_PYLOCK,)
    named = {
        match[1]: entry.name
        for entry in source.entries()
        if (match := _NAMED.fullmatch(entry.name)) and source.is_file(entry.name)
    }
    preferred = next((named[name] for name in _PREFERRED if name in named), None)
    if preferred is not None:
        return (preferred,)
    return tuple(file for name, file in named.items() if is_shipped(name))


def is_shipped(name: str) -> bool:
    """Return whether a file or group of this name may be for production: ``dev-tools`` isn't."""
    return _NOT_SHIPPED.isdisjoint(re.split(r"[-_.]", name.lower()))
