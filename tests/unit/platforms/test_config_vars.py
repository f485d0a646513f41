import errno
from pathlib import Path
from typing import Any

import pytest

from portside.model.errors.platform import ConfigVarUnreadableError
from portside.platforms.heroku.config_vars import read_config_vars


def test_values_are_exactly_what_the_files_hold(tmp_path: Path) -> None:
    values = {
        "QUOTES": 'it\'s "x" $HOME `y`',
        "LINES": "\none\r\ntwo\n\n",
        "EMPTY": "",
        "_private": "é\N{SNOWMAN}",
        "with.dot-and-dash": "x",
    }
    for name, value in values.items():
        (tmp_path / name).write_bytes(value.encode())
    assert read_config_vars(tmp_path) == values


def test_bytes_that_are_no_text_survive(tmp_path: Path) -> None:
    (tmp_path / "KEY").write_bytes(b"\xff\xfe=")
    value = read_config_vars(tmp_path)["KEY"]
    assert value.encode("utf-8", "surrogateescape") == b"\xff\xfe="


def test_what_cant_be_a_variable_is_left_out(tmp_path: Path) -> None:
    for name in ("1ST", "A=B", "with space", ".hidden", "ümlaut"):
        (tmp_path / name).write_text("x")
    (tmp_path / "NUL").write_bytes(b"a\0b")
    (tmp_path / "DIRECTORY").mkdir()
    (tmp_path / "DANGLING").symlink_to("nowhere")
    (tmp_path / "target").write_text("value")
    (tmp_path / "LINK").symlink_to("target")
    assert read_config_vars(tmp_path) == {"LINK": "value", "target": "value"}


def test_no_directory_means_no_config_vars(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for directory in (None, tmp_path / "missing", tmp_path / "file"):
        assert read_config_vars(directory) == {}


@pytest.mark.parametrize("method", ["iterdir", "read_bytes"])
def test_what_cant_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    directory = tmp_path / "env"
    directory.mkdir()
    (directory / "SECRET").write_text("x")
    # Root, who runs builds, may read everything.
    monkeypatch.setattr(Path, method, refuse)
    with pytest.raises(ConfigVarUnreadableError) as caught:
        read_config_vars(directory)
    assert caught.value.failure_detail == ("env" if method == "iterdir" else "SECRET")
    assert "permission denied" in str(caught.value.detail)
