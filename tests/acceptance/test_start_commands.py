"""Apps without a Procfile, with real frameworks: built as they are, and booted."""

from pathlib import Path

import pytest
from command_line import Portside, write_app

pytestmark = pytest.mark.network

FLASK = """\
from flask import Flask


def create_app(config=None):
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "Ahoy!")
    return app
"""
DJANGO = {
    "requirements.txt": "django\nwaitress\n",
    "back-end/manage.py": """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "port.settings")
execute_from_command_line(sys.argv)
""",
    "back-end/port/__init__.py": "",
    "back-end/port/settings.py": """\
SECRET_KEY = "for the test"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "port.urls"
WSGI_APPLICATION = "port.wsgi.application"
""",
    "back-end/port/urls.py": """\
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse("Ahoy!"))]
""",
    "back-end/port/wsgi.py": """\
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "port.settings")
application = get_wsgi_application()
""",
}
PYRAMID = {
    "setup.py": """\
from setuptools import setup

setup(
    name="quay",
    version="0",
    packages=["quay"],
    install_requires=["pyramid", "plaster_pastedeploy", "waitress"],
    entry_points={"paste.app_factory": ["main = quay:main"]},
)
""",
    "quay/__init__.py": """\
from pyramid.config import Configurator
from pyramid.response import Response


def main(global_config, **settings):
    with Configurator(settings=settings) as config:
        config.add_route("hail", "/")
        config.add_view(lambda request: Response("Ahoy!"), route_name="hail")
    return config.make_wsgi_app()
""",
    "production.ini": """\
[app:main]
use = egg:quay

[server:main]
use = egg:waitress#main
listen = *:6543
""",
}
FASTAPI = """\
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def hail():
    return "Ahoy!"
"""
SANIC = """\
from sanic import Sanic
from sanic.response import text

harbour = Sanic("harbour")


@harbour.get("/")
async def hail(request):
    return text("Ahoy!")


if __name__ == "__main__":
    harbour.run(port=8000)
"""
AIOHTTP = """\
from aiohttp import web


async def hail(request):
    return web.Response(text="Ahoy!")


app = web.Application()
app.add_routes([web.get("/", hail)])

if __name__ == "__main__":
    web.run_app(app)
"""
PROGRAM = """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

ADDRESS = ("", int(os.environ.get("PORT", "8000")))


class Harbour(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Ahoy!")


if __name__ == "__main__":
    HTTPServer(ADDRESS, Harbour).serve_forever()
"""
WSGI = """\
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"Ahoy!"]
"""
DASH = """\
from dash import Dash, html

app = Dash(__name__)
server = app.server
app.layout = html.P("Ahoy!")

if __name__ == "__main__":
    app.run(debug=True)
"""
BOTTLE = """\
from bottle import route, run


@route("/")
def hail():
    return "Ahoy!"


run(host="localhost", port=8080)
"""
HASHED = (
    "six==1.17.0 --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274\n"
)

