"""Downloading an interpreter with uv, which knows mirrors, catalogs and checksums.

Whether the server can be reached at all is tried before, because only that is quick.
"""

import ipaddress
import queue
import re
import socket
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from portside.effects.files import disk_errors
from portside.effects.host import Host
from portside.effects.process import Command, Completed, OnLine, ProcessRunner
from portside.model.errors import BuildError
from portside.model.errors.interpreter import (
    ArchiveDamagedError,
    ChecksumMismatchError,
    SourceUnreachableError,
)
from portside.model.errors.store import DiskFullError
from portside.model.interpreter import InterpreterCandidate

REACHABLE_WITHIN = 3.0
_LONGEST_DOWNLOAD = 900.0
_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks5": 1080, "socks5h": 1080}
# uv itself turns to GitHub when its own mirror doesn't answer.
_FALLBACK_HOSTS = {"releases.astral.sh": "github.com"}
_TIMEOUT_NAMES = ("UV_HTTP_TIMEOUT", "UV_REQUEST_TIMEOUT", "HTTP_TIMEOUT")
_PREFERENCES = {"UV_PYTHON_PREFERENCE", "UV_MANAGED_PYTHON", "UV_NO_MANAGED_PYTHON"}
_NETWORK = ("response body", "operation timed out", "error sending request", "HTTP status")
_DAMAGE = ("Failed to extract archive", "Invalid tar", "Invalid zip", "failed to symlink")
_NOISE = re.compile(r" (?:\(os error [0-9]+\)|for url \(.*\))$")


class _Address(NamedTuple):
    host: str
    port: int


def download_interpreter(
    candidate: InterpreterCandidate,
    destination: Path,
    *,
    runner: ProcessRunner,
    host: Host,
    uv: Path,
    on_line: OnLine,
) -> None:
    """Put the candidate's tree at ``destination``, an empty directory; nothing on failure.

    Raises ``SourceUnreachableError``, ``ChecksumMismatchError``, ``ArchiveDamagedError`` and the
    errors of a disk that is full or read-only.
    """
    location = runner.redact(candidate.location)
    check_reachable(candidate.location, host.environ)
    with (
        disk_errors(destination, f"Python {candidate.version}"),
        tempfile.TemporaryDirectory(prefix=".download-", dir=destination.parent) as directory,
    ):
        argv = (str(uv), "python", "install", candidate.name, "--install-dir", directory)
        options = ("--no-bin", "--managed-python", "--no-progress", "--color", "never")
        env = uv_environment(host)
        completed = runner.run(
            Command((*argv, *options), Path("/"), env, _LONGEST_DOWNLOAD), on_line
        )
        if not completed.ok:
            raise _failure(completed, location, destination)
        _move(Path(directory) / candidate.name, destination, location)


def uv_environment(host: Host) -> dict[str, str]:
    """Return uv's environment: the user's, with limits so that a server that hangs is noticed.

    A timeout or number of retries that the user has set is kept.
    """
    limits = {"UV_HTTP_CONNECT_TIMEOUT": "3", "UV_HTTP_RETRIES": "1"}
    if not any(host.environ.get(name) for name in _TIMEOUT_NAMES):
        limits["UV_HTTP_TIMEOUT"] = "4"
    kept = {name: value for name, value in host.environ.items() if name not in _PREFERENCES}
    return kept | {name: kept.get(name) or value for name, value in limits.items()}


