"""Runs the app's hooks in the slug being built, never in the app's source."""

from collections.abc import Mapping
from pathlib import Path

from portside.effects.process import Command, CouldNotStartError, OnLine, ProcessRunner
from portside.model.errors.steps import HookFailedError, PostCompileHookError, PreCompileHookError

PRE_COMPILE = "bin/pre_compile"
POST_COMPILE = "bin/post_compile"
_NOT_EXECUTABLE = 126


def run_hook(
    hook: str,
    slug: Path,
    env: Mapping[str, str],
    arguments: tuple[str, ...],
    *,
    runner: ProcessRunner,
    on_line: OnLine,
) -> None:
    """Run a hook with the slug as its working directory, made executable if need be.

    Raises ``PreCompileHookError`` or ``PostCompileHookError``.
    """
    path = slug / hook
    path.chmod(path.stat().st_mode | 0o700)
    try:
        done = runner.run(Command((str(path), *arguments), slug, env), on_line)
    except CouldNotStartError as error:
        on_line(f"{hook}: {error.cause}")
        raise _failed(hook, _NOT_EXECUTABLE) from error
    if not done.ok:
        raise _failed(hook, done.exit_status)


def _failed(hook: str, exit_status: int) -> HookFailedError:
    kind = PreCompileHookError if hook == PRE_COMPILE else PostCompileHookError
    return kind(hook=hook, exit_status=exit_status)
