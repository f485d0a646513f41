"""What is imported at once and isn't there is found; what may be there is left alone."""

import pytest

from portside.detection.imports import find_missing_imports
from portside.model.python_version import Series

SERIES = Series(3, 13)


class Files:
    """Modules by their paths below ``app/`` and ``site/``."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def find(self, name: str) -> str | None:
        below = name.replace(".", "/")
        paths = [f"{root}/{below}{end}" for root in ("app", "site") for end in ENDINGS]
        return next((path for path in paths if path in self.files), None)

    def read(self, path: str) -> bytes:
        return self.files[path].encode()

    def is_installed(self, path: str) -> bool:
        return path.startswith("site/")


ENDINGS = ("/__init__.py", ".py")
OLD = {
    "app/shop/__init__.py": "",
    "app/shop/web.py": '"""A shop."""\nfrom . import views\n',
    "app/shop/views.py": "from old import (\n    one,  # the first\n    two as second,\n)\n",
    "site/old/__init__.py": "from .parts import *\n",
    "site/old/parts.py": "import os, \\\n    telnetlib\nimport pkg_resources\n",
}


def missing(files: dict[str, str], start: str = "app", series: Series = SERIES) -> list[str]:
    found = find_missing_imports(Files(files), [start], series)
    return [f"{item.path}:{item.line} {item.module}.{item.name}" for item in found]


def test_what_is_gone_is_found_through_packages_and_relative_imports() -> None:
    gone = ["site/old/parts.py:1 telnetlib.", "site/old/parts.py:3 pkg_resources."]
    assert missing(OLD, "shop.web") == gone
    assert missing(OLD, "shop.web", Series(3, 12)) == gone[1:]
    assert missing({**OLD, "site/pkg_resources.py": ""}, "shop.web") == gone[:1]
    assert missing({**OLD, "app/telnetlib.py": ""}, "shop.web") == gone[1:]


@pytest.mark.parametrize(
    ("text", "series", "found"),
    [
        ("import imp", Series(3, 12), ["app/app.py:1 imp."]),
        ("import imp", Series(3, 11), []),
        ("from distutils.util import strtobool", SERIES, ["app/app.py:1 distutils."]),
        ("import cgi.x as y, os", SERIES, ["app/app.py:1 cgi."]),
        ("from collections import Mapping", SERIES, ["app/app.py:1 collections.Mapping"]),
        ("from collections import abc, OrderedDict", SERIES, []),
        ("import os; import imp", SERIES, []),
        ("try:\n    import imp\nexcept ImportError:\n    imp = None", SERIES, []),
        ("def f():\n    import imp", SERIES, []),
        ('"""Once it was\nimport imp\nbut no more."""', SERIES, []),
        ("# import imp\nimport imports, impatience", SERIES, []),
        ("from . import imp", SERIES, []),
        ("import imp (", SERIES, []),
    ],
)
def test_only_what_fails_for_sure_counts(text: str, series: Series, found: list[str]) -> None:
    assert missing({"app/app.py": f"{text}\n"}, series=series) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from .b import select_escape\n", ["app/app.py:1 thing.escape"]),
        ("from .b import escape\n", []),
        ("from .b import *\n", []),
        ("def __getattr__(name): ...\n", []),
    ],
)
def test_a_name_that_a_distribution_has_no_more(text: str, found: list[str]) -> None:
    files = {"app/app.py": "from thing import escape, sub\n", "site/thing/__init__.py": text}
    assert missing({**files, "site/thing/sub.py": "", "site/thing/b.py": ""}) == found


def test_the_apps_own_names_and_those_within_a_distribution_are_left_alone() -> None:
    files = {
        "app/app.py": "from models import what\nimport thing\n",
        "app/models.py": "",
        "site/thing/__init__.py": "from thing.b import what\n",
        "site/thing/b.py": "",
    }
    assert missing(files) == []


def test_a_text_that_only_looks_like_an_import_leads_nowhere() -> None:
    files = {"app/app.py": '"""\nimport old\n"""\n', "site/old.py": "import imp\n"}
    assert missing(files) == []
