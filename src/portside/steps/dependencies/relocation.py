"""Makes installed distributions independent of where they were installed.

Console scripts find their Python beside themselves; ``.pth`` files, ``.egg-link`` files and
editable finders that point into the app do so relative to site-packages. Files are replaced, never
changed in place.
"""

import re
from collections.abc import Callable
from pathlib import Path

from portside.effects.files import write_new

_SHEBANG = re.compile(rb"#!(?P<python>[^\n]*/python[0-9.]*)(?P<arguments>[^\n]*)\n")
_LAUNCHER = re.compile(rb"#!/bin/sh\n'''exec' (?P<python>[^\n]*python[^\n]*)\n' '''\n")
# A polyglot: the shell runs the second line, Python reads it as a string.
_RELATIVE = """\
#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/{python}" "$0" "$@"
' '''
"""
_ON_PATH = "#!/usr/bin/env python3\n"
_LARGEST_SCRIPT = 1 << 20
# A relative line of a .pth file is joined to the path of site-packages as text. While a platform
# builds, that path leads through a link, and what is above the link isn't the app.
_PATH_LINE = (
    "import os, sys; sys.path.append(os.path.realpath("
    "sys._getframe(1).f_locals['sitedir'] + {below!r}))"
)


def relocate_scripts(
    bin_directory: Path, *, python: str | None = "python3", start: str = ""
) -> None:
    """Rewrite scripts whose first line names a Python by its absolute path.

    ``python`` is where it is as seen from the scripts, None for the first one on PATH; ``start``
    is code to run first.
    """
    head = _ON_PATH if python is None else _RELATIVE.format(python=python)
    if not bin_directory.is_dir():
        return
    for script in sorted(bin_directory.iterdir()):
        if script.is_symlink() or not script.is_file() or script.stat().st_size > _LARGEST_SCRIPT:
            continue
        data = script.read_bytes()
        match = _LAUNCHER.match(data) or _SHEBANG.match(data)
        if match is not None:
            write_new(script, (head + start).encode() + data[match.end() :], 0o755)


def relocate_editables(
    site_packages: Path, app: Path, prefix: Path, source_root: Path | None = None
) -> None:
    """Make what points into ``app`` or ``prefix`` relative: five and three levels above, in a slug.

    Editable installs from repositories are checked out below ``prefix``. What comes from elsewhere
    in ``source_root`` is a copy, whose record only says where it came from.
    """
    for place, root in ((str(prefix), "../../.."), (str(app), "../../../../..")):
        for path_file in sorted(site_packages.glob("*.pth")):
            _replace(path_file, rf"(?m)^{re.escape(place)}(/.*)?$", _path_line(root))
        for link in sorted(site_packages.glob("*.egg-link")):
            _replace(link, rf"(?m)^{re.escape(place)}(?=/|$)", root)
        computed = f"__import__('os').path.realpath(__file__ + '/../{root}') + '"
        for finder in sorted(site_packages.glob("__editable__*_finder.py")):
            _replace(finder, rf"'{re.escape(place)}(?=[/'])", computed)
    for record in sorted(site_packages.glob("*.dist-info/direct_url.json")):
        _replace(record, rf"file://{re.escape(str(app))}(?=[/\"])", "file:///app")
        if source_root is not None:
            _replace(record, rf"{re.escape(source_root.as_uri())}(?=[/\"])", "file:///source")


def _path_line(root: str) -> Callable[[re.Match[str]], str]:
    return lambda found: _PATH_LINE.format(below=f"/{root}{found[1] or ''}")


def _replace(path: Path, pattern: str, new: str | Callable[[re.Match[str]], str]) -> None:
    before = path.read_text("utf-8", "surrogateescape")
    after = re.sub(pattern, new, before)
    if after != before:
        write_new(path, after.encode("utf-8", "surrogateescape"))
