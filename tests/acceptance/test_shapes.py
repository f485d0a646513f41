"""The shapes Python apps have: made by the real tools, built with no configuration, and booted.

Together with ``test_start_commands.py`` and ``test_generated_apps.py`` this is the matrix of what
must build and answer over HTTP.
"""

import subprocess
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import BIN, Portside, free_port, write_app

from local_pythons import needed_installation

pytestmark = pytest.mark.network

FLASK = """\
from flask import Flask

app = Flask(__name__)


@app.get("/")
def hail():
    return "Ahoy!"
"""
PROJECT = '[project]\nname = "quay"\nversion = "1.0"\nrequires-python = ">=3.12"\n'
NEEDS = 'dependencies = ["flask", "gunicorn"]\n'
HATCH = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
SETUP = """\
from setuptools import setup

setup(name="quay", version="1.0", py_modules=["app"], install_requires=["flask", "gunicorn"])
"""
SETUP_CFG = """\
[metadata]
name = quay
version = 1.0
[options]
py_modules = app
install_requires =
    flask
    gunicorn
"""
SCRIPT = f'# /// script\n# dependencies = ["flask", "gunicorn"]\n# ///\n{FLASK}'
# Not every index that stands in for PyPI has what Poetry asks of PyPI itself.
SIMPLE_API = "https://pypi.org/simple/"
TOOLS = {
    "uv": (BIN / "uv",),
    "pipenv": (BIN / "pipenv",),
    "pip": (BIN / "python", "-m", "pip"),
    "poetry": (BIN / "uvx", "poetry"),
    "pdm": (BIN / "uvx", "--from", "pdm[locked]", "pdm"),
}
Tool = Callable[..., None]
Shape = Callable[[Path, Tool], None]


def files(contents: dict[str, str]) -> Shape:
    """Return what writes an app of these files."""

    def make(app: Path, _: Tool) -> None:
        write_app(app, contents)

    return make


def pip_compiled(app: Path, tool: Tool) -> None:
    write_app(app, {"requirements.in": "flask\ngunicorn\n", "app.py": FLASK})
    tool("uv", "pip", "compile", "requirements.in", "--generate-hashes", "-o", "requirements.txt")


def pipenv_lock(app: Path, tool: Tool) -> None:
    write_app(app, {"app.py": FLASK})
    tool("pipenv", "install", "flask", "gunicorn", "--skip-lock", PIPENV_IGNORE_VIRTUALENVS="1")
    tool("pipenv", "lock")


def uv_app(app: Path, tool: Tool) -> None:
    tool("uv", "init", "--bare", "--name", "quay")
    tool("uv", "add", "--no-sync", "flask", "gunicorn")
    tool("uv", "add", "--no-sync", "--dev", "pytest")
    write_app(app, {"app.py": FLASK})


def uv_package(app: Path, tool: Tool) -> None:
    tool("uv", "init", "--package", "--name", "quay", "--vcs", "none")
    tool("uv", "add", "--no-sync", "flask", "gunicorn")
    write_app(app, {"src/quay/__init__.py": FLASK})


def uv_workspace(app: Path, tool: Tool) -> None:
    uv_app(app, tool)
    tool("uv", "init", "--lib", "packages/cargo", "--vcs", "none")
    tool("uv", "add", "--no-sync", "cargo", "--workspace")
    write_app(app, {"app.py": f"import cargo\n{FLASK}"})


def uv_with_export(app: Path, tool: Tool) -> None:
    uv_app(app, tool)
    tool("uv", "export", "--no-hashes", "--output-file", "requirements.txt")


def pylock(app: Path, tool: Tool) -> None:
    uv_app(app, tool)
    tool("uv", "export", "--format", "pylock.toml", "--no-dev", "--output-file", "pylock.toml")
    for name in ("uv.lock", "pyproject.toml"):
        (app / name).unlink()


def uv_script(app: Path, tool: Tool) -> None:
    tool("uv", "init", "--script", "app.py")
    tool("uv", "add", "--script", "app.py", "flask", "gunicorn")
    head = (app / "app.py").read_text().partition("def main")[0]
    write_app(app, {"app.py": head + FLASK})


