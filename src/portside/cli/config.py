"""``portside config``: the settings of an app, and where each comes from."""

import argparse

from portside.cli.options import add_app, add_json, add_settings, settings_of
from portside.console import print_out
from portside.detection.settings import read_settings
from portside.effects.app_source import DirectorySource
from portside.effects.host import read_host
from portside.model.codec import to_json
from portside.model.settings import SETTINGS, Given, Setting, Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments and options."""
    add_app(parser)
    parser.add_argument(
        "--show-origin", action="store_true", help="say where each value comes from"
    )
    parser.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of portside.toml instead"
    )
    add_json(parser)
    add_settings(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the settings."""
    if arguments.schema:
        import json  # noqa: PLC0415 (start-up time)

        print_out(json.dumps(schema(), indent=2))
        return 0
    given = Given(read_host().environ, settings_of(arguments))
    settings = read_settings(DirectorySource(arguments.app), given)
    if arguments.as_json:
        print_out(to_json(settings))
    else:
        print_out(render_settings(settings, show_origin=arguments.show_origin))
    return 0


def render_settings(settings: Settings, *, show_origin: bool) -> str:
    """Return the settings as text for people, as they would stand in ``portside.toml``."""
    lines = []
    for setting in SETTINGS:
        line = f"{setting.name} = {_spelled(setting, settings)}"
        lines.append(f"{line}  # {settings.origin(setting.name)}" if show_origin else line)
    return "\n".join(lines)


def schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of ``portside.toml`` and of ``[tool.portside]``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "portside.toml",
        "description": "The settings of an app that portside builds.",
        "type": "object",
        "properties": {setting.name: _schema_of(setting) for setting in SETTINGS},
        "additionalProperties": False,
    }


def _schema_of(setting: Setting) -> dict[str, object]:
    described: dict[str, object] = {"description": setting.summary}
    if setting.kind == "boolean":
        return {**described, "type": "boolean", "default": setting.default == "true"}
    if setting.kind == "list":
        return {**described, "type": "array", "items": {"type": "string"}}
    if not setting.choices:
        return {**described, "type": "string"}
    return {**described, "enum": list(setting.choices)}


def _spelled(setting: Setting, settings: Settings) -> str:
    values = settings.values(setting.name)
    if setting.kind == "boolean":
        return values[0]
    quoted = [f'"{value}"' for value in values]
    if setting.kind == "list":
        return f"[{', '.join(quoted)}]"
    return quoted[0] if quoted else '""'
