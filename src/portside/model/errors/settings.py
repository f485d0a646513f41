"""Errors about settings; texts only, no decisions."""

from difflib import get_close_matches
from typing import ClassVar

from portside.model.errors import BuildError
from portside.model.python_version import Origin


class SettingUnknownError(BuildError):
    """A setting has a name that isn't known."""

    code: ClassVar[str] = "settings::unknown"

    def __init__(self, *, name: str, origin: Origin, known: tuple[str, ...]) -> None:
        """Take the name, where it stands and the names that exist there."""
        longer = [item for item in known if name.endswith(f"-{item}")]
        close = get_close_matches(name, known, n=1) or longer
        super().__init__(
            f"There is no setting '{name}'.",
            detail=f"It is set in {origin}.",
            hint=(f"Did you mean '{close[0]}'? " if close else "")
            + "`portside config` shows all that there are.",
            failure_detail=name,
        )


class SettingInvalidError(BuildError):
    """A setting has a value that it can't have."""

    code: ClassVar[str] = "settings::invalid"

    def __init__(self, *, name: str, value: str, origin: Origin, expected: str) -> None:
        """Take the setting, its value, where that stands and what it may be."""
        super().__init__(
            f"The setting '{name}' can't be '{value}'.",
            detail=f"It is set in {origin}.",
            hint=f"It must be {expected}.",
            failure_detail=value,
        )


class SettingWithoutEffectError(BuildError):
    """A setting was given that means nothing for this app."""

    code: ClassVar[str] = "settings::no-effect"

    def __init__(self, *, name: str, origin: Origin, cause: str) -> None:
        """Take the setting, where it stands and why it means nothing."""
        super().__init__(
            f"The setting '{name}' means nothing for this app.",
            detail=f"It is set in {origin}. {cause}",
            hint="Remove it there.",
            failure_detail=name,
        )


class GroupUnknownError(BuildError):
    """A group or an extra was chosen that the project doesn't have."""

    code: ClassVar[str] = "settings::unknown-group"

    def __init__(self, *, kind: str, name: str, known: tuple[str, ...]) -> None:
        """Take "group" or "extra", the name and those that there are."""
        super().__init__(
            f"Your project has no {kind} named '{name}'.",
            detail=f"pyproject.toml has: {', '.join(known) or 'none'}.",
            hint=f"Correct the setting '{kind}s', or add the {kind} to pyproject.toml.",
            failure_detail=name,
        )
