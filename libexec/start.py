"""Starts a call of the classic buildpack from a checkout: makes it importable and runs it.

Arguments: the directory of the tools, then the call's own. Isolated from the caller's ``PYTHON*``
variables by ``-I``. Exits with 75 where the tools were made for another Python.
"""

import sys
from pathlib import Path

_OTHER_PYTHON = 75


def main() -> None:
    """Run ``portside.platforms.heroku``."""
    tools = Path(sys.argv[1])
    if (tools / "series").read_text().strip() != f"{sys.version_info[0]}.{sys.version_info[1]}":
        sys.exit(_OTHER_PYTHON)
    source = Path(__file__).resolve().parent.parent / "src"
    sys.path[:0] = [str(source), str(tools / "lib")]
    # The checkout may be read-only, and shouldn't change in any case.
    sys.pycache_prefix = str(tools / "pycache")
    sys.dont_write_bytecode = False
    sys.argv[:] = ["portside", *sys.argv[2:]]
    from portside.platforms.heroku.__main__ import main as answer  # noqa: PLC0415 (see above)

    answer()


main()
