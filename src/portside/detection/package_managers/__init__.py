"""Which package manager an app uses: one module for each, all with the same protocol.

A module is imported when the app has one of its files.
"""

import importlib
from collections.abc import Mapping
from typing import Protocol, cast

from portside.model.errors.app import MultiplePackageManagersError, NoPackageManagerError
from portside.model.facts import DependencySource
from portside.model.source import Source


class PackageManagerModule(Protocol):
    """What each package manager's module offers."""

    def detect(self, source: Source, variables: Mapping[str, str]) -> DependencySource | None:
        """Return the dependencies that the app names for this package manager, if it does.

        Raises the leaves of ``errors.dependencies`` about the files that it reads.
        """
        ...


def detect_dependencies(
    source: Source, variables: Mapping[str, str] | None = None
) -> DependencySource:
    """Return the app's package manager and its files.

    ``variables`` replace ``${NAME}`` in requirements files. Raises ``NoPackageManagerError``,
    ``MultiplePackageManagersError`` and what the modules raise about the files they read.
    """
    variables = variables or {}
    claims = {
        module: tuple(name for name in names if source.is_file(name))
        for module, names in _MANIFESTS.items()
    }
    claiming = [module for module, names in claims.items() if names]
    if len(claiming) > 1 and not _is_exported(source):
        raise MultiplePackageManagersError(files=tuple(claims[module][0] for module in claiming))
    for module in claiming:
        found = _load(module).detect(source, variables)
        if found:
            return found
    raise NoPackageManagerError(listing=tuple(entry.name for entry in source.entries()))


# The files by which each module knows an app. Pipenv comes first: the requirements.txt beside its
# files is one that it wrote itself.
_MANIFESTS = {"pipenv": ("Pipfile", "Pipfile.lock"), "pip": ("requirements.txt",)}


def _load(name: str) -> PackageManagerModule:
    return cast("PackageManagerModule", importlib.import_module(f"{__name__}.{name}"))


def _is_exported(source: Source) -> bool:
    from portside.detection.package_managers import pip  # noqa: PLC0415 (few apps have two)

    return pip.is_exported(source)
