"""Runs the app's hooks in the slug being built, never in the app's source."""

import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from portside.effects.process import (
    Command,
    Completed,
    CouldNotStartError,
    OnLine,
    ProcessRunner,
)
from portside.model.errors.steps import HookFailedError, PostCompileHookError, PreCompileHookError

PRE_COMPILE = "bin/pre_compile"
POST_COMPILE = "bin/post_compile"
_NOT_EXECUTABLE = 126
# The names of a hook's arguments, which it finds in its environment, too.
_NAMES = ("BUILD_DIR", "CACHE_DIR", "ENV_DIR")


def run_hook(
    hook: str,
    slug: Path,
    env: Mapping[str, str],
    arguments: tuple[str, str, str],
    *,
    runner: ProcessRunner,
    on_line: OnLine,
) -> None:
    """Run a hook with the slug as its working directory, made executable if need be.

    ``arguments`` are the directories of the build, the cache and the config vars; they are in its
    environment, too. A script that names no interpreter is one for a shell: bash if there is one.
    Raises ``PreCompileHookError`` or ``PostCompileHookError``.
    """
    path = slug / hook
    env = {**env, **dict(zip(_NAMES, arguments, strict=True))}
    try:
        if not os.access(path, os.X_OK):
            _make_executable(path, slug)
        done = _run((str(path), *arguments), slug, env, runner=runner, on_line=on_line)
    except (CouldNotStartError, OSError) as error:
        cause = error.cause if isinstance(error, CouldNotStartError) else error.strerror
        on_line(f"{hook}: {cause}")
        raise _failed(hook, _NOT_EXECUTABLE) from error
    if not done.ok:
        raise _failed(hook, done.exit_status)


def _make_executable(path: Path, slug: Path) -> None:
    # A link may lead out of the slug, where nothing is to be changed.
    if not path.resolve().is_relative_to(slug.resolve()):
        raise PermissionError(errno.EACCES, "it lies outside the app and isn't executable")
    path.chmod(path.stat().st_mode | 0o700)


def _run(
    call: tuple[str, ...],
    slug: Path,
    env: Mapping[str, str],
    *,
    runner: ProcessRunner,
    on_line: OnLine,
) -> Completed:
    try:
        return runner.run(Command(call, slug, env), on_line)
    except CouldNotStartError as error:
        if not error.is_text:
            raise
    shell = shutil.which("bash", path=env.get("PATH")) or "/bin/sh"
    return runner.run(Command((shell, *call), slug, env), on_line)


def _failed(hook: str, exit_status: int) -> HookFailedError:
    kind = PreCompileHookError if hook == PRE_COMPILE else PostCompileHookError
    return kind(hook=hook, exit_status=exit_status)
