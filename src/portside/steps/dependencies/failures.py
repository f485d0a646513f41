"""Why an install failed: the causes that an installer's output gives away, as a table.

It never runs anything.
"""

import re
from collections.abc import Iterable

from msgspec import Struct

from portside.model.errors.dependencies import (
    BuildOfDistributionFailedError,
    DiskFullError,
    HashMismatchError,
    IndexCredentialsError,
    IndexNotFoundError,
    IndexUnreachableError,
    InstallFailedError,
    NoSolutionError,
    NoWheelForPythonError,
    RequirementInvalidError,
)
from portside.model.facts import PackageManager
from portside.steps.dependencies.wheels import named_distribution, named_tags

_LONGEST = 400
_MISMATCH = re.compile(r"(?i)hash mismatch for `?([\w.-]+?)==")
# What makes one entry of a lock anew.
_RENEWALS = {
    PackageManager.PIPENV: "pipenv upgrade {}",
    PackageManager.POETRY: "poetry update --lock {}",
    PackageManager.PDM: "pdm update --no-sync {}",
    PackageManager.UV: "uv lock --upgrade-package {}",
    PackageManager.PYLOCK: "with the tool that wrote it",
    PackageManager.SCRIPT: "uv lock --upgrade-package {} --script {}",
}
_TELLING = r"(?i)^\s*(error|cause|hint)\b[: ]"

_NO_BACKEND = "What builds a distribution from its source can't be had."
_VENDOR_BACKEND = (
    "Vendor wheels rather than sources, or put the wheels of what is named above beside them:\n"
    "    pip wheel --wheel-dir vendor setuptools"
)


class _Cause(Struct, frozen=True):
    leaf: type[InstallFailedError]
    pattern: str
    cause: str
    fix: str


_CAUSES = (
    _Cause(
        DiskFullError,
        r"no space left on device|disk quota exceeded|os error 28\b",
        "There is no room left on the disk.",
        "Free some space, for example with `portside cache prune` or, on a platform, by\n"
        "purging the app's build cache, and build again.",
    ),
    _Cause(
        HashMismatchError,
        r"hash mismatch for|do not match the hashes",
        "A downloaded file isn't the one that was pinned.",
        "Find out why the file changed. If the new file is right, pin its hash and commit that.",
    ),
    _Cause(
        IndexCredentialsError,
        r"host key verification failed",
        "The key of the server that a Git repository is on isn't known on this machine.",
        "Take it over, if it is the one that its owner publishes:\n"
        "    ssh-keyscan HOST >> ~/.ssh/known_hosts",
    ),
    _Cause(
        IndexCredentialsError,
        r"permission denied \(publickey|could not read (username|password)"
        r"|authentication failed for '|requested url returned error: 40[13]",
        "A Git repository refused the credentials, or wants some.",
        "Give a token as a config var and refer to it in the address, or name a key:\n"
        "    git+https://USER:${GIT_TOKEN}@HOST/OWNER/NAME.git\n"
        "    portside build --env GIT_SSH_COMMAND='ssh -i ~/.ssh/KEY'",
    ),
    _Cause(
        IndexCredentialsError,
        r"401 unauthorized|403 forbidden|lack of valid authentication|credentials not correct"
        r"|40[13] client error|http error 40[13]|authentication failed|missing credentials",
        "A package index or repository refused the credentials, or wants some.",
        "Check the address and the credentials; keep those in a config var and refer to it as\n"
        "    --index-url https://${INDEX_USER}:${INDEX_PASSWORD}@HOST/simple",
    ),
    _Cause(
        IndexNotFoundError,
        r"http status client error \((404|410)|http error 404|404 client error",
        "The address of a distribution doesn't exist.",
        "Correct the address, or the version, and commit the change.",
    ),
    _Cause(
        IndexUnreachableError,
        r"no solution found when resolving: `[^`\n]+`\n[^\n]*(request failed|failed to fetch)",
        _NO_BACKEND,
        _VENDOR_BACKEND,
    ),
    _Cause(
        BuildOfDistributionFailedError,
        r"no solution found when resolving: `[^`\n]+`\n[^\n]*not found in the",
        _NO_BACKEND,
        _VENDOR_BACKEND,
    ),
    _Cause(
        IndexNotFoundError,
        r"failed to fetch branch or tag|failed to find (branch|tag|commit)|couldn't find remote ref"
        r"|not appear to be a git repository|repository not found|did not match any file",
        "A repository, or what was asked for in it, doesn't exist.",
        "Correct the address or the branch, tag or commit after '@', and commit the change.",
    ),
    _Cause(
        IndexUnreachableError,
        r"request failed after|error sending request|http status server error|5\d\d server error"
        r"|http error 5\d\d|connection refused|connection reset|dns error|name resolution"
        r"|timed out|incompleteread|connection broken|max retries exceeded"
        r"|error decoding response body|end of file before message|unexpected end of file"
        r"|unexpected eof|failed to download|failed to fetch:|invalid peer certificate"
        r"|sslcertverificationerror"
        r"|could not resolve host|unable to access '"
        r"|failed to extract|badzipfile|not a valid (zip|wheel)"
        r"|has an invalid wheel"
        r"|wheel .* is invalid",
        "A package index can't be reached, fails, or sends damaged files.",
        "Try again. If it stays so, check the index's address and whether this machine may "
        "reach it.",
    ),
    _Cause(
        NoWheelForPythonError,
        r"no wheels with a matching|no usable wheels|building source distributions (for .* )?is "
        r"disabled|no wheels are available|has no usable|have a source distribution or wheel for",
        "A distribution has no wheel for this Python or machine, and can't or mustn't be built.",
        "Ask for a version that has one, or use another Python version. Where only wheels are\n"
        "allowed (--only-binary), allow it to be built.",
    ),
    _Cause(
        NoSolutionError,
        r"resolutionimpossible|conflicting dependencies|requirements contradict|conflicting urls"
        # uv tells the proof line by line. Where a version that doesn't exist is part of it, the
        # causes below are meant.
        r"|because (?![\s\S]*(there (is|are) no version|not found in|is available))"
        r"[^\n]* depends on [^\n]*(\n +and because[^\n]*)*",
        "The requirements contradict each other.",
        "Loosen one of the requirements that the output above names.",
    ),
    _Cause(
        BuildOfDistributionFailedError,
        r"could not find gdal-config|gdal_config_error",
        "GDAL isn't installed on this machine, and the distribution is built against it.",
        "Provide the library before this buildpack runs, for example with the Apt buildpack\n"
        "(libgdal-dev), and ask for the version of GDAL that it has.",
    ),
    _Cause(
        BuildOfDistributionFailedError,
        r"fatal error: sqlite3\.h",
        "The headers of SQLite are missing, which the distribution is built with.",
        "Python's own sqlite3 module needs none of this. If that isn't enough, use\n"
        "pysqlite3-binary, or install the headers (Debian: libsqlite3-dev).",
    ),
    _Cause(
        BuildOfDistributionFailedError,
        r"fatal error: [^\n]+\.h\w*: no such file",
        "A header that the distribution is built with is missing on this machine.",
        "Use a version that has a wheel for this Python, or install the library's development\n"
        "package before this buildpack runs, for example with the Apt buildpack.",
    ),
    _Cause(
        BuildOfDistributionFailedError,
        r"no such file or directory: '(gcc|cc|g\+\+|c\+\+|clang|rustc|cargo|gfortran|cmake)'"
        r"|command '\S*(gcc|cc|clang)' failed: no such file|can't find rust compiler",
        "There is no compiler on this machine, and the distribution has to be compiled.",
        "Use a version that has a wheel for this Python, or install the compiler that is named.",
    ),
    _Cause(
        BuildOfDistributionFailedError,
        r"since it has invalid metadata|please use pip<24\.1",
        "The distribution's metadata is invalid, and pip has refused such since 24.1.",
        "Ask for a newer version of the distribution, which has valid metadata.",
    ),
    _Cause(
        BuildOfDistributionFailedError,
        r"failed to build|failed building wheel|metadata-generation-failed|build backend returned"
        r"|subprocess-exited-with-error|could not build wheels|egg_info did not run",
        "A distribution without a wheel couldn't be built.",
        "Use a version that has a wheel for this Python, or provide what the build asks for in\n"
        "the output above (often a system library or a compiler).",
    ),
    _Cause(
        RequirementInvalidError,
        r"invalid requirement: [^\n]*(\n[^\n]*)?\(from line \d+ of [^\n)]*\)",
        "A line isn't a requirement.",
        "Correct the line: it has a name, and perhaps extras, versions and a marker, such as\n"
        "    flask[async]>=3.0 ; python_version >= '3.12'",
    ),
    _Cause(
        IndexNotFoundError,
        r"was not found in the|there (is|are) no versions? of|no matching distribution found"
        r"|could not find a version that satisfies|not found in the provided package",
        "No package index has a distribution that was asked for.",
        "Check its name and version; they must exist for this Python version.",
    ),
    _Cause(
        NoSolutionError,
        r"no solution found",
        "The requirements contradict each other.",
        "Loosen one of the requirements that the output above names.",
    ),
)