def locked_uv_script(app: Path, tool: Tool) -> None:
    uv_script(app, tool)
    tool("uv", "lock", "--script", "app.py")


def named_pylock(app: Path, tool: Tool) -> None:
    pylock(app, tool)
    (app / "pylock.toml").rename(app / "pylock.web.toml")


def poetry_new(app: Path, tool: Tool) -> None:
    tool("poetry", "new", "--name", "quay", "--python", ">=3.12,<4", ".")
    tool("poetry", "source", "add", "simple", SIMPLE_API)
    tool("poetry", "add", "--lock", "flask", "waitress")
    write_app(app, {"src/quay/__init__.py": FLASK})


def poetry_without_package(app: Path, tool: Tool) -> None:
    write_app(app, {"pyproject.toml": f"{PROJECT}[tool.poetry]\npackage-mode = false\n"})
    tool("poetry", "source", "add", "simple", SIMPLE_API)
    tool("poetry", "add", "--lock", "flask", "waitress")
    tool("poetry", "add", "--lock", "--group", "dev", "pytest")
    write_app(app, {"app.py": FLASK})


def pdm_init(app: Path, tool: Tool) -> None:
    tool("pdm", "init", "--non-interactive", "--python", "3.12", "minimal")
    tool("pdm", "add", "--no-sync", "flask", "gunicorn")
    write_app(app, {"app.py": FLASK})


def vendored(app: Path, tool: Tool) -> None:
    wanted = ("flask", "gunicorn")
    tool("pip", "download", "--quiet", "--dest", "wheelhouse", *wanted)
    write_app(app, {"requirements.txt": "\n".join(wanted), "app.py": FLASK})


