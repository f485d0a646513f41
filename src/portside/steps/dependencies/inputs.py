"""The inputs of the layer of dependencies: everything that decides what an install puts in place.

A rebuild of an unchanged app needs no more than this, so it never imports what installs.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from portside.detection.local_projects import linked_projects, outside_parts
from portside.detection.vendored import vendored_directory
from portside.effects.pip_config import PipConfig, read_pip_config
from portside.model.facts import DependencySource, PackageManager
from portside.model.layers import KeyInput
from portside.model.source import Source, is_in_root, leads_out
from portside.steps.dependencies.digests import digest, digest_linked, digest_path
from portside.steps.dependencies.local_paths import path_of
from portside.steps.dependencies.managers import Inputs, Outside, Query, load

_CREDENTIALS = r"(?<=://)[^\s/@]+@"
_UV_INPUTS = r"UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS)"


def dependency_inputs(
    source: Source,
    dependencies: DependencySource,
    *,
    environ: Mapping[str, str],
    home: Path,
    app: Path,
    includes_tests: bool = False,
    digests: Mapping[str, str] | None = None,
) -> tuple[KeyInput, ...]:
    """Return everything that decides what an install puts in place, besides the interpreter.

    ``digests`` are those of what is beside the app, by its path relative to the app. Credentials in
    URLs don't count. Raises what reading the files of the package manager raises.
    """
    config = read_pip_config(environ, home)
    query = Query(source, dependencies, environ, app, includes_tests)
    found = gather_inputs(query)
    raw = {name: source.read(name) for name in found.files}
    inputs = [KeyInput("dependencies of the tests", "included")] if includes_tests else []
    chosen = (
        ("groups", dependencies.groups),
        ("extras", dependencies.extras),
        ("what starts the app", dependencies.added),
    )
    inputs += [KeyInput(name, ",".join(values)) for name, values in chosen if values]
    counting = {**raw, **{name: text.encode() for name, text in found.parts.items()}}
    inputs += [KeyInput(name, hashlib.sha256(data).hexdigest()) for name, data in counting.items()]
    vendored = vendored_directory(source)
    paths = dict.fromkeys((*found.paths, *([app / vendored] if vendored else [])))
    copies = [path for path in found.projects if not path.is_relative_to(app)]
    beside = digests or {}
    for path in dict.fromkeys((*paths, *copies)):
        name = _shown(path, app, source)
        inputs.append(KeyInput(name, beside.get(name) or digest_path(path)))
    links = [path for path in found.projects if path.is_relative_to(app)]
    inputs += [KeyInput(_shown(path, app, source), digest_linked(path)) for path in links]
    if found.contents is not None:
        said = digest(_without_credentials(text) for text in found.contents)
        inputs.append(KeyInput(dependencies.manifest, said))
    if any(b"$" in data for data in raw.values()):
        expanded = [_without_credentials(text) for text in found.texts]
        inputs.append(KeyInput("variables in the files", digest(expanded)))
    inputs.append(KeyInput("index configuration", digest(_configuration(config, environ, app))))
    return tuple(inputs)


def gather_inputs(query: Query) -> Inputs:
    """Return what an install reads, with what the local projects among it need in turn.

    Raises what reading the files of the package manager raises.
    """
    found = load(query.dependencies.manager).inputs(query)
    files = (Outside(name, query.dependencies.manifest) for name in found.files if leads_out(name))
    followed = () if query.dependencies.manager is PackageManager.UV else _followed(query, found)
    own = _parts(query, ".") if query.app in {*found.paths, *found.projects} else ()
    projects = {item.path for item in (*found.outside, *followed) if item.counts}
    parts = [part for project in sorted(projects) for part in _parts(query, project)]
    followed = (*followed, *own, *parts)
    paths = (Path(os.path.normpath(query.app / item.path)) for item in followed)
    outside = (item for item in followed if leads_out(item.path))
    # A link to the app alone would lack what is beside it.
    copied = (query.app,) if own else ()
    return replace(
        found,
        paths=tuple(dict.fromkeys((*found.paths, *copied, *paths))),
        projects=tuple(path for path in found.projects if path not in copied),
        outside=tuple({item.path: item for item in (*files, *found.outside, *outside)}.values()),
    )


def _parts(query: Query, project: str) -> tuple[Outside, ...]:
    named_in = os.path.normpath(f"{project}/pyproject.toml")
    return tuple(Outside(place, named_in) for place in outside_parts(query.source, project))


def _followed(query: Query, found: Inputs) -> tuple[Outside, ...]:
    """Return what local projects need of this machine; a lock of uv's names all of that itself."""
    named = (os.path.relpath(path, query.app) for path in (*found.paths, *found.projects))
    pending = [place for place in named if place != "." and is_in_root(query.source, place)]
    seen = set(pending)
    followed = []
    for project in pending:
        for name, place in linked_projects(query.source, project):
            # Also what the app names itself: there it may be another name's, or no link.
            followed.append(Outside(place, f"{project}/pyproject.toml", name))
            if place not in seen:
                seen.add(place)
                pending += [place] if is_in_root(query.source, place) else []
    return tuple(followed)


def _configuration(config: PipConfig, environ: Mapping[str, str], app: Path) -> Iterator[str]:
    for name in sorted(config.inputs):
        yield f"{name}={_without_credentials(config.inputs[name])}"
    for name in sorted(environ):
        if re.fullmatch(_UV_INPUTS, name):
            yield f"{name}={_without_credentials(environ[name])}"
    for place in (*config.find_links, *environ.get("UV_FIND_LINKS", "").split(",")):
        path = path_of(place, app) if place else None
        yield from _listing(path) if path is not None else ()
    for constraint in config.constraints:
        path = path_of(constraint, app)
        yield digest_path(path) if path is not None else ""


def _listing(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as found:
            return sorted(
                f"{item.name} {item.stat().st_size} {item.stat().st_mtime_ns}" for item in found
            )
    except OSError:
        return []


def _without_credentials(text: str) -> str:
    return re.sub(_CREDENTIALS, "", text)


def _shown(path: Path, app: Path, source: Source) -> str:
    """Return a path relative to the app where it is in the app's source root."""
    relative = os.path.relpath(path, app)
    return relative if is_in_root(source, relative) else str(path)
