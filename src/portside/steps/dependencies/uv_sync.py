"""Installs a uv project: ``uv sync`` into a virtual environment, which becomes the layer's tree."""

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from portside.detection.package_managers.uv import LOCK
from portside.model.errors import BuildError
from portside.model.errors.locks import (
    LockInvalidError,
    LockOutdatedError,
    RequiredToolVersionError,
)
from portside.steps.dependencies.jobs import ProjectSync, installer_environment
from portside.steps.dependencies.request import DependenciesRequest
from portside.steps.dependencies.uv import authorities

# What a virtual environment has for itself (PEP 405, uv, virtualenv).
_OWN_FILES = frozenset({".gitignore", ".lock", "CACHEDIR.TAG", "bin", "lib64", "pyvenv.cfg"})
_OWN_PROGRAMS = re.compile(r"python[0-9.]*|(de)?activate\b.*|activate_this\.py|pydoc\.bat")
_INVALID = rf"error: (Failed to parse `{LOCK}`[^\0]*|[^\n]*unsupported schema[^\n]*)"
_ROOT_FAILED = r"Failed to build `[^`]+ @ file://{app}`"


def sync_arguments(
    job: ProjectSync, request: DependenciesRequest, *, skips_project: bool
) -> tuple[str, ...]:
    """Return uv's command line. The lock is checked against the project, and never changed.

    No group that is for development is installed by default.
    """
    return (
        *(str(request.uv), "sync", "--project", str(request.app), "--locked"),
        *("--python", str(request.interpreter.executable), "--no-python-downloads"),
        *("--link-mode", "hardlink", "--cache-dir", str(request.uv_cache)),
        *("--no-progress", "--color", "never", "--no-compile-bytecode"),
        *([] if job.includes_tests else ["--no-default-groups"]),
        *(word for group in job.groups for word in ("--group", group)),
        *(word for extra in job.extras for word in ("--extra", extra)),
        *(["--no-install-project"] if skips_project else []),
    )


def sync_environment(request: DependenciesRequest) -> Mapping[str, str]:
    """Return the variables uv runs with: those for every installer, and where to install."""
    environment = {"UV_PROJECT_ENVIRONMENT": str(environment_of(request))}
    # uv's own variables count before those that Requests has.
    return {**authorities(request.environ), **installer_environment(request), **environment}


def environment_of(request: DependenciesRequest) -> Path:
    """Return where the virtual environment is made."""
    return request.work / "environment"


def root_failed(tail: Iterable[str], app: Path) -> bool:
    """Return whether uv gave up because the project itself can't be built."""
    pattern = _ROOT_FAILED.format(app=re.escape(str(app)))
    return re.search(pattern, "\n".join(tail)) is not None


def project_error(tail: Iterable[str]) -> BuildError | None:
    """Return the error where uv says that the lock or the project is at fault, else None."""
    text = "\n".join(tail)
    command = "uv lock"
    if "needs to be updated, but `--locked`" in text:
        return LockOutdatedError(lock=LOCK, project="pyproject.toml", command=command)
    invalid = re.search(
        rf"error: (Failed to parse `{LOCK}`[^\0]*|[^\n]*unsupported schema[^\n]*)", text
    )
    if invalid:
        cause = "\n".join(line.strip() for line in invalid[1].splitlines()[:3])
        return LockInvalidError(lock=LOCK, cause=cause, command=f"rm {LOCK} && {command}")
    version = re.search(r"error: (Required uv version [^\n]*? does not match[^\n]*?)\. ", text)
    return RequiredToolVersionError(tool="uv", cause=version[1]) if version else None


def adopt_environment(request: DependenciesRequest) -> None:
    """Move what was installed into the virtual environment to the prefix, and only that."""
    environment, prefix = environment_of(request), request.prefix
    for path in environment.glob("lib/python3*/site-packages/_virtualenv.*"):
        path.unlink()
    (prefix / "bin").mkdir(parents=True)
    for path in (environment / "bin").iterdir():
        if not _OWN_PROGRAMS.fullmatch(path.name):
            path.rename(prefix / "bin" / path.name)
    for path in environment.iterdir():
        if path.name not in _OWN_FILES:
            path.rename(prefix / path.name)
    shutil.rmtree(environment)
