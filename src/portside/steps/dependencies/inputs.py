"""The inputs of the layer of dependencies: everything that decides what an install puts in place.

A rebuild of an unchanged app needs no more than this, so it never imports what installs.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from portside.detection.package_managers.pip import manifests
from portside.detection.requirements import read_requirements
from portside.effects.pip_config import PipConfig, read_pip_config
from portside.model.facts import DependencySource, PackageManager
from portside.model.layers import KeyInput
from portside.model.source import Source
from portside.steps.dependencies.digests import digest, digest_path
from portside.steps.dependencies.local_paths import local_paths, path_of

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
    if dependencies.manager is PackageManager.PIPENV:
        files: tuple[str, ...] = dependencies.files
        texts, paths = _pipenv_texts(
            source, dependencies, environ, app, includes_tests=includes_tests
        )
    else:
        wanted = manifests(source, includes_tests=includes_tests)
        requirements = read_requirements(source, *wanted, variables=environ)
        files, texts = requirements.files, [line.text for line in requirements.lines]
        paths = local_paths(requirements, app)
    raw = {name: source.read(name) for name in files}
    inputs = [KeyInput("dependencies of the tests", "included")] if includes_tests else []
    inputs += [KeyInput(name, hashlib.sha256(data).hexdigest()) for name, data in raw.items()]
    inputs += [KeyInput(_shown(path, app), digest_path(path)) for path in dict.fromkeys(paths)]
    if any(b"$" in data for data in raw.values()):
        expanded = [_without_credentials(text) for text in texts]
        inputs.append(KeyInput("variables in the files", digest(expanded)))
    inputs.append(KeyInput("index configuration", digest(_configuration(config, environ, app))))
    return tuple(inputs)


def _pipenv_texts(
    source: Source,
    dependencies: DependencySource,
    environ: Mapping[str, str],
    app: Path,
    *,
    includes_tests: bool,
) -> tuple[list[str], list[Path]]:
    """Return what a Pipfile or its lock says with variables replaced, and the paths it names."""
    from portside.detection.package_managers.pipenv import (  # noqa: PLC0415 (start-up time)
        expand_variables,
        lockless_requirements,
        read_pipfile_lock,
    )

    if dependencies.lock is None:
        wanted = lockless_requirements(source, includes_tests=includes_tests)
        sources, entries = wanted.sources, wanted.packages
    else:
        lock = read_pipfile_lock(source, includes_tests=includes_tests)
        sources, entries = lock.sources, lock.packages
    places = [expand_variables(item.location, environ) for item in entries if not item.vcs]
    paths = [path for place in places if (path := path_of(place, app)) is not None]
    texts = [*(item.url for item in sources), *(item.location for item in entries)]
    return [expand_variables(text, environ) for text in texts], paths


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
