import os
from pathlib import Path

from portside.effects.digest_index import DigestIndex
from portside.effects.files import scan

_LONG_AGO = 1_000_000_000_000_000_000
_NAMES = ["plain", "with space", "new\nline", "back\\nslash", "\udcff not text"]


def _app(root: Path) -> Path:
    root.mkdir()
    for number, name in enumerate(_NAMES):
        path = root / name
        path.write_bytes(b"%d" % number)
        os.utime(path, ns=(_LONG_AGO, _LONG_AGO))
    return root


def _digests(app: Path, index: Path) -> dict[str, str]:
    digests = DigestIndex(index)
    found = {stamp.path: digests.digest(app, stamp) for stamp in scan(app)}
    digests.save()
    return found


def test_digests_of_unchanged_files_are_not_read_again(tmp_path: Path) -> None:
    app, index = _app(tmp_path / "app"), tmp_path / "state" / "app.files"
    first = _digests(app, index)
    assert len(set(first.values())) == len(_NAMES)

    for name in _NAMES:
        # Other contents with the same stamp show that nothing was read.
        (app / name).write_bytes(b"x")
        os.utime(app / name, ns=(_LONG_AGO, _LONG_AGO))
    assert _digests(app, index) == first

    os.utime(app / "new\nline", ns=(_LONG_AGO, _LONG_AGO + 1))
    changed = _digests(app, index)
    assert {name for name in first if changed[name] != first[name]} == {"new\nline"}


def test_a_file_that_was_just_written_is_not_believed_next_time(tmp_path: Path) -> None:
    app, index = _app(tmp_path / "app"), tmp_path / "app.files"
    (app / "plain").write_text("1")
    before = _digests(app, index)
    stamp = (app / "plain").stat()
    (app / "plain").write_text("2")
    os.utime(app / "plain", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert _digests(app, index)["plain"] != before["plain"]


def test_a_damaged_index_counts_as_none(tmp_path: Path) -> None:
    app, index = _app(tmp_path / "app"), tmp_path / "app.files"
    right = _digests(app, index)
    for damage in (b"", b"\0\xff\n", index.read_bytes()[:70], b"1 2 3 plain\n" * 3):
        index.write_bytes(damage)
        assert _digests(app, index) == right
