"""Starts a call of the classic buildpack from a checkout: makes it importable and runs it.

Arguments: the directory of the tools, then the call's own. Isolated from the caller's ``PYTHON*``
variables by ``-I``. Where the tools were made for another Python than this, which may be an older
one than the buildpack runs on, they are put aside and ``libexec/start`` begins anew.
"""

import os
import sys


def main() -> None:
    """Run ``portside.platforms.heroku``."""
    tools = sys.argv[1]
    here = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120 (start-up time)
    with open(f"{tools}/series", encoding="ascii") as file:  # noqa: PTH123
        made_for = file.read().strip()
    if made_for != f"{sys.version_info[0]}.{sys.version_info[1]}":
        os.rename(tools, f"{tools}.{os.getpid()}")  # noqa: PTH104
        sys.stdout.flush()
        os.execv("/bin/sh", ["sh", f"{here}/start", *sys.argv[2:]])  # noqa: S606
    sys.path[:0] = [f"{here}/../src", f"{tools}/lib"]
    # The checkout may be read-only, and shouldn't change in any case.
    sys.pycache_prefix = f"{tools}/pycache"
    sys.dont_write_bytecode = False
    sys.argv[:] = ["portside", *sys.argv[2:]]
    from portside.platforms.heroku.__main__ import main as answer  # noqa: PLC0415 (see above)

    answer()


main()