PACKAGE_MANAGERS: dict[str, Shape] = {
    "requirements.txt": files({"requirements.txt": "flask\ngunicorn\n", "app.py": FLASK}),
    "requirements directory": files(
        {
            "requirements/prod.txt": "-r base.txt\ngunicorn\n",
            "requirements/base.txt": "flask\n",
            "requirements/dev.txt": "pytest\n",
            "app.py": FLASK,
        }
    ),
    "requirements directory, another name": files(
        {
            "requirements/web.txt": "flask\ngunicorn\n",
            "requirements/test.txt": "-r web.txt\npytest\n",
            "app.py": FLASK,
        }
    ),
    "requirements.in": files({"requirements.in": "flask\ngunicorn\n", "app.py": FLASK}),
    "pip-compiled with hashes": pip_compiled,
    "Pipfile.lock": pipenv_lock,
    "Pipfile": files({"Pipfile": '[packages]\nflask = "*"\ngunicorn = "*"\n', "app.py": FLASK}),
    "uv app": uv_app,
    "uv package": uv_package,
    "uv workspace": uv_workspace,
    "uv lock and its export": uv_with_export,
    "uv script": uv_script,
    "uv script with a lock": locked_uv_script,
    "pylock.toml": pylock,
    "pylock.web.toml": named_pylock,
    "Poetry package": poetry_new,
    "Poetry without a package": poetry_without_package,
    "PDM": pdm_init,
    "pyproject.toml": files({"pyproject.toml": PROJECT + NEEDS, "app.py": FLASK}),
    "pyproject.toml, a package": files(
        {"pyproject.toml": PROJECT + NEEDS + HATCH, "src/quay/__init__.py": FLASK}
    ),
    "setup.py": files({"setup.py": SETUP, "app.py": FLASK}),
    "setup.cfg": files({"setup.cfg": SETUP_CFG, "app.py": FLASK}),
    "script": files({"app.py": SCRIPT}),
    "vendored": vendored,
}
# A hello-world of each, as its documentation has it, and what it depends on.
FRAMEWORKS = {
    "Starlette": (
        "starlette",
        """
        from starlette.applications import Starlette
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route

        async def hail(request):
            return PlainTextResponse("Ahoy!")

        app = Starlette(routes=[Route("/", hail)])
        """,
    ),
    "Litestar": (
        "litestar",
        """
        from litestar import Litestar, get

        @get("/")
        async def hail() -> str:
            return "Ahoy!"

        app = Litestar([hail])
        """,
    ),
    "Quart": (
        "quart",
        """
        from quart import Quart

        app = Quart(__name__)

        @app.get("/")
        async def hail():
            return "Ahoy!"
        """,
    ),
    "Tornado": (
        "tornado",
        """
        import asyncio
        import os

        import tornado.web

        class Hail(tornado.web.RequestHandler):
            def get(self):
                self.write("Ahoy!")

        async def main():
            tornado.web.Application([("/", Hail)]).listen(int(os.environ["PORT"]))
            await asyncio.Event().wait()

        if __name__ == "__main__":
            asyncio.run(main())
        """,
    ),
    "Falcon": (
        "falcon",
        """
        import falcon

        class Hail:
            def on_get(self, req, resp):
                resp.text = "Ahoy!"

        app = falcon.App()
        app.add_route("/", Hail())
        """,
    ),
    "Falcon, ASGI": (
        "falcon",
        """
        import falcon.asgi

        class Hail:
            async def on_get(self, req, resp):
                resp.text = "Ahoy!"

        app = falcon.asgi.App()
        app.add_route("/", Hail())
        """,
    ),
    "Pyramid": (
        "pyramid",
        """
        from pyramid.config import Configurator
        from pyramid.response import Response

        def hail(request):
            return Response("Ahoy!")

        with Configurator() as config:
            config.add_route("hail", "/")
            config.add_view(hail, route_name="hail")
            app = config.make_wsgi_app()
        """,
    ),
    "FastHTML": (
        "python-fasthtml",
        """
        from fasthtml.common import P, fast_app, serve

        app, rt = fast_app()

        @rt("/")
        def get():
            return P("Ahoy!")

        serve()
        """,
    ),
    "NiceGUI": (
        "nicegui",
        """
        import os

        from nicegui import ui

        ui.label("Ahoy!")
        ui.run(port=int(os.environ.get("PORT", "8080")))
        """,
    ),
    "aiohttp, with a runner": (
        "aiohttp",
        """
        import asyncio
        import os

        from aiohttp import web

        async def hail(request):
            return web.Response(text="Ahoy!")

        async def main():
            app = web.Application()
            app.router.add_get("/", hail)
            runner = web.AppRunner(app)
            await runner.setup()
            await web.TCPSite(runner, "0.0.0.0", int(os.environ["PORT"])).start()
            await asyncio.Event().wait()

        asyncio.run(main())
        """,
    ),
    "CherryPy": (
        "cherrypy",
        """
        import os

        import cherrypy

        class Hail:
            @cherrypy.expose
            def index(self):
                return "Ahoy!"

        cherrypy.config.update(
            {"server.socket_host": "0.0.0.0", "server.socket_port": int(os.environ["PORT"])}
        )
        cherrypy.quickstart(Hail())
        """,
    ),
    "Microdot": (
        "microdot",
        """
        import os

        from microdot import Microdot

        app = Microdot()

        @app.get("/")
        async def hail(request):
            return "Ahoy!"

        app.run(port=int(os.environ["PORT"]))
        """,
    ),
    "Shiny": (
        "shiny",
        """
        from shiny import App, ui

        app = App(ui.page_fluid("Ahoy!"), None)
        """,
    ),
    "Flask in a class": (
        "flask",
        """
        import os

        from flask import Flask

        class Harbour:
            def __init__(self):
                self.app = Flask(__name__)
                self.app.add_url_rule("/", view_func=lambda: "Ahoy!")

            def serve(self):
                self.app.run(host="0.0.0.0", port=int(os.environ["PORT"]))

        if __name__ == "__main__":
            Harbour().serve()
        """,
    ),
    "the standard library": (
        "",
        """
        import os
        from http.server import BaseHTTPRequestHandler, HTTPServer

        class Hail(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"Ahoy!")

        if __name__ == "__main__":
            HTTPServer(("", int(os.environ.get("PORT", 8000))), Hail).serve_forever()
        """,
    ),
    "Streamlit": ("streamlit", "import streamlit as st\n\nst.write('Ahoy!')\n"),
    "Gradio": (
        "gradio",
        """
        import gradio as gr

        demo = gr.Interface(lambda name: f"Ahoy, {name}!", "text", "text")
        demo.launch()
        """,
    ),
    "Panel": ("panel", "import panel as pn\n\npn.panel('Ahoy!').servable()\n"),
    "Marimo": (
        "marimo",
        """
        import marimo

        app = marimo.App()

        @app.cell
        def _():
            "Ahoy!"
            return

        if __name__ == "__main__":
            app.run()
        """,
    ),
}
# A worker of each kind, and what it says once it is up. RQ's needs a Redis, so it isn't among them.
WORKERS = {
    "Celery": (
        "celery",
        """
        from celery import Celery

        jobs = Celery("jobs", broker="memory://")

        @jobs.task
        def load(crates):
            return crates
        """,
        "ready.",
    ),
    "Dramatiq": (
        "dramatiq",
        """
        import dramatiq
        from dramatiq.brokers.stub import StubBroker

        dramatiq.set_broker(StubBroker())

        @dramatiq.actor
        def load(crates):
            print(crates)
        """,
        "Worker process is ready for action.",
    ),
}
# What shows its greeting only to a browser, over a WebSocket.
IN_THE_BROWSER = {"Streamlit", "Gradio", "Panel", "Marimo"}


