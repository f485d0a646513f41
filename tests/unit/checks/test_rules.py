"""Each rule with an app that breaks it, at which place, and with apps that don't."""

import datetime as dt

import pytest
from inspected import DJANGO, GOOD, GOOD_SETTINGS, inspected, with_settings, with_web

from portside.checks import RULES, check

Files = dict[str, bytes | str]
FLASK = "from flask import Flask\napp = Flask(__name__)\n"
PYVENV = {".venv/pyvenv.cfg": "home = /usr/bin\n", ".venv/lib/x.py": "SECRET_KEY = 'a'"}
# Written in parts, so that no scanner takes this file for one that holds a secret.
AWS = "AKIA" + "QJ7ZKD4M2XNPW5RT"
PRIVATE = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEowIBAAKCAQEAxyz\n"
ADDRESS = "postgres://shop:" + "tr0mb0ne-42@db.shop.eu/shop"


def changed(line: str, by: str) -> Files:
    assert line in GOOD_SETTINGS
    return with_settings(GOOD_SETTINGS.replace(line, by))


DEBUG = 'DEBUG = os.environ.get("DEBUG") == "1"'
HOSTS = 'ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")'
KEY = 'SECRET_KEY = os.environ["SECRET_KEY"]'
POSTGRES = "django.db.backends.postgresql"
WHITENOISE = "whitenoise.middleware.WhiteNoiseMiddleware"
APP_PY = "app.py"

