import json
from pathlib import Path

import pytest

from portside.platforms.heroku.report import LAST_PLACE, PLACE, BuildReport, read_last_report


def test_a_report_is_flat_json_that_is_read_again(tmp_path: Path) -> None:
    report = BuildReport()
    report.values["python_version"] = "3.12.1"
    with report.timing("cache_save_duration"):
        pass
    report.write(tmp_path)
    document = json.loads((tmp_path / PLACE).read_bytes())
    assert document == read_last_report(tmp_path)
    assert set(document) == {"cache_save_duration", "python_version", "total_duration"}
    assert 0 <= document["cache_save_duration"] <= document["total_duration"]


def test_a_duration_is_kept_where_the_work_failed() -> None:
    report = BuildReport()
    with pytest.raises(LookupError), report.timing("nltk_downloader_duration"):
        raise LookupError
    assert isinstance(report.values["nltk_downloader_duration"], float)


def test_a_failure_has_a_reason_and_a_detail_where_there_is_one() -> None:
    report = BuildReport()
    report.fail("internal-error::abort", "")
    assert report.values == {"failure_reason": "internal-error::abort"}
    report.fail("checks::stack::eol", "heroku-18")
    assert report.values == {"failure_reason": "checks::stack::eol", "failure_detail": "heroku-18"}


def test_it_is_written_where_the_cache_was_removed(tmp_path: Path) -> None:
    cache = tmp_path / "removed/cache"
    BuildReport().write(cache)
    assert set(read_last_report(cache)) == {"total_duration"}


def test_until_it_is_written_it_tells_of_an_abort(tmp_path: Path) -> None:
    BuildReport().write(tmp_path)
    (tmp_path / PLACE).write_text('{"python_version_major": "3.11"}')
    BuildReport().begin(tmp_path)
    aborted = {"failure_reason": "internal-error::abort"}
    assert json.loads((tmp_path / PLACE).read_bytes()) == aborted
    # What is sticky in the report before it outlives any number of builds that fail.
    BuildReport().begin(tmp_path)
    assert read_last_report(tmp_path) == {"python_version_major": "3.11"}
    assert json.loads((tmp_path / LAST_PLACE).read_bytes()) == {"python_version_major": "3.11"}


def test_a_success_of_another_buildpack_is_the_last_report(tmp_path: Path) -> None:
    (tmp_path / PLACE).parent.mkdir()
    for series in ("3.10", "3.13"):
        (tmp_path / PLACE).write_text(f'{{"python_version_major": "{series}"}}')
        BuildReport().begin(tmp_path)
        assert read_last_report(tmp_path) == {"python_version_major": series}


def test_it_begins_in_a_cache_that_is_empty(tmp_path: Path) -> None:
    BuildReport().begin(tmp_path / "new")
    assert [path.name for path in (tmp_path / "new/build-data").iterdir()] == ["python.json"]


def test_a_place_that_is_no_directory_is_the_callers_to_tell(tmp_path: Path) -> None:
    (tmp_path / "build-data").touch()
    with pytest.raises(OSError, match="build-data"):
        BuildReport().write(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe{}"])
def test_a_damaged_report_is_none(tmp_path: Path, content: bytes) -> None:
    assert read_last_report(tmp_path) == {}
    (tmp_path / PLACE).parent.mkdir()
    (tmp_path / PLACE).write_bytes(content)
    assert read_last_report(tmp_path) == {}
