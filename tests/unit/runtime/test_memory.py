from itertools import chain, repeat
from pathlib import Path

import pytest

from portside.model.errors.run import TooMuchMemoryError
from portside.model.settings import parse_size
from portside.runtime import memory
from portside.runtime.memory import MemoryUse, check_memory, read_memory, settled_memory


def test_the_share_counts_and_the_resident_size_where_there_is_none(tmp_path: Path) -> None:
    for pid, name, text in (
        (1, "smaps_rollup", "Rss:      9000 kB\nPss:      3000 kB\nPss_Dirty:  10 kB\n"),
        (2, "status", "VmPeak:  9999 kB\nVmRSS:\t    1000 kB\n"),
    ):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / name).write_text(text)
    assert read_memory([1, 2, 3], tmp_path) == MemoryUse(4000 * 1024, 2)


def test_memory_is_told_once_it_stays_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_SETTLE_SECONDS", 0.0)
    uses = chain([MemoryUse(10, 1), MemoryUse(500, 2)], repeat(MemoryUse(1000, 3)))
    assert settled_memory(lambda: next(uses)) == MemoryUse(1000, 3)


def test_only_more_than_the_limit_is_too_much() -> None:
    use = MemoryUse(100, 1)
    check_memory(use, command="x", limit=0)
    check_memory(use, command="x", limit=100)
    with pytest.raises(TooMuchMemoryError):
        check_memory(use, command="x", limit=99)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512M", 512 << 20),
        ("1g", 1 << 30),
        (" 2GiB ", 2 << 30),
        ("0M", None),
        ("512", None),
        ("-1M", None),
        ("1.5G", None),
    ],
)
def test_sizes(text: str, size: int | None) -> None:
    assert parse_size(text) == size