def check_reachable(url: str, environ: Mapping[str, str]) -> None:
    """Connect to the server of ``url``, or to the proxy before it; a file needs none.

    Raises ``SourceUnreachableError`` in a few seconds, even where name resolution blocks.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return
    addresses = _first_hops(parts, environ)
    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    for address in addresses:
        # A daemon: getaddrinfo(3) can't be interrupted, and mustn't keep this process alive.
        threading.Thread(target=_connect, args=(address, answers), daemon=True).start()
    cause = _first_success(answers, len(addresses))
    if cause is not None:
        location = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        raise SourceUnreachableError(location=location, cause=cause)


def failure_cause(lines: tuple[str, ...]) -> str:
    """Return the innermost cause that uv gives in its output, without its full stop or noise."""
    told = [line.strip() for line in lines if line.strip()]
    causes = [
        text.split(":", 1)[1].strip() for text in told if text.startswith(("error:", "cause:"))
    ]
    cause = (causes or told or ["uv doesn't say why"])[-1]
    return _NOISE.sub("", cause).rstrip(".")


def _failure(completed: Completed, location: str, destination: Path) -> BuildError:
    text = "\n".join(completed.tail)
    cause = failure_cause(completed.tail)
    if completed.timed_out:
        cause = f"the download took longer than {_LONGEST_DOWNLOAD / 60:.0f} minutes"
        return SourceUnreachableError(location=location, cause=cause)
    if "No space left on device" in text or "Disk quota exceeded" in text:
        return DiskFullError(path=str(destination), needed="Python")
    if "Hash mismatch" in text:
        return ChecksumMismatchError(location=location)
    if any(sign in text for sign in _DAMAGE) and not any(sign in text for sign in _NETWORK):
        return ArchiveDamagedError(location=location, cause=cause)
    return SourceUnreachableError(location=location, cause=cause)


def _move(tree: Path, destination: Path, location: str) -> None:
    if not (tree / "bin").is_dir():
        raise ArchiveDamagedError(location=location, cause="it holds no interpreter")
    tree.rename(destination)


def _first_hops(url: SplitResult, environ: Mapping[str, str]) -> list[_Address]:
    host = url.hostname or ""
    proxy = None if _is_exempt(host, environ) else _proxy(url.scheme, environ)
    if proxy is not None:
        return [proxy]
    address = _Address(host, _port(url))
    fallback = _FALLBACK_HOSTS.get(host)
    return [address, _Address(fallback, 443)] if fallback else [address]


def _proxy(scheme: str, environ: Mapping[str, str]) -> _Address | None:
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    value = next((environ[name] for name in names if environ.get(name)), "")
    parts = urlsplit(value if "://" in value else f"http://{value}")
    return _Address(parts.hostname, _port(parts)) if parts.hostname else None


def _port(url: SplitResult) -> int:
    try:
        port = url.port
    except ValueError:
        port = None
    return port or _PORTS.get(url.scheme, 80)


def _is_exempt(host: str, environ: Mapping[str, str]) -> bool:
    value = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return any(_matches(host, entry.strip()) for entry in value.split(",") if entry.strip())


def _matches(host: str, entry: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        domain = entry.lstrip(".").lower()
        return entry == "*" or host == domain or host.endswith(f".{domain}")


def _connect(address: _Address, answers: "queue.SimpleQueue[str | None]") -> None:
    """Put None when a connection comes about, or the reason why none does."""
    cause = "its name has no address"
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        answers.put(f"{address.host}: {(error.strerror or str(error)).lower()}")
        return
    # One of each family, IPv4 first: a network without IPv6 often swallows the attempt.
    targets = {item[0]: item[4] for item in reversed(found)}
    for family in sorted(targets, key=lambda family: family != socket.AF_INET):
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(REACHABLE_WITHIN / len(targets))
            try:
                connection.connect(targets[family])
            except OSError as error:
                cause = (error.strerror or str(error)).lower()
            else:
                answers.put(None)
                return
    answers.put(f"{address.host}: {cause}")


def _first_success(answers: "queue.SimpleQueue[str | None]", count: int) -> str | None:
    """Return None as soon as one answer is good, or the first reason when none is."""
    deadline = time.monotonic() + REACHABLE_WITHIN
    causes = []
    for _ in range(count):
        try:
            cause = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            causes.append(f"no answer within {REACHABLE_WITHIN:.0f} s")
            break
        if cause is None:
            return None
        causes.append(cause)
    return causes[0]
