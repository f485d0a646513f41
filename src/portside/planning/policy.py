"""Loads the rules about Python series and applies them; it never looks at an app."""

import datetime as dt
import tomllib
from pathlib import Path

from portside.model.errors.python_version import (
    PythonVersionEolError,
    PythonVersionUnknownMajorError,
)
from portside.model.facts import Notice
from portside.model.policy import PythonPolicy
from portside.model.python_version import RequestedPython, Series


def load_policy() -> PythonPolicy:
    """Return the policy that comes with this package."""
    # importlib.resources would do the same after importing most of the standard library.
    return parse_policy(Path(__file__).with_name("policy.toml").read_text("utf-8"))


def parse_policy(text: str) -> PythonPolicy:
    """Return the policy that ``text`` (TOML) describes; ValueError where it isn't one."""
    data: dict[str, object] = tomllib.loads(text)
    return PythonPolicy(
        default=_series(data.get("default")),
        oldest_supported=_series(data.get("oldest_supported")),
        newest_known=_series(data.get("newest_known")),
        deprecated=tuple(_series(name) for name in _list(data.get("deprecated"))),
        deprecated_on_stack=tuple(
            (Series.parse(name), str(stack))
            for name, stack in _table(data.get("deprecated_on_stack")).items()
        ),
        end_of_life=tuple(
            (Series.parse(name), _date(date))
            for name, date in _table(data.get("end_of_life")).items()
        ),
    )


def check_policy(
    requested: RequestedPython, policy: PythonPolicy, *, today: dt.date, stack: str | None
) -> tuple[Notice, ...]:
    """Return warnings about the series asked for.

    Raises ``PythonVersionEolError`` for a series that no longer builds on ``stack``, and
    ``PythonVersionUnknownMajorError`` for one newer than the newest known.
    """
    series = requested.series
    if series > policy.newest_known:
        raise PythonVersionUnknownMajorError(requested=requested, newest=policy.newest_known)
    ended = policy.end_of(series)
    if series >= policy.oldest_supported:
        if ended is None or today <= ended:
            return ()
        return (_past_end(requested, policy, ended),)
    if series not in policy.deprecated_for(stack):
        raise PythonVersionEolError(
            requested=requested, oldest=policy.oldest_supported, default=policy.default
        )
    return (_deprecated(requested, policy.default, ended),)


def _deprecated(requested: RequestedPython, default: Series, ended: dt.date | None) -> Notice:
    since = f": upstream ended its support on {ended}" if ended else ""
    return Notice(
        "python-version::deprecated",
        f"Python {requested.series} ({requested.origin}) is deprecated{since}.",
        "It will stop building in a later release. Upgrade to a supported series, such as:\n"
        f"    echo {default} > .python-version",
    )


def _past_end(requested: RequestedPython, policy: PythonPolicy, ended: dt.date) -> Notice:
    is_default_newer = policy.default > requested.series
    newer = policy.default if is_default_newer else policy.newest_known
    return Notice(
        "python-version::past-end-of-life",
        f"Python {requested.series} ({requested.origin}) reached its upstream end of life on "
        f"{ended}.",
        "It gets no security fixes any more. Upgrade your app to a newer series, such as:\n"
        f"    echo {newer} > .python-version",
    )


def _series(value: object) -> Series:
    return Series.parse(value if isinstance(value, str) else repr(value))


def _table(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is no table")  # noqa: TRY004 (one error for callers)
    return {str(name): item for name, item in value.items()}


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is no list")  # noqa: TRY004 (one error for callers)
    return value


def _date(value: object) -> dt.date:
    if not isinstance(value, dt.date):
        raise ValueError(f"{value!r} is no date")  # noqa: TRY004 (one error for callers)
    return value