BREAKING: list[tuple[str, Files, str, int]] = [
    (
        "no-start-command",
        {"requirements.txt": "", ".python-version": "3.13"},
        "requirements.txt",
        1,
    ),
    ("no-web-process", {**GOOD, "Procfile": "\nworker: celery -A shop worker\n"}, "Procfile", 2),
    ("web-ignores-port", with_web("gunicorn -b 0.0.0.0:8000 shop.wsgi"), "Procfile", 1),
    ("web-ignores-port", with_web("uvicorn --host 0.0.0.0 shop.asgi:app"), "Procfile", 1),
    ("web-ignores-port", with_web("python manage.py runserver 0.0.0.0:8000"), "Procfile", 1),
    ("web-ignores-port", with_web("hypercorn shop:app --bind '[::]:80'"), "Procfile", 1),
    ("web-ignores-port", with_web("daphne -p 8000 -b 0.0.0.0 shop.asgi:app"), "Procfile", 1),
    ("web-ignores-port", with_web("waitress-serve shop:app"), "Procfile", 1),
    ("web-ignores-port", with_web("python -m http.server 8000"), "Procfile", 1),
    (
        "web-ignores-port",
        with_web("gunicorn shop.wsgi", **{"gunicorn.conf.py": "workers = 2\nbind = ':8000'\n"}),
        "gunicorn.conf.py",
        2,
    ),
    (
        "web-ignores-port",
        with_web(
            "bash bin/start.sh",
            **{"bin/start.sh": "#!/bin/sh\n# serve\nexec gunicorn \\\n  -b 0.0.0.0:80 shop.wsgi\n"},
        ),
        "bin/start.sh",
        3,
    ),
    (
        "web-ignores-port",
        with_web("python app.py", **{APP_PY: f"{FLASK}app.run(host='0.0.0.0', port=80)\n"}),
        APP_PY,
        3,
    ),
    ("web-binds-locally", with_web("gunicorn -b 127.0.0.1:$PORT shop.wsgi"), "Procfile", 1),
    ("web-binds-locally", with_web("uvicorn shop.asgi:app --port ${PORT}"), "Procfile", 1),
    ("web-binds-locally", with_web("uvicorn --host=localhost --port=$PORT a:b"), "Procfile", 1),
    ("web-binds-locally", with_web("python manage.py runserver $PORT"), "Procfile", 1),
    ("web-binds-locally", with_web("cd src && exec flask run --port $PORT"), "Procfile", 1),
    (
        "web-binds-locally",
        with_web(
            "python app.py",
            **{APP_PY: f"import os\n{FLASK}app.run(port=int(os.environ['PORT']))\n"},
        ),
        APP_PY,
        4,
    ),
    ("development-server", with_web("flask run -h 0.0.0.0 -p $PORT"), "Procfile", 1),
    ("development-server", with_web("python manage.py runserver 0.0.0.0:$PORT"), "Procfile", 1),
    ("development-server", with_web("uvicorn --reload --port $PORT a:b"), "Procfile", 1),
    ("development-server", with_web("python -m http.server $PORT"), "Procfile", 1),
    (
        "development-server",
        with_web("python app.py", **{APP_PY: f"{FLASK}app.run()\n"}),
        APP_PY,
        3,
    ),
    (
        "debug-server",
        with_web("python -m app", **{APP_PY: f"{FLASK}app.run('0.0.0.0', debug=True)\n"}),
        APP_PY,
        3,
    ),
    ("debug-server", with_web("FLASK_DEBUG=1 flask run -h 0.0.0.0 -p $PORT"), "Procfile", 1),
    ("missing-server", with_web("waitress-serve --port=$PORT shop:app"), "Procfile", 1),
    ("missing-server", with_web("gunicorn -k gevent -b :$PORT shop:app"), "Procfile", 1),
    (
        "missing-server",
        {
            **GOOD,
            "requirements.txt": "gunicorn-color==1\n",
        },
        "Procfile",
        1,
    ),
    (
        "unpinned-requirements",
        {**GOOD, "requirements.txt": "gunicorn==1\nsix\n"},
        "requirements.txt",
        2,
    ),
    ("unpinned-requirements", {**GOOD, "requirements.txt": "gunicorn>=23"}, "requirements.txt", 1),
    (
        "unpinned-requirements",
        {**GOOD, "requirements.txt": "gunicorn==23.*"},
        "requirements.txt",
        1,
    ),
    (
        "unpinned-requirements",
        {**GOOD, "requirements.txt": "-r base.txt\n", "base.txt": "# all\ngunicorn~=23.0\n"},
        "base.txt",
        2,
    ),
    (
        "unpinned-requirements",
        {**GOOD, "requirements.txt": "six @ git+https://example.com/six.git@main\n"},
        "requirements.txt",
        1,
    ),
    (
        "unpinned-python",
        {"requirements.txt": "", "Procfile": "web: ./serve\n"},
        "requirements.txt",
        1,
    ),
    ("end-of-life-python", {**GOOD, ".python-version": "# ours\n3.9\n"}, ".python-version", 2),
    ("django-debug", changed(DEBUG, "DEBUG = True"), "shop/settings.py", 2),
    (
        "django-debug-by-default",
        changed(DEBUG, "DEBUG = os.environ.get('DEBUG', 'True').lower() in ('true', '1')"),
        "shop/settings.py",
        2,
    ),
    (
        "django-debug-by-default",
        changed(DEBUG, "DEBUG = env.bool('DEBUG', default=True)"),
        "shop/settings.py",
        2,
    ),
    ("django-allowed-hosts", changed(HOSTS, "ALLOWED_HOSTS = []"), "shop/settings.py", 4),
    (
        "django-allowed-hosts",
        changed(HOSTS, "ALLOWED_HOSTS = ['localhost', '127.0.0.1']"),
        "shop/settings.py",
        4,
    ),
    ("django-allowed-hosts", changed(HOSTS, ""), "shop/settings.py", 1),
    ("sqlite-database", changed(POSTGRES, "django.db.backends.sqlite3"), "shop/settings.py", 8),
    (
        "sqlite-database",
        {**GOOD, "db.py": "import sqlite3\nconnection = sqlite3.connect('shop.db')\n"},
        "db.py",
        2,
    ),
    (
        "sqlite-database",
        {**GOOD, "db.py": "from sqlalchemy import *\ne = create_engine('sqlite:///./shop.db')\n"},
        "db.py",
        2,
    ),
    (
        "sqlite-database",
        {**GOOD, "app.py": "app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///shop.db'\n"},
        "app.py",
        1,
    ),
    (
        "sqlite-database",
        {**GOOD, "conf.py": "class C:\n    SQLALCHEMY_DATABASE_URI = 'sqlite:///shop.db'\n"},
        "conf.py",
        2,
    ),
    ("no-static-files-server", changed(WHITENOISE, "a.b"), "shop/settings.py", 10),
    (
        "secret-key-in-source",
        changed(KEY, "SECRET_KEY = 'django-insecure-1'"),
        "shop/settings.py",
        3,
    ),
    ("secret-key-in-source", {**GOOD, APP_PY: f"{FLASK}app.secret_key = 'x'\n"}, APP_PY, 3),
    (
        "secret-key-in-source",
        {**GOOD, APP_PY: f"{FLASK}app.config['SECRET_KEY'] = 'x'\n"},
        APP_PY,
        3,
    ),
    (
        "secret-key-in-source",
        {**GOOD, APP_PY: f"{FLASK}app.config.from_mapping(\n  SECRET_KEY='dev')\n"},
        APP_PY,
        4,
    ),
    (
        "secret-key-fallback",
        changed(KEY, "SECRET_KEY = os.environ.get('SECRET_KEY', 'insecure')"),
        "shop/settings.py",
        3,
    ),
    (
        "secret-key-fallback",
        {**GOOD, APP_PY: f"{FLASK}app.secret_key = os.environ.get('K') or 'x'\n"},
        APP_PY,
        3,
    ),
    ("env-file-committed", {**GOOD, ".env": "# ours\nTOKEN=abc\n"}, ".env", 2),
    ("env-file-committed", {**GOOD, "config/prod.env": "export A=b\n"}, "config/prod.env", 1),
    ("private-key", {**GOOD, "deploy/id_rsa": PRIVATE}, "deploy/id_rsa", 1),
    ("access-token", {**GOOD, "mail.py": f"import boto3\nKEY = '{AWS}'\n"}, "mail.py", 2),
    ("access-token", {**GOOD, "db.py": f"URL = '{ADDRESS}'\n"}, "db.py", 1),
    ("virtual-environment", {**GOOD, **PYVENV}, ".venv/pyvenv.cfg", 1),
    ("large-file", {**GOOD, "data/sales.csv": b"1" * 50_000_001}, "data/sales.csv", 1),
]
KEEPING: list[tuple[str, Files]] = [
    ("a good app", GOOD),
    ("a good Django app", DJANGO),
    ("gunicorn takes $PORT by itself", with_web("gunicorn shop.wsgi")),
    ("a web process behind nginx", with_web("gunicorn -b unix:///tmp/nginx.socket shop.wsgi")),
    ("a port with a default", with_web("gunicorn -b 0.0.0.0:${PORT:-8000} shop.wsgi")),
    ("an address of two variables", with_web("uvicorn a:b --host $HOST --port $PORT")),
    ("a program that isn't known", with_web("./serve --everything")),
    ("a command in quotes", with_web("sh -c 'exec gunicorn -b :$PORT shop.wsgi'")),
    ("another Python file", with_web("python serve.py", **{"serve.py": "import shop\n"})),
    (
        "Gunicorn's settings that take the port",
        with_web(
            "gunicorn -c conf.py shop.wsgi",
            **{"conf.py": "import os\nbind = '0.0.0.0:' + os.environ['PORT']\n"},
        ),
    ),
    (
        "a Python file that takes the port from elsewhere in the app",
        with_web(
            "python serve.py",
            **{
                "serve.py": "import uvicorn\nfrom conf import P\n"
                "uvicorn.run('a:b', host='0.0.0.0', port=P)\n",
                "conf.py": "import os\nP = int(os.getenv('PORT', 8000))\n",
            },
        ),
    ),
    (
        "app.run() in a file that Gunicorn imports",
        {**GOOD, APP_PY: f"{FLASK}app.run(debug=True)\n"},
    ),
    (
        "a start command that was found",
        {k: v for k, v in GOOD.items() if k != "Procfile"} | {"start": "gunicorn a:b"},
    ),
    (
        "a server that something else brings",
        with_web(
            "uvicorn --host 0.0.0.0 --port $PORT a:b",
            **{"requirements.txt": "fastapi[standard]==1.0\n"},
        ),
    ),
    (
        "requirements that constraints pin",
        {**GOOD, "requirements.txt": "-c pins.txt\ngunicorn\n", "pins.txt": "gunicorn==23.0\n"},
    ),
    (
        "requirements of every pinned kind",
        {
            **GOOD,
            "requirements.txt": "gunicorn[gevent]==23.0.0 ; python_version > '3'\n"
            "six === 1.0 --hash=sha256:00\n"
            "a @ https://example.com/a-1.whl\n"
            "b @ git+https://example.com/b.git@0123456789abcdef0123456789abcdef01234567\n"
            "c @ git+https://example.com/c.git@v1.2.3\n",
        },
    ),
    (
        "DEBUG that is changed later",
        changed(DEBUG, 'DEBUG = True\nDEBUG = os.environ.get("D") == "1"'),
    ),
    (
        "DEBUG that depends",
        changed(DEBUG, "DEBUG = True\nif os.environ.get('LIVE'):\n    DEBUG = False"),
    ),
    (
        "hosts that are added",
        changed(HOSTS, "ALLOWED_HOSTS = []\nALLOWED_HOSTS += os.environ['H'].split()"),
    ),
    ("hosts from an import", changed(HOSTS, "from shop.hosts import ALLOWED_HOSTS")),
    (
        "settings that a library sets",
        changed(HOSTS, "import django_heroku\ndjango_heroku.settings(locals())"),
    ),
    ("settings of somebody else's module", with_settings("from corporate.settings import *\n")),
    ("a database in memory", {**GOOD, "db.py": "import sqlite3\nsqlite3.connect(':memory:')\n"}),
    (
        "a database that is shipped",
        {**GOOD, "db.py": "import sqlite3\nsqlite3.connect('a.db')\n", "a.db": "x"},
    ),
    (
        "static files in a bucket",
        changed(WHITENOISE, "a.b") | {"shop/urls.py": "from storages.backends import s3\n"},
    ),
    ("a secret key in tests", {**GOOD, "tests/test_app.py": f"{FLASK}app.secret_key = 'x'\n"}),
    ("a key for development", {**GOOD, APP_PY: f"{FLASK}class DevConfig:\n    SECRET_KEY = 'x'\n"}),
    ("an example of an env file", {**GOOD, ".env.example": "TOKEN=abc\n", ".env.test": "A=b\n"}),
    ("an empty env file", {**GOOD, ".env": "# nothing\nTOKEN=\n"}),
    ("the public half of a key", {**GOOD, "key.pem": "-----BEGIN PUBLIC KEY-----\nMIIBIjAN\n"}),
    ("a private key's heading", {**GOOD, "keys.py": "HEAD = '-----BEGIN " + "PRIVATE KEY-----'\n"}),
    ("keys made for tests", {**GOOD, "tests/key.pem": PRIVATE}),
    ("AWS's own example", {**GOOD, "README.md": "AKIA" + "IOSFODNN7EXAMPLE"}),
    (
        "a large file that no slug gets",
        {**GOOD, ".slugignore": "/data\n", "data/sales.csv": b"1" * 50_000_001},
    ),
    (
        "an address on this machine",
        {**GOOD, "a.py": "U = 'postgres://a:" + "tr0mb0ne@localhost/a'"},
    ),
]


