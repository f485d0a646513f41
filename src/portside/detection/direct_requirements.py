"""The distributions that an app asks for itself, whatever its package manager; names alone.

It is for choosing among what the app has, so a file that can't be read counts as empty: whoever
installs from it says what is wrong with it.
"""

import re
from collections.abc import Iterable, Iterator

from portside.detection.documents import read_toml, value_at
from portside.detection.package_managers.script import read_script
from portside.detection.package_managers.setup import SETUP, setup_cfg_requirements
from portside.detection.requirements import read_requirements
from portside.model.errors import BuildError
from portside.model.facts import DependencySource, PackageManager
from portside.model.names import names_of
from portside.model.source import Source

# A requirement for another system than the one that a slug runs on.
_ELSEWHERE = re.compile(r"""==\s*['"](?:win32|Windows|nt|darwin|Darwin)['"]""")
_LISTED = re.compile(r"install_requires\s*=\s*\[([^]]*)")
_LOCKED_NAME = re.compile(r"(?m)^name[ \t]*=[ \t]*[\"']([^\"'\r\n]+)[\"']")
_PYPROJECT = "pyproject.toml"


def requested_distributions(source: Source, dependencies: DependencySource) -> frozenset[str]:
    """Return the normalised names (PEP 503) of what an app asks for, once more with each extra.

    ``fastapi[standard]`` gives ``fastapi`` and ``fastapi[standard]``.
    """
    try:
        return frozenset(_names(_texts(source, dependencies)))
    except BuildError:
        return frozenset()


def _texts(source: Source, dependencies: DependencySource) -> Iterator[str]:
    match dependencies.manager:
        case PackageManager.PIP:
            read = read_requirements(source, dependencies.manifest, variables={})
            yield from (line.text for line in read.lines if not line.option)
        case PackageManager.SCRIPT:
            yield from read_script(source, dependencies.manifest)
        case PackageManager.PIPENV:
            yield from _tables(value_at(read_toml(source, "Pipfile"), "packages"))
        case PackageManager.PYLOCK:
            yield from _project(source, dependencies)
            # Parsing a big lock takes longer than all else in detection.
            text = source.read(dependencies.manifest).decode("utf-8", "replace")
            yield from _LOCKED_NAME.findall(text)
        case PackageManager.SETUP:
            yield from _setup(source)
        case _:
            yield from _project(source, dependencies)


def _project(source: Source, dependencies: DependencySource) -> Iterator[str]:
    """Yield what pyproject.toml asks for: PEP 621, the chosen extras and groups, and Poetry's."""
    data = read_toml(source, _PYPROJECT)
    yield from map(str, _list(value_at(data, "project", "dependencies")))
    for extra in dependencies.extras:
        yield from map(str, _list(value_at(data, "project", "optional-dependencies", extra)))
    for group in dependencies.groups:
        yield from map(str, _list(value_at(data, "dependency-groups", group)))
        poetry = value_at(data, "tool", "poetry", "group", group, "dependencies")
        yield from _tables(poetry)
    yield from _tables(value_at(data, "tool", "poetry", "dependencies"))


def _setup(source: Source) -> Iterator[str]:
    """Yield the requirements in setup.cfg, and in the lists that setup.py calls so."""
    yield from setup_cfg_requirements(source, ())
    text = source.read(SETUP).decode("utf-8", "replace") if source.is_file(SETUP) else ""
    for found in _LISTED.finditer(text):
        yield from re.findall(r"[^'\",\n]*[\w\]][^'\",\n]*", found[1])


def _tables(data: object) -> Iterator[str]:
    """Yield the requirements of a table of names, as Pipenv and Poetry write them."""
    for name, value in data.items() if isinstance(data, dict) else ():
        extras = ",".join(map(str, _list(value_at(value, "extras"))))
        yield f"{name}[{extras}]"


def _list(data: object) -> list[object]:
    return data if isinstance(data, list) else []


def _names(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        if not _ELSEWHERE.search(text):
            yield from names_of(text)
