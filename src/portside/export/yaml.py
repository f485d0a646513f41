"""Writes YAML as people write it: block style, quotes only where they are needed; it reads none.

Text is plain only where no reader of YAML 1.1 or 1.2 could take it for anything else; whatever is
not gets double quotes. https://yaml.org/spec/1.2.2/
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = "str | int | bool | Sequence[Value] | Mapping[str, Value]"

_PLAIN = re.compile(r"(?:[A-Za-z/]|\./)[A-Za-z0-9_./-]*(?:[: ][A-Za-z0-9_./-]+)*")
# Words that YAML 1.1 or 1.2 reads as booleans, null or numbers.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def to_yaml(value: Mapping[str, Value]) -> str:
    """Return a document."""
    return "\n".join(_block(value) if value else ["{}"]) + "\n"


def _block(value: Value) -> Iterator[str]:
    match value:
        case str() | bool() | int():
            yield _scalar(value)
        case Mapping():
            for key, inner in value.items():
                yield from _entry(f"{_scalar(key)}:", inner, "  ")
        case Sequence():
            for inner in value:
                yield from _item(inner)


def _entry(head: str, value: Value, indent: str) -> Iterator[str]:
    if isinstance(value, str | bool | int):
        yield f"{head} {_scalar(value)}"
    elif not value:
        yield f"{head} {'{}' if isinstance(value, Mapping) else '[]'}"
    else:
        yield head
        yield from (indent + line for line in _block(value))


def _item(value: Value) -> Iterator[str]:
    if not value and not isinstance(value, str | bool | int):
        yield "- {}" if isinstance(value, Mapping) else "- []"
        return
    for at, line in enumerate(_block(value)):
        yield f"{'  ' if at else '- '}{line}"


def _scalar(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if isinstance(value, int) or (_PLAIN.fullmatch(text) and text.lower() not in _WORDS):
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 (the BMP)
