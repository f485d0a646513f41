"""Digests of files and of the trees of local projects, without what builds leave in them."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from portside.effects.staging import VISIBLE_PREFIX

# A build in place puts the first two into the app itself.
_SKIPPED = frozenset(
    {
        ".git",
        ".heroku",
        ".hg",
        ".mypy_cache",
        ".nox",
        ".portside",
        ".profile.d",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
    }
)
# Backends that compile nothing by themselves.
_PURE = frozenset(
    {
        "flit_core.buildapi",
        "hatchling.build",
        "pdm.backend",
        "poetry.core.masonry.api",
        "uv_build",
    }
)
_BUILT = r"(.*/)?(build/(lib|bdist|temp|scripts)[^/]*|[^/]+\.egg-info)"


def digest_path(path: Path) -> str:
    """Return the digest of a file, or of a project's tree without what builds leave in it."""
    if not path.is_dir():
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "absent"
    return digest(_tree(path))


def digest_linked(project: Path) -> str:
    """Return the digest of what decides how a project is installed as a link to its sources.

    Where its backend is known to build nothing but metadata, the code itself doesn't count.
    """
    try:
        text = (project / "pyproject.toml").read_text("utf-8")
    except (OSError, ValueError):
        return digest_path(project)
    if not _is_metadata_only(text):
        return digest_path(project)
    places = (project, project / "src")
    names = [name for place in places if place.is_dir() for name in _directories(place)]
    return digest((text, *names))


def _is_metadata_only(pyproject: str) -> bool:
    import tomllib  # noqa: PLC0415 (start-up time: only apps that are projects need it)

    try:
        data = tomllib.loads(pyproject)
    except ValueError:
        return False
    build, tools = data.get("build-system", {}), data.get("tool", {})
    has_hooks = "hooks" in tools.get("hatch", {}).get("build", {}) or any(
        "build" in tools.get(name, {}) for name in ("poetry", "pdm")
    )
    is_static = not data.get("project", {}).get("dynamic")
    return not build or (build.get("build-backend") in _PURE and is_static and not has_hooks)


def _directories(place: Path) -> list[str]:
    return sorted(
        item.name
        for item in place.iterdir()
        if item.is_dir() and not item.name.startswith((".", "__")) and not _is_built(str(item))
    )


def _is_built(directory: str) -> bool:
    """Return whether this is a virtual environment or a slug: no part of a project."""
    signs = ("pyvenv.cfg", ".portside/slug.json")
    return any(os.path.isfile(f"{directory}/{sign}") for sign in signs)  # noqa: PTH113 (speed)


def _tree(root: Path) -> Iterator[str]:
    for directory, below, names in os.walk(root):
        inside = os.path.relpath(directory, root)
        below[:] = sorted(
            name
            for name in below
            if name not in _SKIPPED
            and not name.startswith(VISIBLE_PREFIX)
            and not _is_built(f"{directory}/{name}")
            and not re.fullmatch(_BUILT, os.path.normpath(f"{inside}/{name}"))
        )
        for name in sorted(names):
            if not name.endswith(".pyc"):
                yield f"{inside}/{name} {_digest_file(os.path.join(directory, name))}"  # noqa: PTH118 (speed)


def _digest_file(path: str) -> str:
    try:
        status = os.lstat(path)
        if os.path.islink(path):  # noqa: PTH114 (speed)
            return f"-> {os.readlink(path)}"  # noqa: PTH115 (speed)
        if not os.path.isfile(path):  # noqa: PTH113 (speed)
            return "special"
        with open(path, "rb") as file:  # noqa: PTH123 (speed)
            return f"{status.st_mode & 0o111:o} {hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        return f"unreadable {error.errno}"


def digest(parts: Iterable[str]) -> str:
    """Return the digest of several texts, in order."""
    text = "\0".join(parts)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
