"""What starts an app that is the root of a uv workspace."""

from fakes import DictSource

from portside.detection.facts import detect
from portside.model.facts import Facts
from portside.planning.policy import load_policy

FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
PROJECT = '[project]\nname = "{}"\nversion = "1"\nrequires-python = ">=3.12"\n'
WORKSPACE = '[tool.uv.workspace]\nmembers = ["services/*"]\n'
LOCK = """\
version = 1
requires-python = ">=3.12"

[manifest]
members = [
    "api",
    "root",
]

[[package]]
name = "api"
version = "1"
source = {{ editable = "services/api" }}

[[package]]
name = "root"
version = "1"
source = {{ virtual = "." }}
{}"""


def facts_of(needs: str, **files: str) -> Facts:
    given: dict[str, bytes | str] = {
        ".python-version": "3.12\n",
        "pyproject.toml": PROJECT.format("root") + WORKSPACE,
        "uv.lock": LOCK.format(needs),
        "services/api/pyproject.toml": PROJECT.format("api"),
        "services/api/main.py": FASTAPI,
        "services/api/manage.py": "import django\n",
    }
    source = DictSource({**given, **files})
    return detect(source, read_cached=lambda: None, policy=load_policy())


def test_a_member_that_the_root_does_not_need_is_not_started() -> None:
    facts = facts_of("")
    assert (facts.processes, facts.manage_py) == ((), None)
    (notice,) = (n for n in facts.notices if n.code == "start::members-apart")
    assert "members services/api: they aren't installed" in notice.summary
    assert "    portside build services/api --source-root ." in notice.hint
    facts = facts_of("", **{"main.py": FASTAPI})
    assert [process.origin.name for process in facts.processes] == ["main.py"]
    assert "start::members-apart" not in [notice.code for notice in facts.notices]


def test_a_member_that_the_root_needs_is_started() -> None:
    facts = facts_of('dependencies = [\n    { name = "api" },\n]\n')
    assert [process.origin.name for process in facts.processes] == ["services/api/main.py"]
    assert "start::members-apart" not in [notice.code for notice in facts.notices]


def test_a_procfile_may_start_a_member_that_the_root_does_not_need() -> None:
    facts = facts_of("", Procfile="web: cd services/api && gunicorn api.wsgi\n")
    assert facts.manage_py == "services/api/manage.py"
    assert "start::members-apart" not in [notice.code for notice in facts.notices]