@pytest.mark.parametrize("shape", PACKAGE_MANAGERS.values(), ids=PACKAGE_MANAGERS.keys())
def test_an_app_of_each_package_manager_builds_and_answers(
    portside: Portside, tmp_path: Path, shape: Shape
) -> None:
    app = tmp_path / "quay"
    app.mkdir()
    shape(app, in_directory(app, portside))
    if not (app / ".python-version").exists():
        write_app(app, {".python-version": "3.12\n"})
    assert "Ahoy!" in page_of(app, portside, tmp_path)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_an_app_of_each_framework_builds_and_answers(
    portside: Portside, tmp_path: Path, name: str
) -> None:
    requirement, code = FRAMEWORKS[name]
    contents = {"requirements.txt": f"{requirement}\n", "main.py": textwrap.dedent(code)}
    app = write_app(tmp_path / "quay", {".python-version": "3.12\n", **contents})
    page = page_of(app, portside, tmp_path)
    assert "Ahoy!" in page or (name in IN_THE_BROWSER and "<html" in page)


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_of_each_kind_starts(portside: Portside, tmp_path: Path, name: str) -> None:
    requirement, code, said = WORKERS[name]
    contents = {"requirements.txt": f"{requirement}\n", "jobs.py": textwrap.dedent(code)}
    app = write_app(tmp_path / "quay", {".python-version": "3.12\n", **contents})
    slug = tmp_path / "slug"
    assert "web:" not in portside.build(app, slug).stderr
    log = tmp_path / "log"
    with log.open("w") as output:
        run = subprocess.Popen(
            [portside.program, "run", slug, "--scale", "worker=1"],
            env=portside.env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while said not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            assert run.poll() is None, log.read_text()
            time.sleep(0.1)
    finally:
        run.terminate()
        assert run.wait(60) == 143, log.read_text()


def in_directory(app: Path, portside: Portside) -> Tool:
    """Return what runs a tool in the app; those that aren't installed come from the index."""

    def run(name: str, *arguments: str, **variables: str) -> None:
        home, _ = needed_installation()
        env = {
            **portside.env,
            "UV_CACHE_DIR": f"{portside.env['PORTSIDE_CACHE_DIR']}/uv",
            "UV_PYTHON": str(home / "bin/python3.12"),
            "PATH": f"{home / 'bin'}:{portside.env['PATH']}",
        }
        done = subprocess.run(
            [*TOOLS[name], *arguments],
            cwd=app,
            env={**env, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def page_of(app: Path, portside: Portside, directory: Path) -> str:
    """Build an app, check it, and return its first page."""
    slug = directory / "slug"
    # NiceGUI refuses to run where it sees that a test is running.
    seen = {name: text for name, text in portside.env.items() if not name.startswith("PYTEST")}
    portside = Portside(seen, portside.program)
    portside.build(app, slug)
    check = portside("run", slug, "--check", "--port", free_port())
    assert check.returncode == 0, check.stdout + check.stderr
    with portside.running(slug, log=directory / "log") as site:
        return site.get()