def classify(
    tail: Iterable[str], exit_status: int, manager: PackageManager, lock: str = ""
) -> InstallFailedError:
    """Return the error for an installer's output; the output must be redacted already.

    ``lock`` is the file that pins what was to be installed, "" where there is none.
    """
    lines = tuple(tail)
    text = "\n".join(lines)
    name = manager.tool
    for cause in _CAUSES:
        match = re.search(cause.pattern, text, re.IGNORECASE | re.MULTILINE)
        if match:
            shown = "\n    ".join([cause.cause, *_lines_around(text, match)])
            fix = _renewal(manager, lock, text) if cause.leaf is HashMismatchError else ""
            error = cause.leaf(
                manager=name, exit_status=exit_status, cause=shown, fix=fix or cause.fix
            )
            error.distribution, error.tags = named_distribution(text), named_tags(text)
            return error
    told = [line.strip() for line in lines if re.match(_TELLING, line)] or [*lines[-3:]]
    return InstallFailedError(
        manager=name,
        exit_status=exit_status,
        cause="\n".join(line[:_LONGEST] for line in told[:5]) or "The installer said nothing.",
        fix="Correct what the output above names, commit the change and build again.",
    )


def _lines_around(text: str, match: re.Match[str]) -> list[str]:
    """Return the lines that the match is in."""
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    lines = text[start : end if end >= 0 else None].splitlines()
    return [line.strip()[:_LONGEST] for line in lines]


def _renewal(manager: PackageManager, lock: str, text: str) -> str:
    """Return how a lock gets the hashes of a file that changed, "" where there is no lock."""
    match = _MISMATCH.search(text)
    if not lock or match is None:
        return ""
    command = _RENEWALS[manager].format(match[1], lock.removesuffix(".lock"))
    return (
        f"Find out why the file changed. If the new file is right, renew its entry in {lock}\n"
        f"and commit that:\n    {command}"
    )


def more_telling(uv: InstallFailedError, pip: InstallFailedError) -> InstallFailedError:
    """Choose what to say when both failed: uv's reason where it has a particular one."""
    if type(pip) is InstallFailedError:
        return uv
    return pip if type(uv) in {InstallFailedError, NoSolutionError} else uv
