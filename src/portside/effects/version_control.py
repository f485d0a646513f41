"""Asks Git which files of a directory are under version control; it changes nothing."""

import os
from collections.abc import Mapping
from pathlib import Path

from portside.effects.process import Command, CouldNotStartError, ProcessRunner
from portside.effects.tools import find_installed

_TIME_LIMIT = 30.0
_PASSED_ON = ("PATH", "HOME", "XDG_CONFIG_HOME")


def tracked_files(
    root: Path, runner: ProcessRunner, environ: Mapping[str, str]
) -> frozenset[str] | None:
    """Return the paths below ``root`` that are in Git's index, relative to it, with ``/``.

    None where that can't be known: no repository, no Git (a version manager's is none), or a
    repository that Git doesn't trust (``safe.directory``); and where nothing at all is tracked,
    since then it tells nothing.
    """
    if not any(os.path.lexists(place / ".git") for place in (root, *root.parents)):
        return None
    git = find_installed("git", environ.get("PATH", ""))
    if git is None:
        return None
    # The repository may belong to anybody: its settings must not start a program.
    argv = (str(git), "-c", "core.fsmonitor=false", "ls-files", "-z", "--cached")
    env = {name: environ[name] for name in _PASSED_ON if name in environ}
    command = Command(argv, root, {**env, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}, _TIME_LIMIT)
    try:
        answer = runner.capture(command)
    except (CouldNotStartError, TimeoutError):
        return None
    if answer.exit_status:
        return None
    names = answer.stdout.decode("utf-8", "surrogateescape").split("\0")
    return frozenset(name for name in names if name) or None
