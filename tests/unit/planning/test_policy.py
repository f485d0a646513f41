import datetime as dt

import pytest

from portside.model.errors import BuildError
from portside.model.errors.python_version import UnknownPatchError
from portside.model.facts import NoticeLevel
from portside.model.python_version import Origin, RequestedPython, Series
from portside.planning.policy import check_policy, load_policy, parse_policy

POLICY = load_policy()
EARLY = dt.date(2026, 1, 1)


def requested(series: str) -> RequestedPython:
    return RequestedPython(Series.parse(series), None, Origin(".python-version"))


def codes(series: str, *, today: dt.date = EARLY, stack: str | None = None) -> list[str]:
    notices = check_policy(requested(series), POLICY, today=today, stack=stack)
    assert all(notice.level is NoticeLevel.WARNING for notice in notices)
    return [notice.code for notice in notices]


def test_the_policy_that_comes_with_the_package() -> None:
    assert str(POLICY.default) == "3.12"
    assert [str(series) for series in POLICY.supported] == [
        "3.15", "3.14", "3.13", "3.12", "3.11", "3.10",
    ]  # fmt: skip
    assert POLICY.end_of(Series(3, 8)) == dt.date(2024, 10, 7)
    assert POLICY.end_of(Series(3, 99)) is None
    assert all(POLICY.end_of(series) for series in POLICY.supported)


def test_what_is_deprecated_depends_on_the_stack() -> None:
    assert POLICY.deprecated == (Series(3, 9),)
    assert POLICY.deprecated_for("heroku-20") == (Series(3, 9), Series(3, 8))
    assert POLICY.deprecated_for("heroku-24") == POLICY.deprecated_for(None) == (Series(3, 9),)


@pytest.mark.parametrize("series", [str(series) for series in POLICY.supported])
def test_supported_series_have_no_notice(series: str) -> None:
    assert codes(series) == []


@pytest.mark.parametrize(
    ("series", "stack"), [("3.9", None), ("3.9", "heroku-24"), ("3.8", "heroku-20")]
)
def test_deprecated_series_build_with_a_warning(series: str, stack: str | None) -> None:
    assert codes(series, stack=stack) == ["python-version::deprecated"]


@pytest.mark.parametrize(
    ("series", "stack"),
    [("3.8", None), ("3.8", "heroku-22"), ("3.7", "heroku-20"), ("3.7", None), ("2.7", None)],
)
def test_older_series_are_refused(series: str, stack: str | None) -> None:
    with pytest.raises(BuildError) as caught:
        codes(series, stack=stack)
    assert (caught.value.code, caught.value.failure_detail) == ("python-version::eol", series)


@pytest.mark.parametrize("series", ["3.16", "3.99", "4.0"])
def test_newer_series_are_unknown(series: str) -> None:
    with pytest.raises(BuildError) as caught:
        codes(series)
    error = caught.value
    assert (error.code, error.failure_detail) == ("python-version::unknown-major", series)


def test_a_supported_series_past_its_end_gives_the_date() -> None:
    last_day = dt.date(2026, 10, 31)
    assert codes("3.10", today=last_day) == []
    after = last_day + dt.timedelta(days=1)
    (notice,) = check_policy(requested("3.10"), POLICY, today=after, stack=None)
    assert notice.code == "python-version::past-end-of-life"
    assert "2026-10-31" in notice.summary


@pytest.mark.parametrize(("series", "newer"), [("3.10", "3.12"), ("3.13", "3.15")])
def test_the_upgrade_suggested_is_to_a_newer_series(series: str, newer: str) -> None:
    today = dt.date(2030, 1, 1)
    (notice,) = check_policy(requested(series), POLICY, today=today, stack=None)
    assert f"echo {newer} > .python-version" in notice.hint


@pytest.mark.parametrize("newest", ["3.12.12", ""])
def test_an_unknown_patch_names_the_newest(newest: str) -> None:
    error = UnknownPatchError(requested="3.12.999", newest=newest)
    assert (error.code, error.failure_detail) == ("python-version::unknown-patch", "3.12.999")
    assert "3.12.999" in error.summary
    assert newest in error.detail
    assert "newest patch:\n    3.12\n" in error.hint


def test_a_series_that_is_nowhere_is_named_whole() -> None:
    error = UnknownPatchError(requested="3.15", newest="")
    assert "No version of Python 3.15 is known here." in error.detail
    assert error.hint.endswith("portside python list")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "default = 3.12",
        'default = "3.12"\noldest_supported = "3.10"\nnewest_known = "3.15"\ndeprecated = 1',
    ],
)
def test_a_malformed_policy_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_policy(text)
