"""Errors of build steps that run the app's own code."""

from typing import ClassVar

from portside.model.errors import BuildError


class HookFailedError(BuildError):
    """A hook of the app ended with an error."""

    code: ClassVar[str] = "hooks"

    def __init__(self, *, hook: str, exit_status: int) -> None:
        """Take the hook's path in the app and its exit status."""
        super().__init__(
            f"The app's hook {hook} failed with exit status {exit_status}.",
            detail="Its output is above.",
            hint="Fix the hook, or delete it if the app doesn't need it, then build again.",
            failure_detail=str(exit_status),
        )


class PreCompileHookError(HookFailedError):
    """``bin/pre_compile`` failed."""

    code: ClassVar[str] = "hooks::pre_compile"


class PostCompileHookError(HookFailedError):
    """``bin/post_compile`` failed."""

    code: ClassVar[str] = "hooks::post_compile"
