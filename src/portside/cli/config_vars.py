"""Config vars as options give them: files first, then ``--env``, later ones winning."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from portside.cli.options import EnvPair
from portside.detection.app_json import read_app_json
from portside.effects.app_source import DirectorySource
from portside.model.app_json import AppJson
from portside.model.errors.app_json import ConfigVarsMissingError
from portside.steps.config_vars import AppVars, complete


def read_config_vars(arguments: argparse.Namespace, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the config vars of ``--env-file`` and ``--env``.

    Raises the errors of ``read_env_file``.
    """
    files: list[Path] = arguments.env_files
    pairs: list[EnvPair] = arguments.env_pairs
    collected: dict[str, str] = {}
    for path in files:
        from portside.runtime.dotenv import read_env_file  # noqa: PLC0415 (seldom given)

        collected.update(read_env_file(path))
    for name, value in pairs:
        collected[name] = environ.get(name, "") if value is None else value
    return collected


class OwnVars(Struct, frozen=True):
    """What an app says itself of its config vars: in app.json, and in ``.env``."""

    app_json: AppJson | None
    dotenv: Mapping[str, str]
    added: AppVars

    @property
    def all(self) -> dict[str, str]:
        """Return the variables for a process, less those that are given to the command."""
        return {**self.dotenv, **self.added.defaults, **self.added.generated}


def read_own_vars(
    place: Path, given: Mapping[str, str], *, requires: bool = True, environment: str = ""
) -> OwnVars:
    """Return what the app or slug at ``place`` adds to the variables that are given.

    ``requires`` asks for the config vars that must be set, ``environment`` is one of app.json's.
    Raises ``ConfigVarsMissingError`` and what reading the files raises.
    """
    from portside.runtime.dotenv import collect_env  # noqa: PLC0415 (builds don't read it)

    dotenv = collect_env(place)
    app_json = read_app_json(DirectorySource(place), environment)
    added = complete(app_json, {**dotenv, **given})
    if added.missing and requires:
        raise ConfigVarsMissingError(missing=added.missing)
    return OwnVars(app_json, dotenv, added)
