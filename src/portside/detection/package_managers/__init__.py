"""Which package manager an app uses: one module for each, all with the same protocol.

A module is imported when the app has one of its files.
"""

import importlib
from collections.abc import Mapping
from typing import Protocol, cast

from msgspec.structs import replace

from portside.detection.pylock_files import DEFAULT_PYLOCK, pylock_files
from portside.detection.workspaces import find_uv_lock
from portside.model.errors.app import MultiplePackageManagersError, NoPackageManagerError
from portside.model.errors.settings import SettingWithoutEffectError
from portside.model.facts import DependencySource, Notice, NoticeLevel, PackageManager
from portside.model.python_version import Origin
from portside.model.settings import Settings
from portside.model.source import Source


class PackageManagerModule(Protocol):
    """What each package manager's module offers."""

    def detect(self, source: Source, variables: Mapping[str, str]) -> DependencySource | None:
        """Return the dependencies that the app names for this package manager, if it does.

        Raises the leaves of ``errors.dependencies`` and ``errors.locks`` about what it reads.
        """
        ...


# The files by which each module knows an app. Where several are there, and all but one turn out to
# be written from that one, it counts.
_FILES = {
    "pipenv": ("Pipfile", "Pipfile.lock"),
    "poetry": ("poetry.lock",),
    "uv": ("uv.lock",),
    "pdm": ("pdm.lock",),
    "pip": ("requirements.txt",),
}
# Asked in turn where there is none of these: what only describes a project, or nothing at all.
_WITHOUT_FILES = ("pip", "pyproject", "setup", "script", "pip_directory", "none")
# Which know groups and extras of their own.
_WITH_GROUPS = {
    PackageManager.UV,
    PackageManager.POETRY,
    PackageManager.PDM,
    PackageManager.PYLOCK,
    PackageManager.PYPROJECT,
}
_WITH_EXTRAS = _WITH_GROUPS | {PackageManager.SETUP}
# What tools write for others from their own lock.
_EXPORTS = ("pip", "pylock")


def detect_dependencies(
    source: Source, variables: Mapping[str, str] | None = None, settings: Settings | None = None
) -> DependencySource:
    """Return the app's package manager and its files.

    ``variables`` replace ``${NAME}`` in requirements files. Raises ``NoPackageManagerError``,
    ``MultiplePackageManagersError``, ``SettingWithoutEffectError`` and what the modules raise
    about the files they read.
    """
    variables, settings = variables or {}, settings or Settings()
    wanted = settings.text("package-manager")
    if wanted:
        found = _load(PackageManager(wanted).name.lower()).detect(source, variables)
        if found is None:
            raise _without_effect(settings, "package-manager", f"It has no file of {wanted}.")
    else:
        found = _detect(source, variables)
    return _with_choices(found, settings)


def _with_choices(found: DependencySource, settings: Settings) -> DependencySource:
    """Return dependencies with the groups and extras that were chosen."""
    groups, extras = settings.values("groups"), settings.values("extras")
    choices = (("groups", groups, _WITH_GROUPS), ("extras", extras, _WITH_EXTRAS))
    for name, values, knowing in choices:
        if values and found.manager not in knowing:
            cause = f"{found.manifest} has none that portside could install."
            raise _without_effect(settings, name, cause)
    return replace(found, groups=groups, extras=extras)


def _without_effect(settings: Settings, name: str, cause: str) -> SettingWithoutEffectError:
    origin = settings.origin(name) or Origin("default")
    return SettingWithoutEffectError(name=name, origin=origin, cause=cause)


def _detect(source: Source, variables: Mapping[str, str]) -> DependencySource:
    claims = {
        module: present[0]
        for module, names in _FILES.items()
        if (present := [name for name in names if source.is_file(name)])
    }
    if "uv" not in claims and (lock := find_uv_lock(source)):
        claims["uv"] = lock
    pylocks = pylock_files(source)
    # One with a name of its own may be for anything, and only counts where there is nothing else.
    unread = pylocks if claims and pylocks != (DEFAULT_PYLOCK,) else ()
    if pylocks and not unread:
        claims["pylock"] = pylocks[0]
    kept, notices = _without_exports(source, claims)
    if len(kept) > 1:
        raise MultiplePackageManagersError(
            files=tuple(claims[module] for module in kept),
            managers=tuple(PackageManager[module.upper()].value for module in kept),
        )
    for module in kept or _WITHOUT_FILES:
        dependencies = _load(module).detect(source, variables)
        if dependencies is not None:
            notices += _unread_notices(unread, dependencies.manifest)
            return replace(dependencies, notices=(*dependencies.notices, *notices))
    raise NoPackageManagerError(listing=tuple(entry.name for entry in source.entries()))


def _without_exports(
    source: Source, claims: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[Notice, ...]]:
    """Return the modules that count, and a note for each file that another one was written to."""
    if len(claims) < 2:  # noqa: PLR2004 (two make a conflict)
        return tuple(claims), ()
    from portside.detection.package_managers.exports import (  # noqa: PLC0415 (few apps have two)
        exported_from,
    )

    notices = []
    kept = list(claims)
    for module in (name for name in _EXPORTS if name in claims):
        others = tuple(claims[name] for name in kept if name != module)
        origin = exported_from(source, claims[module], others)
        if origin is not None:
            kept.remove(module)
            notices.append(_export_notice(claims[module], origin))
    return tuple(kept), tuple(notices)


def _export_notice(export: str, origin: str) -> Notice:
    return Notice(
        "package-manager::export",
        f"{export} was written from {origin}, so {origin} is what gets installed.",
        f"Nothing needs doing. If you want to be rid of this note, delete {export}.",
        NoticeLevel.NOTE,
    )


def _unread_notices(pylocks: tuple[str, ...], manifest: str) -> tuple[Notice, ...]:
    if not pylocks:
        return ()
    verb = "is" if len(pylocks) == 1 else "are"
    return (
        Notice(
            "package-manager::pylocks-unread",
            f"{' and '.join(pylocks[:3])} {verb}n't read, since {manifest} names the dependencies.",
            "Give the one that is to be installed instead the name pylock.toml.",
            NoticeLevel.NOTE,
        ),
    )


def _load(name: str) -> PackageManagerModule:
    return cast("PackageManagerModule", importlib.import_module(f"{__name__}.{name}"))
