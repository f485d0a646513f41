"""Removes trees of files, however deep, whatever modes their directories have."""

import os
from contextlib import suppress
from pathlib import Path


def remove_tree(path: Path) -> None:
    """Remove a tree, whatever modes its directories have; it's no error if it isn't there.

    What can't be removed is left where it is.
    """
    if path.is_symlink() or not path.is_dir():
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return
    directories = [str(path)]
    for directory in directories:
        # The list grows while it is walked: no depth is too deep for that.
        directories += _unlink_files(directory)
    for directory in reversed(directories):
        _remove_directory(directory)


def _unlink_files(directory: str) -> list[str]:
    """Remove a directory's files; return the directories in it."""
    below: list[str] = []
    for attempt in range(2):
        below.clear()
        try:
            with os.scandir(directory) as items:
                for item in items:
                    if item.is_dir(follow_symlinks=False):
                        below.append(item.path)
                    else:
                        os.unlink(item.path)  # noqa: PTH108 (hot path)
        except PermissionError:
            if attempt == 0:
                with suppress(OSError):
                    Path(directory).chmod(0o700)
        except OSError:
            continue
        else:
            break
    return below


def _remove_directory(directory: str) -> None:
    try:
        os.rmdir(directory)  # noqa: PTH106 (hot path)
    except PermissionError:
        with suppress(OSError):
            Path(directory).parent.chmod(0o700)
            os.rmdir(directory)  # noqa: PTH106 (hot path)
    except OSError:
        return
