"""poetry.lock as Poetry 1.1, 1.8 and 2.5 write it, and what of it is installed."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from fakes import DictSource
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from portside.detection.package_managers import detect_dependencies
from portside.detection.package_managers.markers import holds, marker_environment
from portside.detection.package_managers.poetry import (
    check_poetry_lock,
    local_packages,
    read_poetry_lock,
    select,
)
from portside.detection.package_managers.poetry_project import PoetryProject, read_poetry_project
from portside.detection.project import read_project
from portside.detection.python_version.requires_python import convert_poetry, read_constraints
from portside.model.errors import BuildError
from portside.model.errors.locks import (
    LockInvalidError,
    LockOutdatedError,
    LockWithoutProjectError,
)
from portside.model.facts import PackageManager
from portside.model.locked import IndexSource, LockedDistribution

LOCKS = Path(__file__).parent / "locks"
PROJECT = (LOCKS / "poetry.toml").read_text()
RELEASES = ("1.1", "1.8", "2.5")
MAIN = frozenset({"main"})


def lock_of(release: str) -> str:
    return (LOCKS / f"poetry-{release}.lock").read_text()


def app(lock: str, project: str = PROJECT) -> DictSource:
    return DictSource({"pyproject.toml": project, "poetry.lock": lock})


def chosen(
    lock: str,
    python: str = "3.12.1",
    *,
    project: str = PROJECT,
    groups: Iterable[str] = MAIN,
    extras: Iterable[str] = (),
) -> list[str]:
    source = app(lock, project)
    found = select(
        read_poetry_lock(source),
        read_poetry_project(source),
        marker_environment(python),
        frozenset(groups),
        frozenset(extras),
    )
    return sorted(f"{entry.name}{entry.version}" for entry in found)


@pytest.mark.parametrize("release", RELEASES)
def test_the_main_group_is_chosen_for_the_python(release: str) -> None:
    always = ["apple==1.2", "bread==2.0", "cherry==2.0"]
    assert chosen(lock_of(release)) == [*always, "egg==2.0"]
    assert chosen(lock_of(release), "3.9.2") == [*always, "egg==1.0"]
    both = [*always, "egg==2.0", "fig==1.0", "honey==1.0"]
    assert chosen(lock_of(release), groups=("main", "dev"), extras=("more",)) == both


@pytest.mark.parametrize("release", RELEASES)
def test_entries_name_their_index_and_hashes(release: str) -> None:
    lock = read_poetry_lock(app(lock_of(release)))
    apple = lock.entry(lock.entries[0])
    assert (apple.index, apple.hashes[0][:12]) == ("own", "sha256:83478")
    assert lock.sources == (IndexSource("own", "https://packages.example/simple"),)


@pytest.mark.parametrize("release", RELEASES)
def test_the_lock_is_checked_as_its_writer_does(release: str) -> None:
    source = app(lock_of(release))
    assert detect_dependencies(source).manager is PackageManager.POETRY
    check_poetry_lock(read_poetry_lock(source), read_poetry_project(source))
    changed = app(lock_of(release), PROJECT.replace('"^1.2"', '"^1.3"'))
    with pytest.raises(LockOutdatedError, match=r"poetry\.lock"):
        check_poetry_lock(read_poetry_lock(changed), read_poetry_project(changed))


STANDARD = (
    '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.9"\n'
    'dependencies = ["six"]\n[project.optional-dependencies]\nfast = ["idna"]\n'
    "[tool.poetry]\npackage-mode = false\n"
)
GROUPED = (
    '[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\npython = "^3.9"\n'
    'six = "^1.16"\n[tool.poetry.group.dev.dependencies]\nidna = "*"\n'
)
STANDARD_GROUPED = f'{STANDARD}[dependency-groups]\ndev = ["idna"]\n'


@pytest.mark.parametrize(
    ("project", "writer", "digest"),
    [
        # What each release of Poetry said of the same projects.
        (GROUPED, None, "03ad29a0ba7630030b8c7f96440f361ded0d3a6fb00b9fda78ff45a6fd3fb103"),
        (GROUPED, (1, 8), "bfbfcdeb6631d98e07fd0bc187c7cfc4ca2cae1e427ddd0ddc2dd923b6e21349"),
        (GROUPED, (2, 5), "bfbfcdeb6631d98e07fd0bc187c7cfc4ca2cae1e427ddd0ddc2dd923b6e21349"),
        (STANDARD, (1, 8), "115cf985d932e9bf5f540555bbdd75decbb62cac81e399375fc19f6277f8c1d8"),
        (STANDARD, (2, 5), "65ecfd197931c23eb0342e4feff7839f77cb6e4caf4853ab490d348f6056b288"),
        (
            STANDARD_GROUPED,
            (2, 1),
            "65ecfd197931c23eb0342e4feff7839f77cb6e4caf4853ab490d348f6056b288",
        ),
        (
            STANDARD_GROUPED,
            (2, 5),
            "bd489a3ff7748337d55b672285fa653cdf9dd48d652aef5210d48476cd7f4312",
        ),
    ],
)
def test_content_hashes(project: str, writer: tuple[int, int] | None, digest: str) -> None:
    read = PoetryProject(tomllib.loads(project))
    assert digest in read.content_hashes(writer)


def test_a_hash_that_only_an_older_release_takes_is_refused_of_a_newer_one() -> None:
    read = PoetryProject(tomllib.loads(STANDARD_GROUPED))
    assert len(read.content_hashes((2, 5))) == 1
    assert len(read.content_hashes((2, 2))) == 2


def entry(*lines: str) -> LockedDistribution:
    text = "\n".join(("[[package]]", 'name = "Some.Thing"', 'version = "1.0"', *lines))
    lock = read_poetry_lock(app(f'{text}\n[metadata]\nlock-version = "2.1"\n'))
    return lock.entry(lock.entries[0])


def test_entries_of_other_places() -> None:
    git = 'source = {type = "git", url = "https://g.example/x.git", resolved_reference = "abc"'
    assert entry(git + ', reference = "main", subdirectory = "sub"}') == LockedDistribution(
        "some-thing", vcs="git", location="https://g.example/x.git", ref="abc", subdirectory="sub"
    )
    directory = entry("develop = true", 'source = {type = "directory", url = "../x"}')
    assert directory == LockedDistribution("some-thing", location="../x", editable=True)
    hashed = 'files = [{file = "x.whl", hash = "sha256:00"}]'
    for kind, place in (("file", "wheels/x.whl"), ("url", "https://f.example/x.whl")):
        found = entry(hashed, f'source = {{type = "{kind}", url = "{place}"}}')
        assert found == LockedDistribution("some-thing", hashes=("sha256:00",), location=place)
    assert entry(hashed).index == "pypi"


@pytest.mark.parametrize(
    ("lock", "cause"),
    [
        (lock_of("2.5")[:900], "no \\[metadata\\]"),
        (f"<<<<<<< HEAD\n{lock_of('2.5')}", "line 1 is what a merge left: <<<<<<< HEAD"),
        (lock_of("2.5").replace("[extras]", ">>>>>>> theirs"), "line [0-9]+ is what a merge left"),
        (lock_of("2.5").replace('lock-version = "2.1"', 'lock-version = "0.9"'), "format is 0.9"),
        (lock_of("2.5").replace('lock-version = "2.1"\n', ""), "no lock-version"),
        (lock_of("2.5").replace("content-hash = ", "content-hash "), "line"),
    ],
)
def test_a_lock_that_is_not_whole_is_told_in_detection(lock: str, cause: str) -> None:
    with pytest.raises(LockInvalidError) as caught:
        detect_dependencies(app(lock))
    assert caught.match(r"poetry\.lock")
    assert re.search(cause, caught.value.detail)
    assert "poetry lock" in caught.value.hint


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        ("[package.extras]", "[package.extras", "line 19"),
        ('version = "1.2"\ndesc', "name = 3\ndesc", "line"),
        ("sys_platform == ", "sys_platform is ", "marker|sys_platform"),
    ],
)
def test_a_lock_that_is_damaged_elsewhere_is_told_when_it_is_read(
    before: str, after: str, cause: str
) -> None:
    text = lock_of("2.5").replace(before, after)
    assert text != lock_of("2.5")
    with pytest.raises(LockInvalidError) as caught:
        chosen(text)
    assert re.search(cause, caught.value.detail)


def test_an_older_lock_without_an_entry_that_is_needed_is_invalid() -> None:
    text = lock_of("1.8").replace('name = "cherry"', 'name = "chestnut"')
    with pytest.raises(LockInvalidError) as caught:
        chosen(text)
    assert "it has no entry for cherry" in caught.value.detail


def test_a_lock_without_a_project() -> None:
    with pytest.raises(LockWithoutProjectError):
        detect_dependencies(DictSource({"poetry.lock": lock_of("2.5")}))


def test_only_the_end_of_a_lock_is_parsed_for_detection() -> None:
    # What stands before it isn't TOML at all, which only reading it whole would tell.
    lock = f"[[package]]\nname = ?\n{'# x' * 1000}\n" + lock_of("1.1").partition("[extras]")[2]
    lock = lock.replace('"apple-1.2', "= broken, too")
    source = app(lock)
    assert detect_dependencies(source).lock == "poetry.lock"
    assert [item.specifier for item in read_constraints(source)] == [">=3.9,<4", ">=3.9,<4"]
    assert local_packages(source) == ()
    with pytest.raises(LockInvalidError):
        read_poetry_lock(source)


def test_notices() -> None:
    text = PROJECT.replace("[tool.poetry]\n", "[tool.poetry]\npackage-mode = false\n")
    found = detect_dependencies(app(lock_of("2.5"), text)).notices
    assert [notice.code for notice in found] == ["poetry::scripts"]
    bare = PROJECT[: PROJECT.index("[build-system]")].replace("[tool.poetry.scripts]", "[x]")
    newer = lock_of("2.5").replace('lock-version = "2.1"', 'lock-version = "2.2"')
    found = detect_dependencies(app(newer, bare)).notices
    assert [notice.code for notice in found] == ["poetry::newer-lock", "poetry::no-build-system"]
    assert detect_dependencies(app(lock_of("2.5"))).notices == ()


def test_groups_and_extras_that_a_project_has() -> None:
    project = PoetryProject(
        tomllib.loads(
            '[project.optional-dependencies]\nFast_Path = ["six"]\n[dependency-groups]\nlint = []\n'
            "[tool.poetry.group.docs]\noptional = true\n[tool.poetry.group.dev.dependencies]\n"
            '[tool.poetry.extras]\nmore = ["six"]\n'
        )
    )
    assert project.groups == {"docs", "dev", "lint"}
    assert project.default_groups == {"dev", "lint"}
    assert project.extras == {"fast-path", "more"}


@pytest.mark.parametrize(
    ("table", "python", "expected"),
    [
        ('egg = {version = "<2", python = "<3.10"}', "3.9.1", ["egg==1.0"]),
        ('egg = {version = "<2", python = "~3.9 || ^3.12"}', "3.12.1", ["egg==1.0"]),
        ('egg = {version = "<2", python = "~3.9 || ^3.12"}', "3.11.1", []),
        ('egg = {version = "*", platform = "linux"}\ngrape = {version = "*", platform = "win32"}',
         "3.12.1", ["egg==2.0"]),
        ('egg = ["<2"]\ncherry = "*"', "3.9.1", ["cherry==2.0", "egg==1.0"]),
        ('fig = {version = "*", optional = true}', "3.12.1", []),
    ],
)  # fmt: skip
def test_what_a_project_asks_for_in_older_locks(
    table: str, python: str, expected: list[str]
) -> None:
    project = f'[tool.poetry.dependencies]\npython = "^3.9"\n{table}\n'
    assert chosen(lock_of("1.8"), python, project=project) == expected


@pytest.mark.parametrize("text", ["apple = 'what?'", "apple = {version = '???'}"])
def test_a_constraint_that_makes_no_sense(text: str) -> None:
    with pytest.raises(BuildError, match="can't be read"):
        chosen(lock_of("1.8"), project=f"[tool.poetry.dependencies]\n{text}\n")


@pytest.mark.parametrize(
    ("marker", "extras", "expected"),
    [
        ("", (), True),
        ("*", (), True),
        ("<empty>", (), False),
        ('extra == "a"', (), False),
        ('extra == "a" and extra == "b"', ("a", "b"), True),
        ('extra != "a"', ("b",), True),
        ("extra == 'A_b' or python_version < '3'", ("a-b",), True),
        ('python_version >= "3.10" and python_full_version < "3.12.2"', (), True),
        ('platform_python_implementation == "PyPy"', (), False),
    ],
)
def test_markers(marker: str, extras: tuple[str, ...], expected: bool) -> None:
    assert holds(marker, marker_environment("3.12.1"), frozenset(extras)) is expected


WITHOUT_LOCK = """
[tool.poetry]
package-mode = false
[tool.poetry.dependencies]
python = "^3.9"
Six_Pack = "^1.16"
flask = {version = "~3.0 || ^3.1", extras = ["async"], python = ">=3.10"}
egg = [{version = "<2", python = "<3.10"}, {version = "*", python = ">=3.10"}]
within = {git = "git@g.example:x/y.git", tag = "v1", subdirectory = "sub"}
beside = {path = "../beside", develop = true}
wheel = {path = "wheels/x.whl"}
far = {url = "https://f.example/x.whl"}
fig = {version = "1.0", optional = true}
[tool.poetry.extras]
more = ["fig"]
[tool.poetry.group.dev.dependencies]
honey = "*"
"""


def test_a_project_without_a_lock_as_requirements() -> None:
    source = DictSource({"pyproject.toml": WITHOUT_LOCK})
    project = read_project(source)
    assert project is not None
    assert project.dependencies == (
        "six-pack>=1.16,<2",
        "flask[async]>=3.0,<4 ; ((python_full_version >= '3.10'))",
        "egg<2 ; ((python_full_version < '3.10'))",
        "egg ; ((python_full_version >= '3.10'))",
        "within @ git+ssh://git@g.example/x/y.git@v1#subdirectory=sub",
        "beside @ ../beside",
        "wheel @ ./wheels/x.whl",
        "far @ https://f.example/x.whl",
    )
    assert project.chosen(("more",), ("dev",)) == ("fig==1.0", "honey")
    assert not project.is_buildable
    for line in project.dependencies:
        assert Requirement(line)
    notices = detect_dependencies(source).notices
    assert [notice.code for notice in notices] == ["pyproject::no-lock"]
    assert "poetry lock" in notices[0].hint


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("^1 || ^2", ">=1,<3"),
        ("^3 || ^1", ">=1,<4,!=2.*"),
        ("~1.2 || ~1.4 || ~1.5", ">=1.2,<1.6,!=1.3.*"),
        ("^1.2 || ^3.4", ">=3.4,<4"),
        ("^1 || >=3", ">=3"),
        ("1.0 || 2.0", "==2.0"),
    ],
)
def test_alternatives_become_one_range_where_they_can(text: str, joined: str) -> None:
    table = f'[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\nsix = "{text}"\n'
    project = read_project(DictSource({"pyproject.toml": table}))
    assert project is not None
    assert project.dependencies == (f"six{joined}",)
    for version in ("1.2.1", "3.4", "4.5"):
        taken = Requirement(project.dependencies[0]).specifier.contains(version)
        options = (convert_poetry(part) or "" for part in text.split("||"))
        assert taken <= any(SpecifierSet(option).contains(version) for option in options)


def test_a_project_that_poetry_itself_has_to_explain() -> None:
    text = '[build-system]\n[tool.poetry.dependencies]\nsix = "what?"\n'
    project = read_project(DictSource({"pyproject.toml": text}))
    assert (project is not None, project and project.dependencies) == (True, None)
    assert read_project(DictSource({"pyproject.toml": "[tool.poetry]\n"})) is None
