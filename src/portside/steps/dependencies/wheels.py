"""For which other Python a distribution has a wheel that has none for the app's; only asks uv."""

import re
from collections.abc import Callable

from portside.model.errors.dependencies import InstallFailedError, NoWheelForPythonError
from portside.model.python_version import Series
from portside.planning.policy import load_policy
from portside.steps.dependencies.request import DependenciesRequest

# How uv names what it couldn't build, or has no wheel of.
NAMED = re.compile(
    r"Failed to (?:build|download and build) `(?P<built>[\w.-]+==[^`\s]+)"
    r"|Because (?P<lacking>[\w.-]+==[^\s,]+) has no (?:usable )?wheels"
    r"|`(?P<name>[\w.-]+)` \(v(?P<version>[^)]+)\) (?:only )?has (?:no )?wheels"
)
_TAGS = re.compile(r"has wheels with the following Python (?:ABI|version) tags?: (?P<tags>[^\n]*)")
# Older wheels have tags of a kind that nothing reads any more.
_OLDEST = 6


def named_distribution(text: str) -> str:
    """Return what an installer names as the cause of its failure, such as ``numpy==1.19.0``."""
    match = NAMED.search(text)
    if match is None:
        return ""
    return match["built"] or match["lacking"] or f"{match['name']}=={match['version']}"


def named_tags(text: str) -> tuple[str, ...]:
    """Return the tags of the wheels there are (PEP 425), where an installer says which."""
    match = _TAGS.search(text)
    return tuple(re.findall(r"`(\w+)`", match["tags"])) if match else ()


def wheel_query(request: DependenciesRequest, distribution: str, series: Series) -> tuple[str, ...]:
    """Return uv's command line that succeeds if a distribution has a wheel for a series."""
    name = distribution.partition("==")[0]
    return (
        *(str(request.uv), "pip", "install", "--python", str(request.interpreter.executable)),
        *("--prefix", str(request.work / "nothing"), "--dry-run", "--no-deps"),
        *("--cache-dir", str(request.uv_cache), "--no-python-downloads", "--no-progress"),
        *("--only-binary", name, "--python-version", str(series), distribution),
    )


def explain_wheels(
    failed: InstallFailedError, chosen: Series, has_wheel: Callable[[Series], bool]
) -> InstallFailedError:
    """Return an error that says which older Python has a wheel, or the same where none has."""
    if "platform tag" in failed.failure_detail:
        return failed
    older = [Series(chosen.major, minor) for minor in range(chosen.minor - 1, _OLDEST - 1, -1)]
    tagged = [series for series in older if _tag(series) in failed.tags]
    found = next(
        (series for series in tagged or older if series in tagged or has_wheel(series)), None
    )
    if found is None:
        return failed
    name, _, version = failed.distribution.partition("==")
    policy = load_policy()
    is_supported = found in policy.supported or found in policy.deprecated
    choose = f", or choose the older Python:\n    echo {found} > .python-version"
    explained = NoWheelForPythonError(
        manager=failed.manager,
        exit_status=failed.exit_status,
        cause=f"{name} {version} has no wheel for Python {chosen}; its newest are for {found}.\n"
        f"{failed.failure_detail}",
        fix=f"Ask for a newer {name}, which has a wheel for Python {chosen}"
        + (choose if is_supported else f".\nPython {found} isn't supported any more."),
    )
    explained.distribution = failed.distribution
    return explained


def _tag(series: Series) -> str:
    return f"cp{series.major}{series.minor}"
