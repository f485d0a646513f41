"""Reads ``.env`` files into plain dictionaries; it never changes this process's environment."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from portside.model.errors.run import EnvFileEncodingError, EnvFileUnreadableError


def read_env_file(path: Path) -> dict[str, str]:
    """Return the variables of a ``.env`` file; names without a value are left out.

    Raises ``EnvFileEncodingError`` or ``EnvFileUnreadableError``.
    """
    from dotenv import dotenv_values  # noqa: PLC0415 (most commands never need it)

    try:
        # Opened here: given a path that isn't there, python-dotenv answers with no variables.
        with path.open(encoding="utf-8-sig") as stream:
            values = dotenv_values(stream=stream)
    except UnicodeDecodeError as error:
        raise EnvFileEncodingError(path=str(path), position=error.start) from None
    except OSError as error:
        raise EnvFileUnreadableError(path=str(path), cause=error.strerror or str(error)) from None
    return {name: value for name, value in values.items() if value is not None}


def collect_env(
    app: Path, env_files: Iterable[Path] = (), env: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return what the user sets: ``.env`` of ``app``, then ``env_files`` in order, then ``env``."""
    own = app / ".env"
    collected = read_env_file(own) if own.is_file() else {}
    for path in env_files:
        collected.update(read_env_file(path))
    return {**collected, **(env or {})}
