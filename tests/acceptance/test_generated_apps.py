"""Apps as the frameworks' own generators and tutorials make them: built, served, built again."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import BIN, Portside, free_port, write_app

from local_pythons import own_installation

pytestmark = pytest.mark.network

FLASK_APP = """\
from flask import Flask

app = Flask(__name__)


@app.route("/")
def harbour():
    return "<p>Ahoy from the quay!</p>"
"""
FASTAPI_APP = """\
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def harbour():
    return {"greeting": "Ahoy from the quay!"}


@app.get("/berths/{number}")
async def berth(number: int):
    return {"number": number}
"""


def assert_builds_and_serves(portside: Portside, app: Path, tmp_path: Path, text: str) -> str:
    """Build, check, look at the page, and build again; return what the first build said."""
    slug = tmp_path / "slug"
    first = portside.build(app, slug)
    assert re.search(r"Built in \d+\.\d\d s", first.stderr)
    check = portside("run", slug, "--check", "--port", free_port())
    assert check.returncode == 0, check.stdout + check.stderr
    with portside.running(slug, log=tmp_path / "log") as site:
        assert text in site.get()
    again = portside.build(app, slug)
    assert "Nothing changed in" in again.stderr
    return first.stderr


def run_tool(*command: str | Path, cwd: Path, portside: Portside, **env: str) -> None:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**portside.env, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def django_project(portside: Portside, tmp_path: Path) -> Path:
    venv = tmp_path / "venv"
    tools = {"cwd": tmp_path, "portside": portside}
    run_tool(BIN / "uv", "venv", "--quiet", "--python", sys.executable, venv, **tools)
    run_tool(BIN / "uv", "pip", "install", "--python", venv / "bin/python", "django", **tools)
    run_tool(venv / "bin/django-admin", "startproject", "mysite", **tools)
    return write_app(
        tmp_path / "mysite",
        {
            "requirements.txt": "django\ngunicorn\n",
            "Procfile": "web: gunicorn mysite.wsgi --bind 0.0.0.0:$PORT\n",
        },
    )


def test_a_project_by_django_admin_startproject(
    portside: Portside, django_project: Path, tmp_path: Path
) -> None:
    # As generated, it has no place for static files: it builds, and the developer is told.
    said = assert_builds_and_serves(
        portside, django_project, tmp_path, "The install worked successfully!"
    )
    assert "Warning: STATIC_ROOT isn't set" in said
    assert "--env DISABLE_COLLECTSTATIC=1" in said
    with (django_project / "mysite/settings.py").open("a") as settings:
        settings.write('\nSTATIC_ROOT = BASE_DIR / "staticfiles"\n')
    assert_builds_and_serves(portside, django_project, tmp_path, "The install worked successfully!")
    assert (tmp_path / "slug/staticfiles/admin/css/base.css").is_file()


def test_a_django_project_builds_as_generated_without_collectstatic(
    portside: Portside, django_project: Path, tmp_path: Path
) -> None:
    slug = tmp_path / "slug"
    done = portside(
        *("build", django_project, "-o", f"dir:{slug}", "--env", "DISABLE_COLLECTSTATIC=1")
    )
    assert done.returncode == 0, done.stderr
    with portside.running(slug, log=tmp_path / "log") as site:
        assert "The install worked successfully!" in site.get()


def test_the_flask_quickstart(portside: Portside, tmp_path: Path) -> None:
    app = write_app(
        tmp_path / "hello",
        {
            "hello.py": FLASK_APP,
            "requirements.txt": "flask\ngunicorn\n",
            "Procfile": "web: gunicorn hello:app --bind 0.0.0.0:$PORT\n",
        },
    )
    said = assert_builds_and_serves(portside, app, tmp_path, "<p>Ahoy from the quay!</p>")
    assert "Dependencies with pip" in said


def test_the_fastapi_tutorial(portside: Portside, tmp_path: Path) -> None:
    app = write_app(
        tmp_path / "berths",
        {
            "main.py": FASTAPI_APP,
            "requirements.txt": "fastapi[standard]\n",
            "Procfile": "web: uvicorn main:app --host 0.0.0.0 --port $PORT\n",
        },
    )
    assert_builds_and_serves(portside, app, tmp_path, '{"greeting":"Ahoy from the quay!"}')


def test_a_project_by_pipenv_install(portside: Portside, tmp_path: Path) -> None:
    found = own_installation()
    python = Path(found.location if found else sys.executable)
    app = write_app(
        tmp_path / "piped",
        {"hello.py": FLASK_APP, "Procfile": "web: gunicorn hello:app --bind 0.0.0.0:$PORT\n"},
    )
    run_tool(
        *(BIN / "pipenv", "install", "--python", python, "flask", "gunicorn"),
        cwd=app,
        portside=portside,
        PIPENV_VENV_IN_PROJECT="1",
        PIPENV_NOSPIN="1",
        PIPENV_IGNORE_VIRTUALENVS="1",
    )
    assert {"Pipfile", "Pipfile.lock", ".venv"} <= {path.name for path in app.iterdir()}
    said = assert_builds_and_serves(portside, app, tmp_path, "<p>Ahoy from the quay!</p>")
    assert "Dependencies with pipenv" in said
    assert not (tmp_path / "slug/.venv").exists()
