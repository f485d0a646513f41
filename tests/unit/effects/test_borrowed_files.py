"""Links out of a tree: what they lead to takes their place, as far as the source root goes."""

from pathlib import Path

import pytest

from portside.effects.app_files import AppFiles, read_app_files
from portside.effects.files import copy_tree
from portside.model.errors.app import LinkOutsideAppError


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "root/web"
    app.mkdir(parents=True)
    (tmp_path / "root/shared/deep").mkdir(parents=True)
    (tmp_path / "root/shared/deep/one.txt").write_text("1")
    (tmp_path / "root/shared/.git").mkdir()
    (tmp_path / "root/shared/skipped.psd").write_text("")
    (tmp_path / "outside").write_text("")
    return app


def read(app: Path) -> AppFiles:
    index = app.parents[1] / "index"
    return read_app_files(app, index, excludes=("*.psd",), reach=app.parent)


def test_files_and_directories_take_the_place_of_links_to_them(app: Path, tmp_path: Path) -> None:
    (app / "all").symlink_to("../shared")
    (app / "one").symlink_to(app.parent / "shared/deep/one.txt")
    (app.parent / "shared/same").symlink_to("deep/one.txt")
    (app.parent / "shared/other").symlink_to("../other.txt")
    (app.parent / "other.txt").write_text("2")
    files = read(app)
    slug = tmp_path / "slug"
    slug.mkdir()
    copy_tree(app, slug, files.stamps)
    found = {path.relative_to(slug).as_posix() for path in slug.rglob("*")}
    assert found == {"all", "all/deep", "all/deep/one.txt", "all/same", "all/other", "one"}
    assert (slug / "all/same").is_symlink()
    assert not (slug / "all/other").is_symlink()
    assert (slug / "all/other").read_text() == "2"
    assert (slug / "one").read_text() == "1"
    (app.parent / "other.txt").write_text("3")
    assert read(app).digest != files.digest


@pytest.mark.parametrize(
    "target",
    ["../../outside", "/etc/hostname", "../shared/nothing", "..", "../../root", "../shared"],
)
def test_links_out_of_the_root_to_nothing_or_in_circles_are_refused(app: Path, target: str) -> None:
    (app / "link").symlink_to(target)
    # There and back again: what is lent has the tree in it.
    (app.parent / "shared/back").symlink_to("../web")
    with pytest.raises(LinkOutsideAppError, match="'link"):
        read(app)
