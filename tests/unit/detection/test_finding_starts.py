"""Start commands of many small apps: files and requirements in, process types out."""

import pytest
from fakes import DictSource

from portside.detection.start_commands import find_start_commands
from portside.model.start_commands import StartCommands

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI()\n"
GUARD = 'if __name__ == "__main__":\n    '
BIND = "--bind 0.0.0.0:$PORT"
UVICORN = "--host 0.0.0.0 --port $PORT"
STREAMLIT = "--server.port $PORT --server.address 0.0.0.0 --server.headless true"
MANAGE_PY = """\
import os, sys
def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings")
"""
WSGI_PY = (
    "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
)
ASGI_PY = WSGI_PY.replace("wsgi", "asgi")
DJANGO = {
    "manage.py": MANAGE_PY,
    "site1/__init__.py": "",
    "site1/settings.py": 'DEBUG = True\nWSGI_APPLICATION = "site1.wsgi.application"\n',
    "site1/wsgi.py": WSGI_PY,
    "site1/asgi.py": ASGI_PY,
}
RUN_MAIN = 'python -c "import sys; from x.cli import main; sys.exit(main())"'
HELLO = 'def main():\n    print("Hello from app!")\n\n' + GUARD + "main()\n"
BOT = "import discord\nclient = discord.Client()\n" + GUARD + 'client.run("token")\n'


def find(files: dict[str, bytes | str], requirements: str = "") -> StartCommands:
    return find_start_commands(DictSource(files), frozenset(requirements.split()))


def lines(found: StartCommands) -> list[str]:
    return [f"{process.type}: {process.command}" for process in found.processes]


def codes(found: StartCommands) -> list[str]:
    return [notice.code for notice in found.notices]


