"""Starts a call of the classic buildpack from a checkout: makes it importable and runs it.

Arguments: the directory of the tools, then the call's own. Isolated from the caller's ``PYTHON*``
variables by ``-I``. Where the tools were made for another Python than this, which may be an older
one than the buildpack runs on, they are put aside and ``libexec/start`` begins anew.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType

    from _typeshed.importlib import PathEntryFinderProtocol as PathEntryFinder


def import_from(directories: tuple[str, str], bytecode: str) -> None:
    """Make directories importable, with their bytecode elsewhere.

    The checkout may be read-only, and shouldn't change in any case. ``sys.pycache_prefix`` alone
    would have the standard library compiled anew, too.
    """

    class Loader(SourceFileLoader):
        def get_code(self, fullname: str) -> CodeType | None:
            sys.pycache_prefix = bytecode
            try:
                return super().get_code(fullname)
            finally:
                sys.pycache_prefix = None

    own = FileFinder.path_hook((ExtensionFileLoader, EXTENSION_SUFFIXES), (Loader, SOURCE_SUFFIXES))

    def hook(path: str) -> PathEntryFinder:
        if not path.startswith(directories):
            raise ImportError(path=path)
        return own(path)

    sys.path_hooks.insert(0, hook)
    sys.path[:0] = directories


def main() -> None:
    """Run ``portside.platforms.heroku``."""
    tools = sys.argv[1]
    here = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120 (start-up time)
    with open(f"{tools}/series", encoding="ascii") as file:  # noqa: PTH123
        made_for = file.read().strip()
    if made_for != f"{sys.version_info[0]}.{sys.version_info[1]}":
        with suppress(FileNotFoundError):  # another call did it
            os.rename(tools, f"{tools}.{os.getpid()}")  # noqa: PTH104
        sys.stdout.flush()
        os.execv("/bin/sh", ["sh", f"{here}/start", *sys.argv[2:]])  # noqa: S606
    sys.dont_write_bytecode = False
    import_from((f"{here}/../src", f"{tools}/lib"), f"{tools}/pycache")
    sys.argv[:] = ["portside", *sys.argv[2:]]
    from portside.platforms.heroku.__main__ import main as answer  # noqa: PLC0415 (see above)

    answer()


main()
