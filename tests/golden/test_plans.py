"""Apps → facts → plans, kept as JSON below ``plans/``: what decides a build, without doing it."""

import hashlib
import json
from dataclasses import dataclass, field

import pytest
from fakes import DictSource

from golden import GOLDEN, IS_UPDATING, assert_golden
from portside.detection.facts import detect
from portside.model.codec import decode, to_json
from portside.model.facts import Facts
from portside.model.interpreter import InterpreterCandidate, InterpreterSource
from portside.model.layers import KeyInput, LayerKey
from portside.model.plan import Action, Plan
from portside.model.python_version import PythonVersion
from portside.planning.build import Previous, Situation, plan_build
from portside.planning.interpreters import newest, plan_interpreters
from portside.planning.policy import load_policy
from portside.steps.collectstatic import why_skipped

OFFERED = tuple(
    InterpreterCandidate(
        PythonVersion(3, minor, patch),
        InterpreterSource.DOWNLOAD,
        f"https://example.com/cpython-3.{minor}.{patch}.tar.gz",
        f"cpython-3.{minor}.{patch}-linux-x86_64-gnu",
        f"{minor:02}" * 32,
    )
    for minor, patch in ((12, 7), (12, 6), (13, 1))
)
STORED = (InterpreterCandidate(PythonVersion(3, 12, 7), InterpreterSource.STORE, "ab" * 32),)

