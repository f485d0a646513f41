"""What is installed for a poetry.lock is what `poetry install --only main` installs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from dependency_bench import MARKS, Bench, protected
from tool_bench import (
    POETRY_CORE,
    Kitchen,
    commit_all,
    detail_of,
    file_of,
    programs,
    provide_tool,
    write_part,
)

from portside.model.errors import BuildError
from portside.model.errors.dependencies import HashMismatchError, IndexUnreachableError
from portside.model.errors.locks import LockInvalidError, LockOutdatedError

pytestmark = MARKS
ONLY_MAIN = ("install", "--only", "main", "--no-interaction")
Serve = Callable[[object], str]


@pytest.fixture
def kitchen(bench: Bench, shared_base: Path) -> Kitchen:
    tool = provide_tool(shared_base / "poetry", "poetry", "poetry>=2.3,<3")
    cache = {"POETRY_CACHE_DIR": str(bench.tmp / "cache"), "POETRY_KEYRING_ENABLED": "false"}
    bench.environ |= {"POETRY_TESTS": "1"}
    return Kitchen(bench, tool, cache)


@pytest.fixture
def source(own_index: Path, serve: Serve) -> str:
    return source_at(serve(own_index))


def source_at(url: str) -> str:
    return f'[[tool.poetry.source]]\nname = "own-index"\nurl = "{url}/"\npriority = "primary"\n'


def classic(kitchen: Kitchen, dependencies: str, more: str = "") -> None:
    """Write a project in Poetry's own table."""
    kitchen.bench.write(
        "pyproject.toml",
        '[tool.poetry]\nname = "shop"\nversion = "0.1.0"\ndescription = ""\nauthors = []\n'
        f'[tool.poetry.dependencies]\npython = ">=3.9,<4"\n{dependencies}{POETRY_CORE}{more}',
    )


def standard(kitchen: Kitchen, dependencies: str, more: str = "") -> None:
    """Write a project as PEP 621 has it."""
    kitchen.bench.write(
        "pyproject.toml",
        f'[project]\nname = "shop"\nversion = "0.1.0"\nrequires-python = ">=3.9,<4"\n'
        f"dependencies = {dependencies}\n{POETRY_CORE}{more}",
    )


def lock(kitchen: Kitchen) -> None:
    kitchen.run("lock", "--no-interaction")


def test_groups_extras_and_markers(kitchen: Kitchen, source: str) -> None:
    classic(
        kitchen,
        'apple = {version = "^1.0", extras = ["sweet"]}\n'
        'dill = {version = "*", optional = true}\n'
        'bread = {version = "*", markers = "sys_platform == \'win32\'"}\n'
        'egg = [{version = "<2", python = "<3.10"}, {version = ">=2", python = ">=3.10"}]\n'
        '[tool.poetry.extras]\nspicy = ["dill"]\n'
        '[tool.poetry.group.dev.dependencies]\ndill = "*"\n'
        '[tool.poetry.scripts]\nshop-open = "shop:main"\n"shop.close" = "shop:main"\n',
        source,
    )
    kitchen.bench.write("shop/__init__.py", "def main(): print('open')\n")
    lock(kitchen)
    assert kitchen.same_as_theirs(*ONLY_MAIN) == {"apple", "cherry", "egg", "shop"}
    assert programs(kitchen.bench.tmp / "ours") == {"shop-open", "shop.close"}
    assert kitchen.imports_the_same("shop") == kitchen.bench.app / "shop/__init__.py"


def test_a_standard_project_with_a_src_layout(kitchen: Kitchen, source: str) -> None:
    more = '[dependency-groups]\ndev = ["dill"]\n[project.optional-dependencies]\nx = ["egg"]\n'
    standard(kitchen, '["apple[sweet]>=1.1"]', more + source)
    kitchen.bench.write("src/shop/__init__.py", "")
    lock(kitchen)
    assert kitchen.same_as_theirs(*ONLY_MAIN) == {"apple", "cherry", "shop"}
    assert kitchen.imports_the_same("shop") == kitchen.bench.app / "src/shop/__init__.py"


