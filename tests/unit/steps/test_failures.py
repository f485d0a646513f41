"""What an installer's output gives away; each log was recorded from a real install."""

from pathlib import Path

import pytest

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
)
from portside.model.facts import PackageManager
from portside.steps.dependencies.failures import classify

LOGS = Path(__file__).with_name("logs")


BUILD = BuildOfDistributionFailedError


@pytest.mark.parametrize(
    ("log", "leaf", "cause", "line", "fix"),
    [
        ("missing-gdal", BUILD, "GDAL isn't installed", "gdal_config_error", "libgdal-dev"),
        ("missing-sqlite-header", BUILD, "headers of SQLite", "sqlite3.h", "pysqlite3-binary"),
        ("missing-header", BUILD, "A header", "lber.h: No such file", "development\npackage"),
        ("missing-compiler", BUILD, "no compiler", "No such file or directory: 'gcc'", "compiler"),
        ("invalid-metadata", BUILD, "metadata is invalid", "textract", "newer version"),
        ("failed-build", BUILD, "couldn't be built", "backend returned an error", "has a wheel"),
        ("no-backend-offline", BUILD, "from its source can't be had", "setuptools", "pip wheel"),
        ("no-backend", IndexUnreachableError, "source can't be had", "setuptools", "pip wheel"),
        ("full-disk", DiskFullError, "no room left", "No space left", "portside cache prune"),
        ("changed-hash", HashMismatchError, "isn't the one that was pinned", "six==1.16.0", "Find"),
        ("git-refused", IndexCredentialsError, "A Git repository", "Username", "GIT_TOKEN"),
        ("refused-credentials", IndexCredentialsError, "refused", "401", "INDEX_PASSWORD"),
        ("forbidden", IndexCredentialsError, "refused", "403 Forbidden", "INDEX_PASSWORD"),
        ("missing-file", IndexNotFoundError, "address", "404 Not Found", "Correct the address"),
        ("unknown-repository", IndexNotFoundError, "repository", "none.git", "Correct the address"),
        ("unknown-distribution", IndexNotFoundError, "No package index", "six==99.0", "version"),
        ("server-error", IndexUnreachableError, "can't be reached", "simple/six", "Try again"),
        ("unreachable", IndexUnreachableError, "can't be reached", "simple/six", "Try again"),
        ("no-wheel", NoWheelForPythonError, "no wheel", "docopt==0.6.2", "--only-binary"),
        ("contradiction", NoSolutionError, "contradict", "werkzeug>=3.0.0", "Loosen"),
    ],
)
def test_a_known_cause_is_told_with_its_fix(
    log: str, leaf: type[InstallFailedError], cause: str, line: str, fix: str
) -> None:
    tail = (LOGS / f"{log}.txt").read_text("utf-8").splitlines()
    error = classify(tail, 1, PackageManager.PIP)
    assert type(error) is leaf
    assert cause in error.detail
    assert line in error.detail
    assert fix in error.hint


def test_what_gives_no_cause_away_is_told_as_it_is() -> None:
    error = classify(["starting", "error: the frobnicator jammed"], 1, PackageManager.PIP)
    assert type(error) is InstallFailedError
    assert error.detail.count("frobnicator") == 1
