"""Makes installed distributions independent of where they were installed.

Console scripts find their Python beside themselves; ``.pth`` files and editable finders that
point into the app do so relative to site-packages. Files are replaced, never changed in place.
"""

import re
from pathlib import Path

from portside.effects.files import write_new

_SHEBANG = re.compile(rb"#!(?P<python>[^\n]*/python[0-9.]*)(?P<arguments>[^\n]*)\n")
_LAUNCHER = re.compile(rb"#!/bin/sh\n'''exec' (?P<python>[^\n]*python[^\n]*)\n' '''\n")
# A polyglot: the shell runs the second line, Python reads it as a string.
_RELATIVE = (
    b'#!/bin/sh\n\'\'\'exec\' "$(dirname -- "$(realpath -- "$0")")/python3" "$0" "$@"\n\' \'\'\'\n'
)
_LARGEST_SCRIPT = 1 << 20


def relocate_scripts(bin_directory: Path) -> None:
    """Rewrite scripts whose first line names a Python by its absolute path."""
    if not bin_directory.is_dir():
        return
    for script in sorted(bin_directory.iterdir()):
        if script.is_symlink() or not script.is_file() or script.stat().st_size > _LARGEST_SCRIPT:
            continue
        data = script.read_bytes()
        match = _LAUNCHER.match(data) or _SHEBANG.match(data)
        if match is not None:
            write_new(script, _RELATIVE + data[match.end() :], 0o755)


def relocate_editables(site_packages: Path, app: Path) -> None:
    """Make what points into ``app`` relative: in the slug it is five levels above."""
    root = "/".join([".."] * 5)
    for path_file in sorted(site_packages.glob("*.pth")):
        _replace(path_file, [(f"{app}", root)])
    for finder in sorted(site_packages.glob("__editable__*_finder.py")):
        computed = f"__import__('os').path.normpath(__file__ + '/../{root}') + '"
        _replace(finder, [(f"'{app}/", f"{computed}/"), (f"'{app}'", f"{computed}'")])
    for record in sorted(site_packages.glob("*.dist-info/direct_url.json")):
        _replace(record, [(f"file://{app}", "file:///app")])


def _replace(path: Path, replacements: list[tuple[str, str]]) -> None:
    before = path.read_text("utf-8", "surrogateescape")
    after = before
    for old, new in replacements:
        after = after.replace(old, new)
    if after != before:
        write_new(path, after.encode("utf-8", "surrogateescape"))
