"""Where settings come from, which place counts, and what is refused."""

import json
from pathlib import Path

import pytest
from fakes import DictSource

from portside.cli.config import render_settings, schema
from portside.detection.package_managers import detect_dependencies
from portside.detection.settings import read_settings
from portside.model.errors.settings import (
    SettingInvalidError,
    SettingUnknownError,
    SettingWithoutEffectError,
)
from portside.model.settings import Given

PYPROJECT = '[project]\nname = "shop"\n[tool.portside]\ngroups = ["from-pyproject"]\n'
FILE = 'groups = ["from-file"]\n'
VARIABLES = {"PORTSIDE_GROUPS": "from-variable, second", "PORTSIDE_CACHE_DIR": "/c", "PATH": ""}


@pytest.mark.parametrize(
    ("files", "given", "groups", "origin"),
    [
        ({}, Given(), (), "default"),
        (
            {"pyproject.toml": PYPROJECT},
            Given(),
            ("from-pyproject",),
            "pyproject.toml (tool.portside.groups)",
        ),
        (
            {"pyproject.toml": PYPROJECT, "portside.toml": FILE},
            Given(),
            ("from-file",),
            "portside.toml (groups)",
        ),
        (
            {"portside.toml": FILE},
            Given(VARIABLES),
            ("from-variable", "second"),
            "$PORTSIDE_GROUPS",
        ),
        ({"portside.toml": FILE}, Given(VARIABLES, {"groups": "x"}), ("x",), "--groups"),
        ({"portside.toml": FILE}, Given({}, {"groups": ""}), (), "--groups"),
    ],
)
def test_first_place_that_has_a_setting_counts(
    files: dict[str, bytes | str], given: Given, groups: tuple[str, ...], origin: str
) -> None:
    settings = read_settings(DictSource(files), given)
    assert settings.values("groups") == groups
    assert str(settings.origin("groups")) == origin


@pytest.mark.parametrize(
    ("files", "variables", "words"),
    [
        ({"portside.toml": "group = []"}, {}, "'groups'"),
        ({"pyproject.toml": "[tool.portside]\nColectstatic = true"}, {}, "collectstatic"),
        ({"portside.toml": 'source-root = ".."'}, {}, "'root'"),
        ({}, {"PORTSIDE_GROUP": "x"}, "PORTSIDE_GROUPS"),
    ],
)
def test_a_name_that_does_not_exist_is_refused_with_a_suggestion(
    files: dict[str, bytes | str], variables: dict[str, str], words: str
) -> None:
    with pytest.raises(SettingUnknownError) as caught:
        read_settings(DictSource(files), Given(variables))
    assert words in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        'groups = "x,y"\ncollectstatic = "no"',
        "groups = [1]",
        "groups = 3",
        'package-manager = "npm"',
        "root = 1",
    ],
)
def test_a_value_that_a_setting_cannot_have_is_refused(text: str) -> None:
    with pytest.raises(SettingInvalidError):
        read_settings(DictSource({"portside.toml": text}), Given())


def test_a_chosen_package_manager_counts_where_there_are_several() -> None:
    files: dict[str, bytes | str] = {"requirements.txt": "six\n", "Pipfile": ""}
    for wanted in ("pip", "pipenv"):
        settings = read_settings(DictSource(files), Given({}, {"package-manager": wanted}))
        assert detect_dependencies(DictSource(files), settings=settings).manager == wanted


@pytest.mark.parametrize(
    "options", [{"package-manager": "uv"}, {"groups": "web"}, {"extras": "web"}]
)
def test_what_means_nothing_for_an_app_is_refused(options: dict[str, str]) -> None:
    source = DictSource({"requirements.txt": ""})
    with pytest.raises(SettingWithoutEffectError) as caught:
        detect_dependencies(source, settings=read_settings(source, Given({}, options)))
    assert next(iter(options)) in caught.value.summary


def test_the_published_schema_is_what_the_declarations_say() -> None:
    published = Path(__file__).parents[3] / "docs/config.schema.json"
    assert json.loads(published.read_text("utf-8")) == schema()


def test_settings_are_shown_as_they_would_stand_in_the_file() -> None:
    settings = read_settings(DictSource({"portside.toml": FILE}), Given())
    again = DictSource({"portside.toml": render_settings(settings, show_origin=True)})
    assert read_settings(again, Given()).values("groups") == ("from-file",)
    assert "# portside.toml (groups)" in render_settings(settings, show_origin=True)
