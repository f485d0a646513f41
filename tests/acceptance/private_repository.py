"""A private Git repository: git's own HTTP server behind a password, and a way in by SSH.

``git http-backend`` is a CGI program (git-http-backend(1)); what serves it here is this module.
"""

import base64
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

USER = "harbour-master"
TOKEN = "ghp-s3cret-b3acon-78"
# Builds a project of one module with the standard library alone: no backend has to be fetched.
_BACKEND = """
import pathlib, zipfile
INFO = "treasure-1.0.dist-info/"
def wheel(directory, files):
    files[INFO + "METADATA"] = "Metadata-Version: 2.1\\nName: treasure\\nVersion: 1.0\\n"
    files[INFO + "WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files[INFO + "RECORD"] = "".join(f"{name},,\\n" for name in [*files, INFO + "RECORD"])
    name = "treasure-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(directory, name), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return name
def build_wheel(directory, *_):
    return wheel(directory, {"treasure.py": pathlib.Path("src/treasure.py").read_text()})
def build_editable(directory, *_):
    return wheel(directory, {"_treasure.pth": str(pathlib.Path("src").resolve())})
"""
_PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "treasure"
version = "1.0"
"""
# What git starts in place of ssh (GIT_SSH_COMMAND): the server's side runs on this machine. Like a
# server it lets nobody in without the key.
_SSH = """\
#!/bin/sh
key= command=
for word in "$@"; do
    case $last in -i) key=$word ;; esac
    last=$word command=$word
done
grep -qsx '{key}' "$key" || {{ echo "git@host: Permission denied (publickey)." >&2; exit 255; }}
cd '{directory}' && exec sh -c "$(echo "$command" | sed "s|'/|'|")"
"""


@dataclass(frozen=True)
class PrivateRepository:
    port: int
    ssh: Path
    commit: str

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}/treasure.git"

    @property
    def url(self) -> str:
        return f"http://{self.place}"


@contextmanager
def serving(directory: Path) -> Iterator[PrivateRepository]:
    """Make the repository and serve it until the block ends."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    commit = _make(directory)
    ssh = directory / "ssh"
    ssh.write_text(_SSH.format(key=TOKEN, directory=directory))
    ssh.chmod(0o755)

    class Serving(_Private):
        root = directory

    server = ThreadingHTTPServer(("127.0.0.1", 0), Serving)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield PrivateRepository(server.server_address[1], ssh, commit)
    finally:
        server.shutdown()
        server.server_close()


def _make(directory: Path) -> str:
    work = directory / "work"
    (work / "src").mkdir(parents=True)
    (work / "src/treasure.py").write_text("FOUND = True\n")
    (work / "backend.py").write_text(_BACKEND)
    (work / "pyproject.toml").write_text(_PROJECT)
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("commit", "-q", "-m", "all"),
        ("tag", "v1"),
        ("clone", "-q", "--bare", ".", directory / "treasure.git"),
    ):
        git(*words, cwd=work)
    return git("rev-parse", "v1", cwd=work)


def git(*words: str | Path, cwd: Path) -> str:
    names = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in _IDENTITY}
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd), "GIT_CONFIG_NOSYSTEM": "1", **names}
    done = subprocess.run(
        ["git", *words], cwd=cwd, env=env, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


_IDENTITY = ("NAME", "EMAIL")


class _Private(BaseHTTPRequestHandler):
    root: Path

    def do_GET(self) -> None:
        wanted = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        if self.headers.get("Authorization") == f"Basic {wanted}":
            self._answer()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="treasure"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 (the standard library's name)

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        done = subprocess.run(
            ["git", "http-backend"],
            env=self._variables(length),
            input=self.rfile.read(length),
            capture_output=True,
            check=True,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in {**fields, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _variables(self, length: int) -> Mapping[str, str]:
        path, _, query = self.path.partition("?")
        return {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_USER": USER,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }

    def log_message(self, *args: object) -> None:
        pass
