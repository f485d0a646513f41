from pathlib import Path

import pytest

from portside.model.layers import KeyInput, LayerKey
from portside.platforms.heroku.cache import (
    APP_ID,
    LastBuild,
    judge_cache,
    keep_build,
    read_last_build,
    store_of,
)


def key(**inputs: str) -> LayerKey:
    return LayerKey(
        "dependencies",
        tuple(KeyInput(name.replace("_", " "), value) for name, value in inputs.items()),
    )


KEY = key(stack="heroku-24", Python="3.12.1")


def write(cache: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = cache / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def test_what_a_build_kept_is_read_again(tmp_path: Path) -> None:
    keep_build(tmp_path, series="3.12", stack="heroku-24", dependencies=KEY)
    assert read_last_build(tmp_path) == LastBuild("3.12", "heroku-24", KEY, is_foreign=False)


@pytest.mark.parametrize(
    ("files", "series", "stack"),
    [
        (
            {".heroku/python-version": "python-3.10.4\n", ".heroku/python-stack": "heroku-22\n"},
            "3.10",
            "heroku-22",
        ),
        ({".heroku/python-version": "3.13\n"}, "3.13", None),
        (
            {".heroku/python/x": "", "build-data/python.json": '{"python_version_major": "3.11"}'},
            "3.11",
            None,
        ),
        (
            {"build-data/python": "buildpack=v2.7\npython_version=3.9.1\nstack=heroku-20\n"},
            "3.9",
            None,
        ),
        (
            {
                ".heroku/python/x": "",
                "build-data/python-last.json": '{"python_version_major": "3.10"}',
                "build-data/python.json": '{"failure_reason": "internal-error::abort"}',
            },
            "3.10",
            None,
        ),
        ({"build-data/python": "cache=1.2\npython_version_major=3.12\n"}, "3.12", None),
    ],
)
def test_a_cache_of_the_existing_buildpack(
    tmp_path: Path, files: dict[str, str | bytes], series: str, stack: str | None
) -> None:
    write(tmp_path, files)
    assert read_last_build(tmp_path) == LastBuild(series, stack, None, is_foreign=True)


@pytest.mark.parametrize("name", [".heroku", "build-data", ".heroku/src", "build-data/python"])
def test_a_file_in_a_directorys_place_is_no_obstacle(tmp_path: Path, name: str) -> None:
    write(tmp_path, {name: "?"})
    read_last_build(tmp_path)
    keep_build(tmp_path, series="3.12", stack="heroku-24", dependencies=KEY)
    assert read_last_build(tmp_path) == LastBuild("3.12", "heroku-24", KEY, is_foreign=False)


@pytest.mark.parametrize(
    "files",
    [
        {".heroku/python-version": b"\xff\xfe3\x00"},
        {".heroku/python-version": "latest"},
        {".heroku/python-version/directory": ""},
        {".heroku/python/bin/python": "", "build-data/python.json": "{"},
        {".heroku/python/bin/python": "", "build-data/python.json": '{"python_version_major": 3}'},
        {"build-data/python": b"\0\xff=\n="},
        {"build-data/python/directory": ""},
    ],
)
def test_a_damaged_cache_names_no_series(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    write(tmp_path, files)
    assert read_last_build(tmp_path) == LastBuild(None, None, None, is_foreign=True)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"node/version": "18.1"},
        # What a first build that failed has left is no build.
        {"build-data/python.json": '{"python_version_major": "3.11", "failure_reason": "x"}'},
    ],
)
def test_a_cache_without_a_build_says_nothing(
    tmp_path: Path, files: dict[str, str | bytes]
) -> None:
    write(tmp_path, files)
    assert read_last_build(tmp_path) is None
    assert read_last_build(tmp_path / "missing") is None


def test_a_state_that_is_damaged_says_what_can_be_read(tmp_path: Path) -> None:
    store_of(tmp_path).write_state(APP_ID, {"python_series": 3, "stack": "s", "dependencies": []})
    assert read_last_build(tmp_path) == LastBuild(None, "s", None, is_foreign=False)
    (state,) = (path for path in (tmp_path / "portside/apps").rglob("*") if path.is_file())
    state.write_bytes(b"\xff{")
    assert read_last_build(tmp_path) is None


def test_a_build_drops_what_the_existing_buildpack_left_and_nothing_else(tmp_path: Path) -> None:
    foreign = {
        ".heroku/python/bin/python": "",
        ".heroku/python-version": "3.10",
        ".heroku/python-stack": "heroku-22",
        ".heroku/requirements.txt": "six",
        ".heroku/src/thing/setup.py": "",
        "build-data/python": "",
    }
    others = {".heroku/node/bin/node": "", "build-data/nodejs": "", "build-data/python.json": "{}"}
    write(tmp_path, {**foreign, **others})
    keep_build(tmp_path, series="3.12", stack="", dependencies=KEY)
    for name in foreign:
        assert not (tmp_path / name).exists()
    for name in others:
        assert (tmp_path / name).exists()


def test_the_status_and_the_reasons_follow_from_what_changed() -> None:
    def last(dependencies: LayerKey | None) -> LastBuild:
        return LastBuild("3.12", "heroku-24", dependencies, is_foreign=dependencies is None)

    assert judge_cache(KEY, None) == ("empty", ())
    assert judge_cache(KEY, last(KEY)) == ("reused", ())
    assert judge_cache(KEY, last(None)) == (
        "discarded",
        ("another buildpack wrote the cache",),
    )
    changed = key(stack="heroku-22", Python="3.12.1", requirements="x")
    assert judge_cache(KEY, last(changed)) == (
        "discarded",
        ("stack changed from heroku-22 to heroku-24", "requirements is gone"),
    )


def test_what_goes_without_saying_isnt_said() -> None:
    before = LayerKey(
        "d", (KeyInput("Python", "3.11.1"), KeyInput("the interpreter's build", "a" * 64))
    )
    after = LayerKey(
        "d", (KeyInput("Python", "3.12.1"), KeyInput("the interpreter's build", "b" * 64))
    )
    rebuilt = LayerKey("d", (before.inputs[0], after.inputs[1]))
    last = LastBuild("3.11", None, before, is_foreign=False)
    assert judge_cache(after, last)[1] == ("Python changed from 3.11.1 to 3.12.1",)
    assert judge_cache(rebuilt, last)[1] == ("the interpreter's build changed",)