WEB = {
    # Flask
    "flask instance": ({"app.py": FLASK}, "flask gunicorn", f"gunicorn app:app {BIND}"),
    "flask by another name": (
        {"shop.py": "import flask as f\nshop = f.Flask('x')\n"},
        "flask gunicorn",
        f"gunicorn shop:shop {BIND}",
    ),
    "flask factory": (
        {
            "shop/__init__.py": "from flask import Flask\n"
            "def create_app(config=None):\n    app = Flask(__name__)\n    return app\n"
        },
        "flask gunicorn",
        f"gunicorn 'shop:create_app()' {BIND}",
    ),
    "an instance beats its factory": (
        {
            "shop/__init__.py": "from flask import Flask\n"
            "def create_app(config):\n    app = Flask(__name__)\n    return app\n",
            "wsgi.py": "from shop import create_app\napplication = create_app('production')\n",
        },
        "flask gunicorn",
        f"gunicorn wsgi:application {BIND}",
    ),
    "a factory imported under another name and called in a file by any name": (
        {
            "shop/factory.py": "from flask import Flask\n"
            "def build(config):\n    return Flask(__name__)\n",
            "shop/__init__.py": "from .factory import build as make_app\n",
            "microblog.py": "import shop\nthe_app = shop.make_app('x')\n",
        },
        "flask gunicorn",
        f"gunicorn microblog:the_app {BIND}",
    ),
    "an app that a root module only imports": (
        {
            "core/web.py": FLASK,
            "run.py": "from core.web import app\n" + GUARD + "app.run()\n",
        },
        "flask gunicorn",
        f"gunicorn run:app {BIND}",
    ),
    "a module that only uses the app isn't preferred": (
        {"core/server.py": FLASK, "models.py": "from core.server import app\n"},
        "flask gunicorn",
        f"gunicorn core.server:app {BIND}",
    ),
    "a subclass": (
        {"app.py": "from flask import Flask\nclass Mine(Flask):\n    pass\napi = Mine('x')\n"},
        "flask gunicorn",
        f"gunicorn app:api {BIND}",
    ),
    "a middleware by the same name": (
        {"app.py": FLASK + "from mw import Wrap\napp = Wrap(app)\n"},
        "flask gunicorn",
        f"gunicorn app:app {BIND}",
    ),
    "within try and if": (
        {
            "app.py": "import flask\nif 1:\n    try:\n"
            "        app = flask.Flask('x')\n    except E: 0\n"
        },
        "flask gunicorn",
        f"gunicorn app:app {BIND}",
    ),
    "an app turned into the other interface": (
        {"app.py": FLASK + "from asgiref.wsgi import WsgiToAsgi\nasgi_app = WsgiToAsgi(app)\n"},
        "flask uvicorn asgiref",
        f"uvicorn app:asgi_app {UVICORN}",
    ),
    "run() that isn't guarded": (
        {"app.py": FLASK + "app.run()\n"},
        "flask gunicorn",
        f"FLASK_RUN_FROM_CLI=true gunicorn app:app {BIND}",
    ),
    "Socket.IO needs one worker": (
        {"app.py": FLASK + "from flask_socketio import SocketIO\nsocketio = SocketIO(app)\n"},
        "flask flask-socketio gunicorn",
        f"gunicorn app:app {BIND} --workers 1 --threads 100",
    ),
    "waitress": (
        {"app.py": FLASK},
        "flask waitress",
        "waitress-serve --listen=0.0.0.0:$PORT app:app",
    ),
    "waitress and a factory": (
        {"app.py": "import flask\ndef create_app():\n    return flask.Flask('x')\n"},
        "flask waitress",
        "waitress-serve --listen=0.0.0.0:$PORT --call app:create_app",
    ),
    "granian": (
        {"app.py": FLASK},
        "flask granian",
        f"granian --interface wsgi {UVICORN} app:app",
    ),
    "hypercorn for wsgi": ({"app.py": FLASK}, "flask hypercorn", f"hypercorn wsgi:app:app {BIND}"),
    "uwsgi": (
        {"app.py": FLASK},
        "flask uwsgi",
        "uwsgi --http 0.0.0.0:$PORT --master --die-on-term --module app:app",
    ),
    # ASGI
    "fastapi": ({"main.py": FASTAPI}, "fastapi uvicorn", f"uvicorn main:app {UVICORN}"),
    "fastapi[standard] brings uvicorn": (
        {"main.py": FASTAPI},
        "fastapi fastapi[standard]",
        f"uvicorn main:app {UVICORN}",
    ),
    "fastapi factory": (
        {"main.py": "from fastapi import FastAPI\ndef make() -> FastAPI:\n    return FastAPI()\n"},
        "fastapi uvicorn",
        f"uvicorn main:make {UVICORN} --factory",
    ),
    "gunicorn with uvicorn's worker": (
        {"main.py": FASTAPI},
        "fastapi gunicorn uvicorn-worker",
        f"gunicorn main:app {BIND} --worker-class uvicorn_worker.UvicornWorker",
    ),
    "hypercorn": ({"main.py": FASTAPI}, "fastapi hypercorn", f"hypercorn main:app {BIND}"),
    "daphne": ({"main.py": FASTAPI}, "fastapi daphne", "daphne -b 0.0.0.0 -p $PORT main:app"),
    "starlette": (
        {
            "main.py": "from starlette.applications import Starlette\n"
            "site: Starlette = Starlette()\n"
        },
        "starlette uvicorn",
        f"uvicorn main:site {UVICORN}",
    ),
    "a mounted app is a part": (
        {"main.py": FASTAPI + "admin = FastAPI()\napp.mount('/admin', admin)\n"},
        "fastapi uvicorn",
        f"uvicorn main:app {UVICORN}",
    ),
    "litestar": (
        {"app.py": "from litestar import Litestar\napp = Litestar([])\n"},
        "litestar litestar[standard]",
        f"uvicorn app:app {UVICORN}",
    ),
    "quart brings hypercorn": (
        {"app.py": "from quart import Quart\napp = Quart(__name__)\n" + GUARD + "app.run()\n"},
        "quart",
        f"hypercorn app:app {BIND}",
    ),
    "fasthtml": (
        {"main.py": "from fasthtml.common import *\napp, rt = fast_app()\nserve()\n"},
        "python-fasthtml",
        f"uvicorn main:app {UVICORN}",
    ),
    "falcon": (
        {"app.py": "import falcon\napp = falcon.App()\n"},
        "falcon gunicorn",
        f"gunicorn app:app {BIND}",
    ),
    "falcon.asgi": (
        {"app.py": "import falcon.asgi\napp = falcon.asgi.App()\n"},
        "falcon uvicorn",
        f"uvicorn app:app {UVICORN}",
    ),
    "an app named in a text elsewhere": (
        {
            "run.py": 'import uvicorn\nuvicorn.run("svc.one:api")\n',
            "svc/one.py": FASTAPI.replace("app", "api"),
            "svc/two.py": FASTAPI.replace("app", "api"),
        },
        "fastapi uvicorn",
        f"uvicorn svc.one:api {UVICORN}",
    ),
    # their own servers
    "sanic": (
        {"server.py": "from sanic import Sanic\nbrisk = Sanic('x')\n" + GUARD + "brisk.run()\n"},
        "sanic",
        "sanic server:brisk --host=0.0.0.0 --port=$PORT",
    ),
    "aiohttp and gunicorn": (
        {
            "app.py": "from aiohttp import web\napp = web.Application()\n"
            + GUARD
            + "web.run_app(app)\n"
        },
        "aiohttp gunicorn",
        f"gunicorn app:app {BIND} --worker-class aiohttp.GunicornWebWorker",
    ),
    "aiohttp and a coroutine that makes the app": (
        {
            "app.py": "from aiohttp import web\n"
            "async def make():\n    app = web.Application()\n    return app\n"
        },
        "aiohttp gunicorn",
        f"gunicorn app:make {BIND} --worker-class aiohttp.GunicornWebWorker",
    ),
    "aiohttp that heeds PORT": (
        {
            "app.py": "import os\nfrom aiohttp import web\napp = web.Application()\n"
            + GUARD
            + "web.run_app(app, port=int(os.environ['PORT']))\n"
        },
        "aiohttp",
        "python app.py",
    ),
    "tornado": (
        {
            "main.py": "import os\nimport tornado.web\nPORT = os.getenv('PORT', 8888)\n"
            "def main():\n    tornado.web.Application([]).listen(int(PORT))\n" + GUARD + "main()\n"
        },
        "tornado",
        "python main.py",
    ),
    "tornado's options": (
        {
            "main.py": "import tornado.web\nfrom tornado.options import define, options\n"
            "define('port', default=8888)\n"
            "def main():\n    tornado.web.Application([]).listen(options.port)\n"
            + GUARD
            + "main()\n"
        },
        "tornado",
        "python main.py --port=$PORT",
    ),
    "bottle": (
        {"app.py": "import bottle\nsite = bottle.Bottle()\n"},
        "bottle gunicorn",
        f"gunicorn app:site {BIND}",
    ),
    "bottle that runs when it is imported": (
        {"app.py": "from bottle import Bottle, run\napp = Bottle()\nrun(app)\n"},
        "bottle gunicorn",
        f"python -m bottle {BIND} --server gunicorn app:app",
    ),
    "bottle's default app": (
        {"app.py": "from bottle import route, run\n@route('/')\ndef f(): 0\nrun(port=8080)\n"},
        "bottle waitress",
        f"python -m bottle {BIND} --server waitress app",
    ),
    "pyramid": (
        {
            "app.py": "from pyramid.config import Configurator\n"
            "def main(settings=None):\n    with Configurator() as config:\n"
            "        return config.make_wsgi_app()\n"
        },
        "pyramid waitress",
        "waitress-serve --listen=0.0.0.0:$PORT --call app:main",
    ),
    "dash": (
        {"app.py": "import dash\napp = dash.Dash()\nserver = app.server\n" + GUARD + "app.run()\n"},
        "dash gunicorn",
        f"gunicorn app:server {BIND}",
    ),
    "dash in a Flask app": (
        {"app.py": "import dash, flask\nsrv = flask.Flask('x')\napp = dash.Dash(server=srv)\n"},
        "dash gunicorn",
        f"gunicorn app:srv {BIND}",
    ),
    "dash without its server": (
        {"app.py": "from dash import Dash\napp = Dash()\n" + GUARD + "app.run()\n"},
        "dash",
        "HOST=0.0.0.0 python app.py",
    ),
    "streamlit": (
        {
            "streamlit_app.py": "import streamlit as st\nst.title('x')\n",
            "pages/a.py": "import streamlit as st\nst.title('y')\n",
        },
        "streamlit",
        f"streamlit run streamlit_app.py {STREAMLIT}",
    ),
    "streamlit in a function, with a module of helpers": (
        {
            "dashboard.py": "import streamlit as st\nimport charts\n"
            "def main():\n    st.title('x')\n" + GUARD + "main()\n",
            "charts.py": "import streamlit as st\n@st.cache_data\ndef f(): st.write(1)\n",
        },
        "streamlit",
        f"streamlit run dashboard.py {STREAMLIT}",
    ),
    "gradio": (
        {
            "app.py": "import gradio as gr\nwith gr.Blocks() as demo:\n"
            "    gr.Text()\ndemo.launch()\n"
        },
        "gradio",
        "GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=$PORT python app.py",
    ),
    "gradio in fastapi": (
        {
            "app.py": FASTAPI + "import gradio as gr\nio = gr.Interface(str)\n"
            "app = gr.mount_gradio_app(app, io, path='/')\n"
        },
        "fastapi gradio",
        f"uvicorn app:app {UVICORN}",
    ),
    "panel": (
        {"app.py": "import panel as pn\npn.Column('x').servable()\n"},
        "panel",
        "panel serve app.py --address 0.0.0.0 --port $PORT --allow-websocket-origin '*'",
    ),
    "marimo": (
        {
            "notebook.py": "import marimo\napp = marimo.App()\n@app.cell\ndef _():\n    return\n"
            + GUARD
            + "app.run()\n"
        },
        "marimo",
        "marimo run notebook.py --host 0.0.0.0 --port $PORT --headless",
    ),
    "nicegui": (
        {"main.py": "import os\nfrom nicegui import ui\nui.run(port=int(os.environ['PORT']))\n"},
        "nicegui",
        "python main.py",
    ),
    "shiny": (
        {"app.py": "from shiny import App, ui\napp = App(ui.page_fluid('x'), None)\n"},
        "shiny",
        f"uvicorn app:app {UVICORN}",
    ),
    "cherrypy that heeds PORT": (
        {
            "app.py": "import os, cherrypy\n"
            "cherrypy.config.update({'server.socket_port': int(os.environ['PORT'])})\n"
            "cherrypy.quickstart(Site())\n"
        },
        "cherrypy",
        "python app.py",
    ),
    "cherrypy with a file of settings": (
        {"app.py": "import cherrypy\ncherrypy.quickstart(Site(), '/', 'site.conf')\n"},
        "cherrypy",
        "python app.py",
    ),
    "robyn": (
        {
            "app.py": "from robyn import Robyn\napp = Robyn(__file__)\n"
            + GUARD
            + "app.start(port=8080)\n"
        },
        "robyn",
        "ROBYN_HOST=0.0.0.0 ROBYN_PORT=$PORT python app.py",
    ),
    "http.server": (
        {
            "server.py": "import os\nfrom http.server import HTTPServer, BaseHTTPRequestHandler\n"
            "port = int(os.environ.get('PORT', 8000))\n"
            "HTTPServer(('', port), BaseHTTPRequestHandler).serve_forever()\n"
        },
        "",
        "python server.py",
    ),
    # bare callables
    "a bare WSGI callable": (
        {"hello.py": "def app(environ, start_response):\n    return [b'x']\n"},
        "gunicorn",
        f"gunicorn hello:app {BIND}",
    ),
    "a WSGI class": (
        {
            "hello.py": "class Site:\n"
            "    def __call__(self, environ, start_response):\n        return []\n"
            "application = Site()\n"
        },
        "gunicorn",
        f"gunicorn hello:application {BIND}",
    ),
    "a bare ASGI callable": (
        {"hello.py": "async def app(scope, receive, send):\n    pass\n"},
        "uvicorn",
        f"uvicorn hello:app {UVICORN}",
    ),
    # Django
    "django": (DJANGO, "django gunicorn", f"gunicorn site1.wsgi:application {BIND}"),
    "django with daphne alone": (
        DJANGO,
        "django daphne",
        "daphne -b 0.0.0.0 -p $PORT site1.asgi:application",
    ),
    "django in a directory": (
        {f"back-end/{path}": text for path, text in DJANGO.items()},
        "django gunicorn",
        f"gunicorn --chdir back-end site1.wsgi:application {BIND}",
    ),
    "django with settings in parts": (
        {
            **DJANGO,
            "manage.py": MANAGE_PY.replace("site1.settings", "site1.settings.prod"),
            "site1/settings/__init__.py": "",
            "site1/settings/prod.py": "from .base import *\n",
            "site1/settings/base.py": 'WSGI_APPLICATION = "site1.deploy.application"\n',
            "site1/deploy.py": WSGI_PY,
        },
        "django gunicorn",
        f"gunicorn site1.deploy:application {BIND}",
    ),
    "the nearer of two Django projects": (
        {**DJANGO, **{f"old/{path}": text for path, text in DJANGO.items()}},
        "django gunicorn",
        f"gunicorn site1.wsgi:application {BIND}",
    ),
    "a Django project beside one for the tests": (
        {f"{name}/{path}": text for name in ("tests", "web") for path, text in DJANGO.items()},
        "django gunicorn",
        f"gunicorn --chdir web site1.wsgi:application {BIND}",
    ),
    "django without manage.py": (
        {"proj/__init__.py": "", "proj/wsgi.py": WSGI_PY, "proj/asgi.py": ASGI_PY},
        "django gunicorn",
        f"gunicorn proj.wsgi:application {BIND}",
    ),
    # where files lie
    "src layout": (
        {"src/shop/__init__.py": "", "src/shop/main.py": FASTAPI},
        "fastapi uvicorn",
        f"uvicorn shop.main:app {UVICORN} --app-dir src",
    ),
    "src layout and gunicorn": (
        {"src/shop/__init__.py": FLASK},
        "flask gunicorn",
        f"gunicorn --pythonpath src shop:app {BIND}",
    ),
    "decoy: a hyphen in a directory": (
        {"my-service/main.py": FASTAPI},
        "fastapi uvicorn",
        f"cd my-service && exec uvicorn main:app {UVICORN}",
    ),
    "a directory that is no package": (
        {"backend/app.py": "from models import x\n" + FLASK, "backend/models.py": "x = 1\n"},
        "flask gunicorn",
        f"gunicorn --chdir backend app:app {BIND}",
    ),
    "a directory that its own imports name": (
        {
            "backend/app.py": "from backend.models import x\n" + FLASK,
            "backend/models.py": "x = 1\n",
        },
        "flask gunicorn",
        f"gunicorn backend.app:app {BIND}",
    ),
    # decoys
    "decoy: a second Flask app in another module": (
        {"app.py": FLASK, "admin_tool.py": FLASK},
        "flask gunicorn",
        f"gunicorn app:app {BIND}",
    ),
    "decoy: main.py in a subdirectory": (
        {"app.py": FLASK, "tools/main.py": "import sys\n" + GUARD + "sys.exit(run())\n"},
        "flask gunicorn",
        f"gunicorn app:app {BIND}",
    ),
    "decoy: an app in main.py of a subdirectory beside an app above": (
        {"app.py": FLASK, "tools/main.py": FASTAPI},
        "flask gunicorn",
        f"gunicorn app:app {BIND}",
    ),
    "decoy: [project.scripts] beside a FastAPI app": (
        {
            "pyproject.toml": '[project]\nname = "x"\n[project.scripts]\nstart = "x.cli:main"\n',
            "x/cli.py": "import subprocess\ndef main():\n    subprocess.run(['x'])\n",
            "x/api.py": FASTAPI,
            "x/__init__.py": "",
        },
        "fastapi uvicorn",
        f"uvicorn x.api:app {UVICORN}",
    ),
    "decoy: an entry file that only prints advice": (
        {"main.py": 'print("Start me with: uvicorn svc.api:app")\n', "svc/api.py": FASTAPI},
        "fastapi uvicorn",
        f"cd svc && exec uvicorn api:app {UVICORN}",
    ),
    "decoy: apps in tests, docs, examples and virtual environments": (
        {
            "shop.py": FLASK,
            "tests/app.py": FLASK,
            "docs/conf.py": FLASK,
            "examples/app.py": FLASK,
            "test_app.py": FLASK,
            "node_modules/app.py": FLASK,
            ".hidden/app.py": FLASK,
            "py312/pyvenv.cfg": "",
            "py312/app.py": FLASK,
        },
        "flask gunicorn",
        f"gunicorn shop:app {BIND}",
    ),
    "decoy: a hyphen in the file's name": (
        {"hello-world.py": FLASK},
        "flask gunicorn",
        f"gunicorn hello-world:app {BIND}",
    ),
    "a hyphen in the file's name, and uvicorn": (
        {"hello-world.py": "from litestar import Litestar\napp = Litestar([])\n"},
        "litestar litestar[standard]",
        f"uvicorn hello-world:app {UVICORN}",
    ),
    "a hyphen in the name of a package's file, and a digit": (
        {"shop/__init__.py": "", "shop/2-fa.py": FLASK},
        "flask gunicorn",
        f"gunicorn shop.2-fa:app {BIND}",
    ),
    "a hyphen in the name of a file that Bottle would evaluate": (
        {
            "my-app.py": "import os\nfrom bottle import Bottle, run\nmy_app = Bottle()\n"
            "run(my_app, port=os.environ['PORT'])\n"
        },
        "bottle gunicorn",
        "python my-app.py",
    ),
    "decoy: a name that Python itself has imported": (
        {"site.py": FLASK, "web/front.py": FLASK},
        "flask gunicorn",
        f"gunicorn --chdir web front:app {BIND}",
    ),
    "decoy: an import of a framework that makes no app": (
        {
            "blueprint.py": "from flask import Blueprint\nbp = Blueprint('Flask', 'x')\n",
            "app.py": FLASK,
        },
        "flask gunicorn",
        f"gunicorn app:app {BIND}",
    ),
    # files that can't be read
    "files that aren't Python, or not this Python": (
        {
            "app.py": FLASK,
            "main.py": "from flask import Flask\nprint 'Python 2'\napp = Flask('x')\n",
            "wsgi.py": b"from flask import Flask\xff\n",
            "server.py": b"from flask import Flask\0\napp = Flask('x')\n",
            "index.py": "from flask import Flask\napp = Flask('x')\n" + "#" * 300_000,
            "run.py": "from flask import Flask\napp = " + "(" * 9000 + ")" * 9000,
        },
        "flask gunicorn",
        f"gunicorn app:app {BIND}",
    ),
    "another encoding": (
        {"app.py": b"# -*- coding: latin-1 -*-\nfrom flask import Flask\napp = Flask('\xe9')\n"},
        "flask gunicorn",
        f"gunicorn app:app {BIND}",
    ),
    "a byte order mark": (
        {"app.py": b"\xef\xbb\xbffrom flask import Flask\r\napp = Flask('x')\r\n"},
        "flask gunicorn",
        f"gunicorn app:app {BIND}",
    ),
}


