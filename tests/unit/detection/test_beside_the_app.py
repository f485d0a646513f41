"""What is beside an app in its source root: which paths lead there, and what is found there."""

import pytest
from fakes import DictSource

from portside.detection.local_projects import from_root, linked_projects, outside_parts
from portside.detection.package_managers import detect_dependencies
from portside.detection.package_managers.uv import counting_text, local_packages
from portside.detection.python_version import detect_python_version
from portside.detection.workspaces import find_uv_lock, find_workspace
from portside.model.errors.app import MultiplePackageManagersError
from portside.model.source import above, is_in_root, leads_out, normalised
from portside.planning.policy import load_policy

APP = {"pyproject.toml": '[project]\nname = "web"\nversion = "1"\n'}
LOCK = """\
version = 1
requires-python = ">=3.12"

[manifest]
members = ["common", "leaf", "web"]

[[package]]
name = "common"
version = "1"
source = { editable = "libs/common" }
dependencies = [
    { name = "click", marker = "sys_platform == 'linux'" },
]

[package.optional-dependencies]
fast = [
    { name = "leaf" },
]

[package.metadata]
requires-dist = [{ name = "other", editable = "libs/other" }]

[[package]]
name = "click"
version = "8"
source = { registry = "https://example.org/simple" }
dependencies = [
    { name = "plugin" },
]
wheels = [
    { url = "https://example.org/click.whl", hash = "sha256:00" },
]

[[package]]
name = "leaf"
version = "1"
source = { directory = "libs/leaf" }

[[package]]
name = "other"
version = "1"
source = { editable = "libs/other" }

[[package]]
name = "plugin"
version = "1"
source = { path = "wheels/plugin-1-py3-none-any.whl" }

[[package]]
name = "web"
version = "1"
source = { virtual = "services/web" }
dependencies = [
    { name = "common" },
]

[package.optional-dependencies]
quick-start = [
    { name = "common", extra = ["fast"] },
]

[package.dev-dependencies]
dev = [
    { name = "other" },
]
"""


def workspace(members: str, more: str = "") -> str:
    return f"[tool.uv.workspace]\nmembers = {members}\n{more}"


def member(root: str, place: str = "services/web", **more: str) -> DictSource:
    return DictSource({**APP, "../../pyproject.toml": root, **more}, place=place)


def test_which_paths_lead_where() -> None:
    source = DictSource({}, place="services/web")
    assert [path for path in ("..", "../x", "..x", "x/..y", ".") if leads_out(path)] == [
        "..",
        "../x",
    ]
    assert is_in_root(source, "../../libs")
    assert not is_in_root(source, "../../../libs")
    assert not is_in_root(DictSource({}), "../libs")
    assert list(above(source)) == [("..", "web"), ("../..", "services/web")]
    assert list(above(DictSource({}))) == []


@pytest.mark.parametrize(
    ("path", "shortest"),
    [
        ("./x/../y", "y"),
        ("../../services/web", "."),
        ("../../services/web/src", "src"),
        ("../../services/api/", "../api"),
        ("../../libs", "../../libs"),
        ("../../../services/web", "../../../services/web"),
    ],
)
def test_a_path_has_one_shortest_form(path: str, shortest: str) -> None:
    assert normalised(DictSource({}, place="services/web"), path) == shortest


@pytest.mark.parametrize(
    ("root", "found"),
    [
        (workspace('["services/*"]'), "../.."),
        (workspace('["./services/w?b/"]'), "../.."),
        (workspace('["**"]'), "../.."),
        (workspace('["**/web"]'), "../.."),
        (workspace('["services/web/**"]'), "../.."),
        (workspace('["*"]'), None),
        (workspace('["services"]'), None),
        (workspace('["services/*"]', 'exclude = ["services/web"]'), None),
        ('[project]\nname = "workspace"\n', None),
    ],
)
def test_an_app_is_a_member_where_the_workspaces_globs_say_so(root: str, found: str | None) -> None:
    assert find_workspace(member(root)) == found


def test_the_nearest_workspace_within_the_root_decides() -> None:
    everything = workspace('["**"]')
    assert find_workspace(member(everything, place="")) is None
    assert find_workspace(member(everything, place="web")) is None
    between = {"../pyproject.toml": workspace('["others/*"]')}
    assert find_workspace(member(everything, **between)) is None
    itself = {"pyproject.toml": workspace('["parts/*"]')}
    assert find_workspace(member(everything, **itself)) is None