def test_local_projects_archives_and_repositories(
    kitchen: Kitchen, source: str, own_index: Path, serve: Serve
) -> None:
    commit_all(write_part(kitchen.bench.tmp / "repository/inside", "within", POETRY_CORE).parent)
    write_part(kitchen.bench.app / "parts/linked", "linked", POETRY_CORE, '["egg<2"]')
    write_part(kitchen.bench.tmp / "beside", "beside", POETRY_CORE)
    wheel = own_index / "dill/dill-1.0-py3-none-any.whl"
    kitchen.bench.write("wheels/dill-1.0-py3-none-any.whl", wheel.read_bytes())
    classic(
        kitchen,
        f'within = {{git = "file://{kitchen.bench.tmp}/repository", tag = "v1", '
        'subdirectory = "inside"}\n'
        'linked = {path = "parts/linked", develop = true}\n'
        'beside = {path = "../beside"}\n'
        'dill = {path = "wheels/dill-1.0-py3-none-any.whl"}\n'
        f'apple = {{url = "{serve(own_index)}/apple/apple-1.2-py3-none-any.whl"}}\n',
        f"{source}",
    )
    kitchen.bench.write("shop.py", "")
    lock(kitchen)
    expected = {"within", "linked", "beside", "dill", "apple", "egg", "shop"}
    assert kitchen.same_as_theirs(*ONLY_MAIN) == expected
    assert kitchen.imports_the_same("linked").is_relative_to(kitchen.bench.app)
    inputs = kitchen.bench.inputs()
    assert {".", "parts/linked", "wheels/dill-1.0-py3-none-any.whl"} <= set(inputs)
    (kitchen.bench.tmp / "beside/beside/more.py").write_text("")
    assert {name for name, value in kitchen.bench.inputs().items() if inputs[name] != value} == {
        str(kitchen.bench.tmp / "beside")
    }


def test_a_private_source_and_no_package(kitchen: Kitchen, own_index: Path, serve: Serve) -> None:
    password = "p@ss/word:1"
    kitchen.bench.environ |= {
        "POETRY_HTTP_BASIC_OWN_INDEX_USERNAME": "me",
        "POETRY_HTTP_BASIC_OWN_INDEX_PASSWORD": password,
    }
    classic(
        kitchen,
        'bread = "*"\n[tool.poetry.scripts]\nshop-open = "shop:main"\n',
        source_at(serve(protected(own_index, f"me:{password}"))),
    )
    text = (kitchen.bench.app / "pyproject.toml").read_text()
    kitchen.bench.write(
        "pyproject.toml", text.replace("[tool.poetry]\n", "[tool.poetry]\npackage-mode = false\n")
    )
    lock(kitchen)
    assert kitchen.same_as_theirs(*ONLY_MAIN) == {"bread", "egg"}
    assert programs(kitchen.bench.tmp / "ours") == set()
    (kitchen.bench.tmp / "ours").rename(kitchen.bench.tmp / "before")
    again = kitchen.bench.install(upgrade=True)
    shown = "\n".join((*again.lines, *again.details, *map(str, kitchen.bench.inputs().items())))
    kept = [p for p in again.prefix.rglob("*") if p.is_file() and b"p%40ss" in p.read_bytes()]
    assert (password in shown, "p%40ss" in shown, kept) == (False, False, [])


def test_an_authority_of_a_source(
    kitchen: Kitchen, own_index: Path, serve_tls: Callable[[Path], str]
) -> None:
    classic(kitchen, 'bread = "*"\n', source_at(serve_tls(own_index)))
    kitchen.bench.write("shop.py", "")
    certificate = {"POETRY_CERTIFICATES_OWN_INDEX_CERT": str(kitchen.bench.tmp / "certificate.pem")}
    kitchen.bench.environ |= certificate
    lock(kitchen)
    assert kitchen.same_as_theirs(*ONLY_MAIN) == {"bread", "egg", "shop"}
    for name in certificate:
        del kitchen.bench.environ[name]
    kitchen.bench.environ |= {"UV_HTTP_RETRIES": "0"}
    (kitchen.bench.tmp / "ours").rename(kitchen.bench.tmp / "before")
    (kitchen.bench.tmp / "uv-cache").rename(kitchen.bench.tmp / "cache-before")
    with pytest.raises(IndexUnreachableError):
        kitchen.bench.install()


