"""Byte-compiles files inside the app's own interpreter; standard library only, imports no portside.

Arguments: a file that lists the sources, relative to the root, the root, and the process that wants
it. Bytecode is hash-based and never checked against its source, so that time stamps don't matter.
It stops when that process is gone: others may then use the directory. Where the disk is full, the
exit status is the number of that error.
"""

import errno
import importlib.util
import marshal
import os
import sys

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
# PEP 552: hash-based, and not checked.
_HEADER = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
_PERMISSIONS = 0o666


def main(listing: str, root: str, parent: int) -> None:
    """Compile what ``listing`` names, separated by NUL characters."""
    with open(listing, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
        sources = file.read().split("\0")
    os.chdir(root)
    for source in sources:
        if os.getppid() != parent:
            return
        try:
            compile_file(source)
        except OSError as error:
            # Any other is that of one source, such as a link that leads nowhere.
            if error.errno in _NO_SPACE:
                sys.exit(error.errno)


def compile_file(source: str) -> None:
    """Write the bytecode of a source, if it can be compiled; as ``py_compile`` does, but faster.

    Templates and files for other Pythons are common in distributions: they fail when they are
    imported, as they would without this step. Raises ``OSError``.
    """
    with open(source, "rb") as file:  # noqa: PTH123
        data = file.read()
        mode = os.fstat(file.fileno()).st_mode & _PERMISSIONS | 0o200
    try:
        code = compile(data, source, "exec", dont_inherit=True)
    except Exception:  # noqa: BLE001 (whatever a compiler makes of a file)
        return
    target = importlib.util.cache_from_source(source)
    # What is there may be linked to others' bytecode: it is replaced, never written to.
    temporary = f"{target}.{os.getpid()}"
    content = _HEADER + importlib.util.source_hash(data) + marshal.dumps(code)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        descriptor = os.open(temporary, flags, mode)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        descriptor = os.open(temporary, flags, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    os.replace(temporary, target)  # noqa: PTH105


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
