import json
from datetime import date

import pytest
from fakes import DictSource

from portside.checks import check
from portside.checks.app import App, Evidence
from portside.detection.app_json import read_app_json
from portside.detection.facts import detect
from portside.model.app_json import AppJson, DeclaredVar, VarSource
from portside.model.errors import BuildError
from portside.model.errors.app_json import AppJsonInvalidError, AppJsonSyntaxError, listed
from portside.model.facts import Facts
from portside.planning.policy import load_policy

TODAY = date(2026, 1, 1)
FULL = {
    "name": "quay",
    "keywords": [{"env": 1, "a": 2}, {"env": 1, "a": 2}],
    "environments": {"test": {"env": {"A": "1"}, "scripts": {"test": "pytest"}}},
    "env": {
        "CURRENCY": "EUR",
        "MODE": {"description": "How.", "value": "calm", "required": False},
        "SECRET_KEY": {"description": "Signs.", "generator": "secret"},
        "DATABASE_URL": {"description": "Orders."},
        "EMPTY": {"value": ""},
        "SENTRY_DSN": {"required": False},
        "PORTSIDE_GROUPS": "web",
        "PATH": "/nowhere",
    },
    "formation": {"web": {"quantity": 2, "size": "basic"}, "worker": {}},
    "scripts": {"postdeploy": {"command": "python seed.py", "size": "basic"}},
    "addons": ["heroku-postgresql"],
    "buildpacks": [],
}


def read(document: object) -> AppJson:
    text = document if isinstance(document, str | bytes) else json.dumps(document, indent=2)
    found = read_app_json(DictSource({"app.json": text}))
    assert found is not None
    return found


def facts_of(text: str) -> Facts:
    files = {"requirements.txt": "", "Procfile": "web: a", "app.json": text}
    return detect(DictSource(files), read_cached=lambda: None, policy=load_policy())


def test_all_that_counts_is_read() -> None:
    found = read(FULL)
    assert found.config_vars == (
        DeclaredVar("CURRENCY", VarSource.DEFAULT),
        DeclaredVar("MODE", VarSource.DEFAULT, "How."),
        DeclaredVar("SECRET_KEY", VarSource.GENERATED, "Signs."),
        DeclaredVar("DATABASE_URL", VarSource.REQUIRED, "Orders."),
        DeclaredVar("EMPTY", VarSource.REQUIRED),
        DeclaredVar("SENTRY_DSN", VarSource.OPTIONAL),
    )
    assert found.defaults == (("CURRENCY", "EUR"), ("MODE", "calm"))
    assert found.formation == (("web", 2), ("worker", 1))
    assert found.postdeploy == "python seed.py"
    assert found.unused == ("scripts.postdeploy", "env.PORTSIDE_GROUPS", "env.PATH", "addons")


def test_the_test_environment_counts_before_what_is_for_all() -> None:
    document = {
        **FULL,
        "scripts": {"test": "make test", "test-setup": "make seed"},
        "environments": {
            "test": {
                "env": {"CURRENCY": {"generator": "secret"}, "DATABASE_URL": "sqlite://", "A": "1"},
                "scripts": {"test": "pytest"},
            }
        },
    }
    found = read_app_json(DictSource({"app.json": json.dumps(document)}), "test")
    assert found is not None
    assert found.config_vars[0] == DeclaredVar("CURRENCY", VarSource.GENERATED)
    assert dict(found.defaults) == {"MODE": "calm", "DATABASE_URL": "sqlite://", "A": "1"}
    assert found.names(VarSource.REQUIRED) == ("EMPTY",)
    assert (found.test_setup, found.test) == ("make seed", "pytest")
    assert found.formation == (("web", 2), ("worker", 1))
    for_all = read(document)
    assert (for_all.test, dict(for_all.defaults)["CURRENCY"]) == ("make test", "EUR")


def test_what_is_wrong_in_an_environment_is_told_with_its_line() -> None:
    text = '{\n"env": {"A": "1"},\n"environments": {"test": {\n"env": {"A": 1}}}}'
    with pytest.raises(AppJsonInvalidError) as caught:
        read_app_json(DictSource({"app.json": text}), "test")
    assert "env.A" in caught.value.summary + caught.value.detail
    assert "4" in caught.value.summary + caught.value.detail
    with pytest.raises(AppJsonInvalidError):
        read_app_json(DictSource({"app.json": '{"environments": {"test": 1}}'}), "test")


@pytest.mark.parametrize("text", ["{}", "\ufeff{}", '{"env": null}', '{"unknown": [1]}'])
def test_nothing_of_it_is_needed(text: str) -> None:
    assert read(text.encode()) == AppJson()
    assert read_app_json(DictSource({})) is None


