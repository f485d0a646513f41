"""Config vars that nobody gave but app.json tells of: defaults, and random values made here.

Random values live as long as the command that needs them: no key, slug or file holds them.
"""

from collections.abc import Container

from msgspec import Struct, field

from portside.model.app_json import AppJson, VarSource

_RANDOM_BYTES = 32


class AppVars(Struct, frozen=True):
    """What app.json adds to the config vars, and what it requires that has no value."""

    defaults: dict[str, str] = field(default_factory=dict)
    generated: dict[str, str] = field(default_factory=dict)
    missing: tuple[tuple[str, str], ...] = ()


def complete(app_json: AppJson | None, given: Container[str]) -> AppVars:
    """Return what app.json adds to the variables that are given, by name."""
    if app_json is None:
        return AppVars()
    import secrets  # noqa: PLC0415 (start-up time: few apps have an app.json)

    # Heroku's are 64 hexadecimal digits, too.
    generated = {
        name: secrets.token_hex(_RANDOM_BYTES)
        for name in app_json.names(VarSource.GENERATED)
        if name not in given
    }
    missing = tuple(
        (var.name, var.description)
        for var in app_json.config_vars
        if var.source is VarSource.REQUIRED and var.name not in given
    )
    defaults = {name: value for name, value in app_json.defaults if name not in given}
    return AppVars(defaults, generated, missing)
