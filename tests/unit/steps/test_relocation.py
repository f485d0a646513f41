"""What points into the app or the prefix does so relative to site-packages, in every form."""

import site
import sys
from pathlib import Path

import pytest

from portside.steps.dependencies.relocation import relocate_editables


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Site-packages in a prefix of its own, with one of each file that may point elsewhere."""
    found = tmp_path / "staging/tree/lib/python3.12/site-packages"
    found.mkdir(parents=True)
    app, prefix = tmp_path / "app", tmp_path / "staging/tree"
    (found / "app.pth").write_text(f"{app}\n{app}/src's\n{app}-other\nimport os\n")
    (found / "easy-install.pth").write_text(f"{prefix}/src/thing\n")
    (found / "harbour.egg-link").write_text(f"{app}/src's\n../\n")
    (found / "__editable___harbour_finder.py").write_text(
        f"MAPPING = {{'harbour': '{app}/src/harbour'}}\n"
    )
    relocate_editables(found, app, prefix)
    return found


def in_a_slug(packages: Path, home: Path) -> Path:
    """Move site-packages to where they are in a slug at ``home``."""
    place = home / ".heroku/python/lib/python3.12/site-packages"
    place.parent.mkdir(parents=True)
    return packages.rename(place)


def added_by(packages: Path) -> list[str]:
    before = list(sys.path)
    try:
        for path_file in sorted(packages.glob("*.pth")):
            site.addpackage(str(packages), path_file.name, set())
        return [path for path in sys.path if path not in before]
    finally:
        sys.path[:] = before


def linked(home: Path) -> tuple[Path, Path]:
    """Return site-packages of a slug by its own path, and by one through a link."""
    link = home.parent / "link/.heroku/python"
    link.parent.mkdir(parents=True)
    link.symlink_to(home / ".heroku/python")
    below = "lib/python3.12/site-packages"
    return home / ".heroku/python" / below, link / below


def test_path_files_lead_to_the_app_also_through_a_link(packages: Path, tmp_path: Path) -> None:
    home = tmp_path / "slug"
    for directory in ("src's", ".heroku/python/src/thing"):
        (home / directory).mkdir(parents=True)
    in_a_slug(packages, home)
    expected = [str(home), f"{home}/src's", f"{home}/.heroku/python/src/thing"]
    for place in linked(home):
        assert added_by(place) == expected


def test_a_finder_maps_to_the_app_also_through_a_link(packages: Path, tmp_path: Path) -> None:
    home = tmp_path / "slug"
    in_a_slug(packages, home)
    for place in linked(home):
        finder = place / "__editable___harbour_finder.py"
        names: dict[str, object] = {"__file__": str(finder)}
        exec(finder.read_text(), names)  # noqa: S102 (what an import does)
        assert names["MAPPING"] == {"harbour": f"{home}/src/harbour"}


def test_an_egg_link_is_relative_to_where_it_is(packages: Path) -> None:
    assert (packages / "harbour.egg-link").read_text() == "../../../../../src's\n../\n"


def test_nothing_but_the_apps_own_paths_changes(packages: Path, tmp_path: Path) -> None:
    lines = (packages / "app.pth").read_text().splitlines()
    assert lines[2:] == [f"{tmp_path}/app-other", "import os"]
    for path in packages.iterdir():
        assert f"{tmp_path}/app/" not in path.read_text()
        assert f"{tmp_path}/staging" not in path.read_text()
