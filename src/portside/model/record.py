"""The base of the vocabulary: immutable data that goes to JSON and back with its ``kind``."""

from msgspec import Struct


class Record(Struct, frozen=True, tag_field="kind", tag=True):
    """Immutable data. Its JSON form names the class, so that members of a union are told apart."""