def test_a_lock_of_the_apps_own_counts_before_that_of_a_workspace() -> None:
    root = workspace('["services/*"]')
    assert find_uv_lock(member(root)) is None
    assert find_uv_lock(member(root, **{"../../uv.lock": ""})) == "../../uv.lock"
    assert find_uv_lock(member(root, **{"../../uv.lock": "", "uv.lock": ""})) == "uv.lock"


def test_a_member_is_known_by_the_workspaces_lock() -> None:
    source = member(workspace('["services/*"]'), **{"../../uv.lock": LOCK})
    found = detect_dependencies(source)
    assert (found.manager.value, found.manifest, found.lock) == (
        "uv",
        "pyproject.toml",
        "../../uv.lock",
    )
    assert set(found.files) == {"../../uv.lock", "../../pyproject.toml", "pyproject.toml"}


def test_a_requirements_file_counts_beside_a_workspaces_lock_unless_it_was_exported() -> None:
    root = workspace('["services/*"]')
    written = {"../../uv.lock": LOCK, "requirements.txt": "flask\n"}
    with pytest.raises(MultiplePackageManagersError) as caught:
        detect_dependencies(member(root, **written))
    assert "git rm requirements.txt\n" in caught.value.hint
    header = "# This file was autogenerated by uv via the following command:\n#    uv export\n"
    exported = {**written, "requirements.txt": f"{header}click==8\n"}
    assert detect_dependencies(member(root, **exported)).lock == "../../uv.lock"


@pytest.mark.parametrize(
    ("groups", "extras", "needed"),
    [
        ((), (), {"web", "common", "plugin"}),
        ((), ("Quick_Start",), {"web", "common", "plugin", "leaf"}),
        (("dev",), (), {"web", "common", "plugin", "other"}),
        (None, (), {"web", "common", "plugin", "other"}),
    ],
)
def test_of_a_workspace_an_app_needs_what_it_asks_for_and_what_that_needs(
    groups: tuple[str, ...] | None, extras: tuple[str, ...], needed: set[str]
) -> None:
    source = member("", **{"../../uv.lock": LOCK})
    found = local_packages(source, "../../uv.lock", groups=groups, extras=extras)
    assert {item.name: item.path for item in found} == {
        "web": ".",
        "common": "../../libs/common",
        "leaf": "../../libs/leaf",
        "other": "../../libs/other",
        "plugin": "../../wheels/plugin-1-py3-none-any.whl",
    }
    assert {item.name for item in found if item.is_needed} == needed


def test_all_is_needed_of_a_lock_that_does_not_have_the_app() -> None:
    source = DictSource({**APP, "../../uv.lock": LOCK}, place="services/another")
    assert all(item.is_needed for item in local_packages(source, "../../uv.lock"))


def test_of_a_workspaces_lock_what_pins_what_the_app_needs_counts() -> None:
    def counting(lock: str, extras: tuple[str, ...] = ()) -> str:
        source = member("", **{"../../uv.lock": lock})
        return counting_text(source, "../../uv.lock", groups=(), extras=extras)

    before = counting(LOCK)
    assert counting(LOCK.replace('"leaf", "web"', '"leaf", "new", "web"')) == before
    assert counting(
        LOCK.replace('name = "leaf"\nversion = "1"', 'name = "leaf"\nversion = "2"')
    ) == (before)
    for old, new in (('version = "8"', 'version = "9"'), ('">=3.12"', '">=3.13"')):
        assert counting(LOCK.replace(old, new)) != before
    assert "leaf" in counting(LOCK, ("quick-start",))
    merged = f"{LOCK}\n<<<<<<< HEAD\n"
    assert counting(merged) == merged


def test_what_a_project_needs_beside_it_is_followed() -> None:
    text = (
        '[tool.uv.sources]\na = { path = "../a" }\nb = { git = "https://example.org" }\n'
        'c = [{ path = "c.whl", marker = "1" }, { path = "/opt/c.whl" }]\n'
        '[tool.poetry.dependencies]\nd = { path = "../../services/web/d", develop = true }\n'
        'python = "*"\n'
    )
    source = DictSource({"../../libs/x/pyproject.toml": text}, place="services/web")
    assert linked_projects(source, "../../libs/x") == (
        ("a", "../../libs/a"),
        ("c", "../../libs/x/c.whl"),
        ("d", "d"),
    )
    assert linked_projects(source, "../../libs/nothing") == ()


