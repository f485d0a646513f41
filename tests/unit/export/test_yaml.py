"""What is written as YAML is read as the same by two parsers: of YAML 1.1 and of YAML 1.2."""

import io
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from portside.export.yaml import to_yaml

# What YAML can express at all: neither half of a surrogate pair alone.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SCALARS = TEXT | st.integers() | st.booleans()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
TRAPS = [
    *("yes", "No", "ON", "off", "y", "n", "true", "NULL", "~", "", " ", "null", "Null"),
    *("0", "012", "0x1f", "1e3", "1_000", "12:30:45", "1000:1000", "2026-01-01", ".inf", ".nan"),
    *("- a", "a: b", "a #b", "#a", "a:", ":a", "&a", "*a", "!a", "%a", "@a", "`a`", "? a", "---"),
    *("{a}", "[a]", "a,b", "'a'", '"a"', "\\", "a\nb", "a ", "a\tb", "\u2028", "\x85", "\ufeff"),
    *("=", "<<", "...", "| a", "> a", "\x7f", "\U0001f40d", "é"),
]


def read(text: str) -> list[Any]:
    return [yaml.safe_load(text), YAML(typ="safe", pure=True).load(io.StringIO(text))]


@settings(max_examples=50)
@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_every_document_is_read_as_it_was_written(document: dict[str, Any]) -> None:
    assert read(to_yaml(document)) == [document, document]


@pytest.mark.parametrize("text", TRAPS)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    for document in ({text: text}, {"a": [text, {"b": text}]}):
        assert read(to_yaml(document)) == [document, document]


def test_it_reads_well() -> None:
    document = {
        "name": "shop",
        "image": "example.com/shop:1.0",
        "ports": ["8000:8000"],
        "empty": {},
        "none": [],
        "items": [{"a": 1, "b": {"c": True}}, ["x"]],
    }
    assert to_yaml(document) == (
        "name: shop\n"
        "image: example.com/shop:1.0\n"
        "ports:\n"
        '  - "8000:8000"\n'
        "empty: {}\n"
        "none: []\n"
        "items:\n"
        "  - a: 1\n"
        "    b:\n"
        "      c: true\n"
        "  - - x\n"
    )
