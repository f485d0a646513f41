"""What an installer's output gives away; each log was recorded from a real install."""

from pathlib import Path

import pytest

from portside.model.errors.dependencies import BuildOfDistributionFailedError
from portside.model.facts import PackageManager
from portside.steps.dependencies.failures import classify

LOGS = Path(__file__).with_name("logs")


@pytest.mark.parametrize(
    ("log", "cause", "line", "fix"),
    [
        ("missing-gdal", "GDAL isn't installed", "gdal_config_error", "libgdal-dev"),
        ("missing-sqlite-header", "headers of SQLite", "sqlite3.h", "pysqlite3-binary"),
        ("missing-header", "A header", "lber.h: No such file", "development\npackage"),
        ("missing-compiler", "no compiler", "No such file or directory: 'gcc'", "compiler"),
        ("invalid-metadata", "metadata is invalid", "textract", "newer version"),
    ],
)
def test_a_known_cause_is_told_with_its_fix(log: str, cause: str, line: str, fix: str) -> None:
    tail = (LOGS / f"{log}.txt").read_text("utf-8").splitlines()
    error = classify(tail, 1, PackageManager.PIP)
    assert type(error) is BuildOfDistributionFailedError
    assert cause in error.detail
    assert line in error.detail
    assert fix in error.hint
    other = "error: Failed to build thing"
    assert cause not in classify([other], 1, PackageManager.PIP).detail