@pytest.mark.parametrize(("files", "requirements", "command"), WEB.values(), ids=WEB.keys())
def test_the_web_process(files: dict[str, bytes | str], requirements: str, command: str) -> None:
    found = find(files, requirements)
    assert lines(found) == [f"web: {command}"]
    assert found.ambiguous == found.added_requirements == ()


WORKERS = {
    "celery": (
        {"tasks.py": "from celery import Celery\nqueue = Celery('x')\n"},
        ["worker: celery --app tasks:queue worker --loglevel INFO"],
    ),
    "celery beside a web app": (
        {"app.py": FLASK, "jobs.py": "import celery\njobs = celery.Celery('x')\n"},
        [
            f"web: gunicorn app:app {BIND}",
            "worker: celery --app jobs:jobs worker --loglevel INFO",
        ],
    ),
    "celery of Django": (
        {**DJANGO, "site1/celery.py": "from celery import Celery\napp = Celery('site1')\n"},
        [
            f"web: gunicorn site1.wsgi:application {BIND}",
            "worker: celery --app site1.celery:app worker --loglevel INFO",
        ],
    ),
    "dramatiq": (
        {"jobs/__init__.py": "", "jobs/mail.py": "import dramatiq\n@dramatiq.actor\ndef f(): 0\n"},
        ["worker: dramatiq jobs.mail"],
    ),
    "rq": (
        {"app.py": "from rq import Queue\nq = Queue('mail', connection=c)\nd = Queue()\n"},
        ['worker: rq worker --url "${REDIS_URL:-redis://localhost:6379}" mail default'],
    ),
    "an RQ worker of its own": (
        {"worker.py": "from rq import Worker, Queue\n" + GUARD + "Worker([Queue()]).work()\n"},
        ["worker: python worker.py"],
    ),
    "a bot": ({"bot.py": BOT}, ["worker: python bot.py"]),
    "a bot beside a web app": (
        {"app.py": FLASK, "bot.py": BOT},
        [f"web: gunicorn app:app {BIND}", "worker: python bot.py"],
    ),
    "a worker that imports the web app": (
        {
            "app.py": f"import os\n{FLASK}PORT = os.environ['PORT']\n{GUARD}app.run(port=PORT)\n",
            "worker.py": f"from app import app\n{GUARD}print(app.config)\nopen('x', 'w')\n",
        },
        [f"web: gunicorn app:app {BIND}", "worker: python worker.py"],
    ),
    "a helper that opens a browser": (
        {
            "app.py": FLASK,
            "dev.py": f"import threading\nfrom app import app\n{GUARD}"
            "threading.Thread(target=app.run).start()\n",
        },
        [f"web: gunicorn app:app {BIND}"],
    ),
    "a bot that only runs once at a time": (
        {
            "bot.py": "import socket\ns = socket.socket()\n"
            f"s.bind(('127.0.0.1', 47200))\ns.listen(1)\n{BOT}"
        },
        ["worker: python bot.py"],
    ),
    "a bot with controls of its own": (
        {
            "bot.py": f"import asyncio\n{GUARD}asyncio.start_server(ctl, '127.0.0.1', 9999)\n"
            "import websockets\nwebsockets.serve(h, 'localhost', 8765)\n",
        },
        ["worker: python bot.py"],
    ),
    "a lock by the short way": (
        {
            "main.py": "import socket\ns = socket.create_server(('127.0.0.1', 47200))\n"
            "while True:\n    work()\n"
        },
        ["worker: python main.py"],
    ),
    "servers that a cloud creates": (
        {"main.py": "import asyncio\nconn.compute.create_server(name='x')\nasyncio.run(go())\n"},
        ["worker: python main.py"],
    ),
    "a socket beside a Flask app": (
        {
            "main.py": "import socket\ns = socket.socket()\ns.bind(('', 9000))\ns.listen()\n",
            "shop/__init__.py": FLASK,
        },
        [f"web: gunicorn shop:app {BIND}"],
    ),
    "the only file": (
        {"collect.py": "import time\nwhile True:\n    time.sleep(1)\n"},
        ["worker: python collect.py"],
    ),
    "main.py that imports the bot": (
        {"main.py": "import bot\n" + GUARD + "bot.go()\n", "bot.py": BOT},
        ["worker: python main.py"],
    ),
    "__main__.py of a package": (
        {
            "tool/__init__.py": "",
            "tool/__main__.py": "from tool.core import go\ngo()\n",
            "tool/core.py": "def go(): 0\n",
        },
        ["worker: python -m tool"],
    ),
    "main.py of a package": (
        {
            "tool/__init__.py": "",
            "tool/main.py": "from .core import go\ngo()\n",
            "tool/core.py": "",
        },
        ["worker: python -m tool.main"],
    ),
    "main.py in src": ({"src/main.py": "import go\ngo.go()\n"}, ["worker: python src/main.py"]),
    "main.py in a directory with a hyphen": (
        {"my-bot/main.py": BOT},
        ["worker: cd my-bot && exec python main.py"],
    ),
    "a declared script": (
        {
            "pyproject.toml": '[project]\nname = "x"\n[project.scripts]\nx = "x.cli:main"\n',
            "src/x/__init__.py": "",
            "src/x/cli.py": "import subprocess\ndef main():\n    subprocess.run([])\n",
        },
        [f"worker: PYTHONPATH=src:$PYTHONPATH {RUN_MAIN}"],
    ),
    "a declared script that serves": (
        {
            "pyproject.toml": '[project.scripts]\nserve = "x:main"\nother = "x:other"\n',
            "x.py": "import os, uvicorn\ndef main():\n"
            "    uvicorn.run(make(), port=int(os.environ['PORT']))\ndef other(): exec('')\n",
        },
        ['web: python -c "import sys; from x import main; sys.exit(main())"'],
    ),
    "nothing to start": ({"models.py": "x = 1\n", "util.py": "y = 2\n"}, []),
    "decoy: a file that only prints": ({"main.py": HELLO}, []),
    "an app that is made only when the file is started": (
        {
            "main.py": "import os\nfrom flask import Flask\n"
            + GUARD
            + "Flask('x').run(port=int(os.environ['PORT']))\n"
        },
        ["web: python main.py"],
    ),
}


