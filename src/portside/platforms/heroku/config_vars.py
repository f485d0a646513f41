"""Config vars as a platform gives them: a directory with a file for each."""

import re
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
    found: dict[str, str] = {}
    for path in sorted(directory.iterdir()):
        if _NAME.fullmatch(path.name) and path.is_file():
            value = _read(path)
            if "\0" not in value:
                found[path.name] = value
    return found


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise ConfigVarUnreadableError(name=path.name, cause=cause) from error
