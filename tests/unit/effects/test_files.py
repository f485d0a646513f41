import os
from pathlib import Path

from portside.effects.files import Twin, copy_tree, linked_paths, scan
from portside.effects.removal import remove_tree


def test_a_tree_is_removed_whatever_its_modes_and_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    tree = tmp_path / "tree"
    (tree / "closed" / "below").mkdir(parents=True)
    (tree / "closed" / "below" / "file").touch()
    (tree / "link").symlink_to(outside)
    (tree / "dangling").symlink_to("nowhere")
    for directory in (tree / "closed" / "below", tree / "closed", tree):
        directory.chmod(0o500)
    remove_tree(tree)
    assert not tree.exists()
    assert (outside / "kept").exists()


def test_files_and_links_are_removed_as_well_and_nothing_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "file").touch()
    for name in ("link", "file", "nothing"):
        remove_tree(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_a_very_deep_tree_is_removed(tmp_path: Path) -> None:
    place = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=place)
        place, parent = os.open("d", os.O_RDONLY, dir_fd=place), place
        os.close(parent)
    os.close(place)
    remove_tree(tmp_path / "d" / "d" / "d")
    assert not (tmp_path / "d" / "d" / "d").exists()


def test_only_files_that_are_one_in_both_trees_are_lent(tmp_path: Path) -> None:
    old, new, slug = tmp_path / "old", tmp_path / "new", tmp_path / "slug"
    for tree in (old, new, slug):
        tree.mkdir()
    (old / "same.py").write_text("1\n")
    (new / "same.py").hardlink_to(old / "same.py")
    for tree in (old, new):
        # Of one size and time, as two versions from reproducible wheels may be.
        (tree / "other.py").write_text(f"{tree.name}\n")
        os.utime(tree / "other.py", ns=(1, 1))
    copy_tree(old, slug, tuple(scan(old)))
    stamps = tuple(scan(new))
    paths = linked_paths(new, old, stamps)
    assert paths == {"same.py"}

    fresh = tmp_path / "fresh"
    fresh.mkdir()
    copy_tree(new, fresh, stamps, Twin(slug, paths))
    assert (fresh / "other.py").read_text() == "new\n"
    assert (fresh / "same.py").stat().st_ino == (slug / "same.py").stat().st_ino
    assert (fresh / "same.py").stat().st_ino != (new / "same.py").stat().st_ino