@pytest.mark.parametrize(("files", "expected"), WORKERS.values(), ids=WORKERS.keys())
def test_the_processes(files: dict[str, bytes | str], expected: list[str]) -> None:
    assert lines(find(files, "gunicorn")) == expected


AMBIGUOUS = {
    "two files": ({"app.py": FLASK, "main.py": FASTAPI}, ["app:app", "main:app"]),
    "two names": (
        {"app.py": "from flask import Flask\nshop = Flask('a')\nadmin = Flask('b')\n"},
        ["app:shop", "app:admin"],
    ),
    "two directories": (
        {"one/app.py": FLASK, "two/app.py": FLASK},
        ["--chdir one app:app", "--chdir two app:app"],
    ),
    "two Django projects": (
        {f"{name}/{path}": text for name in ("one", "two") for path, text in DJANGO.items()},
        ["--chdir one site1.wsgi:application", "--chdir two site1.wsgi:application"],
    ),
    "two programs": (
        {
            "one.py": "import streamlit as st\nst.title('1')\n",
            "two.py": "import streamlit as st\nst.title('2')\n",
        },
        ["streamlit run one.py", "streamlit run two.py"],
    ),
    "a program and an app": (
        {"app.py": FLASK, "main.py": "import streamlit as st\nst.title('2')\n"},
        ["app:app", "streamlit run main.py"],
    ),
}


