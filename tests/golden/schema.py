"""Records → the JSON Schema of what ``encode`` makes of them, and its validation.

Knows only the keywords that docs/events.schema.json uses.
"""

import types
import typing
from enum import Enum

from portside.model.record import Record

Json: typing.TypeAlias = dict[str, object]

_PLAIN: dict[object, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    types.NoneType: "null",
}


def definition(kind: type[Record]) -> Json:
    """Return the schema of a record: all its fields required, and its name as ``kind``."""
    hints = typing.get_type_hints(kind)
    fields = {name: schema_of(hints[name]) for name in kind.__struct_fields__}
    return {
        "type": "object",
        "properties": {"kind": {"const": kind.__name__}, **fields},
        "required": ["kind", *fields],
    }


def schema_of(kind: object) -> Json:
    """Return the schema of a field's type."""
    if typing.get_origin(kind) in {typing.Union, types.UnionType}:
        return {"anyOf": [schema_of(member) for member in typing.get_args(kind)]}
    if typing.get_origin(kind) is tuple:
        return {"type": "array", "items": schema_of(typing.get_args(kind)[0])}
    if isinstance(kind, type) and issubclass(kind, Record):
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    return {"type": _PLAIN[kind]}


def without_descriptions(schema: object) -> object:
    """Return a schema without what is for people only."""
    if isinstance(schema, list):
        return [without_descriptions(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: without_descriptions(item)
        for name, item in schema.items()
        if not (name == "description" and isinstance(item, str))
    }


def problems(value: object, schema: object, definitions: Json, at: str = "$") -> list[str]:
    """Return what is wrong with ``value``; a property that the schema doesn't name is, too."""
    assert isinstance(schema, dict)
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix("#/$defs/")
        return problems(value, definitions[name], definitions, at)
    if "anyOf" in schema:
        return _any_of(value, schema["anyOf"], definitions, at)
    if "type" not in schema:
        allowed = schema["enum"] if "enum" in schema else [schema["const"]]
        return [] if value in allowed else [f"{at}: {value!r} isn't one of {allowed}"]
    if not _has_type(value, schema["type"]):
        return [f"{at}: {value!r} is no {schema['type']}"]
    if isinstance(value, list):
        found = [problems(item, schema["items"], definitions, f"{at}[]") for item in value]
        return [problem for each in found for problem in each]
    return _object(value, schema, definitions, at) if isinstance(value, dict) else []


def _any_of(value: object, members: object, definitions: Json, at: str) -> list[str]:
    assert isinstance(members, list)
    found = [problems(value, member, definitions, at) for member in members]
    return [] if [] in found else min(found, key=len)


def _object(value: Json, schema: Json, definitions: Json, at: str) -> list[str]:
    properties, required = schema["properties"], schema["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    wrong = [f"{at}.{name} is missing" for name in required if name not in value]
    for name, item in value.items():
        if name in properties:
            wrong += problems(item, properties[name], definitions, f"{at}.{name}")
        else:
            wrong.append(f"{at}.{name} isn't in the schema")
    return wrong


def _has_type(value: object, name: object) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    kinds: dict[object, type | tuple[type, ...]] = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "null": types.NoneType,
        "array": list,
        "object": dict,
    }
    return name in kinds and isinstance(value, kinds[name])
