"""pdm.lock as PDM 2.4 and 2.29 write it, and what of it is installed."""

import re
import tomllib
from pathlib import Path

import pytest
from fakes import DictSource

from portside.detection.package_managers import detect_dependencies
from portside.detection.package_managers.markers import marker_environment
from portside.detection.package_managers.pdm import (
    check_groups,
    check_pdm_lock,
    local_packages,
    read_pdm_lock,
    select,
)
from portside.detection.package_managers.pdm_project import (
    PdmProject,
    PdmSource,
    read_pdm_project,
    read_wish,
)
from portside.detection.python_version.requires_python import read_constraints
from portside.model.errors.locks import (
    LockInvalidError,
    LockOutdatedError,
    LockTooNewError,
    LockWithoutGroupError,
    LockWithoutProjectError,
)
from portside.model.facts import PackageManager
from portside.model.locked import LockedDistribution

LOCKS = Path(__file__).parent / "locks"
PROJECT = (LOCKS / "pdm.toml").read_text()
# As it is by default, without groups and markers, with its inputs in place of a hash, and old.
FORMS = ("2.29", "2.29-plain", "2.29-inputs", "2.4")
CHOSEN = ["apple==1.2", "bread==2.0", "cherry==2.0", "egg==2.0"]


def lock_of(form: str) -> str:
    return (LOCKS / f"pdm-{form}.lock").read_text()


def app(lock: str, project: str = PROJECT) -> DictSource:
    return DictSource({"pyproject.toml": project, "pdm.lock": lock})


def chosen(lock: str, *groups: str, project: str = PROJECT) -> list[str]:
    source = app(lock, project)
    wanted = frozenset({"default", *groups})
    environment = marker_environment("3.12.1")
    found = select(read_pdm_lock(source), read_pdm_project(source), environment, wanted)
    return sorted(f"{entry.name}{entry.version}" for entry in found)


@pytest.mark.parametrize("form", FORMS)
def test_the_default_group_is_chosen(form: str) -> None:
    assert chosen(lock_of(form)) == CHOSEN


@pytest.mark.parametrize("form", FORMS[:3])
def test_other_groups_are_chosen_beside_it(form: str) -> None:
    assert chosen(lock_of(form), "dev") == [*CHOSEN, "honey==1.0"]


def test_an_extra_of_the_project_is_a_group_of_the_lock() -> None:
    assert chosen(lock_of("2.4"), "more") == [*CHOSEN, "fig==1.0"]


@pytest.mark.parametrize("form", FORMS)
def test_entries_have_their_hashes(form: str) -> None:
    lock = read_pdm_lock(app(lock_of(form)))
    hashes = {lock.entry(item).hashes[0][:12] for item in lock.entries if item["name"] == "bread"}
    assert hashes == {"sha256:b183c"}


@pytest.mark.parametrize("form", FORMS)
def test_the_lock_is_checked_as_its_writer_does(form: str) -> None:
    source = app(lock_of(form))
    assert detect_dependencies(source).manager is PackageManager.PDM
    check_pdm_lock(read_pdm_lock(source), read_pdm_project(source))
    changed = app(lock_of(form), PROJECT.replace('"honey"', '"honey", "fig"'))
    if form != "2.4":
        with pytest.raises(LockOutdatedError, match=r"pdm\.lock"):
            check_pdm_lock(read_pdm_lock(changed), read_pdm_project(changed))
    renamed = app(lock_of(form), PROJECT.replace('"apple[toast]', '"apple[jam]'))
    with pytest.raises(LockOutdatedError, match=r"pdm\.lock"):
        check_pdm_lock(read_pdm_lock(renamed), read_pdm_project(renamed))


