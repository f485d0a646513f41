"""Apps made of texts, for rules to look at."""

import datetime as dt

from fakes import DictSource
from msgspec.structs import replace

from portside.checks.app import App, Evidence
from portside.detection.facts import detect
from portside.model.facts import Facts, Process
from portside.model.python_version import Origin
from portside.model.settings import Given
from portside.planning.policy import load_policy

TODAY = dt.date(2026, 6, 1)
WSGI = """\
import os
from django.core.wsgi import get_wsgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = get_wsgi_application()
"""
MANAGE = WSGI.replace("get_wsgi_application", "execute_from_command_line")
GOOD_SETTINGS = """\
import os
DEBUG = os.environ.get("DEBUG") == "1"
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")
INSTALLED_APPS = ["django.contrib.staticfiles"]
MIDDLEWARE = ["whitenoise.middleware.WhiteNoiseMiddleware"]
ROOT_URLCONF = "shop.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
STATIC_URL = "static/"
STATIC_ROOT = "staticfiles"
"""
GOOD = {
    ".python-version": "3.13\n",
    "requirements.txt": "django==5.2\ngunicorn==23.0.0\nflask==3.1.0\nuvicorn==0.30.0\n",
    "Procfile": "web: gunicorn --bind 0.0.0.0:$PORT shop.wsgi\n",
}
DJANGO = {
    **GOOD,
    "manage.py": MANAGE,
    "shop/__init__.py": "",
    "shop/wsgi.py": WSGI,
    "shop/settings.py": GOOD_SETTINGS,
}


def inspected(
    files: dict[str, bytes | str],
    *,
    tracked: frozenset[str] | None = None,
    today: dt.date = TODAY,
) -> App:
    """Return an app of these files as ``portside check`` sees it."""
    source = DictSource(files)
    policy = load_policy()
    facts = detect(source, read_cached=lambda: None, policy=policy, given=Given())
    return App(source, Evidence(_started(facts, files), policy, today, tracked=tracked))


def with_web(command: str, **more: str) -> dict[str, bytes | str]:
    """Return a good app whose web process is another."""
    return {**GOOD, "Procfile": f"web: {command}\n", **more}


def with_settings(text: str, **more: str) -> dict[str, bytes | str]:
    """Return a good Django app with other settings."""
    return {**DJANGO, "shop/settings.py": text, **more}


def _started(facts: Facts, files: dict[str, bytes | str]) -> Facts:
    if "Procfile" in files:
        return facts
    # What stands in the file "start" counts as a start command that was found.
    command = str(files.get("start", ""))
    processes = (Process("web", command, Origin("app.py", "", 1)),) if command else ()
    return replace(facts, processes=processes)