@pytest.mark.parametrize(("files", "parts"), AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_two_equal_candidates_are_both_told_and_none_is_started(
    files: dict[str, bytes | str], parts: list[str]
) -> None:
    found = find(files, "gunicorn uvicorn")
    assert found.processes == found.added_requirements == ()
    assert len(found.ambiguous) == len(parts)
    [notice] = found.notices
    assert notice.code == "start::ambiguous"
    for process, part in zip(found.ambiguous, parts, strict=True):
        assert part in process.command
        assert str(process.origin) in notice.summary
        assert f"web: {process.command}" in notice.hint


FASTAPI_APP = "from fastapi import FastAPI\nother = FastAPI()\napp = FastAPI()\n"
ENTRYPOINT = '[tool.fastapi]\nentrypoint = "{}"\n'
DECLARED = {
    "FastAPI, of two files": (
        {
            "pyproject.toml": ENTRYPOINT.format("backend.api:app"),
            "backend/api.py": FASTAPI_APP,
            "main.py": FASTAPI_APP,
        },
        "uvicorn backend.api:app",
        "backend/api.py:3 (FastAPI app: app, which [tool.fastapi] names)",
    ),
    "FastAPI, of two objects": (
        {"pyproject.toml": ENTRYPOINT.format("main:other"), "main.py": FASTAPI_APP},
        "uvicorn main:other",
        "main.py:2 (FastAPI app: other, which [tool.fastapi] names)",
    ),
    "FastAPI, below src": (
        {
            "pyproject.toml": ENTRYPOINT.format("shop.web:other"),
            "src/shop/__init__.py": "",
            "src/shop/web.py": FASTAPI_APP,
            "src/shop/main.py": FASTAPI_APP,
        },
        "uvicorn shop.web:other",
        "src/shop/web.py:2 (FastAPI app: other, which [tool.fastapi] names)",
    ),
    "Flask, a file": (
        {".flaskenv": "FLASK_DEBUG=1\nFLASK_APP=blog.py\n", "blog.py": FLASK, "app.py": FLASK},
        "gunicorn blog:app",
        "blog.py:2 (Flask app: app, which .flaskenv names)",
    ),
    "Flask, what a file imports": (
        {
            ".flaskenv": 'export FLASK_APP="blog"  # the entry\n',
            "blog.py": "from app import app\n@app.shell_context_processor\ndef f(): return {}\n",
            "app/__init__.py": FLASK,
            "admin.py": FLASK,
        },
        "gunicorn blog:app",
        "blog.py:2 (Flask app: app, which .flaskenv names)",
    ),
    "Flask, a factory": (
        {
            ".flaskenv": "FLASK_APP='shop/web:make()'\n",
            "shop/__init__.py": "",
            "shop/web.py": "import flask\ndef make():\n    return flask.Flask('x')\n",
            "app.py": FLASK,
        },
        "gunicorn 'shop.web:make()'",
        "shop/web.py:2 (Flask app: make(), which .flaskenv names)",
    ),
}


@pytest.mark.parametrize(("files", "command", "origin"), DECLARED.values(), ids=DECLARED.keys())
def test_what_the_app_names_itself_comes_first(
    files: dict[str, bytes | str], command: str, origin: str
) -> None:
    [process] = find(files, "gunicorn uvicorn").processes
    assert process.command.startswith(f"{command} ")
    assert str(process.origin) == origin


PASTE = "# settings\n[app:main]\nuse = egg:shop\n[server:main]\nlisten = *:6543\n"


def test_an_app_that_a_paste_file_describes_is_served_from_it() -> None:
    main = "from pyramid.config import Configurator\ndef main(global_config, **settings):\n"
    main += "    return Configurator(settings=settings).make_wsgi_app()\n"
    found = find({"production.ini": PASTE, "shop/__init__.py": main}, "waitress")
    [process] = found.processes
    assert process.command == f"gunicorn --paste production.ini {BIND}"
    assert str(process.origin) == "production.ini:2 (PasteDeploy app)"
    assert found.added_requirements[0].startswith("gunicorn==")
    assert [notice.code for notice in found.notices] == ["start::server-added"]
    assert lines(find({"production.ini": PASTE, "wsgi.py": FLASK}, "gunicorn")) == [
        f"web: gunicorn wsgi:app {BIND}"
    ]
    for other in ("[app:main]\nport = 1\n", "use = egg:shop\n", b"\xff"):
        assert find({"production.ini": other}).processes == ()


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": ENTRYPOINT.format("gone:app")},
        {"pyproject.toml": ENTRYPOINT.format("blog:gone")},
        {"pyproject.toml": "[tool.fastapi]\nentrypoint = 3\n"},
        {"pyproject.toml": "[tool.fastapi\n"},
        {".flaskenv": "FLASK_APP=\n"},
        {".flaskenv": "FLASK_APP=blog:make('dev')\n"},
        {".flaskenv": b"\xff\0FLASK_APP=../blog.py\n"},
    ],
)
def test_what_the_app_names_and_cannot_be_followed_is_passed_over(
    files: dict[str, bytes | str],
) -> None:
    found = find({**files, "app.py": FLASK, "blog.py": FLASK}, "gunicorn")
    assert lines(found) == [f"web: gunicorn app:app {BIND}"]


