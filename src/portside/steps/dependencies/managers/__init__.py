"""How the dependencies of each package manager are installed: one module for each.

A module is imported when an app uses its package manager.
"""

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, cast

from msgspec import Struct, field

from portside.effects.pip_config import PipConfig
from portside.model.facts import DependencySource, PackageManager
from portside.model.source import Source, leads_out, normalised
from portside.steps.dependencies.jobs import Job, ProjectSync
from portside.steps.dependencies.request import DependenciesRequest


class Query(Struct, frozen=True):
    """An app whose dependencies are asked about. ``app`` is where it is on disk."""

    source: Source
    dependencies: DependencySource
    environ: Mapping[str, str]
    app: Path
    includes_tests: bool = False


class Outside(Struct, frozen=True):
    """Something beside the app that an install reads; its path is relative to the app.

    ``named_in`` is the file that names it, ``name`` what it calls it if it does. Where it doesn't
    count, it is only read.
    """

    path: str
    named_in: str
    name: str = ""
    counts: bool = True


class Inputs(Struct, frozen=True):
    """What an install reads: files of the app, and files and projects on this machine.

    ``texts`` are what the files say with variables replaced; they may hold credentials.
    ``contents`` are what counts of the manifest where not all of it does, ``parts`` the same of
    other files, by name.
    ``projects`` are installed as links to their sources. ``outside`` are those of them that a
    relative path out of the app leads to.
    """

    files: tuple[str, ...]
    texts: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    projects: tuple[Path, ...] = ()
    contents: tuple[str, ...] | None = None
    outside: tuple[Outside, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)


class Manager(Protocol):
    """What each module offers."""

    def inputs(self, query: Query) -> Inputs:
        """Return what an install reads; raise what reading the files raises."""
        ...

    def jobs(
        self, request: DependenciesRequest, config: PipConfig
    ) -> tuple[Job | ProjectSync, ...]:
        """Return the runs of an installer, in order; raise what reading the files raises."""
        ...


def load(manager: PackageManager) -> Manager:
    """Return the module of a package manager."""
    return cast("Manager", importlib.import_module(f"{__name__}.{manager.name.lower()}"))


def outside_of(source: Source, paths: Iterable[str], named_in: str) -> tuple[Outside, ...]:
    """Return those of the paths that lead out of the app; absolute ones are this machine's."""
    found = dict.fromkeys(normalised(source, path) for path in paths if path[:1] not in {"", "/"})
    return tuple(Outside(path, named_in) for path in found if leads_out(path))
