"""Which Python an app asks for, from all the files that may say so; no policy is applied here.

In this order, the first that says something decides:

1. ``runtime.txt`` (deprecated)
2. ``.python-version``
3. ``Pipfile.lock``: ``python_full_version``, then ``python_version``; a ``Pipfile`` without a lock
4. ``.tool-versions``, ``mise.toml`` and the other places of mise
5. the nearest ``.python-version`` above the app, where it has a source root
6. the ranges of ``requires_python``: the newest supported series that satisfies them
7. the series of the previous build of this cache ("cached")
8. the default ("default")

The classic contract has only 1 to 3, 7 and 8. Declared ranges outrank the sticky and the default
version, because neither of these is the developer's word. Whatever decides, it must be within
every declared range.
"""

from collections.abc import Callable

from portside.detection.python_version.pipfile_lock import note_outranked, read_pipfile_lock
from portside.detection.python_version.python_version_file import (
    read_python_version_file,
    read_version_above,
)
from portside.detection.python_version.requires_python import (
    choose,
    is_satisfied,
    read_constraints,
)
from portside.detection.python_version.runtime_txt import read_runtime_txt, runtime_txt_notice
from portside.detection.python_version.tool_versions import read_tool_versions
from portside.detection.python_version.versions import parse_version
from portside.model.errors.python_version import PythonVersionContradictionError
from portside.model.facts import DependencySource, Notice
from portside.model.policy import PythonPolicy
from portside.model.python_version import Origin, PythonConstraint, RequestedPython
from portside.model.source import Source

__all__ = ["CACHED", "DEFAULT", "detect_python_version"]

CACHED = "cached"
DEFAULT = "default"

_READERS = (read_runtime_txt, read_python_version_file, read_pipfile_lock)


def detect_python_version(
    source: Source,
    *,
    read_cached: Callable[[], str | None],
    policy: PythonPolicy,
    dependencies: DependencySource | None = None,
) -> tuple[RequestedPython, tuple[PythonConstraint, ...], tuple[Notice, ...]]:
    """Return the Python to use, every range the project declares, and notices.

    ``read_cached`` returns the version or series of the previous build, and is only called where
    nothing in the app names or allows a Python; what it returns that isn't one is ignored. The
    ranges outrank it and the default, because neither is the developer's word. ``dependencies`` say
    what names what the app needs, which may declare a range, too.
    Raises an error of ``model.errors.python_version`` for files that are malformed or contradict
    each other, and ``PipfileLockInvalidJsonError``.
    """
    named = _read_named(source) or read_tool_versions(source, policy) or read_version_above(source)
    constraints = read_constraints(source, dependencies)
    requested = named or choose(constraints, policy) or _fallback(read_cached(), policy)
    _refuse_contradiction(requested, constraints)
    return requested, constraints, (*_notices(requested), *note_outranked(source, requested))


def _read_named(source: Source) -> RequestedPython | None:
    for read in _READERS:
        found = read(source)
        if found is not None:
            return found
    return None


def _fallback(cached: str | None, policy: PythonPolicy) -> RequestedPython:
    previous = parse_version((cached or "").strip().removeprefix("python-"), Origin(CACHED))
    if previous is None:
        return RequestedPython(policy.default, None, Origin(DEFAULT))
    return RequestedPython(previous.series, None, previous.origin)


def _refuse_contradiction(
    requested: RequestedPython, constraints: tuple[PythonConstraint, ...]
) -> None:
    for constraint in constraints:
        if not is_satisfied(constraint, requested):
            raise PythonVersionContradictionError(
                requested=requested, specifier=constraint.specifier, declared=constraint.origin
            )


def _notices(requested: RequestedPython) -> tuple[Notice, ...]:
    match requested.origin.name:
        case "runtime.txt":
            return (runtime_txt_notice(requested),)
        case "cached" | "default":
            return (_unspecified(requested),)
        case _:
            return ()


def _unspecified(requested: RequestedPython) -> Notice:
    why = "as the last build did" if requested.origin.name == CACHED else "the default"
    return Notice(
        "python-version::unspecified",
        f"Nothing says which Python this app needs, so it gets {requested}, {why}.",
        "Name the version, so that a build next year makes the same choice:\n"
        f"    echo {requested} > .python-version",
    )
