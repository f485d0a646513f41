"""Asks an app what it is: detection with what the last build left, and the version policy.

All that ``portside detect`` needs, and no more: what is imported here is paid on every call.
"""

import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from portside.detection.facts import detect
from portside.detection.settings import FILES as SETTINGS_FILES
from portside.detection.settings import read_settings
from portside.detection.workspaces import LOCK, find_uv_lock
from portside.effects.app_source import DirectorySource
from portside.model.errors import BuildError
from portside.model.errors.locks import LockMissingError
from portside.model.errors.source_root import SourceRootInvalidError, WorkspaceRootNeededError
from portside.model.facts import Facts, Notice, PackageManager
from portside.model.settings import ROOT, Given
from portside.model.source import Source
from portside.planning.policy import check_policy, load_policy


def app_identity(app: Path) -> str:
    """Return the name under which a machine keeps what belongs to the app in this directory."""
    import hashlib  # noqa: PLC0415 (start-up time: it loads OpenSSL)

    resolved = app.resolve()
    name = re.sub(r"[^a-z0-9]+", "-", resolved.name.lower()).strip("-") or "app"
    place = hashlib.sha256(str(resolved).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{name[:40]}-{place[:10]}"


def read_facts(
    source: Source,
    read_state: Callable[[], Mapping[str, object]],
    *,
    given: Given,
    stack: str | None = None,
) -> Facts:
    """Return the facts about an app with what the last build left behind.

    ``read_state`` returns that, and is only called where nothing in the app names a Python;
    ``given`` may hold settings, and ``stack`` is the platform's, None where there is no platform.
    Raises what detection and the policy raise.
    """
    policy = load_policy()
    workspace = _workspace_above(source) if stack is None else None

    def read_cached() -> str | None:
        series = read_state().get("python_series")
        return series if isinstance(series, str) else None

    try:
        facts = detect(
            source,
            read_cached=read_cached,
            policy=policy,
            given=given,
            # A platform starts apps in its own ways, and gets no more than the app asks for.
            finds_start=stack is None,
        )
    except LockMissingError:
        if workspace is None:
            raise
        raise WorkspaceRootNeededError(workspace=workspace[0], command=workspace[1]) from None
    # With another file of its own an app says what it needs without the workspace.
    if workspace is not None and facts.dependencies.manager is PackageManager.PYPROJECT:
        facts = replace(facts, notices=(*facts.notices, _unused_workspace(*workspace)))
    notices = check_policy(facts.python, policy, today=datetime.now(UTC).date(), stack=stack)
    return replace(facts, notices=(*facts.notices, *notices))


def open_source(app: Path, given: Given) -> DirectorySource:
    """Return the view of an app, and of its source root where it has one.

    Raises ``SourceRootInvalidError``, and what opening the app and reading its settings raises.
    """
    source = DirectorySource(app)
    settings = read_settings(source, given)
    origin = settings.origin(ROOT)
    if origin is None or not settings.text(ROOT):
        return source
    base = source.root if origin.name in SETTINGS_FILES else Path()
    root, cause = base / settings.text(ROOT), ""
    try:
        resolved = root.resolve(strict=True)
    except (OSError, RuntimeError):
        resolved, cause = root, "It doesn't exist."
    if not cause and not resolved.is_dir():
        cause = "It isn't a directory."
    elif not cause and not source.root.is_relative_to(resolved):
        cause = "The app isn't in it."
    if cause:
        shown = settings.text(ROOT)
        raise SourceRootInvalidError(root=shown, origin=origin, app=str(source.root), cause=cause)
    place = source.root.relative_to(resolved).as_posix()
    return DirectorySource(app, "" if place == "." else place)


def source_root_of(source: DirectorySource) -> Path:
    """Return the directory that paths of the app may lead to."""
    return source.root.parents[source.place.count("/")] if source.place else source.root


def build_command(source: DirectorySource, root: Path) -> str:
    """Return the command that builds an app with a source root, as seen from here."""
    import shlex  # noqa: PLC0415 (only for what goes wrong)

    is_absolute = source.given.is_absolute()
    shown = str(root) if is_absolute else os.path.relpath(root)
    return f"portside build {shlex.quote(str(source.given))} --source-root {shlex.quote(shown)}"


def _workspace_above(source: Source) -> tuple[str, str] | None:
    """Return where a uv workspace is that has the app as its member, and how to build it so.

    Only for an app that was given alone: what is above it is looked at for this hint.
    """
    if not isinstance(source, DirectorySource) or source.place or source.is_file(LOCK):
        return None
    wide = DirectorySource(source.root, source.root.as_posix().strip("/"))
    try:
        lock = find_uv_lock(wide)
    except BuildError:
        return None
    if lock is None:
        return None
    workspace = lock.removesuffix(f"/{LOCK}")
    return workspace, build_command(source, Path(os.path.normpath(source.root / workspace)))


def _unused_workspace(workspace: str, command: str) -> Notice:
    return Notice(
        "source-root::workspace",
        f"The app is a member of the uv workspace in '{workspace}', whose {LOCK} isn't used.",
        f"To install what it pins, give the workspace as the source root:\n    {command}",
    )
