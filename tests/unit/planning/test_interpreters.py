import pytest

from portside.model.errors.python_version import UnknownPatchError
from portside.model.interpreter import InterpreterCandidate, InterpreterSource
from portside.model.python_version import (
    Origin,
    PythonConstraint,
    PythonVersion,
    RequestedPython,
    Series,
)
from portside.planning.interpreters import newest, plan_interpreters

SERIES = Series(3, 12)


def candidates(text: str) -> tuple[InterpreterCandidate, ...]:
    """Return the candidates that ``text`` ("store:3.12.1 local:3.11.2") names."""
    pairs = (item.split(":") for item in text.split())
    return tuple(
        InterpreterCandidate(PythonVersion.parse(version), InterpreterSource(source), source)
        for source, version in pairs
    )


@pytest.mark.parametrize(
    ("patch", "inventory", "stored", "local", "expected"),
    [
        pytest.param(
            None,
            "download:3.12.9 download:3.12.8 download:3.13.1",
            "",
            "",
            "download:3.12.9",
            id="only the newest patch of the series is downloaded",
        ),
        pytest.param(
            None,
            "download:3.12.8 download:3.12.10 download:3.12.9",
            "",
            "",
            "download:3.12.10",
            id="patches are numbers, whatever the inventory's order",
        ),
        pytest.param(
            None,
            "catalog:3.12.9",
            "store:3.12.9",
            "local:3.12.9",
            "store:3.12.9 catalog:3.12.9 local:3.12.9",
            id="of one version the store comes first and this machine last",
        ),
        pytest.param(
            None,
            "download:3.12.9 download:3.12.1",
            "store:3.12.1 store:3.12.7",
            "local:3.12.3 local:3.12.7",
            "download:3.12.9 store:3.12.7 local:3.12.7 local:3.12.3 store:3.12.1",
            id="what is at hand follows a download, newest first",
        ),
        pytest.param(
            None,
            "download:3.12.8",
            "store:3.12.7",
            "local:3.12.9",
            "local:3.12.9 download:3.12.8 store:3.12.7",
            id="a newer one on this machine comes first",
        ),
        pytest.param(
            None,
            "",
            "store:3.11.4",
            "local:3.13.0 local:3.12.1",
            "local:3.12.1",
            id="other series are never taken",
        ),
        pytest.param(
            1,
            "download:3.12.9 download:3.12.1",
            "store:3.12.9",
            "local:3.12.1 local:3.12.2",
            "download:3.12.1 local:3.12.1",
            id="an exact request admits only that version",
        ),
        pytest.param(
            None, "", "", "local:3.12.1 local:3.12.1", "local:3.12.1", id="the same one twice"
        ),
    ],
)
def test_candidates_come_best_first(
    patch: int | None, inventory: str, stored: str, local: str, expected: str
) -> None:
    planned = plan_interpreters(
        RequestedPython(SERIES, patch, Origin(".python-version")),
        inventory=candidates(inventory),
        stored=candidates(stored),
        local=candidates(local),
    )
    assert planned == candidates(expected)


def test_an_exact_version_that_is_nowhere_is_an_error_that_names_the_newest() -> None:
    requested = RequestedPython(SERIES, 5, Origin(".python-version"))
    with pytest.raises(UnknownPatchError, match=r"3\.12\.5") as caught:
        plan_interpreters(
            requested,
            inventory=candidates("download:3.12.9"),
            stored=candidates("store:3.12.4"),
            local=candidates("local:3.12.6"),
        )
    assert "3.12.9" in caught.value.detail


def test_nothing_anywhere_is_an_error() -> None:
    with pytest.raises(UnknownPatchError):
        plan_interpreters(
            RequestedPython(SERIES, None, Origin("default")), inventory=(), stored=(), local=()
        )


def test_versions_outside_a_declared_range_are_left_out() -> None:
    planned = plan_interpreters(
        RequestedPython(SERIES, None, Origin("default")),
        (PythonConstraint("<3.12.8", Origin("pyproject.toml")),),
        inventory=candidates("download:3.12.9 download:3.12.7"),
        stored=(),
        local=candidates("local:3.12.8 local:3.12.1"),
    )
    assert planned == candidates("download:3.12.7 local:3.12.1")


def test_the_newest_patch_is_one_that_a_declared_range_allows() -> None:
    offered = candidates("download:3.12.9 download:3.12.7")
    below = (PythonConstraint("<3.12.8", Origin("pyproject.toml")),)
    assert newest(offered, SERIES, below) == PythonVersion(3, 12, 7)


@pytest.mark.parametrize(
    ("inventory", "expected"),
    [
        ("", None),
        ("download:3.11.9 download:3.13.1", None),
        ("download:3.12.9 download:3.12.10 download:3.13.1", PythonVersion(3, 12, 10)),
    ],
)
def test_the_newest_patch_of_a_series(inventory: str, expected: PythonVersion | None) -> None:
    assert newest(candidates(inventory), SERIES) == expected


def test_a_range_takes_an_older_series_that_is_at_hand() -> None:
    requested = RequestedPython(
        Series(3, 14), None, Origin("pyproject.toml"), (Series(3, 13), Series(3, 12))
    )
    found = plan_interpreters(
        requested,
        (PythonConstraint(">=3.12, !=3.13.0", Origin("pyproject.toml")),),
        inventory=candidates("download:3.14.1 download:3.13.9"),
        stored=candidates("store:3.11.2 store:3.12.4"),
        local=candidates("local:3.13.0 local:3.15.0"),
    )
    assert [str(item.version) for item in found] == ["3.14.1", "3.12.4"]
