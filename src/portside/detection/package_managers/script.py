"""Inline script metadata (PEP 723): a single file that says itself what it needs."""

import re
from collections.abc import Mapping

from portside.detection.documents import value_at
from portside.model.errors.dependencies import ScriptMetadataError
from portside.model.facts import DependencySource, PackageManager
from portside.model.source import Source

# The pattern of the specification: inline-script-metadata, "Reference implementation".
_BLOCK = re.compile(r"(?m)^# /// script\s*$\s(?P<content>(?:^#(?: .*)?$\s)+?)^# ///\s*$")
_PREFERRED = ("main.py", "app.py", "server.py")


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:  # noqa: ARG001 (the protocol)
    """Return the script in the app's root that names its dependencies, None if there is none.

    Raises ``ScriptMetadataError`` where it can't be read, or several scripts differ.
    """
    names = [entry.name for entry in source.entries() if entry.name.endswith(".py")]
    scripts = [name for name in names if source.is_file(name) and _block(source, name)]
    if not scripts:
        return None
    chosen = next((name for name in _PREFERRED if name in scripts), scripts[0])
    if len(scripts) > 1 and chosen not in _PREFERRED:
        raise ScriptMetadataError(file=scripts[0], cause=f"{scripts[1]} has a block, too")
    read_script(source, chosen)
    return DependencySource(
        manager=PackageManager.SCRIPT,
        manifest=chosen,
        lock=None,
        files=(chosen,),
        reason=f"{chosen} names them in a script block (PEP 723)",
    )


def read_script(source: Source, name: str) -> tuple[str, ...]:
    """Return the requirements that a script names.

    Raises ``ScriptMetadataError`` for a block that isn't TOML or lists something else.
    """
    block = read_block(source, name)
    found = block.get("dependencies", [])
    if value_at(block, "tool", "uv", "sources"):
        cause = "only uv reads [tool.uv.sources]; write the address after the name: NAME @ URL"
        raise ScriptMetadataError(file=name, cause=cause)
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise ScriptMetadataError(file=name, cause="dependencies must be a list of strings")
    return tuple(map(str, found))


def read_block(source: Source, name: str) -> Mapping[str, object]:
    """Return what a script's block says; raise ``ScriptMetadataError`` where it isn't TOML."""
    import tomllib  # noqa: PLC0415 (start-up time)

    lines = _block(source, name).splitlines()
    text = "\n".join(line[2:] if line.startswith("# ") else line[1:] for line in lines)
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise ScriptMetadataError(file=name, cause=str(error)) from error


def _block(source: Source, name: str) -> str:
    match = _BLOCK.search(source.read(name).decode("utf-8-sig", "replace"))
    return match["content"] if match else ""
