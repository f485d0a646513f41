from pathlib import Path

import pytest

from portside.model.errors.platform import (
    DuplicateBuildpackError,
    ExistingVirtualEnvironmentError,
    StackEolError,
    StackUnknownError,
)
from portside.platforms.heroku.checks import (
    check_duplicate,
    check_source,
    check_stack,
    note_stack,
)


@pytest.mark.parametrize("stack", ["heroku-20", "heroku-22", "heroku-24", "heroku-26"])
def test_a_stack_that_is_known_is_taken(stack: str) -> None:
    assert check_stack(stack) == stack


def test_the_oldest_stack_is_taken_with_a_warning() -> None:
    told = note_stack("heroku-20")
    assert told is not None
    assert (told.code, "heroku-20" in told.summary) == ("stack::deprecated", True)
    assert "heroku stack:set heroku-24" in told.hint
    assert [note_stack(stack) for stack in ("", "heroku-22", "heroku-24", "heroku-26")] == [
        None
    ] * 4


@pytest.mark.parametrize("stack", [None, ""])
def test_a_platform_may_name_no_stack(stack: str | None) -> None:
    assert check_stack(stack) == ""


@pytest.mark.parametrize("stack", ["cedar", "cedar-14", "heroku-16", "heroku-18"])
def test_a_stack_that_has_ended(stack: str) -> None:
    with pytest.raises(StackEolError) as caught:
        check_stack(stack)
    assert caught.value.failure_reason == "checks::stack::eol"
    assert caught.value.failure_detail == stack


@pytest.mark.parametrize("stack", ["heroku-99", "heroku-24 ", "Heroku-24"])
def test_a_stack_that_isnt_known(stack: str) -> None:
    with pytest.raises(StackUnknownError) as caught:
        check_stack(stack)
    assert caught.value.failure_reason == "checks::stack::unknown"
    assert caught.value.failure_detail == stack


def test_an_earlier_pythons_home_counts_where_the_interpreter_is_there(tmp_path: Path) -> None:
    check_duplicate({})
    check_duplicate({"PYTHONHOME": ""})
    check_duplicate({"PYTHONHOME": str(tmp_path)})
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").touch()
    with pytest.raises(DuplicateBuildpackError) as caught:
        check_duplicate({"PYTHONHOME": str(tmp_path)})
    assert caught.value.failure_reason == "checks::duplicate-python-buildpack"


@pytest.mark.parametrize("name", [".venv", "venv"])
def test_a_virtual_environment_is_refused(tmp_path: Path, name: str) -> None:
    check_source(tmp_path)
    (tmp_path / name).mkdir()
    check_source(tmp_path)
    (tmp_path / name / "pyvenv.cfg").touch()
    with pytest.raises(ExistingVirtualEnvironmentError) as caught:
        check_source(tmp_path)
    assert caught.value.failure_reason == "checks::existing-venv-dir"
    assert caught.value.failure_detail == name
    assert f"git rm -r --cached {name}" in caught.value.hint
