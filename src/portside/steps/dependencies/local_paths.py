"""Finds the projects, archives and directories on this machine that requirements name, as pip does.

It never reads them.
"""

import os
import re
from pathlib import Path
from urllib.parse import unquote

from msgspec import Struct

from portside.detection.requirements import LineKind, Requirements

_NAMED = r"(?P<name>[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?\s*@\s*)(?P<target>\S+)"
_SCHEME = r"[a-zA-Z][a-zA-Z0-9+.-]*:"
_ARCHIVE = r"(?i)\.(whl|zip|tar|tar\.gz|tgz|tar\.bz2|tbz|tar\.xz|txz)$"
_EXTRAS = r"(\[[^\]]*\])$"
_EGG = r"#egg=[^&]*$"
_PLAIN = r"(?a)[\w./+~-]+"


class LocalPath(Struct, frozen=True):
    """A local path in a requirement: what is before it, the path, and what follows."""

    before: str
    path: Path
    after: str

    def __str__(self) -> str:
        return f"{self.before}{path_text(self.path)}{self.after}"


def path_text(path: Path) -> str:
    """Return a path as both installers read it: a file URL where it has unusual characters."""
    plain = str(path)
    return plain if re.fullmatch(_PLAIN, plain) else path.as_uri()


def local_paths_of(lines: tuple[str, ...], app: Path) -> tuple[Path, ...]:
    """Return the local paths that plain requirements name."""
    found = (find_local_path(line, app) for line in lines)
    return tuple(local.path for local in found if local is not None)


def extras_text(extras: tuple[str, ...]) -> str:
    """Return extras as they stand after a requirement."""
    return f"[{','.join(extras)}]" if extras else ""


def absolute(text: str, app: Path, *, editable: bool = False) -> str:
    """Return a requirement with its local path made absolute, or as it is where it has none."""
    local = find_local_path(text, app, editable=editable)
    return text if local is None else str(local)


def link_or_copy(target: str, app: Path) -> str:
    """Return the line for what is asked for as a link: one, or a copy of what isn't in the app.

    A slug can't have links out of itself.
    """
    local = find_local_path(target, app, editable=True)
    if local is None:
        return f"-e {target}"
    return f"-e {local}" if local.path.is_relative_to(app) else str(local)


def find_local_path(text: str, app: Path, *, editable: bool = False) -> LocalPath | None:
    """Find the local path of a requirement as pip does, None where it has none."""
    named = re.match(_NAMED, text)
    before = named["name"] if named else ""
    target = named["target"] if named else re.split(r"\s|;", text, maxsplit=1)[0]
    after = text[len(before) + len(target) :]
    bare = re.sub(_EGG, "", target)
    extras = re.search(_EXTRAS, bare)
    bare, extra = (bare[: extras.start()], extras[1]) if extras else (bare, "")
    path = path_of(bare, app)
    if path is None or not _is_path(bare, path, editable=editable or bool(named)):
        return None
    return LocalPath(before, path, f"{extra}{after}")


def path_of(target: str, app: Path) -> Path | None:
    """Return the path that a path or a ``file:`` URL stands for, None for any other URL."""
    if target.lower().startswith("file:"):
        target = unquote(target[5:])
        target = target.removeprefix("//localhost") if target.startswith("//localhost/") else target
        target = target.removeprefix("//")
    elif re.match(_SCHEME, target):
        return None
    return Path(os.path.normpath(app / target.partition("#")[0])) if target else None


def _is_path(target: str, path: Path, *, editable: bool) -> bool:
    """Return whether pip takes it for a path: a bare name is one only after -e or "@"."""
    if path.is_dir():
        return editable or "/" in target or target.startswith(".")
    return re.search(_ARCHIVE, target.partition("#")[0]) is not None and path.is_file()


def local_paths(requirements: Requirements, app: Path) -> list[Path]:
    """Return every local project, archive, included file by URL and directory of links."""
    paths = []
    for line in requirements.lines:
        if line.option == "--find-links":
            links = path_of(line.value, app)
            paths += [links] if links is not None and links.exists() else []
        elif line.option in {"--requirement", "--constraint"}:
            included = path_of(line.value, app)
            paths += [included] if included is not None else []
        elif not line.option:
            editable = line.kind is LineKind.EDITABLE
            text = line.text.removeprefix("-e ").strip() if editable else line.text
            local = find_local_path(text, app, editable=editable)
            paths += [local.path] if local else []
    return paths
