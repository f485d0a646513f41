"""Config vars as a platform gives them: a directory with a file for each."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portside.model.errors.platform import ConfigVarUnreadableError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def read_config_vars(directory: Path | None) -> dict[str, str]:
    """Return the values by name, exactly as the files hold them; none where there is no directory.

    What can't be a variable (directories, odd names, values with NUL) is left out. Raises
    ``ConfigVarUnreadableError``.
    """
    if directory is None or not directory.is_dir():
        return {}
    with _told(directory):
        paths = sorted(path for path in directory.iterdir() if _NAME.fullmatch(path.name))
    found: dict[str, str] = {}
    for path in paths:
        with _told(path):
            value = _read(path) if path.is_file() else "\0"
        if "\0" not in value:
            found[path.name] = value
    return found


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise ConfigVarUnreadableError(name=path.name, cause=cause) from error
