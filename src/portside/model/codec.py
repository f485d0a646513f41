"""Frozen dataclasses to JSON-ready values and back; members of a union carry their ``kind``."""

import dataclasses
import json
import types
import typing
from enum import Enum
from typing import TypeVar, cast

T = TypeVar("T")


def encode(value: object) -> object:
    """Return ``value`` as dictionaries, lists, strings, numbers, booleans and None."""
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, tuple | list | frozenset):
        return [encode(item) for item in value]
    return value


def to_json(value: object) -> str:
    """Return ``value`` as JSON text for people and programs."""
    return json.dumps(encode(value), indent=2)


def decode(kind: type[T], data: object) -> T:
    """Return the ``kind`` that ``encode`` made ``data`` from; ValueError where it doesn't fit."""
    return cast("T", _decode(kind, data))


def _decode(kind: object, data: object) -> object:
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        return _decode_union(arguments, data)
    if origin is tuple:
        return tuple(_decode(arguments[0], item) for item in _a_list(data))
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, data)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    if isinstance(kind, type) and isinstance(data, kind):
        return data
    raise ValueError(f"{data!r} is no {kind}")


def _decode_union(members: tuple[object, ...], data: object) -> object:
    if data is None and type(None) in members:
        return None
    for member in members:
        named = isinstance(member, type) and isinstance(data, dict)
        if not named or getattr(member, "__name__", "") == cast("dict[str, object]", data)["kind"]:
            return _decode(member, data)
    raise ValueError(f"{data!r} is none of {members}")


def _decode_dataclass(kind: type, data: object) -> object:
    if not isinstance(data, dict):
        raise ValueError(f"{data!r} is no {kind.__name__}")  # noqa: TRY004 (one error for callers)
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    if set(data) != {*names, "kind"}:
        raise ValueError(f"{kind.__name__} has the fields {names}, not {sorted(data)}")
    return cast("object", kind(**{name: _decode(hints[name], data[name]) for name in names}))


def _a_list(data: object) -> list[object]:
    if not isinstance(data, list):
        raise ValueError(f"{data!r} is no list")  # noqa: TRY004 (one error for callers)
    return data