EVIDENCE = {
    "app.py:2 (Flask app: app)": {"app.py": FLASK},
    "shop.py:2 (Flask app: create_app())": {
        "shop.py": "import flask\ndef create_app():\n    return flask.Flask('x')\n"
    },
    "site1/settings.py:2 (WSGI_APPLICATION)": DJANGO,
    "hello.py:1 (WSGI callable: app)": {"hello.py": "def app(environ, start_response): 0\n"},
    "app.py:3 (Gradio serves)": {"app.py": "import gradio as gr\nx = gr.Interface()\nx.launch()\n"},
}


@pytest.mark.parametrize(("origin", "files"), EVIDENCE.items())
def test_the_evidence(origin: str, files: dict[str, bytes | str]) -> None:
    [process] = find(files, "gunicorn").processes
    assert str(process.origin) == origin


@pytest.mark.parametrize(
    ("code", "requirements", "server"),
    [
        (FLASK, "flask", "gunicorn"),
        (FASTAPI, "fastapi", "uvicorn"),
        (FASTAPI, "gunicorn", "uvicorn"),
    ],
)
def test_a_server_is_added_where_the_app_has_none(
    code: str, requirements: str, server: str
) -> None:
    found = find({"main.py": code}, requirements)
    assert lines(found)[0].startswith(f"web: {server} main:app")
    assert all(item.startswith(f"{server}==") for item in found.added_requirements)
    assert any("python_version >= '3.10'" in item for item in found.added_requirements)
    assert codes(found) == ["start::server-added"]


def test_a_server_that_refuses_a_hyphen_is_passed_over() -> None:
    found = find({"hello-world.py": FLASK}, "flask waitress")
    assert lines(found) == [f"web: gunicorn hello-world:app {BIND}"]
    assert codes(found) == ["start::server-added"]


