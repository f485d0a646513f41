"""What an app.json says that counts here: config vars, the formation, scripts; pure data.

The format: https://devcenter.heroku.com/articles/app-json-schema
"""

from enum import StrEnum

from msgspec import Struct

from portside.model.record import Record


class VarSource(StrEnum):
    """Where a config var's value comes from if nobody gives it one."""

    DEFAULT = "default"
    GENERATED = "generated"
    REQUIRED = "required"
    OPTIONAL = "optional"


class DeclaredVar(Record, frozen=True):
    """A config var that app.json declares; never its value, which may be meant for few."""

    name: str
    source: VarSource
    description: str = ""


class AppJson(Struct, frozen=True):
    """An app.json. ``defaults`` are values by name; ``unused`` are its parts for platforms alone.

    ``formation`` are the processes of each type; ``postdeploy``, ``test_setup`` and ``test`` are
    the commands of scripts.
    """

    config_vars: tuple[DeclaredVar, ...] = ()
    defaults: tuple[tuple[str, str], ...] = ()
    formation: tuple[tuple[str, int], ...] = ()
    postdeploy: str = ""
    test_setup: str = ""
    test: str = ""
    unused: tuple[str, ...] = ()

    def names(self, source: VarSource) -> tuple[str, ...]:
        """Return the names of the config vars that get their values this way."""
        return tuple(var.name for var in self.config_vars if var.source is source)
