"""The interpreters of this machine that tests copy, serve or start: any patch will do."""

import functools
from pathlib import Path

import pytest

from portside.effects.host import read_host
from portside.effects.interpreters.local import find_local_interpreters
from portside.effects.process import ProcessRunner
from portside.model.interpreter import InterpreterCandidate
from portside.model.python_version import PythonVersion


@functools.cache
def own_installation(series: str = "3.12") -> InterpreterCandidate | None:
    """Return the newest of a series that has a prefix of its own: /usr holds more than Python."""
    found = find_local_interpreters(read_host(), ProcessRunner())
    own = (item for item in found if not item.location.startswith("/usr/"))
    return next((item for item in own if str(item.version.series) == series), None)


def needed_installation(series: str = "3.12") -> tuple[Path, PythonVersion]:
    """Return the prefix and the version of an installation of this machine, or skip the test."""
    found = own_installation(series)
    if found is None:
        pytest.skip(f"needs a CPython {series} of pyenv, asdf, mise or uv on this machine")
    return Path(found.location).parent.parent, found.version
