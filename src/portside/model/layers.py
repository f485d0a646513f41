"""Layer keys: every input of a separately cached part of the slug, by name; no I/O."""

import hashlib
import json
import re

from portside.model.record import Record


class KeyInput(Record, frozen=True):
    """One input of a layer: its name for people, and its value or the digest of its contents."""

    name: str
    value: str


class LayerKey(Record, frozen=True):
    """All the inputs of a layer. Two layers with equal keys are interchangeable."""

    layer: str
    inputs: tuple[KeyInput, ...]

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the canonical form, 64 hexadecimal digits."""
        canonical = json.dumps(
            [self.layer, sorted((item.name, item.value) for item in self.inputs)],
            separators=(",", ":"),
        )
        return hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()

    def changes_since(self, previous: "LayerKey") -> tuple[str, ...]:
        """Return a phrase for each input that differs from ``previous``, in the inputs' order."""
        before = {item.name: item.value for item in previous.inputs}
        after = {item.name: item.value for item in self.inputs}
        phrases = [
            _phrase(name, before.get(name), after.get(name))
            for name in [*after, *(name for name in before if name not in after)]
            if before.get(name) != after.get(name)
        ]
        return tuple(phrases)


def _phrase(name: str, before: str | None, after: str | None) -> str:
    if before is None:
        return f"{name} is new"
    if after is None:
        return f"{name} is gone"
    if _is_digest(before) or _is_digest(after):
        return f"{name} changed"
    return f"{name} changed from {before} to {after}"


_DIGEST = re.compile(r"[0-9a-f]{32,64}")


def _is_digest(value: str) -> bool:
    return _DIGEST.fullmatch(value) is not None
