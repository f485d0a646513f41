"""Debian's layout of an interpreter, turned back into upstream's.

A tree that has upstream's layout, or was treated before, isn't touched.
"""

import re
from collections.abc import Callable
from pathlib import Path

from portside.effects.files import write_new

_FUNCTION_OF_SITE = re.compile(r"^def getsitepackages\(.*?(?=^\S)", re.MULTILINE | re.DOTALL)
_UPSTREAM_FUNCTION = '''\
def getsitepackages(prefixes=None):
    """Return the directories of packages; portside put this in place of the system's."""
    name = "python%d.%d" % sys.version_info[:2]
    found = []
    for prefix in PREFIXES if prefixes is None else prefixes:
        path = os.path.join(prefix, "lib", name, "site-packages")
        if prefix and path not in found:
            found.append(path)
    return found


'''
# Since 3.11 the module site is part of the program, and Debian's only knows ``dist-packages``.
_PATH_OF_FROZEN_SITE = (
    "import os, site, sys; site.addsitedir(os.path.join("
    "sys.prefix, 'lib', 'python%d.%d' % sys.version_info[:2], 'site-packages'))\n"
)
# Debian's schemes, turned into upstream's.
_SCHEME_CHANGES = (
    (re.compile(r"(\{(?:base|platbase)\})/local(?=[/'])"), r"\1"),
    (re.compile(r"/python3/dist-packages"), "/python{py_version_short}/site-packages"),
    (re.compile(r"/dist-packages"), "/site-packages"),
    (
        re.compile(r"""os\.path\.join\(prefix, "lib", "python3", "dist-packages"\)"""),
        'os.path.join(libpython, "site-packages")',
    ),
)


def undo_system_layout(library: Path) -> None:
    """Turn Debian's directories of packages back into upstream's ``site-packages``."""
    site = library / "site.py"
    path_file = library / "dist-packages" / "portside.pth"
    if path_file.exists() or "dist-packages" not in site.read_text(encoding="utf-8"):
        return
    _edit(site, lambda text: _FUNCTION_OF_SITE.sub(lambda _: _UPSTREAM_FUNCTION, text))
    for name in (
        "sysconfig.py",
        "sysconfig/__init__.py",
        "distutils/sysconfig.py",
        "distutils/command/install.py",
    ):
        if (library / name).is_file():
            _edit(library / name, _with_upstream_schemes)
    path_file.parent.mkdir(exist_ok=True)
    write_new(path_file, _PATH_OF_FROZEN_SITE.encode("ascii"))


def _with_upstream_schemes(text: str) -> str:
    for pattern, new in _SCHEME_CHANGES:
        text = pattern.sub(new, text)
    return text


def _edit(path: Path, change: Callable[[str], str]) -> None:
    old = path.read_text(encoding="utf-8")
    new = change(old)
    if new != old:
        write_new(path, new.encode("utf-8"))
