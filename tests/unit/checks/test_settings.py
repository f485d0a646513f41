"""Which of an app's settings modules counts: the one that production uses."""

from inspected import DJANGO, GOOD, GOOD_SETTINGS, MANAGE, WSGI, inspected

from portside.checks import check

Files = dict[str, bytes | str]


def test_settings_for_production_count_where_the_web_process_names_them() -> None:
    files: Files = {
        **DJANGO,
        "shop/settings.py": "",
        "manage.py": MANAGE.replace("shop.settings", "shop.conf.local"),
        "shop/wsgi.py": WSGI.replace("shop.settings", "shop.conf.production"),
        "shop/conf/__init__.py": "",
        "shop/conf/base.py": GOOD_SETTINGS + "TIME_ZONE = 'UTC'\nDEBUG = True\n",
        "shop/conf/local.py": "from .base import *\nALLOWED_HOSTS = []\n",
        "shop/conf/production.py": "from .base import *\nDEBUG = False\n",
    }
    assert check(inspected(files)) == ()
    files["shop/conf/production.py"] = "from .base import *\n"
    (found,) = check(inspected(files))
    assert (found.rule, found.path, found.line) == ("django-debug", "shop/conf/base.py", 12)
    files["Procfile"] = "web: DJANGO_SETTINGS_MODULE=shop.conf.local gunicorn shop.wsgi\n"
    rules = {item.rule for item in check(inspected(files))}
    assert rules == {"django-debug", "django-allowed-hosts"}


def test_settings_of_a_project_in_a_directory_are_found() -> None:
    files = {f"backend/{path}": text for path, text in DJANGO.items() if path not in GOOD}
    files["backend/shop/settings.py"] = "from .base import *\n"
    files["backend/shop/base.py"] = "DEBUG = True\n"
    start = "web: cd backend && gunicorn -b :$PORT shop.wsgi\n"
    (found,) = check(inspected({**GOOD, **files, "Procfile": start}))
    assert (found.rule, found.path) == ("django-debug", "backend/shop/base.py")