UNSERVED = {
    "a space": (
        {"hello world.py": FLASK},
        "hello world.py:2 (Flask app: app) isn't started: no module can have the name 'hello wor",
        "Rename the file, such as to hello_world.py; or",
    ),
    "a dot": (
        {"app.v2.py": FLASK},
        "app.v2.py:2 (Flask app: app) isn't started: no module can have the name 'app.v2'.",
        "Rename the file, such as to app_v2.py; or",
    ),
    "a package with a hyphen": (
        {"my-shop/__init__.py": FLASK},
        "my-shop/__init__.py:2 (Flask app: app) isn't started: no module can have the name 'my-s",
        "Rename the directory, such as to my_shop; or",
    ),
    "a name of Python's own": (
        {"site.py": FLASK},
        "site.py:2 (Flask app: app) isn't started: Python has a module site of its own.",
        "Give the file another name; or",
    ),
    "a factory that needs arguments": (
        {"shop.py": "import flask\ndef make(config):\n    return flask.Flask('x')\n"},
        "shop.py:2 (Flask app: make) isn't started: make can't be called without arguments.",
        "Give each parameter a default, or call make in a file such as app.py; or",
    ),
}


@pytest.mark.parametrize(("files", "summary", "fix"), UNSERVED.values(), ids=UNSERVED.keys())
def test_an_app_that_no_server_can_get_at_is_told(
    files: dict[str, bytes | str], summary: str, fix: str
) -> None:
    found = find(files, "flask gunicorn")
    assert found.processes == ()
    [notice] = found.notices
    assert notice.code == "start::not-served"
    assert notice.summary.startswith(summary)
    assert notice.hint.startswith(fix)


PORTS = {
    "a number": (
        "import uvicorn\nuvicorn.run(make(), port=8080)\n",
        "main.py:2 serves on port 8080",
    ),
    "a default": ("from nicegui import ui\nui.run()\n", "main.py:2 serves on port 8080"),
    "a name": (
        "from http.server import HTTPServer\nPORT = 9000\nHTTPServer(('', PORT), H)\n",
        "main.py:3 serves on port 9000",
    ),
    "an address": (
        "import socketserver\naddress = ('', 7000)\nsocketserver.TCPServer(address, H)\n",
        "main.py:3 serves on port 7000",
    ),
    "a text that names the app of the same file": (
        FASTAPI + "import uvicorn\nuvicorn.run('main:app', port=8001)\n",
        "main.py:5 serves on port 8001",
    ),
    "a position": (
        "from wsgiref.simple_server import make_server\nmake_server('0.0.0.0', 6543, b).serve()\n",
        "main.py:2 serves on port 6543",
    ),
    "cherrypy": ("import cherrypy\ncherrypy.quickstart(Site())\n", "port 8080"),
    "cherrypy's settings": (
        "import cherrypy as c\nc.config.update({'server.socket_port': 9090})\nc.quickstart(A())",
        "port 9090",
    ),
    "microdot": ("from microdot import Microdot\napp = Microdot()\napp.run()\n", "port 5000"),
    "gradio": ("import gradio as gr\ngr.Interface().launch(server_port=7861)\n", "port 7861"),
    "tools over HTTP": (
        (
            "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\n"
            "mcp.run(transport='streamable-http')\n"
        ),
        "main.py:3 serves on port 8000",
    ),
    "tools over HTTP, told when made": (
        "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x', port=9001)\nmcp.run('sse')\n",
        "main.py:3 serves on port 9001",
    ),
    "tools over HTTP, told when run": (
        (
            "from fastmcp import FastMCP\nmcp = FastMCP('x')\n"
            "if __name__ == '__main__':\n    mcp.run(transport='http', host='0.0.0.0', port=9000)\n"
        ),
        "main.py:4 serves on port 9000",
    ),
    "tornado": ("import tornado.web\ndef f():\n    A().listen(8888)\nf()\n", "port 8888"),
}


def test_the_port_is_to_be_given_by_the_keyword_that_the_call_has() -> None:
    code = "import gradio as gr\ngr.Interface().launch(server_port=7861)\n"
    [notice] = find({"main.py": code}).notices
    assert '    server_port=int(os.environ.get("PORT", "7861"))' in notice.hint


def test_tools_that_are_served_by_standard_input_are_no_web_process() -> None:
    code = "from fastmcp import FastMCP\nmcp = FastMCP('x')\nmcp.run()\n"
    assert "web" not in [process.type for process in find({"main.py": code}).processes]


@pytest.mark.parametrize(("code", "text"), PORTS.values(), ids=PORTS.keys())
def test_decoy_a_hard_coded_port_is_told(code: str, text: str) -> None:
    found = find({"main.py": code})
    assert [process.type for process in found.processes] == ["web"]
    [notice] = found.notices
    assert notice.code == "start::hard-coded-port"
    assert text in notice.summary
    assert f"port {found.processes[0].port}" in text


IN_A_CLASS = """\
from flask import Flask
class Server:
    def __init__(self):
        self.app = Flask(__name__)
    def run(self):
        self.app.run(port=5001)
"""
START = GUARD + "Server().run()\n"
BOT_IN_MAIN = "import discord, keep_alive\nkeep_alive.go()\ndiscord.Client().run('x')\n"
THREAD = "from threading import Thread\ndef go():\n    Thread(target="
SERVERS = {
    "a bot that an app keeps alive": (
        {
            "main.py": BOT_IN_MAIN,
            "keep_alive.py": FLASK
            + "def run():\n    app.run(port=8080)\n"
            + THREAD
            + "run).start()\n",
        },
        "keep_alive.py:4",
        8080,
    ),
    "a bot and an app in one file": (
        {
            "main.py": FLASK
            + THREAD
            + "lambda: app.run(port=8080)).start()\n"
            + "import discord\ngo()\ndiscord.Client().run('x')\n"
        },
        "main.py:5",
        8080,
    ),
    "an app that a class keeps": ({"main.py": IN_A_CLASS + START}, "main.py:6", 5001),
    "a class that another file starts": (
        {"harbour.py": IN_A_CLASS, "main.py": "from harbour import Server\n" + START},
        "harbour.py:6",
        5001,
    ),
    "a script that starts a class of another file": (
        {
            "pyproject.toml": '[project.scripts]\nstart = "cli:main"\n',
            "cli.py": "from harbour import Server\ndef main():\n    Server().run()\n",
            "harbour.py": IN_A_CLASS,
        },
        "harbour.py:6",
        5001,
    ),
    "a socket": (
        {
            "main.py": "import socket\nHOST, PORT = '', 8888\ns = socket.socket()\n"
            "s.bind((HOST, PORT))\ns.listen(1)\nwhile True:\n    s.accept()\n"
        },
        "main.py:4",
        8888,
    ),
    "a socket by its address": (
        {
            "main.py": "import socket\nat = '', 8889\n"
            "with socket.socket() as s:\n    s.bind(at)\n    s.listen()\n    s.accept()\n"
        },
        "main.py:4",
        8889,
    ),
    "a socket made at once": (
        {"main.py": "import socket\ns = socket.create_server(('', 8000))\ns.accept()\n"},
        "main.py:2",
        8000,
    ),
    "asyncio's streams": (
        {
            "main.py": "import asyncio\nasync def main():\n"
            "    server = await asyncio.start_server(hail, '127.0.0.1', 8888)\n"
            "    await server.serve_forever()\nasyncio.run(main())\n"
        },
        "main.py:3",
        8888,
    ),
    "asyncio's protocols": (
        {
            "main.py": "import asyncio\nasync def main():\n"
            "    loop = asyncio.get_running_loop()\n"
            "    await loop.create_server(Hail, '', port=8887)\nasyncio.run(main())\n"
        },
        "main.py:4",
        8887,
    ),
    "a server class of its own": (
        {
            "main.py": "from http.server import HTTPServer\n"
            "class Server(HTTPServer):\n    pass\nServer(('', 8001), H).serve_forever()\n"
        },
        "main.py:4",
        8001,
    ),
    "websockets": (
        {
            "main.py": "import asyncio\nfrom websockets.asyncio.server import serve\n"
            "async def main():\n    async with serve(echo, 'localhost', 8765) as server:\n"
            "        await server.serve_forever()\n"
            "asyncio.run(main())\n"
        },
        "main.py:4",
        8765,
    ),
}


