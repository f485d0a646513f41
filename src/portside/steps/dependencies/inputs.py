"""The inputs of the layer of dependencies: everything that decides what an install puts in place.

A rebuild of an unchanged app needs no more than this, so it never imports what installs.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from portside.detection.vendored import vendored_directory
from portside.effects.pip_config import PipConfig, read_pip_config
from portside.model.facts import DependencySource
from portside.model.layers import KeyInput
from portside.model.source import Source
from portside.steps.dependencies.digests import digest, digest_linked, digest_path
from portside.steps.dependencies.local_paths import path_of
from portside.steps.dependencies.managers import Query, load

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
) -> tuple[KeyInput, ...]:
    """Return everything that decides what an install puts in place, besides the interpreter.

    Credentials in URLs don't count. Raises what reading the files of the package manager raises.
    """
    config = read_pip_config(environ, home)
    query = Query(source, dependencies, environ, app, includes_tests)
    found = load(dependencies.manager).inputs(query)
    raw = {name: source.read(name) for name in found.files}
    inputs = [KeyInput("dependencies of the tests", "included")] if includes_tests else []
    chosen = (
        ("groups", dependencies.groups),
        ("extras", dependencies.extras),
        ("what starts the app", dependencies.added),
    )
    inputs += [KeyInput(name, ",".join(values)) for name, values in chosen if values]
    inputs += [KeyInput(name, hashlib.sha256(data).hexdigest()) for name, data in raw.items()]
    vendored = vendored_directory(source)
    paths = dict.fromkeys((*found.paths, *([app / vendored] if vendored else [])))
    inputs += [KeyInput(_shown(path, app), digest_path(path)) for path in paths]
    inputs += [KeyInput(_shown(path, app), digest_linked(path)) for path in found.projects]
    if found.contents is not None:
        said = digest(_without_credentials(text) for text in found.contents)
        inputs.append(KeyInput(dependencies.manifest, said))
    if any(b"$" in data for data in raw.values()):
        expanded = [_without_credentials(text) for text in found.texts]
        inputs.append(KeyInput("variables in the files", digest(expanded)))
    inputs.append(KeyInput("index configuration", digest(_configuration(config, environ, app))))
    return tuple(inputs)


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


def _shown(path: Path, app: Path) -> str:
    return path.relative_to(app).as_posix() if path.is_relative_to(app) else str(path)