@pytest.mark.parametrize(
    ("asked", "more", "is_fresh"),
    [
        ("apple[toast]>=1.0", "", True),
        ("apple[toast]~=1.2.0", "", True),
        ("apple[toast]>=1.3", "", False),
        ("apple[toast]<1.2", "", False),
        ("apple[toast]>=1.3", '[tool.pdm.resolution.overrides]\napple = "1.2"\n', True),
    ],
)
def test_a_range_may_change_around_what_is_locked(asked: str, more: str, is_fresh: bool) -> None:
    project = PROJECT.replace("apple[toast]>=1.2", asked) + more
    source = app(lock_of("2.29-inputs"), project)
    lock, read = read_pdm_lock(source), read_pdm_project(source)
    if is_fresh:
        check_pdm_lock(lock, read)
        return
    with pytest.raises(LockOutdatedError):
        check_pdm_lock(lock, read)


@pytest.mark.parametrize("text", ["", 'content_hash = "what:00"', 'content_hash = "sha256:00"'])
def test_a_hash_that_is_not_one_is_no_match(text: str) -> None:
    source = app(re.sub(r"content_hash = .*", text, lock_of("2.29")))
    with pytest.raises(LockOutdatedError):
        check_pdm_lock(read_pdm_lock(source), read_pdm_project(source))


def test_a_group_that_was_not_locked() -> None:
    lock = read_pdm_lock(app(lock_of("2.29")))
    check_groups(lock, frozenset({"default", "dev"}))
    with pytest.raises(LockWithoutGroupError) as caught:
        check_groups(lock, frozenset({"default", "more"}))
    assert "`pdm lock -G more`" in caught.value.hint


def test_names_that_the_project_excludes_are_left_out() -> None:
    excludes = '[tool.pdm.resolution]\nexcludes = ["Bread"]\n'
    project = PROJECT.replace("[[tool.pdm", f"{excludes}[[tool.pdm")
    assert chosen(lock_of("2.29"), project=project) == [n for n in CHOSEN if n[:5] != "bread"]


def entry(*lines: str) -> LockedDistribution:
    text = "\n".join(("[[package]]", 'name = "Some.Thing"', 'version = "1.0"', *lines))
    lock = read_pdm_lock(app(f'[metadata]\nlock_version = "4.5.0"\n{text}\n'))
    return lock.entry(lock.entries[0])


def test_entries_of_other_places() -> None:
    git = ('git = "https://g.example/x.git"', 'ref = "main"')
    assert entry(*git, 'revision = "abc"', 'subdirectory = "sub"') == LockedDistribution(
        "some-thing", vcs="git", location="https://g.example/x.git", ref="abc", subdirectory="sub"
    )
    assert entry(*git, "editable = true").ref == "main"
    linked = LockedDistribution("some-thing", location="./x", editable=True)
    assert entry('path = "./x"', "editable = true") == linked
    assert entry('url = "file:///${PROJECT_ROOT}/x"', "editable = true") == linked
    assert entry('path = "."').location == "./"
    hashed = 'files = [{url = "https://f.example/x.whl", hash = "sha256:00"}]'
    place = "https://f.example/x.whl"
    expected = LockedDistribution("some-thing", hashes=("sha256:00",), location=place)
    assert entry(hashed, f'url = "{place}"') == expected
    assert entry(hashed) == LockedDistribution("some-thing", "==1.0", ("sha256:00",))


@pytest.mark.parametrize(
    ("lock", "cause"),
    [
        (lock_of("2.29")[:60], "no \\[metadata\\]"),
        (f"<<<<<<< HEAD\n{lock_of('2.29')}", "line 1 is what a merge left: <<<<<<< HEAD"),
        (lock_of("2.29") + "=======\n", "line [0-9]+ is what a merge left"),
        (lock_of("2.29").replace('"4.5.1"', '"3.1"'), "format is 3.1"),
        (lock_of("2.29").replace('lock_version = "4.5.1"\n', ""), "no lock_version"),
        (lock_of("2.29").replace("content_hash = ", "content_hash "), "line"),
    ],
)
def test_a_lock_that_is_not_whole_is_told_in_detection(lock: str, cause: str) -> None:
    with pytest.raises(LockInvalidError) as caught:
        detect_dependencies(app(lock))
    assert re.search(cause, caught.value.detail)
    assert "pdm lock" in caught.value.hint


