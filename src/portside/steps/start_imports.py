"""Looks whether what a slug's processes import at once is there; nothing is imported or run."""

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from portside.detection.imports import (
    PKG_RESOURCES,
    MissingImport,
    find_missing_imports,
    read_imports,
)
from portside.effects.installed_modules import InstalledModules
from portside.effects.store import Store
from portside.model.facts import Facts, Notice, Process
from portside.model.layers import LayerKey
from portside.model.names import canonical
from portside.model.python_version import Series
from portside.planning.build import has_hooks
from portside.steps.dependencies.distributions import list_distributions
from portside.steps.log import BuildLog

_SHOWN = 3
_MODULE = re.compile(r"([A-Za-z_][\w.]*)(:.*)?")
_DIRECTORIES = frozenset({"cd", "--chdir", "--app-dir"})
# What others have made of what the standard library had.
_INSTEAD = {
    "asynchat": "pyasynchat",
    "asyncore": "pyasyncore",
    "cgi": "legacy-cgi",
    "cgitb": "legacy-cgi",
    "distutils": "setuptools",
    PKG_RESOURCES: "setuptools<81",
}


class _Python(Struct, frozen=True):
    """Where a slug and its distributions are, and the series of its interpreter."""

    slug: Path
    site_packages: Path
    series: Series

    def place(self, path: str) -> str:
        """Return a path as people know it: within the app, or below the distributions."""
        for root in (self.site_packages, self.slug):
            if path.startswith(f"{root}/"):
                return path.removeprefix(f"{root}/")
        return path

    def owner(self, path: str) -> str:
        """Return name and version of the distribution that has a file; else where the file is."""
        below = self.place(path)
        for record in self.site_packages.glob("*.dist-info/RECORD"):
            if f"\n{below}," in "\n" + record.read_text("utf-8", "replace"):
                return " ".join(record.parent.name.removesuffix(".dist-info").split("-", 1))
        return below

    def installed(self, module: str) -> str:
        """Return name and version of a distribution, by its top module, else its name alone."""
        name = module.partition(".")[0]
        found = {canonical(item[0]): item for item in list_distributions(self.site_packages)}
        return " ".join(found.get(canonical(name), (name,)))


class StartCheck(Struct, frozen=True):
    """Looks at the start of a slug, and remembers in the store what was fine."""

    python: Path
    series: Series
    store: Store

    def tell_problems(
        self, facts: Facts, slug: Path, app_id: str, dependencies: LayerKey, log: BuildLog
    ) -> None:
        """Tell what keeps an app from starting; without hooks the same dependencies stay fine."""
        name, commands = f"{app_id}-start", [process.command for process in facts.processes]
        looked_at = [dependencies.digest, *commands]
        if not has_hooks(facts) and self.store.read_state(name).get("fine") == looked_at:
            return
        found = find_start_problems(facts.processes, slug, self.python, self.series)
        for problem in found:
            log.notice(problem)
        if not found:
            self.store.write_state(name, {"fine": looked_at})


def find_start_problems(
    processes: Iterable[Process], slug: Path, python: Path, series: Series
) -> tuple[Notice, ...]:
    """Return what is known to keep the processes of a slug from starting.

    ``python`` is the prefix of the slug's interpreter.
    """
    site_packages = python / f"lib/python{series}/site-packages"
    commands = [_words(process.command) for process in processes]
    places = [slug, *(slug / name for words in commands for name in _directories(words))]
    modules = InstalledModules(places, site_packages)
    starts = [name for words in commands for name in _starts(words, modules, python / "bin")]
    at = _Python(slug, site_packages, series)
    groups: dict[str, list[MissingImport]] = {}
    for found in find_missing_imports(modules, dict.fromkeys(starts), series):
        groups.setdefault(at.owner(found.path), []).append(found)
    return tuple(_notice(owner, items, at) for owner, items in groups.items())


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _directories(words: list[str]) -> Iterator[str]:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        option, _, value = word.partition("=")
        if option in _DIRECTORIES:
            yield value or following


def _starts(words: list[str], modules: InstalledModules, programs: Path) -> Iterator[str]:
    """Yield the modules that a command starts with: those of its programs and the app's own."""
    for before, word in zip(["", *words], words, strict=False):
        if before == "-m":
            yield from (word, f"{word}.__main__")
            continue
        path = word.removesuffix(".py")
        named = _MODULE.fullmatch(path.replace("/", ".") if path != word else word)
        is_module = path != word or any(mark in word for mark in ".:")
        if named and is_module and modules.find(named[1]):
            yield named[1]
        elif "/" not in word and (programs / word).is_file():
            text = modules.read(str(programs / word))
            yield from (item.module for item in read_imports(text, "", is_package=False))


def _notice(owner: str, found: list[MissingImport], at: _Python) -> Notice:
    shown = [f"    {at.place(item.path)}:{item.line}: {_statement(item)}" for item in found]
    more = [f"    and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    name = "" if owner.endswith(".py") else owner.partition(" ")[0]
    lines = [*shown[:_SHOWN], *more, _why(found[0], at), *_fix(found[0], name, at.series)]
    return Notice(
        "imports::missing",
        f"The app won't start: {owner} imports what isn't there.",
        "\n".join(lines),
    )


def _statement(item: MissingImport) -> str:
    if item.name:
        return f"from {item.module} import {item.name}"
    return f"import {item.module}"


def _why(item: MissingImport, at: _Python) -> str:
    if item.removed_in is not None:
        what = f"{item.module}.{item.name}" if item.name else item.module
        return f"Python has no {what} from {item.removed_in} on."
    if item.name:
        return f"{at.installed(item.module)} has no {item.name}."
    has = at.installed("setuptools")
    is_there = f"{has} is installed" if " " in has else "that isn't installed"
    return f"It was a part of setuptools up to 81; {is_there}."


def _fix(item: MissingImport, name: str, series: Series) -> Iterator[str]:
    newer = f"Ask for a newer {name}" if name else "Change that import"
    if item.removed_in is not None:
        older = Series(item.removed_in.major, item.removed_in.minor - 1)
        instead = None if item.name else _INSTEAD.get(item.module)
        add = f", add {instead} to the dependencies" if instead else ""
        yield f"{newer}{add}, or choose an older Python than {series}:"
        yield f"    echo {older} > .python-version"
    elif item.name:
        yield f"{newer}, or pin the version of {item.module.partition('.')[0]} it was made for."
    else:
        yield f"{newer}, or add this to the dependencies:"
        yield f"    {_INSTEAD[PKG_RESOURCES]}"
