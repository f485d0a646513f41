"""The ranges of Python versions a project declares; it only reads and compares them.

PEP 621's ``requires-python``, Poetry's ``python`` dependency, and what uv.lock, poetry.lock and
pdm.lock repeat of these. Locks can be big, so only the lines that say it are parsed.
"""

import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from portside.detection.documents import read_toml, value_at
from portside.detection.locks import read_lock_metadata
from portside.detection.pylock_files import pylock_files
from portside.detection.python_version.pipfile_lock import read_pipfile_range
from portside.detection.python_version.versions import parse_version
from portside.detection.workspaces import find_uv_lock
from portside.model.errors.python_version import (
    RequiresPythonInvalidError,
    RequiresPythonUnsatisfiableError,
)
from portside.model.facts import DependencySource, PackageManager
from portside.model.policy import PythonPolicy
from portside.model.python_version import Origin, PythonConstraint, RequestedPython, Series
from portside.model.source import Source

_PYPROJECT = "pyproject.toml"
_UV_LOCK = "uv.lock"
_POETRY_LOCK = "poetry.lock"
_PDM_LOCK = "pdm.lock"
# No series has had, or is planned to have, anywhere near as many patch releases.
_PATCHES = 50
_BEYOND = 10
_LAST_OF_TWO = Series(2, 7)

# https://python-poetry.org/docs/dependency-specification/#version-constraints
_POETRY_PART = re.compile(
    r"(?P<operator>\^|~=|~|===?|!=|<=|>=|<|>|=)?\s*(?P<version>v?[0-9][A-Za-z0-9.*+!]*|\*)"
)


def read_constraints(
    source: Source, dependencies: DependencySource | None = None
) -> tuple[PythonConstraint, ...]:
    """Return every declared range, the project's own before those in lock files.

    ``dependencies`` say whether a script's block (PEP 723), a setup.py or a Pipfile without a lock
    names what the app needs; only then their ranges count. Raises ``RequiresPythonInvalidError``,
    ``PythonVersionInvalidTomlError``, ``LockInvalidError``, ``ScriptMetadataError`` and
    ``SetupInvalidError``.
    """
    pyproject = read_toml(source, _PYPROJECT)
    uv_file = find_uv_lock(source) or _UV_LOCK
    uv_lock = read_toml(source, uv_file, until=b"\n[[package]]")
    is_pylock = dependencies is None or dependencies.manager is PackageManager.PYLOCK
    pylocks = pylock_files(source) if is_pylock else ()
    poetry_lock = _metadata(source, _POETRY_LOCK, command="poetry lock")
    found = (
        _pep440(pyproject, _PYPROJECT, "project", "requires-python"),
        _poetry(pyproject, _PYPROJECT, "tool", "poetry", "dependencies", "python"),
        _pep440(uv_lock, uv_file, "requires-python"),
        _poetry(poetry_lock, _POETRY_LOCK, "metadata", "python-versions"),
        _pdm_targets(_metadata(source, _PDM_LOCK, command="pdm lock")),
        _of_pylock(source, pylocks[0]) if len(pylocks) == 1 else None,
        _of_manifest(source, dependencies) if dependencies else None,
    )
    return tuple(constraint for constraint in found if constraint is not None)


def choose(
    constraints: tuple[PythonConstraint, ...], policy: PythonPolicy
) -> RequestedPython | None:
    """Return the newest supported series that satisfies the ranges; None without any range.

    A range that only unsupported series satisfy gives the newest of these, so that the policy
    can name the problem. A range that is one version (``==3.12.7``) gives exactly that. Where
    the ranges contradict each other, the first one counts.
    Raises ``RequiresPythonUnsatisfiableError``.
    """
    if not constraints:
        return None
    first = constraints[0]
    pinned = _pinned(first)
    if pinned is not None:
        return pinned
    candidates = [RequestedPython(series, None, first.origin) for series in _series(policy)]
    for narrowed in (constraints, constraints[:1]):
        fitting = (
            candidate
            for candidate in candidates
            if all(is_satisfied(constraint, candidate) for constraint in narrowed)
        )
        best = next(fitting, None)
        if best is not None:
            others = (item.series for item in fitting if item.series in policy.supported)
            return replace(best, alternatives=tuple(others))
    raise RequiresPythonUnsatisfiableError(origin=first.origin, specifier=first.specifier)


def is_satisfied(constraint: PythonConstraint, requested: RequestedPython) -> bool:
    """Return whether the exact version, or any patch of the series, is in the range."""
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 (start-up time)

    alternatives = [SpecifierSet(text) for text in constraint.alternatives]
    return any(
        specifiers.contains(text, prereleases=True)
        for text in _versions(requested)
        for specifiers in alternatives
    )


def _versions(requested: RequestedPython) -> Iterable[str]:
    if requested.patch is not None:
        return (str(requested),)
    # From the last, as nearly every range that holds a patch holds the later ones.
    return (f"{requested.series}.{patch}" for patch in range(_PATCHES, -1, -1))


