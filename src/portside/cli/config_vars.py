"""Config vars as options give them: files first, then ``--env``, later ones winning."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from portside.cli.options import EnvPair


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
