"""The JSON that programs read: events, plan, facts and report, against docs/events.schema.json."""

import io
import json
import re
import typing

import pytest
from schema import Json, definition, problems, without_descriptions

from golden import REPOSITORY
from portside.event_log import JsonLog
from portside.model import events
from portside.model.app_json import DeclaredVar, VarSource
from portside.model.codec import decode, to_json
from portside.model.facts import (
    DependencySource,
    Facts,
    Notice,
    NoticeLevel,
    PackageManager,
    Process,
)
from portside.model.interpreter import InterpreterCandidate, InterpreterSource
from portside.model.plan import (
    Action,
    CheckBoot,
    CollectStatic,
    CopyApp,
    FinishSlug,
    InstallDependencies,
    Plan,
    ProvideInterpreter,
    RunHook,
    Step,
)
from portside.model.python_version import (
    Origin,
    PythonConstraint,
    PythonVersion,
    RequestedPython,
    Series,
)
from portside.model.record import Record
from portside.model.report import Report, StepReport
from portside.model.settings import Chosen, Settings

NOTICE = Notice("procfile::missing", "There is no Procfile.", "Add one.", NoticeLevel.WARNING)
DEPENDENCIES = DependencySource(
    PackageManager.PIPENV,
    "Pipfile",
    "Pipfile.lock",
    ("Pipfile", "Pipfile.lock"),
    "there is a Pipfile and a Pipfile.lock",
)
PROCESS = Process("web", "gunicorn shop.wsgi", Origin("Procfile", line=1))
CANDIDATES = (
    InterpreterCandidate(PythonVersion(3, 12, 7), InterpreterSource.STORE, "ab" * 32),
    InterpreterCandidate(
        PythonVersion(3, 12, 7),
        InterpreterSource.DOWNLOAD,
        "https://example.com/cpython.tar.gz",
        "cpython-3.12.7-linux-x86_64-gnu",
        "cd" * 32,
    ),
)
EVENTS: tuple[events.Event, ...] = (
    events.BuildStarted("shop", "/src/shop"),
    events.StepStarted("python", "Python 3.12 (.python-version:1)", "the store doesn't have it"),
    events.Output("dependencies", " + django==5.1"),
    events.Detail("python", "Using Python 3.12.7"),
    events.Noticed(NOTICE),
    events.StepFinished("dependencies", events.Outcome.REUSED, "no input changed", 0.25),
    events.BuildFinished(("/out/slug", "/out/shop.tar.gz"), False, 12.5),
    events.BuildFailed("procfile::invalid", "Line 2 …", "The line is: …", "Write …", 0.125),
)
PLAN = Plan(
    "shop",
    (
        RunHook("bin/pre_compile", Action.RUN, "the app has this hook"),
        CopyApp(12, "ef" * 32, Action.RUN, "the app's files changed"),
        ProvideInterpreter(
            "3.12", ".python-version:1", CANDIDATES, Action.REUSE, "it is in the store"
        ),
        InstallDependencies(DEPENDENCIES, "12" * 32, Action.RUN, "Pipfile.lock changed"),
        CollectStatic("manage.py", Action.SKIP, "DISABLE_COLLECTSTATIC is set"),
        CheckBoot(Action.RUN, "it is on in --boot-check"),
        FinishSlug((PROCESS,), "34" * 32, Action.RUN, "the app's files changed"),
    ),
    (NOTICE,),
)
REPORT = Report(
    app="shop",
    python_version="3.12.7",
    python_version_origin=".python-version",
    package_manager="pipenv",
    installer="uv",
    distributions=("Django==5.1",),
    steps=(StepReport("python", "reused", "it is in the store", 0.5),),
    total_duration=12.5,
)
FACTS = Facts(
    app_name="shop",
    python=RequestedPython(Series(3, 12), None, Origin(".python-version", line=1)),
    python_constraints=(
        PythonConstraint(">=3.11", Origin("pyproject.toml", "project.requires-python")),
    ),
    dependencies=DEPENDENCIES,
    manage_py=None,
    pre_compile_hook="bin/pre_compile",
    post_compile_hook=None,
    processes=(PROCESS,),
    settings=Settings((Chosen("groups", ("web",), Origin("portside.toml", "groups")),)),
    notices=(NOTICE,),
    config_vars=(DeclaredVar("SECRET_KEY", VarSource.GENERATED, "Signs the cookies."),),
)
DOCUMENTS: tuple[object, ...] = (*EVENTS, PLAN, REPORT, FACTS)


