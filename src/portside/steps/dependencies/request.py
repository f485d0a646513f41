"""What an install of dependencies is asked for, and what came of it; no behaviour."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from portside.model.facts import DependencySource
from portside.model.interpreter import Interpreter
from portside.model.source import Source


class DependenciesRequest(Struct, frozen=True):
    """What to install, for which interpreter, and where.

    ``prefix`` receives ``lib/`` and ``bin/``; ``work`` holds files that are needed only during
    the install. ``environ`` are the complete variables, config vars included. ``upgrade`` asks
    the indexes again for what isn't pinned; ``includes_tests`` adds what the app's tests need.
    ``original`` is where the source was copied to ``app`` from, with what isn't for the slug.
    """

    app: Path
    original: Path
    source: Source
    dependencies: DependencySource
    interpreter: Interpreter
    prefix: Path
    uv: Path
    uv_cache: Path
    work: Path
    environ: Mapping[str, str]
    home: Path
    upgrade: bool = False
    includes_tests: bool = False

    @property
    def source_root(self) -> Path | None:
        """Return where the app's source root is, None where that is the app itself."""
        place = self.source.place
        return self.app.parents[place.count("/")] if place else None


class InstallOutcome(Struct, frozen=True):
    """Which program installed the dependencies, and the name and version of each."""

    installer: Literal["uv", "pip"]
    distributions: tuple[tuple[str, str], ...]