@pytest.mark.parametrize("release", ["poetry==1.8.5"])
def test_a_lock_of_an_older_release(
    kitchen: Kitchen, source: str, shared_base: Path, release: str
) -> None:
    classic(
        kitchen,
        'apple = {version = "^1.0", extras = ["sweet"]}\n'
        'bread = {version = "2", python = ">=3.8"}\n'
        'egg = [{version = "<2", python = "<3.10"}, {version = ">=2", python = ">=3.10"}]\n'
        'dill = {version = "*", optional = true}\n[tool.poetry.extras]\nspicy = ["dill"]\n'
        '[tool.poetry.dev-dependencies]\ndill = "*"\n',
        source,
    )
    kitchen.bench.write("shop.py", "")
    newer = kitchen.tool
    kitchen.tool = provide_tool(shared_base / "poetry-older", "poetry", release)
    lock(kitchen)
    assert 'lock-version = "2.0"' in (kitchen.bench.app / "poetry.lock").read_text()
    kitchen.tool = newer
    assert kitchen.same_as_theirs(*ONLY_MAIN) == {"apple", "bread", "cherry", "egg", "shop"}


def test_a_project_that_cannot_be_built_is_left_out_unless_it_has_scripts(
    kitchen: Kitchen, source: str
) -> None:
    classic(kitchen, 'apple = "*"\n', source)
    lock(kitchen)
    ours = kitchen.bench.install()
    assert ours.outcome.distributions == (("apple", "1.2"),)
    assert "left out" in detail_of(ours)
    kitchen.bench.write("shop.py", "")
    text = (kitchen.bench.app / "pyproject.toml").read_text()
    unreadable = text.replace('description = ""', 'description = ""\nreadme = "MISSING.md"')
    kitchen.bench.write("pyproject.toml", unreadable)
    (ours.prefix).rename(kitchen.bench.tmp / "before")
    assert kitchen.bench.install().outcome.distributions == (("apple", "1.2"),)
    kitchen.bench.write("pyproject.toml", f'{unreadable}[tool.poetry.scripts]\nx = "shop:main"\n')
    with pytest.raises(BuildError, match="own project"):
        kitchen.bench.install()


def test_a_lock_that_does_not_fit_installs_nothing(kitchen: Kitchen, source: str) -> None:
    classic(kitchen, 'apple = "*"\n', source)
    kitchen.bench.write("shop.py", "")
    lock(kitchen)
    text = (kitchen.bench.app / "poetry.lock").read_text()
    digest = text.partition('hash = "sha256:')[2][:64]
    kitchen.bench.write("poetry.lock", text.replace(digest, "0" * 64))
    with pytest.raises(HashMismatchError):
        kitchen.bench.install()
    kitchen.bench.write("poetry.lock", text[: text.index("files = [")])
    with pytest.raises(LockInvalidError):
        kitchen.bench.install()
    kitchen.bench.write("poetry.lock", text)
    classic(kitchen, 'apple = "*"\nbread = "*"\n', source)
    with pytest.raises(LockOutdatedError):
        kitchen.bench.install()


def test_a_project_without_a_lock(kitchen: Kitchen) -> None:
    classic(kitchen, 'six = "~1.16"\nidna = {version = "^3.4,<3.7", optional = true}\n')
    kitchen.bench.write("shop.py", "")
    ours = kitchen.bench.install()
    assert ours.outcome.distributions == (("shop", "0.1.0"), ("six", "1.16.0"))
    assert file_of("shop", ours.prefix) == kitchen.bench.app / "shop.py"
