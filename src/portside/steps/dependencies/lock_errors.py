"""What uv's output says of a lock, or of the app's own project; it never runs anything."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from portside.detection.package_managers.script import lock_command
from portside.detection.package_managers.uv import LOCK
from portside.detection.project import PYPROJECT, read_project
from portside.effects.process import Completed
from portside.model.errors import BuildError
from portside.model.errors.dependencies import ProjectBuildFailedError
from portside.model.errors.locks import (
    LockForOtherMachinesError,
    LockInvalidError,
    LockOutdatedError,
    LockTooNewError,
    RequiredToolVersionError,
)
from portside.model.errors.settings import GroupUnknownError
from portside.model.facts import DependencySource
from portside.model.package_manager import PackageManager
from portside.steps.dependencies.request import DependenciesRequest

_INVALID = rf"error: (Failed to parse `{LOCK}`[^\0]*)"
_TOO_NEW = re.compile(r"unsupported schema version \(v(\d+), but only v(\d+) is supported\)")
_ROOT_FAILED = r"Failed to build `[^`]+ @ file://{app}`"
_OTHER_MACHINES = re.compile(
    r"error: (The (?:current|target)[^\n]*not (?:compatible with|supported by) the lockfile[^\n]*)"
)
# How builds end: with the exception that they raised.
_RAISED = re.compile(r"^\s*(?:[\w.]+\.)?\w*(?:Error|Exception|Exit|Warning)\b.*:.*$", re.MULTILINE)
_FOR_THIS_MACHINE = (
    "Let `environments` in [tool.uv] allow this one as well (sys_platform == 'linux'), then run\n"
    "`uv lock` and commit the lock."
)


def root_failed(tail: Iterable[str], app: Path) -> bool:
    """Return whether uv gave up because the project itself can't be built."""
    pattern = _ROOT_FAILED.format(app=re.escape(str(app)))
    return re.search(pattern, "\n".join(tail)) is not None


def project_error(tail: Iterable[str], request: DependenciesRequest) -> BuildError | None:
    """Return the error where uv says that the lock or the project is at fault, else None."""
    text = "\n".join(tail)
    dependencies = request.dependencies
    is_script = dependencies.manager is PackageManager.SCRIPT
    lock = dependencies.lock or LOCK
    command = lock_command(dependencies.manifest) if is_script else "uv lock"
    unknown = re.search(r"error: (Group|Extra) `([^`]+)` is not defined", text)
    if unknown:
        return _unknown(unknown[1].lower(), unknown[2], request)
    elsewhere = _OTHER_MACHINES.search(text)
    if elsewhere:
        return LockForOtherMachinesError(lock=lock, cause=elsewhere[1], fix=_FOR_THIS_MACHINE)
    if "needs to be updated, but `--locked`" in text:
        return LockOutdatedError(lock=lock, project=dependencies.manifest, command=command)
    too_new = _TOO_NEW.search(text)
    if too_new:
        return LockTooNewError(lock=lock, tool="uv", found=too_new[1], known=too_new[2])
    invalid = re.search(_INVALID, text)
    if invalid:
        # uv calls every lock so.
        told = invalid[1].replace(f"`{LOCK}`", f"`{lock}`")
        # The parser draws a margin, which says nothing by itself.
        lines = [line.strip() for line in told.splitlines() if line.strip(" |")]
        cause = "\n".join(lines[:3])
        remedy = f"rm {shlex.quote(lock)} && {command}"
        return LockInvalidError(lock=lock, cause=cause, command=remedy)
    version = re.search(
        r"error: (Required uv version [^\n]*? does not match[^\n]*?)(\. |\n|$)", text
    )
    return RequiredToolVersionError(tool="uv", cause=version[1]) if version else None


def _unknown(kind: str, name: str, request: DependenciesRequest) -> GroupUnknownError:
    project = read_project(request.source)
    declared = (project.groups if kind == "group" else project.extras) if project else {}
    return GroupUnknownError(kind=kind, name=name, known=tuple(declared))


def pylock_error(tail: Iterable[str], lock: str) -> BuildError | None:
    """Return the error where uv says that a pylock.toml is for other machines, else None."""
    elsewhere = _OTHER_MACHINES.search("\n".join(tail))
    if elsewhere is None:
        return None
    fix = "Make it anew with the tool that wrote it, for Linux and for this Python, too."
    return LockForOtherMachinesError(lock=lock, cause=elsewhere[1], fix=fix)


def project_failure(ended: Completed, dependencies: DependencySource) -> ProjectBuildFailedError:
    """Return the error for a build of the app's own project that failed."""
    raised = _RAISED.findall("\n".join(ended.tail))
    file = dependencies.manifest
    fix = f"Correct what it says, in {file} or beside it, and commit the change."
    if file == PYPROJECT:
        fix += "\nIf nothing needs the project to be installed, remove its [build-system]."
    return ProjectBuildFailedError(
        manager=dependencies.manager.tool,
        exit_status=ended.exit_status,
        cause=raised[-1].strip() if raised else "Its build backend says why in the output above.",
        fix=fix,
    )
