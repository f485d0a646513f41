"""What every interpreter's tree has: programs in ``bin``, a standard library, ``site-packages``.

How a tree gets its contents is the business of ``installation`` and ``relocate``.
"""

import shutil
import stat
from pathlib import Path

from portside.model.python_version import PythonVersion


class RelocationError(Exception):
    """The tree can't be made relocatable; the text says why."""


def link_programs(directory: Path, version: PythonVersion) -> None:
    """Make ``python`` and ``python3`` links to the versioned program, likewise for its config."""
    series = str(version.series)
    for suffix in ("", "-config"):
        target = f"python{series}{suffix}"
        if not (directory / target).exists():
            continue
        for name in (f"python3{suffix}", f"python{suffix}"):
            (directory / name).unlink(missing_ok=True)
            (directory / name).symlink_to(target)


def copy_file(source: Path, destination: Path) -> None:
    """Copy a file, or what a link leads to, as a new file that its owner may write."""
    destination.unlink(missing_ok=True)
    shutil.copy2(source, destination)
    destination.chmod(stat.S_IMODE(destination.stat().st_mode) | stat.S_IWUSR)


def make_site_packages(root: Path, version: PythonVersion) -> None:
    """Make sure that the directory of packages is there."""
    (root / "lib" / f"python{version.series}" / "site-packages").mkdir(parents=True, exist_ok=True)