@pytest.mark.parametrize(
    ("rule", "files", "path", "line"),
    BREAKING,
    ids=[f"{at}-{case[0]}" for at, case in enumerate(BREAKING)],
)
def test_a_rule_finds_what_breaks_it(rule: str, files: Files, path: str, line: int) -> None:
    found = check(inspected(files))
    assert (rule, path, line) in [(item.rule, item.path, item.line) for item in found]


@pytest.mark.parametrize("files", [case[1] for case in KEEPING], ids=[case[0] for case in KEEPING])
def test_nothing_is_found_where_nothing_is_wrong(files: Files) -> None:
    assert check(inspected(files)) == ()


def test_every_rule_has_an_app_that_breaks_it() -> None:
    # What stops detection has no facts; tests/acceptance/test_check_command.py has such an app.
    assert {rule.name for rule in RULES} == {case[0] for case in BREAKING} | {"cannot-build"}


def test_a_rule_that_is_disabled_finds_nothing() -> None:
    app = inspected({**GOOD, ".env": "TOKEN=abc\n"})
    assert [item.rule for item in check(app)] == ["env-file-committed"]
    assert check(app, {"env-file-committed"}) == ()


def test_no_finding_shows_a_secret() -> None:
    secrets = (AWS, "tr0mb0ne-42", "MIIEow", "s3cr3t-key")
    files = {
        "mail.py": f"KEY = '{AWS}'\n",
        "db.py": f"URL = '{ADDRESS}'\n",
        "id_rsa": PRIVATE,
        ".env": "TOKEN=s3cr3t-key\n",
        "requirements.txt": "a @ git+https://u:s3cr3t-key@example.com/a.git\n",
        "shop/settings.py": GOOD_SETTINGS.replace(KEY, "SECRET_KEY = 's3cr3t-key'"),
    }
    found = check(inspected({**DJANGO, **files}))
    assert len({item.rule for item in found}) == 5
    for item in found:
        assert not any(secret in repr(item) for secret in secrets)


def test_what_git_does_not_track_is_not_part_of_the_source() -> None:
    files: Files = {**GOOD, ".env": "TOKEN=abc\n", **PYVENV, "id_rsa": PRIVATE}
    assert check(inspected(files, tracked=frozenset(GOOD))) == ()
    found = check(inspected(files, tracked=frozenset(files)))
    assert [item.rule for item in found] == [
        "env-file-committed",
        "virtual-environment",
        "private-key",
    ]


def test_the_end_of_life_of_a_python_is_a_matter_of_the_date() -> None:
    last, next_day = dt.date(2029, 10, 31), dt.date(2029, 11, 1)
    assert check(inspected(GOOD, today=last)) == ()
    assert [item.rule for item in check(inspected(GOOD, today=next_day))] == ["end-of-life-python"]


@pytest.mark.parametrize("name", ["shop/settings.py", "manage.py", "app.py", "gunicorn.conf.py"])
def test_a_file_that_is_not_python_is_passed_over(name: str) -> None:
    assert check(inspected({**DJANGO, name: "def (:\n\tx"})) == ()
    assert check(inspected({**DJANGO, name: b"\xff\xfe\0"})) == ()