def _name(value: object) -> str:
    return type(value).__name__


def _schema() -> Json:
    document: object = json.loads((REPOSITORY / "docs/events.schema.json").read_text("utf-8"))
    assert isinstance(document, dict)
    return document


def _definitions() -> Json:
    definitions = _schema()["$defs"]
    assert isinstance(definitions, dict)
    return definitions


def _records_in(value: object) -> set[type[Record]]:
    """Return the kinds of record that a sample is made of."""
    if isinstance(value, tuple):
        return {kind for item in value for kind in _records_in(item)}
    if not isinstance(value, Record):
        return set()
    fields = [getattr(value, name) for name in value.__struct_fields__]
    return {type(value)} | _records_in(tuple(fields))


def test_samples_hold_every_event_and_every_step() -> None:
    assert {type(event) for event in EVENTS} == set(typing.get_args(events.Event))
    assert {type(step) for step in PLAN.steps} == set(typing.get_args(Step))


def test_schema_defines_every_record_as_it_is_and_nothing_else() -> None:
    expected = {kind.__name__: definition(kind) for kind in _records_in(DOCUMENTS)}
    definitions = without_descriptions(_definitions())
    assert isinstance(definitions, dict)

    assert set(definitions) == set(expected)
    for name, schema in expected.items():
        assert definitions[name] == schema


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_document_fits_its_definition(document: object) -> None:
    definitions = _definitions()

    assert problems(json.loads(to_json(document)), definitions[_name(document)], definitions) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_document_comes_back_from_its_json_text_as_it_was(document: object) -> None:
    assert decode(type(document), json.loads(to_json(document))) == document


@pytest.mark.parametrize("event", EVENTS, ids=_name)
def test_event_comes_back_without_its_kind_being_known(event: events.Event) -> None:
    union = typing.cast("type[events.Event]", events.Event)

    assert decode(union, json.loads(to_json(event))) == event


@pytest.mark.parametrize("event", EVENTS, ids=_name)
def test_line_fits_the_schema(event: events.Event) -> None:
    stream = io.StringIO()
    JsonLog(stream)(event)
    line = stream.getvalue()

    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert problems(json.loads(line), _schema(), _definitions()) == []


def test_schema_refuses_what_no_build_emits() -> None:
    line = {"schema": 1, "event": {"kind": "Output", "step": "python", "text": 1, "more": ""}}

    assert problems({**line, "schema": 2}, _schema(), _definitions())
    assert problems(line, _schema(), _definitions()) == [
        "$.event.text: 1 is no string",
        "$.event.more isn't in the schema",
    ]


def test_schema_says_what_every_field_is() -> None:
    definitions = _definitions()
    silent = [
        f"{name}.{field}"
        for name, schema in definitions.items()
        if isinstance(schema, dict)
        for field, details in schema["properties"].items()
        if field != "kind" and not details.get("description")
    ]

    assert silent == []


def test_page_explains_every_event_and_its_examples_are_events() -> None:
    page = (REPOSITORY / "docs/events.md").read_text("utf-8")
    # What follows are the lines of a formation, which are no events of a build.
    text = page.partition("\n## Lines of a formation\n")[0]
    sections = re.findall(r"^### (\w+)$", text, re.MULTILINE)
    examples = [json.loads(line) for line in text.splitlines() if line.startswith('{"schema": 1')]

    assert sections == [_name(event) for event in EVENTS]
    assert [example["event"]["kind"] for example in examples] == sections
    for example in examples:
        assert problems(example, _schema(), _definitions()) == []


@pytest.mark.parametrize("event", EVENTS, ids=_name)
def test_page_names_every_field_of_an_event(event: events.Event) -> None:
    text = (REPOSITORY / "docs/events.md").read_text("utf-8")
    section = text.partition(f"\n### {_name(event)}\n")[2].partition("\n##")[0]
    rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)

    assert rows == list(event.__struct_fields__)
