"""Which package manager an app uses: one module for each, all with the same protocol."""

from collections.abc import Mapping
from typing import Protocol

from portside.detection.package_managers import pip, pipenv
from portside.model.errors.app import MultiplePackageManagersError, NoPackageManagerError
from portside.model.facts import DependencySource
from portside.model.source import Source


class PackageManagerModule(Protocol):
    """What each package manager's module offers."""

    MANIFESTS: tuple[str, ...]

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
    claims = [name for module in _MODULES for name in module.MANIFESTS if source.is_file(name)]
    if len(claims) > 1 and _by_hand(source, claims):
        raise MultiplePackageManagersError(files=_distinct(claims))
    for module in _MODULES:
        found = module.detect(source, variables)
        if found:
            return found
    raise NoPackageManagerError(listing=tuple(entry.name for entry in source.entries()))


# Pipenv comes first: the requirements.txt beside its files is one that it wrote itself.
_MODULES: tuple[PackageManagerModule, ...] = (pipenv, pip)


def _by_hand(source: Source, claims: list[str]) -> bool:
    """Return whether requirements.txt stands for itself, beside the files of another manager."""
    is_beside = pip.REQUIREMENTS in claims and claims != [pip.REQUIREMENTS]
    return is_beside and not pip.is_exported(source)


def _distinct(claims: list[str]) -> tuple[str, ...]:
    """Name one file per package manager."""
    beside = pipenv.PIPFILE if pipenv.PIPFILE in claims else pipenv.LOCK
    return (beside, pip.REQUIREMENTS)
