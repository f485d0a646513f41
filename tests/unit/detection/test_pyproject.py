"""What a pyproject.toml without a lock says of what is to be installed."""

import pytest
from fakes import DictSource

from portside.detection.package_managers import detect_dependencies
from portside.detection.project import Project, read_project
from portside.model.errors.dependencies import ProjectInvalidError

HEAD = '[project]\nname = "quay"\nversion = "1"\n'
POETRY = '[tool.poetry.dependencies]\npython = ">=3.11"\nbottle = "^0.13"\n'


def project_of(text: str) -> Project:
    source = DictSource({"pyproject.toml": text})
    detect_dependencies(source)
    found = read_project(source)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "head", [HEAD, f'{HEAD}dynamic = ["dependencies"]\n', f"{HEAD}dependencies = []\n"]
)
@pytest.mark.parametrize("mode", ["", "[tool.poetry]\npackage-mode = false\n"])
def test_poetry_asks_where_the_project_itself_asks_for_nothing(head: str, mode: str) -> None:
    backend = '[build-system]\nrequires = []\nbuild-backend = "poetry.core.masonry.api"\n'
    found = project_of(f"{head}{mode}{POETRY}{backend}")
    assert found.dependencies == ("bottle>=0.13,<0.14",)
    assert found.is_buildable is not bool(mode)


def test_the_projects_own_list_counts_before_poetrys() -> None:
    found = project_of(f'{HEAD}dependencies = ["six"]\n{POETRY}')
    assert found.dependencies == ("six",)
    assert project_of(f'{HEAD}dynamic = ["dependencies"]\n').dependencies is None


def test_groups_that_only_a_tool_reads_can_be_chosen() -> None:
    found = project_of(
        f'{HEAD}{POETRY}[tool.poetry.group.prod.dependencies]\ngunicorn = "*"\n'
        '[tool.pdm.dev-dependencies]\nlint = ["ruff"]\n[dependency-groups]\ndocs = ["sphinx"]\n'
        "[tool.poetry.extras]\n"
    )
    assert found.chosen((), ("prod", "lint", "docs")) == ("gunicorn", "ruff", "sphinx")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (f'{HEAD}dependencies = {{flask = "<3"}}\n', "[project] dependencies must be a list"),
        (f'{HEAD}[project.dependencies]\nflask = "^3"\n', "[project] dependencies must be a list"),
        (f'{HEAD}dependencies = "flask"\n', "[project] dependencies must be a list"),
        (f'{HEAD}dependencies = ["idna", 3]\n', "[project] dependencies has 3, which is no"),
        (f'{HEAD}dependencies = ["flask => 3"]\n', "[project] dependencies has 'flask => 3'"),
        (
            f'{HEAD}[project.urls]\ndependencies = ["six"]\n',
            "'dependencies' is below [project.urls]",
        ),
        (f'{HEAD}[dependency-groups]\nweb = "idna"\n', "[dependency-groups] web must be a list"),
        (
            f'{HEAD}[project.optional-dependencies]\nweb = ["a b"]\n',
            "[project.optional-dependencies] web has 'a b'",
        ),
        (f'{HEAD}optional-dependencies = ["six"]\n', "[project.optional-dependencies] must be a"),
    ],
)
def test_what_no_standard_has_is_told_by_its_table_and_key(text: str, cause: str) -> None:
    with pytest.raises(ProjectInvalidError) as caught:
        project_of(text)
    assert f"The cause: {cause}" in caught.value.detail


def test_a_mistake_in_a_project_that_does_not_count_is_nothing() -> None:
    text = f'{HEAD}dependencies = {{flask = "<3"}}\n'
    found = detect_dependencies(DictSource({"pyproject.toml": text, "requirements.txt": "six\n"}))
    assert found.manifest == "requirements.txt"
