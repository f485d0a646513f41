"""A slug that is taken apart for the next one comes back whole if that one fails."""

import json
import os
from pathlib import Path

from portside.packing.generations import give_back, take_spare

LAYERS = ("python-1", "dependencies-1")


def make_slug(place: Path, age: int) -> Path:
    (place / ".portside").mkdir(parents=True)
    (place / ".heroku/python/bin").mkdir(parents=True)
    (place / ".heroku/python/bin/python3").write_text(place.name)
    identity = {"key": place.name, "layers": list(LAYERS)}
    (place / ".portside/slug.json").write_text(json.dumps(identity))
    os.utime(place, (age, age))
    return place


def test_a_failed_build_gives_back_what_it_took(tmp_path: Path) -> None:
    directory, aside, home = tmp_path / "app", tmp_path / "spare", tmp_path / "slug/python"
    old = make_slug(directory / "old", 1)
    (directory / "current").symlink_to(make_slug(directory / "new", 2).name)
    spare = take_spare(directory, LAYERS, aside)
    assert spare is not None
    assert not old.exists()
    home.parent.mkdir()
    (spare / ".heroku/python").rename(home)
    give_back(aside, home, directory)
    assert (old / ".heroku/python/bin/python3").read_text() == "old"
    assert list(aside.iterdir()) == []


def test_the_current_slug_and_one_of_other_layers_are_never_taken(tmp_path: Path) -> None:
    directory = tmp_path / "app"
    (directory / "current").parent.mkdir()
    (directory / "current").symlink_to(make_slug(directory / "only", 1).name)
    assert take_spare(directory, LAYERS, tmp_path / "spare") is None
    make_slug(directory / "other", 2)
    assert take_spare(directory, ("another",), tmp_path / "spare") is None
