"""Reads an app.json: the parts that Heroku acts on and that mean something on any machine.

What is unknown is passed over; what is known must have the type that Heroku asks for.
"""

import re
from collections.abc import Iterator, Mapping

from portside.model.app_json import AppJson, DeclaredVar, VarSource
from portside.model.errors.app_json import AppJsonInvalidError, AppJsonSyntaxError
from portside.model.source import Source

NAME = "app.json"
_LARGEST = 256 * 1024
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:]')
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNUSED = ("addons", "buildpacks")
# Variables that lead portside, Python or the linker elsewhere get no value from here.
_KEPT_OUT = re.compile(r"PORTSIDE_.*|PATH|LD_PRELOAD|LD_LIBRARY_PATH|PYTHONHOME|PORT|DYNO")


def read_app_json(source: Source, environment: str = "") -> AppJson | None:
    """Return what an app's app.json says, None where there is none.

    ``environment`` is the name of one of its ``environments``, whose values count before those for
    all. Raises ``AppJsonSyntaxError``, ``AppJsonInvalidError`` and ``SourceUnreadableError``.
    """
    if not source.is_file(NAME):
        return None
    size = source.size(NAME)
    if size > _LARGEST:
        cause = f"it has {size} bytes, and more than {_LARGEST} can't be meant"
        raise AppJsonSyntaxError(cause=cause)
    reader = _Reader(*_parse(source.read(NAME)))
    readers = (reader, *([reader.environment(environment)] if environment else []))
    config_vars: dict[str, DeclaredVar] = {}
    defaults: dict[str, str] = {}
    for each in readers:
        declared, values = each.config_vars()
        for name in declared:
            defaults.pop(name, None)
        config_vars |= declared
        defaults |= values
    own = readers[-1]
    return AppJson(
        tuple(config_vars.values()),
        tuple(defaults.items()),
        own.formation() or reader.formation(),
        reader.script("postdeploy"),
        own.script("test-setup") or reader.script("test-setup"),
        own.script("test") or reader.script("test"),
        (
            *(["scripts.postdeploy"] if reader.script("postdeploy") else []),
            *(name for each in readers for name in each.kept_out()),
            *(name for name in _UNUSED if reader.data.get(name)),
        ),
    )


def _parse(data: bytes) -> tuple[Mapping[str, object], str]:
    """Return the object and the text that it is in."""
    import json  # noqa: PLC0415 (start-up time: few apps have this file)

    try:
        text = data.decode("utf-8-sig")
        document: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise AppJsonSyntaxError(cause=error.msg, line=error.lineno) from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise AppJsonSyntaxError(cause="it isn't UTF-8", line=line) from error
    except (RecursionError, ValueError) as error:
        raise AppJsonSyntaxError(cause="it is nested too deeply, or has absurd numbers") from error
    if not isinstance(document, dict):
        raise AppJsonSyntaxError(cause="it must be an object, in braces", line=1)
    _check_repetitions(text)
    return document, text


def _check_repetitions(text: str) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for place, line in _places(text):
        # Objects in a list have the same names for good.
        if "" not in place and place in seen:
            shown = ".".join(place)
            raise AppJsonInvalidError(
                place=shown,
                line=line,
                cause=f"is there already, in line {seen[place]}",
                fix="Keep one of the two; readers of JSON take the last one and say nothing.",
            )
        seen[place] = line