@pytest.mark.parametrize(("files", "place", "port"), SERVERS.values(), ids=SERVERS.keys())
def test_decoy_a_server_without_an_app_object_is_no_worker(
    files: dict[str, bytes | str], place: str, port: int
) -> None:
    found = find(files)
    [process] = found.processes
    assert (process.type, process.port) == ("web", port)
    [notice] = found.notices
    assert notice.code == "start::hard-coded-port"
    assert notice.summary.startswith(f"{place} serves on port {port}")


@pytest.mark.parametrize(
    "code",
    [
        "import os, own\nown.serve(int(os.environ['PORT']))\n",
        "from os import environ as env\nimport own\nown.serve(env.get('PORT', 80))\n",
        "from os import getenv\nimport own\nport = getenv('PORT')\nown.serve(port)\n",
        "import own\nfrom decouple import config\nown.serve(config('PORT', cast=int))\n",
        "import own\nfrom environs import env\nown.serve(env.int('PORT'))\n",
    ],
)
def test_a_program_that_reads_the_port_is_a_web_process(code: str) -> None:
    found = find({"main.py": code, "run.py": BOT})
    assert lines(found) == ["web: python main.py"]
    assert found.notices == ()


@pytest.mark.parametrize(
    "code",
    [
        "import os, own\nown.work(os.environ['DB_PORT'], {'PORT': 1}['PORT'])\n",
        "import socket\ns = socket.socket()\ns.bind('/run/x.sock')\ns.listen()\ns.accept()\n",
        "import socket\ns = socket.socket()\ns.bind(('', 53))\ns.recvfrom(1)\n",
        "import own\nown.listen()\nown.bind(('', 8000))\n",
    ],
)
def test_decoy_what_no_platform_could_send_requests_to_is_a_worker(code: str) -> None:
    assert lines(find({"main.py": code})) == ["worker: python main.py"]


def test_an_app_that_a_server_serves_may_name_any_port() -> None:
    found = find({"app.py": FLASK + GUARD + "app.run(port=8080)\n"}, "gunicorn")
    assert codes(found) == []


DASH = "from dash import Dash\napp = Dash()\n"
DEBUG = GUARD + "app.run(debug=True)\n"


@pytest.mark.parametrize("code", [DASH + DEBUG, DASH + DEBUG.replace("run(", "run_server(")])
def test_a_dash_app_that_serves_with_a_debugger_is_told(code: str) -> None:
    found = find({"app.py": code}, "dash")
    assert lines(found) == ["web: HOST=0.0.0.0 python app.py"]
    [notice] = found.notices
    assert notice.code == "start::debug-server"
    assert notice.summary.startswith("app.py:4 serves with debug=True")
    assert "    server = app.server" in notice.hint


def test_other_programs_that_serve_with_a_debugger_are_told() -> None:
    in_a_class = IN_A_CLASS.replace("port=5001", "port=5001, debug=True")
    for files in (
        {"main.py": in_a_class + START},
        {"harbour.py": in_a_class, "main.py": "from harbour import Server\n" + START},
    ):
        found = find(dict(files))
        assert codes(found) == ["start::hard-coded-port", "start::debug-server"]
        assert found.notices[1].hint == "Leave debug=True out, or let a config var switch it on."


@pytest.mark.parametrize(
    "code",
    [
        DASH + "server = app.server\n" + DEBUG,
        DASH + "server = app.server\n" + DEBUG.replace("run(", "run_server("),
        FLASK + DEBUG,
        FLASK + "app.run(debug=True)\n",
    ],
)
def test_a_debugger_that_no_server_shows_is_no_matter(code: str) -> None:
    found = find({"app.py": code}, "gunicorn")
    assert "gunicorn app:" in lines(found)[0]
    assert codes(found) == []


def test_an_app_whose_run_is_a_threads_target_is_part_of_a_program() -> None:
    files: dict[str, bytes | str] = {
        "main.py": BOT_IN_MAIN,
        "keep_alive.py": FLASK + THREAD + "app.run, kwargs={'port': 8080}).start()\n",
    }
    assert [process.command for process in find(files).processes] == ["python main.py"]


def test_other_apps_are_told() -> None:
    [notice] = find({"app.py": FLASK, "admin_tool.py": FLASK}, "gunicorn").notices
    assert notice.code == "start::others"
    assert "admin_tool.py:2" in notice.summary


def test_a_large_app_is_looked_at_within_bounds() -> None:
    files: dict[str, bytes | str] = {f"pkg/m{n:04}.py": FLASK for n in range(1500)}
    files["app.py"] = FLASK
    source = DictSource(files)
    assert lines(find_start_commands(source, frozenset({"gunicorn"}))) == [
        f"web: gunicorn app:app {BIND}"
    ]