def test_a_newer_format_is_told_as_one() -> None:
    with pytest.raises(LockTooNewError, match=r"pdm\.lock") as caught:
        detect_dependencies(app(lock_of("2.29").replace('"4.5.1"', '"4.6.0"')))
    assert "format is 4.6.0" in caught.value.detail


@pytest.mark.parametrize("form", ["2.29", "2.4"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[[package]]\n", "[[package]\n"),
        ('name = "apple"', 'nom = "apple"'),
        ('sys_platform == \\"win32\\"', "sys_platform is nice"),
    ],
)
def test_a_lock_that_is_damaged_is_told_when_it_is_read(form: str, before: str, after: str) -> None:
    text = lock_of(form).replace('marker = "sys_platform == \\"win32\\""', 'marker = "what"')
    text = text.replace(before, after)
    assert text != lock_of(form)
    with pytest.raises(LockInvalidError):
        chosen(text)


def test_a_lock_without_a_project() -> None:
    with pytest.raises(LockWithoutProjectError):
        detect_dependencies(DictSource({"pdm.lock": lock_of("2.29")}))


def test_only_the_start_of_a_lock_is_parsed_for_detection() -> None:
    source = app(lock_of("2.29").replace('name = "bread"', "name = ?"))
    assert detect_dependencies(source).lock == "pdm.lock"
    assert [(item.specifier, item.origin.name) for item in read_constraints(source)] == [
        (">=3.10", "pyproject.toml"),
        (">=3.10", "pdm.lock"),
    ]
    assert local_packages(source) == ()
    with pytest.raises(LockInvalidError):
        read_pdm_lock(source)


def test_the_targets_of_a_lock_are_alternatives() -> None:
    target = '[[metadata.targets]]\nrequires_python = "==3.9.*"\n'
    text = lock_of("2.29").replace("[[package]]", f"{target}[[package]]", 1)
    assert read_constraints(app(text))[1].alternatives == (">=3.10 ", " ==3.9.*")
    anywhere = text.replace('requires_python = "==3.9.*"\n', 'platform = "linux"\n')
    assert len(read_constraints(app(anywhere))) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[project]\nname = "x"\n', True),
        ('[project]\nname = "x"\n[tool.pdm]\ndistribution = false\n', False),
        ('[project]\nname = "x"\n[tool.pdm]\npackage-type = "application"\n', False),
        ("[project]\ndependencies = []\n", False),
    ],
)
def test_which_projects_are_installed(text: str, expected: bool) -> None:
    assert PdmProject(tomllib.loads(text)).is_distribution is expected


def test_sources_and_groups_of_a_project() -> None:
    project = PdmProject(
        tomllib.loads(
            '[[tool.pdm.source]]\nname = "own"\nurl = "https://x.example"\nverify_ssl = false\n'
            'username = "me"\npassword = "${SECRET}"\n[[tool.pdm.source]]\ntype = "find_links"\n'
            'url = "https://y.example"\nname = "links"\n[dependency-groups]\nlint = ["egg<2"]\n'
            'Dev_Tools = ["fig", {include-group = "lint"}]\n'
            '[tool.pdm.dev-dependencies]\ndev-tools = ["-e file:///${PROJECT_ROOT}/x#egg=X_y"]\n'
        )
    )
    own = PdmSource("own", "https://x.example", verify_ssl=False, username="me")
    found = project.sources
    assert [(item.name, item.verify_ssl, item.username) for item in found] == [
        (own.name, own.verify_ssl, own.username)
    ]
    assert found[0].password == "${SECRET}"
    wishes = project.wishes(frozenset({"dev-tools"}))
    assert [(wish.name, wish.versions) for wish in wishes] == [
        ("fig", ()), ("egg", ("<2",)), ("x-y", ()),
    ]  # fmt: skip


def test_a_requirement_with_all_its_parts() -> None:
    wish = read_wish("Apple_Pie[Sweet]<3,>=1; python_version < '4'")
    assert (wish.name, wish.extras) == ("apple-pie", frozenset({"sweet"}))
    assert (wish.versions, wish.marker) == (("<3,>=1",), 'python_version < "4"')
