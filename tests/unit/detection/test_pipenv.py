import io
import json

import plette
import pytest
from fakes import DictSource

from portside.detection.facts import detect
from portside.detection.package_managers import detect_dependencies
from portside.detection.package_managers.pipenv import (
    IndexSource,
    LockedDistribution,
    lockless_requirements,
    pipfile_hashes,
    read_pipfile_lock,
)
from portside.model.errors.app import MultiplePackageManagersError, NoPackageManagerError
from portside.model.errors.dependencies import PipfileInvalidError, PipfileLockInvalidJsonError
from portside.model.errors.locks import LockMissingError
from portside.model.facts import NoticeLevel, PackageManager
from portside.planning.policy import load_policy

PYPI = IndexSource("pypi", "https://pypi.org/simple")


def lock_source(default: object, **meta: object) -> DictSource:
    data = {"_meta": {"hash": {"sha256": "ab"}, **meta}, "default": default, "develop": {}}
    return DictSource({"Pipfile.lock": json.dumps(data)})


@pytest.mark.parametrize(
    ("files", "manager", "manifest", "lock"),
    [
        ({"requirements.txt": "-r a.txt\n", "a.txt": ""}, "pip", "requirements.txt", None),
        ({"Pipfile": ""}, "pipenv", "Pipfile", None),
        ({"Pipfile": "", "Pipfile.lock": "{}"}, "pipenv", "Pipfile", "Pipfile.lock"),
        ({"Pipfile.lock": "{}"}, "pipenv", "Pipfile.lock", "Pipfile.lock"),
    ],
)
def test_detection(
    files: dict[str, bytes | str], manager: str, manifest: str, lock: str | None
) -> None:
    found = detect_dependencies(DictSource(files))
    assert found.manager is PackageManager(manager)
    assert (found.manifest, found.lock) == (manifest, lock)
    assert found.reason


def test_all_files_that_are_read_are_listed() -> None:
    files: dict[str, bytes | str] = {"requirements.txt": "-r a.txt\n", "a.txt": ""}
    assert detect_dependencies(DictSource(files)).files == ("requirements.txt", "a.txt")


def test_two_package_managers_are_an_error() -> None:
    with pytest.raises(MultiplePackageManagersError) as caught:
        detect_dependencies(DictSource({"Pipfile": "", "requirements.txt": "six\n"}))
    assert caught.value.failure_detail == "Pipfile,requirements.txt"


def test_none_is_an_error_that_lists_the_directory() -> None:
    with pytest.raises(NoPackageManagerError) as caught:
        detect_dependencies(DictSource({"app.rb": "", "src/x.py": ""}))
    assert "app.rb" in caught.value.detail


def test_a_lock_is_read_whole() -> None:
    entries = {
        "six": {"version": "==1.16.0", "hashes": ["sha256:aa", "sha256:bb"], "index": "pypi"},
        "req": {"version": "==2", "extras": ["socks"], "markers": "python_version >= '3'"},
        "repo": {"git": "https://example.com/r.git", "ref": "abc", "subdirectory": "sub"},
        "here": {"path": "./here", "editable": True},
        "file": {"file": "https://example.com/f.whl", "hashes": ["sha256:cc"]},
        "plain": "*",
    }
    sources = [{"name": "own", "url": "https://${U}@example.com/simple", "verify_ssl": False}]
    lock = read_pipfile_lock(lock_source(entries, sources=sources))
    assert lock.pipfile_hash == "ab"
    assert lock.sources == (IndexSource("own", "https://${U}@example.com/simple", False),)
    assert [entry.requirement() for entry in lock.packages] == [
        "six==1.16.0 --hash=sha256:aa --hash=sha256:bb",
        "req[socks]==2 ; python_version >= '3'",
        "repo @ git+https://example.com/r.git@abc#subdirectory=sub",
        "-e ./here",
        "file @ https://example.com/f.whl --hash=sha256:cc",
        "plain",
    ]
    assert [entry.name for entry in lock.packages if entry.is_path] == ["here"]


def test_an_scp_like_address_becomes_a_url() -> None:
    entry = LockedDistribution("a", vcs="git", location="git@example.com:me/a.git", ref="v1")
    assert entry.requirement() == "a @ git+ssh://git@example.com/me/a.git@v1"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"_meta": {}, "default": []}', '{"_meta": {}, "default": {"a": 1}}'],
)
def test_an_invalid_lock_is_an_error(text: str) -> None:
    with pytest.raises(PipfileLockInvalidJsonError):
        read_pipfile_lock(DictSource({"Pipfile.lock": text}))


