"""Errors about app.json: what it says, and what it asks for; texts only."""

from typing import ClassVar

from portside.model.errors import BuildError

_SHOWN = 5


class AppJsonSyntaxError(BuildError):
    """app.json can't be read at all."""

    code: ClassVar[str] = "app-json::unreadable"

    def __init__(self, *, cause: str, line: int = 0) -> None:
        """Take what is wrong with it, and the line where that is known."""
        super().__init__(
            "Your app.json can't be read.",
            detail=f"{f'Line {line}: ' if line else ''}{cause}.",
            hint="Correct it, or delete it if no platform needs it. To see what is wrong:\n"
            "    python3 -m json.tool app.json",
            failure_detail=cause,
        )


class AppJsonInvalidError(BuildError):
    """Something in app.json is of the wrong type, or there twice."""

    code: ClassVar[str] = "app-json::invalid"

    def __init__(self, *, place: str, line: int, cause: str, fix: str) -> None:
        """Take the names on the way to it, its line (0 where unknown), the cause and the fix."""
        super().__init__(
            f"'{place}' in your app.json {cause}.",
            detail=f"It is in line {line} of app.json." if line else "",
            hint=fix,
            failure_detail=place,
        )


class ConfigVarsMissingError(BuildError):
    """Config vars that app.json requires have no value."""

    code: ClassVar[str] = "run::config-vars-missing"

    def __init__(self, *, missing: tuple[tuple[str, str], ...]) -> None:
        """Take names and descriptions, at least one."""
        names = [name for name, _ in missing]
        super().__init__(
            f"The app needs config vars that aren't set: {', '.join(names[:_SHOWN])}"
            f"{' and more' if len(names) > _SHOWN else ''}.",
            detail=f"app.json requires them:\n{listed(missing)}",
            hint="Give each a value, in a file .env beside the app's code or with the command:\n"
            f"    portside run --env {names[0]}=VALUE\n"
            'What the app can do without gets "required": false in app.json.',
            failure_detail=",".join(names),
        )


class FormationMissingError(BuildError):
    """``--scale formation`` was given, but app.json has none."""

    code: ClassVar[str] = "run::no-formation"
    exit_code: ClassVar[int] = 2

    def __init__(self, *, has_file: bool) -> None:
        """Take whether there is an app.json."""
        super().__init__(
            "There is no formation to run.",
            detail="--scale formation takes it from app.json, "
            + ("which has none." if has_file else "and there is no such file."),
            hint='Add it, such as "formation": {"web": {"quantity": 2}}, or say it here:\n'
            "    portside run --scale web=2",
        )


def on_one_line(text: str) -> str:
    """Return text from app.json as it may be shown: what isn't printed could steer a terminal."""
    return "".join(filter(str.isprintable, " ".join(text.split())))


def listed(config_vars: tuple[tuple[str, str], ...]) -> str:
    """Return names with their descriptions, a line each, as far as people read such a list."""
    lines = [
        f"    {name}: {on_one_line(description)[:200]}" if description else f"    {name}"
        for name, description in config_vars[:_SHOWN]
    ]
    more = len(config_vars) - _SHOWN
    return "\n".join([*lines, *([f"    and {more} more"] if more > 0 else [])])
