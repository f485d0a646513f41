"""Errors about lock files, whichever tool wrote them; texts only, no decisions."""

from typing import ClassVar

from portside.model.errors import BuildError


class LockWithoutProjectError(BuildError):
    """There is a lock, but not the project file that it was made for."""

    code: ClassVar[str] = "lock::no-project"

    def __init__(self, *, lock: str, project: str) -> None:
        """Take the lock's name and that of the file that is missing."""
        super().__init__(
            f"There is a {lock}, but no {project}.",
            detail=f"A {lock} only pins what a {project} asks for.",
            hint=f"Add the {project} to your repository, or delete the {lock} if the app doesn't "
            "use it.",
            failure_detail=lock,
        )


class LockMissingError(BuildError):
    """The project can only be installed from a lock, and there is none."""

    code: ClassVar[str] = "lock::missing"

    def __init__(self, *, cause: str, command: str) -> None:
        """Take why there must be one, and the command that makes it."""
        super().__init__(
            "Your project needs a lock to be installed from.",
            detail=f"The cause: {cause}.\n"
            "Without it, something else than was meant might be installed.",
            hint=f"Run `{command}` and commit the lock.",
            failure_detail=cause,
        )


class LockTooNewError(BuildError):
    """The lock has a newer format than portside knows."""

    code: ClassVar[str] = "lock::too-new"

    def __init__(self, *, lock: str, tool: str, found: object, known: str) -> None:
        """Take the lock, the tool that wrote it, its format, and which formats are known."""
        super().__init__(
            f"Your {lock} is in a newer format than portside knows.",
            detail=f"Its format is {found}, and what can be read is {known}.",
            hint="Update portside, for example with `pip install --upgrade portside`; or make the\n"
            f"lock with an older version of {tool}, and commit it.",
            failure_detail=f"{lock}: {found}",
        )


class LockOutdatedError(BuildError):
    """The project changed since its lock was written."""

    code: ClassVar[str] = "lock::outdated"

    def __init__(self, *, lock: str, project: str, command: str) -> None:
        """Take the lock, the file it was made for, and the command that makes it anew."""
        super().__init__(
            f"Your {lock} doesn't match your {project}.",
            detail=f"The {project} was changed after the {lock} was written.",
            hint=f"Run `{command}` and commit the {lock}.",
            failure_detail=lock,
        )


class LockWithoutGroupError(BuildError):
    """A group that is to be installed is in the project, but not in its lock."""

    code: ClassVar[str] = "lock::no-group"

    def __init__(self, *, lock: str, group: str, command: str) -> None:
        """Take the lock, the group, and the command that adds it."""
        super().__init__(
            f"Your {lock} was made without the group '{group}'.",
            detail="The project has the group, and this build is to install it.",
            hint=f"Run `{command}` and commit the {lock}.",
            failure_detail=group,
        )


class RequiredToolVersionError(BuildError):
    """The project asks for a version of its tool that portside doesn't have."""

    code: ClassVar[str] = "lock::tool-version"

    def __init__(self, *, tool: str, cause: str) -> None:
        """Take the tool and its own words."""
        super().__init__(
            f"Your project asks for another version of {tool} than portside brings.",
            detail=f"{tool} says: {cause}",
            hint="Loosen required-version ([tool.uv] in pyproject.toml, or uv.toml), or use a\n"
            f"portside with a {tool} that fits: pip install --upgrade portside",
            failure_detail=cause,
        )


class LockInvalidError(BuildError):
    """A lock can't be read: damaged, or in a format that isn't known here."""

    code: ClassVar[str] = "lock::invalid"

    def __init__(self, *, lock: str, cause: str, command: str) -> None:
        """Take the lock, what is wrong with it, and the command that makes it anew."""
        super().__init__(
            f"Your {lock} can't be read.",
            detail=f"The cause: {cause}",
            hint="Make it anew (a merge may have left its marks in it), then commit it:\n"
            f"    {command}",
            failure_detail=cause,
        )


class LockForOtherMachinesError(BuildError):
    """A lock is for other machines than this one."""

    code: ClassVar[str] = "lock::other-machines"

    def __init__(self, *, lock: str, cause: str, fix: str) -> None:
        """Take the lock, the tool's own words and how to get a lock for this machine, too."""
        super().__init__(
            f"Your {lock} isn't for this machine.",
            detail=f"The installer says:\n    {cause}",
            hint=fix,
            failure_detail=cause,
        )
