import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portside.effects.files import copy_tree, scan
from portside.effects.store import Store, StoredLayer
from portside.model.layers import KeyInput, LayerKey

KEY = LayerKey("python", (KeyInput("version", "3.12.1"),))


def committed(store: Store) -> StoredLayer:
    with store.staging() as staging:
        (staging.tree / "bin").mkdir()
        (staging.tree / "bin" / "tool").write_text("contents")
        (staging.tree / "link").symlink_to("bin/tool")
        return store.commit(KEY, staging, (("origin", "here"),))


def test_a_committed_layer_is_found_whole(tmp_path: Path) -> None:
    committed(Store(tmp_path))
    found = Store(tmp_path).find(KEY)
    assert found is not None
    assert found.fact("origin") == "here"
    assert [stamp.path for stamp in found.stamps] == ["bin", "link", "bin/tool"]


def test_staging_leaves_nothing_behind(tmp_path: Path) -> None:
    committed(Store(tmp_path))
    assert list((tmp_path / "staging").iterdir()) == []


def test_a_layer_with_a_changed_file_is_discarded(tmp_path: Path) -> None:
    layer = committed(Store(tmp_path))
    (layer.tree / "bin" / "tool").write_text("something else")
    assert Store(tmp_path).find(KEY) is None
    assert not layer.tree.exists()


def test_a_layer_with_a_truncated_manifest_is_discarded(tmp_path: Path) -> None:
    layer = committed(Store(tmp_path))
    manifest = layer.tree.parent / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:40])
    assert Store(tmp_path).find(KEY) is None


def test_the_second_commit_of_a_key_keeps_the_first_layer(tmp_path: Path) -> None:
    first = committed(Store(tmp_path))
    inode = (first.tree / "bin" / "tool").stat().st_ino
    second = committed(Store(tmp_path))
    assert (second.tree / "bin" / "tool").stat().st_ino == inode


def test_staging_of_a_dead_build_is_removed_and_that_of_a_live_one_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.staging() as live:
        dead = tmp_path / "staging" / "1-00000000dead"
        dead.mkdir()
        (dead / "alive").touch()
        with Store(tmp_path).staging():
            assert live.tree.is_dir()
            assert not dead.exists()


def test_copies_share_no_inode_with_the_store(tmp_path: Path) -> None:
    layer = committed(Store(tmp_path / "store"))
    target = tmp_path / "slug"
    target.mkdir()
    copy_tree(layer.tree, target, layer.stamps)
    copy = target / "bin" / "tool"
    assert copy.read_text() == "contents"
    assert copy.stat().st_ino != (layer.tree / "bin" / "tool").stat().st_ino
    assert (target / "link").readlink() == Path("bin/tool")


def test_scan_yields_directories_before_what_they_hold(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").touch()
    assert [stamp.path for stamp in scan(tmp_path)] == ["a", "a/b", "a/b/c"]


def test_state_with_another_format_or_torn_counts_as_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_state("app", {"series": "3.12"})
    assert store.read_state("app")["series"] == "3.12"
    (tmp_path / "apps" / "app.json").write_text('{"format": 99}')
    assert store.read_state("app") == {}
    (tmp_path / "apps" / "app.json").write_text('{"form')
    assert store.read_state("app") == {}


def test_a_layer_is_made_of_files_that_nobody_may_write_to(tmp_path: Path) -> None:
    layer = committed(Store(tmp_path))
    assert stat.S_IMODE((layer.tree / "bin" / "tool").stat().st_mode) == 0o444
    found = Store(tmp_path).find(KEY)
    assert found is not None
    assert found.stamps == layer.stamps


def test_what_a_damaged_layer_was_linked_with_goes_with_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    harmed, sound = (tmp_path / "uv/archive-v0" / name for name in ("harmed", "sound"))
    with store.staging() as staging:
        for place in (harmed, sound):
            place.mkdir(parents=True)
            (place / "module.py").write_text(place.name)
            (staging.tree / f"{place.name}.py").hardlink_to(place / "module.py")
        store.commit(KEY, staging)
    (harmed / "module.py").chmod(0o644)
    (harmed / "module.py").write_text("changed in place")
    told: list[str] = []
    assert Store(tmp_path).find(KEY, told.append) is None
    assert told == ["python"]
    assert not harmed.exists()
    assert (sound / "module.py").read_text() == "sound"


def test_a_layer_that_another_build_commits_meanwhile_is_kept(tmp_path: Path) -> None:
    class Late(Store):
        """Finds nothing the first time, when another build is about to commit."""

        def _load(self, place: Path, *, verifies: bool = True) -> StoredLayer | None:
            if not (tmp_path / "layers").exists():
                committed(Store(tmp_path))
                return None
            return super()._load(place, verifies=verifies)

    told: list[str] = []
    assert Late(tmp_path).find(KEY, told.append) is not None
    assert told == []


def test_an_unfinished_layer_is_waited_for(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "store"), Store(tmp_path / "store")
    with ThreadPoolExecutor(1) as pool, store.staging() as staging:
        (staging.tree / "python").write_text("usable")
        with store.unfinished(KEY, staging) as tree:
            assert (tree / "python").read_text() == "usable"
            assert not other.has(KEY)
            assert other.layers(KEY.layer) == ()
            found = pool.submit(other.find, KEY)
            (tree / "bytecode").write_text("made later")
            made = store.finish(KEY, (("origin", "here"),))
        assert found.result() == made
    assert [stamp.path for stamp in made.stamps] == ["bytecode", "python"]
    assert made.fact("origin") == "here"


def test_an_unfinished_layer_that_fails_is_discarded(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(RuntimeError), store.staging() as staging:
        with store.unfinished(KEY, staging) as tree:
            raise RuntimeError("interrupted")
    assert not tree.exists()
    assert store.find(KEY) is None


def test_an_unfinished_layer_of_a_killed_build_is_no_layer(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    place = tmp_path / "store/layers" / KEY.layer / KEY.digest
    (place / "tree").mkdir(parents=True)
    damaged: list[str] = []
    assert store.find(KEY, damaged.append) is None
    assert not place.exists()
    assert damaged == []


def test_an_unfinished_layer_is_kept_by_those_who_tidy(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "store"), Store(tmp_path / "store")
    with store.staging() as staging, store.unfinished(KEY, staging) as tree:
        other.keep_only(frozenset())
        assert other.prune(older_than=-1) == (0, 0)
        assert tree.is_dir()
        store.finish(KEY)
    assert other.prune(older_than=-1)[0] == 1
