"""Inline script metadata (PEP 723): a single file that says itself what it needs."""

import re
import shlex
from collections.abc import Mapping

from portside.detection.documents import value_at
from portside.detection.locks import refuse_conflicts
from portside.detection.package_managers.uv_only import local_choice, uv_choice
from portside.model.errors.dependencies import ScriptMetadataError
from portside.model.errors.locks import LockMissingError
from portside.model.facts import DependencySource, Notice, PackageManager
from portside.model.source import Source

# The pattern of the specification: inline-script-metadata, "Reference implementation".
_BLOCK = re.compile(r"(?m)^# /// script\s*$\s(?P<content>(?:^#(?: .*)?$\s)+?)^# ///\s*$")
_PREFERRED = ("main.py", "app.py", "server.py")


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:  # noqa: ARG001 (the protocol)
    """Return the script in the app's root that names its dependencies, None if there is none.

    Raises ``ScriptMetadataError`` where it can't be read, or several scripts differ;
    ``LockMissingError`` and ``LockInvalidError``.
    """
    names = [entry.name for entry in source.entries() if entry.name.endswith(".py")]
    scripts = [name for name in names if source.is_file(name) and script_block(source, name)]
    if not scripts:
        return None
    chosen = next((name for name in _PREFERRED if name in scripts), scripts[0])
    if len(scripts) > 1 and chosen not in _PREFERRED:
        raise ScriptMetadataError(file=scripts[0], cause=f"{scripts[1]} has a block, too")
    lines, lock, command = read_script(source, chosen), f"{chosen}.lock", lock_command(chosen)
    reason = f"{chosen} names them in a script block (PEP 723)"
    if source.is_file(lock):
        refuse_conflicts(source.read(lock), lock, command=command)
        reason += f", and {lock} pins them"
        return DependencySource(PackageManager.SCRIPT, chosen, lock, (chosen, lock), reason)
    table, place = _uv_table(source, chosen)
    if cause := local_choice(source, table, place):
        raise LockMissingError(cause=cause, command=command)
    if choice := choice_of_uv(source, chosen):
        reason += f"; {choice}"
    return DependencySource(
        manager=PackageManager.SCRIPT,
        manifest=chosen,
        lock=None,
        files=(chosen,),
        reason=reason,
        notices=(_no_lock(chosen, command),) if lines else (),
    )


def choice_of_uv(source: Source, script: str) -> str | None:
    """Return what a script says that only uv reads, in a phrase; uv resolves such a script.

    Raises ``PythonVersionInvalidTomlError`` and ``ScriptMetadataError``.
    """
    return uv_choice(source, *_uv_table(source, script))


def _uv_table(source: Source, script: str) -> tuple[object, str]:
    table = value_at(read_block(source, script), "tool", "uv")
    return table, f"[tool.uv] in the script block of {script}"


def lock_command(script: str) -> str:
    """Return the command that locks what a script names."""
    return f"uv lock --script {shlex.quote(script)}"


def _no_lock(script: str, command: str) -> Notice:
    return Notice(
        "script::no-lock",
        f"No lock pins what {script} asks for, so every build may install something else.",
        f"Lock it, and commit what is written:\n    {command}",
    )


def read_script(source: Source, name: str) -> tuple[str, ...]:
    """Return the requirements that a script names.

    Raises ``ScriptMetadataError`` for a block that isn't TOML or lists something else.
    """
    block = read_block(source, name)
    found = block.get("dependencies", [])
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise ScriptMetadataError(file=name, cause="dependencies must be a list of strings")
    return tuple(map(str, found))


def read_block(source: Source, name: str) -> Mapping[str, object]:
    """Return what a script's block says; raise ``ScriptMetadataError`` where it isn't TOML."""
    import tomllib  # noqa: PLC0415 (start-up time)

    lines = script_block(source, name).splitlines()
    text = "\n".join(line[2:] if line.startswith("# ") else line[1:] for line in lines)
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise ScriptMetadataError(file=name, cause=str(error)) from error


def script_block(source: Source, name: str) -> str:
    """Return the lines of a script's block, "" where it has none.

    Raises ``ScriptMetadataError`` for a second block.
    """
    found = _BLOCK.findall(source.read(name).decode("utf-8-sig", "replace"))
    if len(found) > 1:
        raise ScriptMetadataError(file=name, cause="it has more than one script block")
    return found[0] if found else ""
