"""Byte-compiles files inside the app's own interpreter; standard library only, imports no portside.

Arguments: a file that lists the sources, relative to the root, and the root. Bytecode
is hash-based and never checked against its source, so that time stamps don't matter.
"""

import os
import py_compile
import sys


def main(listing: str, root: str) -> None:
    """Compile what ``listing`` names, separated by NUL characters."""
    with open(listing, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
        sources = file.read().split("\0")
    os.chdir(root)
    for source in sources:
        try:
            py_compile.compile(
                source,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except (py_compile.PyCompileError, OSError, ValueError, RecursionError):
            # Templates and files for other Pythons are common in distributions: they fail when
            # they are imported, as they would without this step.
            continue


main(sys.argv[1], sys.argv[2])
