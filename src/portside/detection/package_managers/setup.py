"""setup.py or setup.cfg alone: only building the project tells what it needs."""

import re
from collections.abc import Mapping

from portside.model.facts import DependencySource, Notice, PackageManager
from portside.model.source import Source

SETUP, CONFIG = "setup.py", "setup.cfg"
_PROJECT = re.compile(rb"^\[(metadata|options)\]", re.MULTILINE)
_NO_LOCK = Notice(
    "setup::no-lock",
    "Nothing pins what the project asks for, so every build may install something else.",
    "Describe the project in a pyproject.toml and lock it, for example with `uv lock`, or\n"
    "pin what it needs in a requirements.txt.",
)


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:  # noqa: ARG001 (the protocol)
    """Return the project, None where no such file describes one."""
    files = tuple(name for name in (SETUP, CONFIG) if source.is_file(name))
    if not files or (files == (CONFIG,) and not _PROJECT.search(source.read(CONFIG))):
        return None
    return DependencySource(
        manager=PackageManager.SETUP,
        manifest=files[0],
        lock=None,
        files=files,
        reason=f"there is a {files[0]}, and nothing else names dependencies",
        notices=(_NO_LOCK,),
    )