@pytest.mark.parametrize("text", ["[packages", "packages = 1", "[packages]\nsix = 1\n", b"\xff"])
def test_an_invalid_pipfile_is_an_error(text: str | bytes) -> None:
    with pytest.raises(PipfileInvalidError):
        lockless_requirements(DictSource({"Pipfile": text}))


PIPFILES = [
    "",
    '[packages]\nsix = "*"\n',
    (
        '[[source]]\nname = "a"\nurl = "https://a/simple"\nverify_ssl = true\n[requires]\n'
        'python_version = "3.12"\n[packages]\nFlask_Cors = {version = "*", extras = ["x"]}\n'
        '[dev-packages]\npytest = "*"\n[scripts]\nx = "y"\n[pipenv]\nallow_prereleases = true\n'
        '[docs]\nSphinx = "*"\n'
    ),
    '[packages]\nsix = "*"\n[[source]]\nname = "caf\u00e9"\nurl = "https://a"\nverify_ssl = true\n',
]


@pytest.mark.parametrize("text", PIPFILES)
def test_the_hash_is_that_of_plette(text: str) -> None:
    expected = plette.Pipfile.load(io.StringIO(text)).get_hash().value
    assert expected in pipfile_hashes(DictSource({"Pipfile": text}))


def test_pipenv_writes_names_in_canonical_form() -> None:
    written = pipfile_hashes(DictSource({"Pipfile": '[packages]\nFlask_Cors = "*"\n'}))
    canonical = pipfile_hashes(DictSource({"Pipfile": '[packages]\nflask-cors = "*"\n'}))
    assert len(written) == 2
    assert len(canonical) == 1
    assert canonical < written


def test_comments_and_scripts_do_not_change_the_hash() -> None:
    first = DictSource({"Pipfile": '[packages]\nsix = "*"\n'})
    second = DictSource({"Pipfile": '# x\n[packages]\nsix = "*"\n[scripts]\na = "b"\n'})
    assert pipfile_hashes(first) == pipfile_hashes(second)


def test_a_pipfile_without_a_lock() -> None:
    text = '[packages]\nsix = "*"\nidna = {version = ">=3", sys_platform = "== \'linux\'"}\n'
    wanted = lockless_requirements(
        DictSource({"Pipfile": f"{text}[pipenv]\nallow_prereleases = true\n"})
    )
    assert wanted.sources == (PYPI,)
    assert wanted.allow_prereleases
    assert [entry.requirement() for entry in wanted.packages] == [
        "six",
        "idna>=3 ; sys_platform == 'linux'",
    ]


def test_a_pin_to_one_of_several_indexes_needs_a_lock() -> None:
    source = '[[source]]\nname = "{0}"\nurl = "https://{0}.example/simple"\nverify_ssl = true\n'
    pinned = '[packages]\ncargo = {version = "*", index = "two"}\n'
    two = source.format("one") + source.format("two")
    with pytest.raises(LockMissingError, match="lock") as caught:
        lockless_requirements(DictSource({"Pipfile": two + pinned}))
    assert "takes cargo from 'two'" in caught.value.detail
    assert "`pipenv lock`" in caught.value.hint
    only = lockless_requirements(DictSource({"Pipfile": source.format("two") + pinned}))
    assert [entry.index for entry in only.packages] == ["two"]


def test_an_index_at_the_top_of_a_file_does_not_make_it_pipenvs() -> None:
    text = "-i https://pypi.org/simple\nsix==1\nredis==5\n"
    with pytest.raises(MultiplePackageManagersError):
        detect_dependencies(DictSource({"Pipfile": "", "requirements.txt": text}))


@pytest.mark.parametrize(
    ("files", "is_warned"),
    [
        ({"Pipfile": ""}, True),
        ({"Pipfile": "", "Pipfile.lock": '{"_meta": {}, "default": {}}'}, False),
        ({"requirements.txt": ""}, False),
    ],
)
def test_a_missing_lock_is_a_warning(files: dict[str, bytes | str], is_warned: bool) -> None:
    facts = detect(DictSource(files), read_cached=lambda: None, policy=load_policy())
    found = [notice.level for notice in facts.notices if notice.code == "pipenv::no-lock"]
    assert found == ([NoticeLevel.WARNING] if is_warned else [])


def test_the_marks_of_a_merge_in_a_pipfile_are_told_as_such() -> None:
    text = "[packages]\n<<<<<<< HEAD\nsix = '*'\n=======\nidna = '*'\n>>>>>>> theirs\n"
    with pytest.raises(PipfileInvalidError) as caught:
        lockless_requirements(DictSource({"Pipfile": text}))
    assert "line 2 is what a merge left: <<<<<<< HEAD" in caught.value.detail
