"""pylock.toml (PEP 751): a lock that any tool may have written, and any may install."""

from collections.abc import Mapping

from portside.model.facts import DependencySource, PackageManager
from portside.model.source import Source

LOCK = "pylock.toml"


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:  # noqa: ARG001 (the protocol)
    """Return the app's pylock.toml, None if it has none."""
    if not source.is_file(LOCK):
        return None
    return DependencySource(
        manager=PackageManager.PYLOCK,
        manifest=LOCK,
        lock=LOCK,
        files=(LOCK,),
        reason=f"there is a {LOCK}",
    )
