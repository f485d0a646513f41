"""Installs a uv project: ``uv sync`` into a virtual environment, which becomes the layer's tree."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from portside.effects.pip_config import read_pip_config
from portside.steps.dependencies.jobs import ProjectSync, installer_environment
from portside.steps.dependencies.request import DependenciesRequest
from portside.steps.dependencies.uv import authorities

# What a virtual environment has for itself (PEP 405, uv, virtualenv).
_OWN_FILES = frozenset({".gitignore", ".lock", "CACHEDIR.TAG", "bin", "lib64", "pyvenv.cfg"})
_OWN_PROGRAMS = re.compile(r"python[0-9.]*|(de)?activate\b.*|activate_this\.py|pydoc\.bat")
# What pip's configuration says of the distributions themselves, which are the lock's to choose.
_CHOOSING = {"UV_BUILD_CONSTRAINT"}


def sync_arguments(
    job: ProjectSync, request: DependenciesRequest, *, skips_project: bool
) -> tuple[str, ...]:
    """Return uv's command line. A lock is checked against the project, and never changed.

    No group that is for development is installed by default.
    """
    return (
        *(str(request.uv), "sync"),
        *(["--locked"] if job.is_locked else ["--upgrade"] if request.upgrade else []),
        *(
            ("--script", str(request.app / job.script), "--active")
            if job.script
            else ("--project", str(request.app))
        ),
        *("--python", str(request.interpreter.executable), "--no-python-downloads"),
        *("--link-mode", "hardlink", "--cache-dir", str(request.uv_cache)),
        *("--no-progress", "--color", "never", "--no-compile-bytecode"),
        *([] if job.includes_tests or job.script else ["--no-default-groups"]),
        *(word for group in job.groups for word in ("--group", group)),
        *(word for extra in job.extras for word in ("--extra", extra)),
        *(word for name in job.copies for word in ("--no-editable-package", name)),
        *(["--no-install-project"] if skips_project else []),
    )


def sync_environment(request: DependenciesRequest) -> Mapping[str, str]:
    """Return the variables uv runs with: those for every installer, and where to install."""
    place = str(environment_of(request))
    # A script has no environment but the active one.
    environment = {"UV_PROJECT_ENVIRONMENT": place, "VIRTUAL_ENV": place}
    # uv's own variables count before those that Requests and pip have for reaching servers.
    configured = read_pip_config(request.environ, request.home).environment
    return {
        **authorities(request.environ),
        **{name: value for name, value in configured.items() if name not in _CHOOSING},
        **installer_environment(request),
        **environment,
    }


def environment_of(request: DependenciesRequest) -> Path:
    """Return where the virtual environment is made."""
    return request.work / "environment"


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
