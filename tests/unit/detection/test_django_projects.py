"""Which of several Django projects an app's static files are collected for."""

import pytest
from fakes import DictSource

from portside.detection.facts import detect
from portside.model.facts import Facts
from portside.planning.policy import load_policy

MANAGE_PY = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'
WSGI_PY = (
    "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
)
TWO = {
    ".python-version": "3.12\n",
    "requirements.txt": "django\ngunicorn\n",
    **{
        f"{name}/{path}": text
        for name in ("one", "two")
        for path, text in (("manage.py", MANAGE_PY), ("shop/wsgi.py", WSGI_PY))
    },
}
SEVERAL = "django::several-projects"


def facts_of(files: dict[str, str], *, finds_start: bool = True) -> Facts:
    return detect(
        DictSource(dict(files)),
        read_cached=lambda: None,
        policy=load_policy(),
        finds_start=finds_start,
    )


def codes(facts: Facts) -> list[str]:
    return [notice.code for notice in facts.notices]


def test_two_equal_projects_are_told_and_nothing_is_collected() -> None:
    facts = facts_of(TWO)
    assert facts.manage_py is None
    assert codes(facts) == ["start::ambiguous", SEVERAL]
    assert facts.notices[1].summary.startswith("one/manage.py and two/manage.py may each be")
    assert "    web: gunicorn --chdir one PROJECT.wsgi" in facts.notices[1].hint


@pytest.mark.parametrize(
    "command",
    [
        "gunicorn --chdir two shop.wsgi",
        "gunicorn --chdir=./two/ shop.wsgi",
        "cd two && exec gunicorn shop.wsgi",
        "PYTHONPATH=two:$PYTHONPATH gunicorn shop.wsgi",
        "python two/manage.py runserver",
        "cd /app/two && gunicorn shop.wsgi",
        "cd $HOME/two; gunicorn shop.wsgi",
        'cd "two" && gunicorn shop.wsgi',
        "uvicorn --app-dir two shop.asgi:application",
    ],
)
def test_a_procfile_chooses_by_naming_the_directory(command: str) -> None:
    facts = facts_of({**TWO, "Procfile": f"web: {command}\nworker: python one/manage.py work\n"})
    assert facts.manage_py == "two/manage.py"
    assert codes(facts) == []


@pytest.mark.parametrize(
    "command", ["bin/start", "gunicorn two.wsgi", "gunicorn x:two", "cd two-b"]
)
def test_a_procfile_that_names_no_directory_chooses_none(command: str) -> None:
    facts = facts_of({**TWO, "Procfile": f"web: {command}\n"})
    assert facts.manage_py is None
    assert codes(facts) == [SEVERAL]


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/sh\n# one\ncd two\nexec gunicorn shop.wsgi\n",
        "#!/usr/bin/env bash\nset -e\npython two/manage.py migrate\nexec gunicorn two.shop.wsgi\n",
    ],
)
@pytest.mark.parametrize("command", ["bash bin/start.sh", "bin/start.sh", "exec /app/bin/start.sh"])
def test_the_script_that_a_procfile_runs_chooses(command: str, script: str) -> None:
    files = {**TWO, "bin/start.sh": script, "Procfile": f"web: {command}\n"}
    assert facts_of(files).manage_py == "two/manage.py"


@pytest.mark.parametrize("module", ["two.shop.wsgi", "two.shop.wsgi:application", "only.asgi"])
def test_the_module_that_is_served_chooses(module: str) -> None:
    files = {**TWO, "two/only/asgi.py": WSGI_PY, "Procfile": f"web: gunicorn {module} -b :$PORT\n"}
    assert facts_of(files).manage_py == "two/manage.py"


def test_a_module_that_is_in_both_chooses_none() -> None:
    assert codes(facts_of({**TWO, "Procfile": "web: gunicorn shop.wsgi\n"})) == [SEVERAL]


def test_the_one_that_is_started_is_the_one() -> None:
    facts = facts_of({**TWO, "one/manage.py": "import django  # without settings\n"})
    assert [process.command.split()[2] for process in facts.processes] == ["two"]
    assert facts.manage_py == "two/manage.py"
    assert codes(facts) == []


def test_a_nearer_one_counts_and_another_frameworks_does_not() -> None:
    nearer = {**TWO, "manage.py": MANAGE_PY, "shop/wsgi.py": WSGI_PY}
    assert facts_of(nearer).manage_py == "manage.py"
    other = {**TWO, "one/manage.py": "from flask_script import Manager\n", "Procfile": "web: x\n"}
    assert facts_of(other).manage_py == "two/manage.py"


@pytest.mark.parametrize(
    "file", [("portside.toml", "collectstatic = false\n"), (".heroku/collectstatic_disabled", "")]
)
def test_nothing_is_told_where_nothing_is_to_be_collected(file: tuple[str, str]) -> None:
    assert SEVERAL not in codes(facts_of({**TWO, **dict([file])}))


def test_a_platform_takes_the_first() -> None:
    facts = facts_of(TWO, finds_start=False)
    assert facts.manage_py == "one/manage.py"
    assert SEVERAL not in codes(facts)


def test_a_directory_that_is_named_for_something_else_chooses_none() -> None:
    files = {**TWO, "manage.py": MANAGE_PY, "deploy/manage.py": MANAGE_PY}
    files["Procfile"] = "web: gunicorn -c deploy/gunicorn.py shop.wsgi\n"
    assert facts_of(files).manage_py == "manage.py"


def test_settings_that_are_assigned_are_found_too() -> None:
    files = {
        "manage.py": 'import os\nos.environ["DJANGO_SETTINGS_MODULE"] = "core.settings"\n',
        "core/settings.py": "DEBUG = False\n",
        "core/wsgi.py": WSGI_PY,
        "requirements.txt": "django\ngunicorn\n",
        ".python-version": "3.12\n",
    }
    [process] = facts_of(files).processes
    assert process.command == "gunicorn core.wsgi:application --bind 0.0.0.0:$PORT"
