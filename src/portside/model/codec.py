"""Records to JSON-ready values and back; members of a union are told apart by their ``kind``."""

import json
from typing import TypeVar

import msgspec

T = TypeVar("T")


def encode(value: object) -> object:
    """Return ``value`` as dictionaries, lists, strings, numbers, booleans and None."""
    data: object = msgspec.to_builtins(value)
    return data


def to_json(value: object) -> str:
    """Return ``value`` as JSON text for people and programs.

    It is ASCII: a file name that isn't text (PEP 383) stays what it was.
    """
    return json.dumps(encode(value), indent=2)


def decode(kind: type[T], data: object) -> T:
    """Return the ``kind`` that ``encode`` made ``data`` from; ValueError where it doesn't fit."""
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