def _places(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the names on the way to each value of a valid document, and the value's line."""
    keys: list[str] = []
    last, line, start = "", 1, 0
    for match in _TOKEN.finditer(text):
        sign = match[0]
        line += text.count("\n", start, match.start())
        start = match.start()
        if sign in "{[":
            keys.append("")
        elif sign in "}]":
            keys.pop()
        elif sign == ":":
            keys[-1] = last
            yield tuple(keys), line
        else:
            last = sign[1:-1]


class _Reader:
    """One document: finds what is in it, and where what is wrong stands."""

    def __init__(self, data: Mapping[str, object], text: str, within: tuple[str, ...] = ()) -> None:
        self.data = data
        self._text = text
        self._within = within

    def environment(self, name: str) -> "_Reader":
        """Return the part for one environment, which has the same form."""
        place = ("environments", name)
        found = self._object("environments").get(name) or {}
        if not isinstance(found, dict):
            raise self._invalid(place, f"is {_shown(found)}", f'Write "{name}": {{…}}.')
        return _Reader(found, self._text, place)

    def config_vars(self) -> tuple[dict[str, DeclaredVar], dict[str, str]]:
        """Return the config vars, and the values of those that have one, by name."""
        found: dict[str, DeclaredVar] = {}
        defaults: dict[str, str] = {}
        for name, item in self._object("env").items():
            if not _VARIABLE.fullmatch(name):
                cause = "has a name that no variable can have"
                fix = "Use letters, digits and underscores, beginning with no digit."
                raise self._invalid(("env", name), cause, fix)
            if _KEPT_OUT.fullmatch(name):
                continue
            declared, value = self._config_var(name, item)
            found[name] = declared
            defaults |= {} if value is None else {name: value}
        return found, defaults

    def kept_out(self) -> tuple[str, ...]:
        """Return the places of config vars that get no value from here."""
        place = ".".join((*self._within, "env"))
        return tuple(f"{place}.{name}" for name in self._object("env") if _KEPT_OUT.fullmatch(name))

    def _config_var(self, name: str, item: object) -> tuple[DeclaredVar, str | None]:
        place = ("env", name)
        if isinstance(item, str):
            return DeclaredVar(name, VarSource.DEFAULT), self._value(place, item)
        if not isinstance(item, dict):
            fix = f'Write "{name}": "VALUE", or an object with "value" or "description" in it.'
            raise self._invalid(place, f"is {_shown(item)}, not text", fix)
        description = self._text_of(place, item, "description")
        value = self._value((*place, "value"), self._text_of(place, item, "value"))
        generator = self._text_of(place, item, "generator")
        required = item.get("required", True)
        if not isinstance(required, bool):
            fix = 'Write "required": true or "required": false, without quotes.'
            raise self._invalid((*place, "required"), f"is {_shown(required)}", fix)
        if generator not in {"", "secret"}:
            fix = 'The one generator that there is is "secret".'
            raise self._invalid((*place, "generator"), f'is "{generator}"', fix)
        if value:
            return DeclaredVar(name, VarSource.DEFAULT, description), value
        if generator:
            return DeclaredVar(name, VarSource.GENERATED, description), None
        # As on Heroku, all are required that don't say otherwise.
        source = VarSource.REQUIRED if required else VarSource.OPTIONAL
        return DeclaredVar(name, source, description), None

    def formation(self) -> tuple[tuple[str, int], ...]:
        """Return how many processes of each type there are to be."""
        found: list[tuple[str, int]] = []
        for name, item in self._object("formation").items():
            quantity = item.get("quantity", 1) if isinstance(item, dict) else None
            if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 0:
                fix = f'Write "{name}": {{"quantity": 1}}.'
                cause = "doesn't say how many processes there are to be"
                raise self._invalid(("formation", name), cause, fix)
            found.append((name, quantity))
        return tuple(found)

    def script(self, name: str) -> str:
        """Return the command of a script, in Heroku's newer form, too; "" where there is none."""
        item = self._object("scripts").get(name, "")
        command = item.get("command") if isinstance(item, dict) else item
        if not isinstance(command, str):
            fix = f'Write "{name}": "COMMAND".'
            raise self._invalid(("scripts", name), f"is {_shown(item)}, not text", fix)
        return command

    def _object(self, name: str) -> Mapping[str, object]:
        item = self.data.get(name)
        if item is None:
            return {}
        if not isinstance(item, dict):
            raise self._invalid((name,), f"is {_shown(item)}", f'Write "{name}": {{…}}.')
        return item

    def _text_of(self, place: tuple[str, ...], item: Mapping[str, object], name: str) -> str:
        value = item.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            fix = f'Put it in quotes, as text: "{name}": "…".'
            raise self._invalid((*place, name), f"is {_shown(value)}, not text", fix)
        return value

    def _value(self, place: tuple[str, ...], value: str) -> str:
        # A lone half of a surrogate pair is JSON, but no text.
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            fix = "Take out \\u0000 and what isn't a character."
            raise self._invalid(place, "holds what no variable can hold", fix)
        return value

    def _invalid(self, place: tuple[str, ...], cause: str, fix: str) -> AppJsonInvalidError:
        # A name with escapes in it isn't found, and then nothing is said of its line.
        place = (*self._within, *place)
        line = next((line for found, line in _places(self._text) if found == place), 0)
        return AppJsonInvalidError(place=".".join(place), line=line, cause=cause, fix=fix)


def _shown(value: object) -> str:
    """Return what kind of value it is: the value itself may be a secret."""
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "null"
