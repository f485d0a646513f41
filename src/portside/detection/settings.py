"""Reads an app's settings from all places that may have them; the first that has one counts."""

from collections.abc import Iterator, Mapping

from portside.detection.documents import read_toml, value_at
from portside.model.errors.settings import SettingInvalidError, SettingUnknownError
from portside.model.python_version import Origin
from portside.model.settings import (
    PLACES,
    PREFIX,
    SETTINGS,
    Chosen,
    Given,
    Setting,
    Settings,
    parse_size,
)
from portside.model.source import Source

FILE = "portside.toml"
_PYPROJECT = "pyproject.toml"
FILES = (FILE, _PYPROJECT)
_DEFAULT = Origin("default")
_OPTIONS = {setting.name: setting.option or setting.name for setting in SETTINGS}
_BOOLEANS = {"true": "true", "1": "true", "false": "false", "0": "false"}


def read_settings(source: Source, given: Given) -> Settings:
    """Return the settings of an app.

    Raises ``SettingUnknownError``, ``SettingInvalidError`` and ``PythonVersionInvalidTomlError``.
    """
    places = (
        {name: (value, Origin(f"--{_OPTIONS[name]}")) for name, value in given.options.items()},
        _from_variables(given.variables),
        dict(_from_table(_file_table(source), FILE, "")),
        dict(_from_table(_pyproject_table(source), _PYPROJECT, "tool.portside")),
    )
    return Settings(tuple(_choose(setting, places) for setting in SETTINGS))


def _choose(setting: Setting, places: tuple[Mapping[str, tuple[object, Origin]], ...]) -> Chosen:
    for place in places:
        if setting.name in place:
            value, origin = place[setting.name]
            return Chosen(setting.name, _checked(setting, value, origin), origin)
    return Chosen(setting.name, _checked(setting, setting.default, _DEFAULT), _DEFAULT)


def _from_variables(variables: Mapping[str, str]) -> dict[str, tuple[object, Origin]]:
    known = {setting.variable: setting.name for setting in SETTINGS}
    found: dict[str, tuple[object, Origin]] = {}
    for variable in variables:
        if variable in known:
            found[known[variable]] = (variables[variable], Origin(f"${variable}"))
        elif variable.startswith(PREFIX) and variable not in PLACES:
            origin = Origin("the environment")
            raise SettingUnknownError(name=variable, origin=origin, known=(*known, *sorted(PLACES)))
    return found


def _from_table(
    table: object, file: str, parent: str
) -> Iterator[tuple[str, tuple[object, Origin]]]:
    known = tuple(setting.name for setting in SETTINGS)
    for name, value in table.items() if isinstance(table, dict) else ():
        origin = Origin(file, f"{parent}.{name}" if parent else name)
        if name not in known:
            raise SettingUnknownError(name=name, origin=origin, known=known)
        yield name, (value, origin)


def _file_table(source: Source) -> object:
    return read_toml(source, FILE)


def _pyproject_table(source: Source) -> object:
    # Most projects have no such table, and parsing is what costs.
    if not source.is_file(_PYPROJECT) or b"portside" not in source.read(_PYPROJECT):
        return None
    return value_at(read_toml(source, _PYPROJECT), "tool", "portside")


def _checked(setting: Setting, value: object, origin: Origin) -> tuple[str, ...]:
    """Return a value as texts; raise ``SettingInvalidError`` for one that it can't have."""
    if setting.kind == "boolean":
        text = str(value).lower()
        if text not in _BOOLEANS:
            raise _invalid(setting, value, origin, "true or false")
        return (_BOOLEANS[text],)
    if setting.kind == "list":
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise _invalid(setting, value, origin, "a list of names, with commas in a variable")
        return tuple(item.strip() for item in items if item.strip())
    if setting.kind == "size" and value != "" and parse_size(str(value)) is None:
        raise _invalid(setting, value, origin, "a size such as 512M or 1G")
    if not isinstance(value, str) or (value and setting.choices and value not in setting.choices):
        choices = ", ".join(setting.choices)
        raise _invalid(setting, value, origin, f"one of {choices}" if choices else "a path")
    return (value,) if value else ()


def _invalid(setting: Setting, value: object, origin: Origin, expected: str) -> SettingInvalidError:
    return SettingInvalidError(
        name=setting.name, value=str(value), origin=origin, expected=expected
    )
