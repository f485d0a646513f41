"""A machine with few programs on PATH that calls the classic buildpack's bootstrap."""

import hashlib
import io
import json
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from package_index import PackageIndex

from portside.effects.host import read_host
from portside.model.python_version import PythonVersion

PREPARING = "-----> Preparing the buildpack\n"
UTILITIES = (
    *("cat", "chmod", "cut", "df", "dirname", "env", "head", "mkdir", "mktemp", "mv", "rm", "sed"),
    *("sh", "sha256sum", "tail", "tr", "uname"),
)
# The call that only portside's own program refuses, and how it does.
CALL = "nothing"
REFUSED = "Usage: compile|test-compile BUILD_DIR CACHE_DIR [ENV_DIR]"


@dataclass(frozen=True)
class Machine:
    """A machine with few programs on PATH, a checkout of the buildpack, and an empty cache."""

    root: Path
    index: PackageIndex
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def tools(self) -> Path:
        return self.cache / "portside" / "tools"

    def program(self, name: str, target: str | Path) -> None:
        link = self.root / "programs" / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)

    def script(self, name: str, text: str) -> None:
        path = self.root / "programs" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def argv(self, cache: Path | None = None, through: tuple[str, ...] = ("sh",)) -> list[str]:
        start = self.root / "buildpack/libexec/start"
        return [*through, str(start), CALL, str(self.root / "app"), str(cache or self.cache)]

    def environ(self, **variables: str) -> dict[str, str]:
        return {
            "PATH": str(self.root / "programs"),
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "temporary"),
            "UV_DEFAULT_INDEX": self.index.url,
            "UV_HTTP_RETRIES": "0",
            **self.variables,
            **variables,
        }

    def call(
        self, cache: Path | None = None, through: tuple[str, ...] = ("sh",), **variables: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.argv(cache, through),
            cwd=self.root / "app",
            env=self.environ(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def works(
        self, cache: Path | None = None, through: tuple[str, ...] = ("sh",), **variables: str
    ) -> str:
        """Call and expect that portside was started; return what was printed before."""
        done = self.call(cache, through, **variables)
        assert done.returncode == 2, done.stdout + done.stderr
        assert done.stderr.endswith(f"{REFUSED}\n"), done.stderr
        return done.stdout + done.stderr.removesuffix(f"{REFUSED}\n")

    def made(self) -> list[str]:
        """Return what is in the directory of the tools, the interpreters apart."""
        return sorted({path.name for path in self.tools.iterdir()} - {"python"})


def pack_interpreter(installed: Path) -> bytes:
    """Return what a mirror serves of an interpreter of this machine."""
    left_out = {"test", "idlelib", "ensurepip", "site-packages", "__pycache__", "turtledemo"}

    def admitted(item: tarfile.TarInfo) -> tarfile.TarInfo | None:
        unwanted = item.name.endswith(".a") or not left_out.isdisjoint(item.name.split("/"))
        return None if unwanted else item

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        archive.add(installed, "python", filter=admitted)
    return buffer.getvalue()


def catalog(machine: Machine, archive: bytes, version: PythonVersion) -> Path:
    host = read_host()
    machine.index.files["/python.tar.gz"] = archive
    entry = {
        "name": "cpython",
        "arch": {"family": host.machine, "variant": None},
        "os": "linux",
        "libc": host.libc,
        "major": 3,
        "minor": version.minor,
        "patch": version.patch,
        "prerelease": "",
        "url": f"http://127.0.0.1:{machine.index.port}/python.tar.gz",
        "sha256": hashlib.sha256(archive).hexdigest(),
        "variant": None,
        "build": "20240107",
    }
    path = machine.root / "catalog.json"
    path.write_text(json.dumps({f"cpython-{version}-{host.platform}": entry}))
    return path
