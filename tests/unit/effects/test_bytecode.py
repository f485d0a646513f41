import pytest

from portside.effects.bytecode import _batches


@pytest.mark.parametrize(
    ("sources", "workers", "batches"),
    [(0, 2, 0), (1, 2, 1), (30, 2, 2), (330, 2, 2), (998, 2, 4), (998, 1, 3), (60, 64, 3)],
)
def test_all_workers_have_sources_to_compile_until_the_end(
    sources: int, workers: int, batches: int
) -> None:
    names = [f"module_{number}.py" for number in range(sources)]
    split = _batches(names, workers)
    assert sorted(name for batch in split for name in batch) == sorted(names)
    sizes = [len(batch) for batch in split]
    assert len(sizes) == batches
    assert max(sizes, default=0) - min(sizes, default=0) <= 1
