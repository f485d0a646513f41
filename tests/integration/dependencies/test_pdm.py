"""What is installed for a pdm.lock is what `pdm install --prod` installs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from dependency_bench import MARKS, Bench, protected
from tool_bench import (
    PDM_BACKEND,
    Kitchen,
    commit_all,
    detail_of,
    programs,
    provide_tool,
    write_part,
)

from portside.model.errors.dependencies import HashMismatchError
from portside.model.errors.locks import LockInvalidError, LockOutdatedError

pytestmark = MARKS
PROD = ("install", "--prod")
Serve = Callable[[object], str]


@pytest.fixture
def kitchen(bench: Bench, shared_base: Path) -> Kitchen:
    # Its own extra pins all that PDM needs: it has often broken with what was newest.
    tool = provide_tool(shared_base / "pdm", "pdm", "pdm[locked]>=2.29,<3")
    variables = {
        "PDM_CACHE_DIR": str(bench.tmp / "cache"),
        "PDM_CHECK_UPDATE": "0",
        "PDM_IGNORE_SAVED_PYTHON": "1",
        "PDM_LOG_DIR": str(bench.tmp / "logs"),
    }
    return Kitchen(bench, tool, variables)


@pytest.fixture
def source(own_index: Path, serve: Serve) -> str:
    return source_at(serve(own_index))


def source_at(url: str) -> str:
    """Give PyPI's name to an index, which takes its place."""
    return f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{url}/"\n'


def project(kitchen: Kitchen, dependencies: str, more: str, backend: str = PDM_BACKEND) -> None:
    kitchen.bench.write(
        "pyproject.toml",
        f'[project]\nname = "shop"\nversion = "0.1.0"\nrequires-python = ">=3.10"\n'
        f"dependencies = {dependencies}\n{more}{backend}",
    )


@pytest.mark.parametrize("strategy", ["inherit_metadata", "no_inherit_metadata"])
def test_groups_extras_markers_and_programs(kitchen: Kitchen, source: str, strategy: str) -> None:
    more = (
        '[project.optional-dependencies]\nspicy = ["dill"]\n'
        '[project.scripts]\nshop-open = "shop:main"\n"shop.close" = "shop:main"\n'
        f'[dependency-groups]\ndev = ["bread"]\n{source}'
    )
    dependencies = """["apple[sweet]>=1.1", "dill; sys_platform == 'win32'", "egg<2"]"""
    project(kitchen, dependencies, more)
    kitchen.bench.write("src/shop/__init__.py", "def main(): print('open')\n")
    kitchen.run("lock", "--strategy", strategy)
    assert kitchen.same_as_theirs(*PROD) == {"apple", "cherry", "egg", "shop"}
    assert programs(kitchen.bench.tmp / "ours") == {"shop-open", "shop.close"}
    assert kitchen.imports_the_same("shop") == kitchen.bench.app / "src/shop/__init__.py"


def test_no_distribution(kitchen: Kitchen, source: str) -> None:
    more = f"[tool.pdm]\ndistribution = false\n[tool.pdm.dev-dependencies]\nx = ['dill']\n{source}"
    project(kitchen, '["bread"]', more, backend="")
    kitchen.run("lock")
    assert kitchen.same_as_theirs(*PROD) == {"bread", "egg"}


def test_local_projects_archives_and_repositories(
    kitchen: Kitchen, source: str, own_index: Path, serve: Serve
) -> None:
    commit_all(write_part(kitchen.bench.tmp / "repository/inside", "within", PDM_BACKEND).parent)
    # PDM takes the address of a local repository for that of a host.
    kitchen.bench.environ |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{kitchen.bench.tmp}/repository.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://git.example/within.git",
    }
    write_part(kitchen.bench.app / "parts/linked", "linked", PDM_BACKEND, '["egg<2"]')
    wheel = own_index / "dill/dill-1.0-py3-none-any.whl"
    kitchen.bench.write("wheels/dill-1.0-py3-none-any.whl", wheel.read_bytes())
    project(
        kitchen,
        f"""[
    "within @ git+https://git.example/within.git@v1#subdirectory=inside",
    "linked @ file:///${{PROJECT_ROOT}}/parts/linked",
    "dill @ file:///${{PROJECT_ROOT}}/wheels/dill-1.0-py3-none-any.whl",
    "apple @ {serve(own_index)}/apple/apple-1.2-py3-none-any.whl",
]""",
        source,
    )
    kitchen.bench.write("src/shop/__init__.py", "")
    kitchen.run("lock")
    expected = {"within", "linked", "dill", "apple", "egg", "shop"}
    assert kitchen.same_as_theirs(*PROD) == expected
    inputs = set(kitchen.bench.inputs())
    assert {".", "parts/linked", "wheels/dill-1.0-py3-none-any.whl"} <= inputs


def test_a_private_source(kitchen: Kitchen, own_index: Path, serve: Serve) -> None:
    password = "p@ss/word:1"
    kitchen.bench.environ |= {"INDEX_USER": "me", "INDEX_PASSWORD": password}
    url = serve(protected(own_index, f"me:{password}"))
    private = source_at(url.replace("://", "://${INDEX_USER}:${INDEX_PASSWORD}@"))
    project(kitchen, '["bread"]', f"[tool.pdm]\ndistribution = false\n{private}")
    kitchen.run("lock")
    assert kitchen.same_as_theirs(*PROD) == {"bread", "egg"}
    (kitchen.bench.tmp / "ours").rename(kitchen.bench.tmp / "before")
    again = kitchen.bench.install(upgrade=True)
    shown = "\n".join((*again.lines, *again.details, *map(str, kitchen.bench.inputs().items())))
    kept = [p for p in again.prefix.rglob("*") if p.is_file() and b"p%40ss" in p.read_bytes()]
    assert (password in shown, "p%40ss" in shown, kept) == (False, False, [])


def test_a_project_that_cannot_be_built_is_left_out(kitchen: Kitchen, source: str) -> None:
    project(kitchen, '["bread"]', f'readme = "MISSING.md"\n{source}')
    kitchen.bench.write("src/shop/__init__.py", "")
    kitchen.run("lock")
    ours = kitchen.bench.install()
    assert ours.outcome.distributions == (("bread", "2.0"), ("egg", "2.0"))
    assert "left out" in detail_of(ours)


def test_a_lock_that_does_not_fit_installs_nothing(kitchen: Kitchen, source: str) -> None:
    project(kitchen, '["dill"]', source)
    kitchen.run("lock")
    lock = kitchen.bench.app / "pdm.lock"
    text = lock.read_text()
    digest = text.rpartition('hash = "sha256:')[2][:64]
    lock.write_text(text.replace(digest, "0" * 64))
    with pytest.raises(HashMismatchError):
        kitchen.bench.install()
    lock.write_text(text[: text.index(digest)])
    with pytest.raises(LockInvalidError):
        kitchen.bench.install()
    lock.write_text(text)
    project(kitchen, '["dill", "bread"]', source)
    with pytest.raises(LockOutdatedError):
        kitchen.bench.install()