FLASK = {
    ".python-version": "3.12\n",
    "requirements.txt": "flask==3.0.3\n-r more.txt\n",
    "more.txt": "gunicorn\n",
    "app.py": "app = ...\n",
    "Procfile": "web: gunicorn app:app --bind 0.0.0.0:$PORT\nworker: python -m jobs\n",
}
NEWER_FLASK = {**FLASK, "requirements.txt": "flask==3.1.0\n-r more.txt\n"}
CHANGED_APP = {**FLASK, "app.py": "app = another\n"}
WITHOUT_PROCFILE = {
    ".python-version": "3.12\n",
    "requirements.txt": "fastapi\n",
    "main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n",
}
DJANGO = {
    "pyproject.toml": '[project]\nname = "shop"\nrequires-python = ">=3.12,<3.13"\n',
    "requirements.txt": "django>=5.1\nwhitenoise\n",
    "src/manage.py": "import django\n",
    "Procfile": "web: gunicorn shop.wsgi\nrelease: python src/manage.py migrate\n",
}
DJANGO_WITH_HOOKS = {
    **DJANGO,
    "bin/pre_compile": "#!/bin/sh\nnpm run build\n",
    "bin/post_compile": "#!/bin/sh\npython src/manage.py compilemessages\n",
}
_PIPFILE = '[packages]\nrequests = "*"\n\n[requires]\npython_version = "3.12"\n'
_LOCK = {
    "_meta": {
        "hash": {"sha256": "56" * 32},
        "pipfile-spec": 6,
        "requires": {"python_version": "3.12"},
        "sources": [{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": True}],
    },
    "default": {"requests": {"version": "==2.32.3", "hashes": ["sha256:" + "78" * 32]}},
    "develop": {},
}
PIPENV = {"Pipfile": _PIPFILE, "Pipfile.lock": json.dumps(_LOCK), "Procfile": "web: python app.py"}


@dataclass(frozen=True, slots=True)
class Case:
    """An app with what a build would find at hand: the last build's app, and the store."""

    name: str
    app: dict[str, str]
    built_before: dict[str, str] | None = None
    has_interpreter: bool = True
    are_dependencies_stored: bool = False
    is_in_place: bool = False
    config_vars: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


CASES = (
    Case("pip-first-build", FLASK, has_interpreter=False),
    Case("pip-interpreter-stored", FLASK),
    Case(
        "pip-unchanged-rebuild",
        FLASK,
        built_before=FLASK,
        are_dependencies_stored=True,
        is_in_place=True,
    ),
    Case("pip-without-procfile", WITHOUT_PROCFILE),
    Case("pip-changed-requirements", NEWER_FLASK, built_before=FLASK),
    Case("pip-changed-app", CHANGED_APP, built_before=FLASK, are_dependencies_stored=True),
    Case("pip-slug-elsewhere", FLASK, built_before=FLASK, are_dependencies_stored=True),
    Case("django-with-hooks", DJANGO_WITH_HOOKS),
    Case(
        "django-with-hooks-rebuild",
        DJANGO_WITH_HOOKS,
        built_before=DJANGO_WITH_HOOKS,
        are_dependencies_stored=True,
        is_in_place=True,
    ),
    Case("django-collectstatic-disabled", DJANGO, config_vars={"DISABLE_COLLECTSTATIC": "1"}),
    Case("pipenv-with-lock", PIPENV),
)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _facts(app: dict[str, str]) -> Facts:
    return detect(DictSource(dict(app), "shop"), read_cached=lambda: None, policy=load_policy())


def _keys(app: dict[str, str]) -> Previous:
    """Return keys made as a build makes them, of fewer inputs."""
    files = _facts(app).dependencies.files
    dependencies = LayerKey(
        "dependencies",
        (
            KeyInput("Python", "3.12.7"),
            *(KeyInput(name, _digest(app[name])) for name in files),
        ),
    )
    slug = LayerKey(
        "slug",
        (
            KeyInput("the app's files", _app_digest(app)),
            KeyInput("the dependencies", dependencies.digest),
        ),
    )
    return Previous(dependencies, slug)


def _app_digest(app: dict[str, str]) -> str:
    return _digest(json.dumps(app, sort_keys=True))


def _plan(case: Case) -> Plan:
    facts = _facts(case.app)
    keys = _keys(case.app) if case.has_interpreter else None
    candidates = plan_interpreters(
        facts.python,
        facts.python_constraints,
        inventory=OFFERED,
        stored=STORED if case.has_interpreter else (),
        local=(),
    )
    situation = Situation(
        candidates=candidates,
        newest_patch=newest(OFFERED, facts.python.series),
        dependencies_key=keys.dependencies if keys else None,
        are_dependencies_stored=case.are_dependencies_stored,
        app_files=len(case.app),
        app_digest=_app_digest(case.app),
        slug_key=keys.slug if keys else None,
        is_in_place=case.is_in_place,
        collectstatic_skip=why_skipped(case.config_vars, has_disabling_file=False),
        previous=_keys(case.built_before) if case.built_before else None,
    )
    return plan_build(facts, situation)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_plan_is_as_kept(case: Case) -> None:
    assert_golden(GOLDEN / "plans" / f"{case}.json", to_json(_plan(case)) + "\n")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_plan_comes_back_from_its_json_text_as_it_was(case: Case) -> None:
    plan = _plan(case)

    assert decode(Plan, json.loads(to_json(plan))) == plan


@pytest.mark.skipif(IS_UPDATING, reason="files are being written")
def test_no_golden_plan_is_left_over() -> None:
    kept = {path.stem for path in (GOLDEN / "plans").glob("*.json")}

    assert kept == {str(case) for case in CASES}


def test_only_the_unchanged_rebuild_has_nothing_to_do() -> None:
    assert [case.name for case in CASES if _plan(case).unchanged] == ["pip-unchanged-rebuild"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_step_says_why(case: Case) -> None:
    assert all(step.reason for step in _plan(case).steps)


def test_changed_requirements_are_named_as_the_reason_to_install() -> None:
    case = next(case for case in CASES if case.name == "pip-changed-requirements")
    reasons = {type(step).__name__: (step.action, step.reason) for step in _plan(case).steps}

    assert reasons["InstallDependencies"] == (Action.RUN, "requirements.txt changed")
    assert reasons["ProvideInterpreter"] == (Action.REUSE, "it is in the store")