def test_facts_hold_no_value_and_notes_say_what_is_not_done() -> None:
    facts = facts_of(json.dumps(FULL))
    assert [var.name for var in facts.config_vars][:2] == ["CURRENCY", "MODE"]
    assert "EUR" not in repr(facts)
    note = facts.notices[-1]
    assert (note.code, note.level) == ("app-json::unused", "note")
    assert "scripts.postdeploy, env.PORTSIDE_GROUPS, env.PATH, addons" in note.summary
    assert "portside run . -- python seed.py" in note.hint


def test_nothing_that_is_shown_of_it_steers_a_terminal() -> None:
    text = json.dumps({"scripts": {"postdeploy": "make\n\x1b[2J seed"}})
    assert facts_of(text).notices[-1].hint.endswith("-- make [2J seed")
    assert listed((("A", "Where\r\n\x07 it is."), ("B", ""))) == "    A: Where  it is.\n    B"


@pytest.mark.parametrize(
    ("text", "cause", "line"),
    [
        ('{\n  "env": {\n    "A": "1",\n  }\n}', "Expecting property name", 4),
        ("[]", "must be an object", 1),
        ("", "Expecting value", 1),
        (b'{\n"name": "\xff"}', "UTF-8", 2),
        ("[" * 100_000, "nested", 0),
        ('{"a": ' + "9" * 10_000 + "}", "absurd", 0),
        (json.dumps({"name": "x" * 1_000_000}), "1000012 bytes", 0),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(
    text: str | bytes, cause: str, line: int
) -> None:
    with pytest.raises(AppJsonSyntaxError) as caught:
        read(text)
    assert cause in caught.value.detail
    assert (f"Line {line}:" in caught.value.detail) is bool(line)


@pytest.mark.parametrize(
    ("env", "place", "cause"),
    [
        ({"A": 5}, "env.A", "is a number"),
        ({"A": {"value": 5}}, "env.A.value", "is a number"),
        ({"A": {"value": True}}, "env.A.value", "is true or false"),
        ({"A": {"value": ["s3cret"]}}, "env.A.value", "is a list"),
        ({"A": {"description": {}}}, "env.A.description", "is an object"),
        ({"A": {"required": "review"}}, "env.A.required", "is text"),
        ({"A": {"generator": "uuid"}}, "env.A.generator", '"uuid"'),
        ({"A": None}, "env.A", "is null"),
        ({"A-B": "1"}, "env.A-B", "name that no variable"),
        ({"A": "x\0y"}, "env.A", "no variable can hold"),
        ({"A": {"value": "\ud800"}}, "env.A.value", "no variable can hold"),
    ],
)
def test_wrong_types_are_told_with_place_and_line(
    env: dict[str, object], place: str, cause: str
) -> None:
    # The same names elsewhere must not be taken for the place.
    document = {"environments": {"test": {"env": env}}, "env": {"B": "env"} | env}
    with pytest.raises(AppJsonInvalidError) as caught:
        read(document)
    lines = json.dumps(document, indent=2).splitlines()
    number = int(caught.value.detail.split()[4])
    assert f'"{place.rpartition(".")[2]}":' in lines[number - 1]
    assert number > lines.index('  "env": {')
    assert caught.value.failure_detail == place
    assert cause in caught.value.summary
    assert "s3cret" not in caught.value.summary + caught.value.detail + caught.value.hint


@pytest.mark.parametrize(
    "document",
    [
        {"env": []},
        {"formation": {"web": 2}},
        {"formation": {"web": {"quantity": "2"}}},
        {"formation": {"web": {"quantity": True}}},
        {"formation": {"web": {"quantity": -1}}},
        {"scripts": {"postdeploy": 1}},
        {"scripts": "make"},
    ],
)
def test_other_parts_must_have_their_types(document: object) -> None:
    with pytest.raises(AppJsonInvalidError, match=r"app\.json"):
        read(document)


def test_a_name_that_is_there_twice_is_told_with_both_lines() -> None:
    text = '{\n"env": {\n"A": {"value": "1"},\n"B": {"value": "{\\"A\\": 1}"},\n"A": "2"\n}}'
    with pytest.raises(AppJsonInvalidError) as caught:
        read(text)
    assert "'env.A'" in caught.value.summary
    assert "line 3" in caught.value.summary
    assert "line 5" in caught.value.detail


def test_a_check_names_the_file() -> None:
    source = DictSource({"requirements.txt": "", "Procfile": "web: a", "app.json": "{"})
    with pytest.raises(BuildError) as caught:
        detect(source, read_cached=lambda: None, policy=load_policy())
    policy = load_policy()
    evidence = Evidence(None, policy, TODAY, caught.value)
    found = check(App(source, evidence))
    assert [(one.rule, one.path) for one in found] == [("cannot-build", "app.json")]