def test_what_a_project_is_built_from_outside_its_directory_is_found() -> None:
    text = (
        '[build-system]\nrequires = []\n[project]\nname = "x"\nreadme = "../README.md"\n'
        'dependencies = ["../no"]\nlicense-files = ["../../nothing-there"]\n'
        '[tool.hatch.build.targets.wheel.force-include]\n"../shared/data.json" = "x/data.json"\n'
        '[tool.hatch.version]\npath = "../../VERSION"\n'
        '[tool.poetry]\npackages = [{ include = "brick", from = "../../components" }]\n'
        '[tool.poetry.group.dev.dependencies]\ntool = { path = "../../libs/tool" }\n'
        '[tool.ruff]\nextend = "../../ruff.toml"\n'
    )
    names = ("../README.md", "../shared/data.json", "../../VERSION")
    others = (
        *("../no", "../../libs/tool/pyproject.toml", "../../ruff.toml"),
        "../../components/brick/__init__.py",
    )
    files: dict[str, bytes | str] = dict.fromkeys((*names, *others), "")
    source = DictSource({**files, "pyproject.toml": text}, place="projects/x")
    assert outside_parts(source) == names
    assert outside_parts(DictSource({**files, "pyproject.toml": text}, place="x")) == (
        "../README.md",
        "../shared/data.json",
    )
    assert outside_parts(DictSource({**files, "pyproject.toml": text})) == ()


def test_members_of_its_workspace_that_a_project_beside_the_app_needs_are_followed() -> None:
    root = workspace('["libs/*", "more/**"]', "[tool.uv.sources]\ndeep = { workspace = true }\n")
    needs = '[project]\nname = "x"\ndependencies = ["Leaf[y]>=1", "deep", "six", "gone"]\n'
    own = "[tool.uv.sources]\nleaf = { workspace = true }\ngone = { workspace = true }\n"
    files: dict[str, bytes | str] = {
        "../../pyproject.toml": root,
        "../../libs/x/pyproject.toml": f"{needs}{own}",
        "../../libs/named-otherwise/pyproject.toml": '[project]\nname = "leaf"\n',
        "../../more/a/b/pyproject.toml": '[project]\nname = "deep"\n',
        "../../more/.hidden/pyproject.toml": '[project]\nname = "gone"\n',
    }
    source = DictSource(files, place="services/web")
    assert find_workspace(source, "../../libs/x") == "../.."
    assert linked_projects(source, "../../libs/x") == (
        ("", "../../pyproject.toml"),
        ("leaf", "../../libs/named-otherwise"),
        ("deep", "../../more/a/b"),
    )
    assert find_workspace(DictSource(files, place="web"), "../../libs/x") is None


@pytest.mark.parametrize(
    ("written", "read", "path"),
    [
        ("a @ file:///${PROJECT_ROOT}/../../a", "a @ ./../../a", "../../a"),
        ("a[x] @ {root:uri}/../a ; extra == 'y'", "a[x] @ ./../a ; extra == 'y'", "../a"),
        ("a @ {root:parent:parent:uri}/libs/a", "a @ ./../../libs/a", "../../libs/a"),
        ("a @ file://{root:parent}/a", "a @ ./../a", "../a"),
        ("a @ file:///srv/a", "a @ file:///srv/a", None),
        ("a>=1", "a>=1", None),
    ],
)
def test_paths_from_a_projects_own_directory(written: str, read: str, path: str | None) -> None:
    assert from_root(written) == read
    text = f'[project]\ndependencies = ["{written}"]\n'
    source = DictSource({"../x/pyproject.toml": text}, place="web")
    assert linked_projects(source, "../x") == ((("a", path),) if path else ())


def test_the_nearest_python_version_above_the_app_counts_where_the_app_names_none() -> None:
    policy = load_policy()

    def chosen(files: dict[str, bytes | str], place: str) -> str:
        source = DictSource(files, place=place)
        python, _, _ = detect_python_version(source, read_cached=lambda: None, policy=policy)
        return f"{python} of {python.origin}"

    files: dict[str, bytes | str] = {"../.python-version": "3.12", "../../.python-version": "3.11"}
    assert chosen(files, "services/web") == "3.12 of ../.python-version:1"
    assert chosen({**files, ".tool-versions": "python 3.13.1"}, "web").startswith("3.13.1 of .tool")
    assert chosen(files, "").endswith("of default")