def _series(policy: PythonPolicy) -> Iterator[Series]:
    """Yield the supported series, newest first, then older ones, then ones not known yet."""
    newest, oldest = policy.newest_known, policy.oldest_supported
    yield from policy.supported
    yield from (Series(oldest.major, minor) for minor in range(oldest.minor - 1, -1, -1))
    yield _LAST_OF_TWO
    yield from (Series(newest.major, newest.minor + step) for step in range(1, _BEYOND))
    yield Series(newest.major + 1, 0)


def _pinned(constraint: PythonConstraint) -> RequestedPython | None:
    match = re.fullmatch(r"\s*==\s*([0-9]+\.[0-9]+)(\.[0-9]+)?\s*", constraint.specifier)
    if match is None:
        return None
    return parse_version(f"{match[1]}{match[2] or '.0'}", constraint.origin)


def _metadata(source: Source, lock: str, *, command: str) -> object:
    if not source.is_file(lock):
        return None
    return {"metadata": read_lock_metadata(source, lock, command=command)}


def _pdm_targets(lock: object) -> PythonConstraint | None:
    """Return the ranges a pdm.lock was made for, of which one has to hold."""
    targets = value_at(lock, "metadata", "targets")
    found = [
        value_at(item, "requires_python") for item in (targets if isinstance(targets, list) else ())
    ]
    if not found or not all(found):
        return None
    text = " || ".join(dict.fromkeys(map(str, found)))
    return _constraint(text, text, Origin(_PDM_LOCK, field="metadata.targets"))


def _of_pylock(source: Source, lock: str) -> PythonConstraint | None:
    return _pep440(read_toml(source, lock, until=b"\n[[packages]]"), lock, "requires-python")


def _of_manifest(source: Source, dependencies: DependencySource) -> PythonConstraint | None:
    manifest = dependencies.manifest
    match dependencies.manager:
        case PackageManager.SCRIPT:
            from portside.detection.package_managers.script import (  # noqa: PLC0415 (few have one)
                read_block,
            )

            return _pep440(read_block(source, manifest), manifest, "requires-python")
        case PackageManager.SETUP:
            from portside.detection.package_managers.setup import (  # noqa: PLC0415 (few have one)
                python_requires,
            )

            file, text = python_requires(source) or (manifest, None)
            return _pep440({"python_requires": text}, file, "python_requires")
        case PackageManager.PIPENV if dependencies.lock is None:
            text, field = read_pipfile_range(source) or ("", "")
            return _constraint(text, text, Origin(manifest, field=field)) if text else None
        case _:
            return None


def _pep440(data: object, file: str, *keys: str) -> PythonConstraint | None:
    value = value_at(data, *keys)
    if value is None:
        return None
    text = str(value)
    # PEP 621 has no alternatives, but Poetry reads this field as its own.
    specifier = convert_poetry(text) if "|" in text else text
    return _constraint(specifier, text, Origin(file, field=".".join(keys)))


def _poetry(data: object, file: str, *keys: str) -> PythonConstraint | None:
    value = value_at(data, *keys)
    if isinstance(value, dict):
        value = value.get("version")
    if value is None:
        return None
    origin = Origin(file, field=".".join(keys))
    return _constraint(convert_poetry(str(value)), str(value), origin)


def _constraint(specifier: str | None, text: str, origin: Origin) -> PythonConstraint:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 (start-up time)

    is_lock = origin.name.endswith(".lock")
    if specifier is None:
        raise RequiresPythonInvalidError(origin=origin, text=text, is_lock=is_lock)
    constraint = PythonConstraint(specifier, origin)
    try:
        for alternative in constraint.alternatives:
            SpecifierSet(alternative)
    except InvalidSpecifier as error:
        raise RequiresPythonInvalidError(origin=origin, text=text, is_lock=is_lock) from error
    return constraint


def convert_poetry(text: str) -> str | None:
    """Return Poetry's constraint as a PEP 440 specifier set ("" = any); None if malformed.

    Alternatives become such sets with ``||`` between.
    """
    converted = [_convert_alternative(part) for part in re.split(r"\|\|?", text)]
    sets = [one for one in converted if one is not None]
    if len(sets) < len(converted):
        return None
    return "" if "" in sets else " || ".join(sets)


def _convert_alternative(text: str) -> str | None:
    if re.sub(r"[\s,]", "", _POETRY_PART.sub("", text)):
        return None
    parts = [_convert_part(m["operator"] or "", m["version"]) for m in _POETRY_PART.finditer(text)]
    return ",".join(part for part in parts if part) if parts else None


def _convert_part(operator: str, version: str) -> str:
    version = version.removeprefix("v")
    if version == "*":
        return ""
    if operator in {"^", "~"}:
        return _convert_bounds(operator, version)
    return f"{'==' if operator in {'', '='} else operator}{version}"


def _convert_bounds(operator: str, version: str) -> str:
    numbers = [int(part) for part in re.findall(r"(?:^|(?<=\.))[0-9]+", version)]
    if operator == "~":
        kept = min(len(numbers), 2)
    else:
        # The first that isn't 0 stays as it is: ^0.13 is below 0.14.
        kept = next((at for at, number in enumerate(numbers, 1) if number), len(numbers))
    upper = [*numbers[: kept - 1], numbers[kept - 1] + 1]
    return f">={version},<{'.'.join(map(str, upper))}"