# The files, the command that is found, and what is installed beside what the app asks for.
APPS = {
    "Flask": (
        {"requirements.txt": "flask\ngunicorn\n", "shore.py": FLASK + "\n\nshore = create_app()\n"},
        "gunicorn shore:shore --bind 0.0.0.0:$PORT",
        "",
    ),
    "a Flask factory in a src layout": (
        {"requirements.txt": "flask\ngunicorn\n", "src/harbour/__init__.py": FLASK},
        "gunicorn --pythonpath src 'harbour:create_app()' --bind 0.0.0.0:$PORT",
        "",
    ),
    "FastAPI without a server": (
        {"requirements.txt": "fastapi\n", "main.py": FASTAPI},
        "uvicorn main:app --host 0.0.0.0 --port $PORT",
        "uvicorn",
    ),
    "Django in a directory with a hyphen": (
        DJANGO,
        "cd back-end && exec waitress-serve --listen=0.0.0.0:$PORT port.wsgi:application",
        "",
    ),
    "Sanic": (
        {"requirements.txt": "sanic\n", "server.py": SANIC},
        "sanic server:harbour --host=0.0.0.0 --port=$PORT",
        "",
    ),
    "aiohttp": (
        {"requirements.txt": "aiohttp\n", "server.py": AIOHTTP},
        "gunicorn server:app --bind 0.0.0.0:$PORT --worker-class aiohttp.GunicornWebWorker",
        "gunicorn",
    ),
    "Dash": (
        {"requirements.txt": "dash\n", "app.py": DASH},
        "gunicorn app:server --bind 0.0.0.0:$PORT",
        "gunicorn",
    ),
    "Bottle, which runs when it is imported": (
        {"requirements.txt": "bottle\n", "app.py": BOTTLE},
        "python -m bottle --bind 0.0.0.0:$PORT --server gunicorn app",
        "gunicorn",
    ),
    "Pyramid, as its template has it": (
        PYRAMID,
        "gunicorn --paste production.ini --bind 0.0.0.0:$PORT",
        "gunicorn",
    ),
    "a program that serves by itself": (
        {"my-site/main.py": PROGRAM, "requirements.txt": ""},
        "cd my-site && exec python main.py",
        "",
    ),
    "a Flask app in a file with a hyphen": (
        {"requirements.txt": "flask\nwaitress\n", "hello-world.py": FLASK},
        "gunicorn 'hello-world:create_app()' --bind 0.0.0.0:$PORT",
        "gunicorn",
    ),
    "a bare WSGI callable": (
        {"wsgi.py": WSGI},
        "gunicorn wsgi:application --bind 0.0.0.0:$PORT",
        "gunicorn",
    ),
    "a bare WSGI callable with locked requirements": (
        {"requirements.txt": HASHED, "wsgi.py": "import six\n\n\n" + WSGI},
        "gunicorn wsgi:application --bind 0.0.0.0:$PORT",
        "gunicorn",
    ),
}


@pytest.mark.parametrize(("files", "command", "added"), APPS.values(), ids=APPS.keys())
def test_an_app_without_a_procfile_is_built_and_answers(
    portside: Portside, tmp_path: Path, files: dict[str, str], command: str, added: str
) -> None:
    app = write_app(tmp_path / "app", {".python-version": "3.12\n", **files})
    slug = tmp_path / "slug"
    built = portside.build(app, slug, env={"DISABLE_COLLECTSTATIC": "1"})
    assert f"web: {command} (" in built.stderr
    assert (f"so {added} " in built.stderr) is bool(added)
    with portside.running(slug, log=tmp_path / "log") as site:
        page = (
            site.get("/_dash-layout") if "dash" in files.get("requirements.txt", "") else site.get()
        )
        assert "Ahoy!" in page
    assert "Nothing changed in" in portside.build(app, slug).stderr


def test_plan_shows_the_evidence_and_two_equal_apps_are_both_told(
    portside: Portside, tmp_path: Path
) -> None:
    files = {"requirements.txt": "gunicorn\n", "one.py": WSGI, "two.py": WSGI}
    app = write_app(tmp_path / "app", files)
    told = portside("plan", app)
    assert "Warning: one.py:1 (WSGI callable: application) and two.py:1" in told.stdout
    for name in ("one", "two"):
        assert f"    web: gunicorn {name}:application --bind 0.0.0.0:$PORT" in told.stdout
    (app / "two.py").unlink()
    told = portside("plan", app)
    command = "gunicorn one:application --bind 0.0.0.0:$PORT"
    assert f"web: {command}  (one.py:1 (WSGI callable: application))" in told.stdout
    write_app(app, {"Procfile": "web: gunicorn two:application\n"})
    told = portside("plan", app)
    assert "web: gunicorn two:application  (Procfile:1)" in told.stdout
    assert command not in told.stdout


def test_an_app_whose_two_starts_are_equal_is_built_and_asks_for_a_procfile(
    portside: Portside, tmp_path: Path
) -> None:
    files = {"requirements.txt": "six\n", "one.py": WSGI, "two.py": WSGI}
    app = write_app(tmp_path / "app", files)
    slug = tmp_path / "slug"
    said = portside.build(app, slug).stderr
    for name in ("one", "two"):
        assert f"    web: gunicorn {name}:application --bind 0.0.0.0:$PORT" in said
    run = portside("run", slug, "--check")
    assert run.returncode == 1
    assert "This app has no web process." in run.stderr
