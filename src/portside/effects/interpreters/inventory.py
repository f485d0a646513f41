"""The interpreters that can be downloaded, as uv knows them; nothing about versions is kept here.

uv's answer is kept in a file, because asking takes longer than all else an unchanged build does.
"""

import contextlib
import hashlib
import json
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

from portside.effects.files import write_new
from portside.effects.host import Host
from portside.effects.process import Command, ProcessRunner
from portside.model.errors.interpreter import SourceUnreachableError
from portside.model.interpreter import InterpreterCandidate, InterpreterSource
from portside.model.python_version import PythonVersion

_CATALOG = "UV_PYTHON_DOWNLOADS_JSON_URL"
_MIRROR = "UV_PYTHON_INSTALL_MIRROR"
_CONFIGURATION = ("UV_CONFIG_FILE", "UV_NO_CONFIG", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS")
_CATALOG_LIFETIME = 3600.0
_LONGEST_LISTING = 10.0
_FORMAT = 1


def read_inventory(
    runner: ProcessRunner, host: Host, uv: Path, cache_file: Path, *, may_ask: bool = True
) -> tuple[InterpreterCandidate, ...]:
    """Return every CPython release for this machine that uv can download, as uv orders them.

    The answer is kept in ``cache_file`` until uv, its configuration, the mirror or the catalog
    changes; a remote catalog is asked again after an hour, and its last answer used where it
    can't be reached. Unless it ``may_ask``, only a last answer counts, and there may be none.
    Raises ``SourceUnreachableError`` when the catalog can't be read.
    """
    key = _key(host, uv)
    kept = _read_cache(cache_file, key)
    if kept is not None and (not _is_remote(host) or _is_recent(cache_file)):
        return _candidates(kept, host)
    if not may_ask and _is_remote(host):
        return _candidates(kept or {}, host)
    try:
        found = _ask(runner, host, uv)
    except SourceUnreachableError:
        if kept is None:
            raise
        return _candidates(kept, host)
    _write_cache(cache_file, key, found)
    return _candidates(found, host)


def _candidates(downloads: dict[str, str], host: Host) -> tuple[InterpreterCandidate, ...]:
    is_configured = host.environ.get(_CATALOG) or host.environ.get(_MIRROR)
    source = InterpreterSource.CATALOG if is_configured else InterpreterSource.DOWNLOAD
    return tuple(
        InterpreterCandidate(PythonVersion.parse(name.split("-")[1]), source, url, name)
        for name, url in downloads.items()
    )


def _ask(runner: ProcessRunner, host: Host, uv: Path) -> dict[str, str]:
    """Return the URL of each release by uv's key."""
    from portside.effects.interpreters.download import (  # noqa: PLC0415 (start-up time)
        check_reachable,
        failure_cause,
        uv_environment,
    )

    catalog = host.environ.get(_CATALOG, "")
    check_reachable(catalog, host.environ)
    location = runner.redact(catalog) or "uv's list of interpreters"
    argv = (str(uv), "python", "list", "--all-versions", "--only-downloads", "--managed-python")
    options = ("--output-format", "json", "--color", "never")
    env = uv_environment(host)
    try:
        answer = runner.capture(Command((*argv, *options), Path("/"), env, _LONGEST_LISTING))
    except TimeoutError as error:
        cause = f"no answer within {_LONGEST_LISTING:.0f} s"
        raise SourceUnreachableError(location=location, cause=cause) from error
    if answer.exit_status != 0:
        cause = failure_cause(tuple(answer.stderr.splitlines()))
        raise SourceUnreachableError(location=location, cause=cause)
    return _releases(json.loads(answer.stdout), host.platform)


def _releases(entries: object, platform: str) -> dict[str, str]:
    """Return what is CPython's default variant, final and for this platform: the key tells."""
    releases = {}
    for entry in entries if isinstance(entries, list) else []:
        name, version, url = (str(entry.get(field)) for field in ("key", "version", "url"))
        with contextlib.suppress(ValueError):
            if name == f"cpython-{PythonVersion.parse(version)}-{platform}":
                releases[name] = url
    return releases


def _key(host: Host, uv: Path) -> str:
    variables = [host.environ.get(name, "") for name in (_CATALOG, _MIRROR, *_CONFIGURATION)]
    read = (uv, *_local_catalog(host), *_configuration_files(host))
    facts = [_FORMAT, host.platform, variables, [_stamp(path) for path in read]]
    return hashlib.sha256(json.dumps(facts).encode("utf-8")).hexdigest()


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), status.st_mtime_ns, status.st_size


def _configuration_files(host: Host) -> tuple[Path, ...]:
    """Return where uv may be told of a mirror or catalog other than by variables."""
    configured = host.environ.get("UV_CONFIG_FILE")
    home = host.environ.get("XDG_CONFIG_HOME") or str(host.home / ".config")
    system = (Path("/etc/uv/uv.toml"), Path(home) / "uv" / "uv.toml")
    return (*system, Path(configured)) if configured else system


def _is_remote(host: Host) -> bool:
    return urlsplit(host.environ.get(_CATALOG, "")).scheme in {"http", "https"}


def _local_catalog(host: Host) -> tuple[Path, ...]:
    value = host.environ.get(_CATALOG, "")
    if not value or _is_remote(host):
        return ()
    return (Path(unquote(urlsplit(value).path) if value.startswith("file:") else value),)


def _is_recent(cache_file: Path) -> bool:
    return 0 <= time.time() - cache_file.stat().st_mtime < _CATALOG_LIFETIME


def _read_cache(cache_file: Path, key: str) -> dict[str, str] | None:
    """Return what was kept for ``key``; anything else, or a damaged file, counts as nothing."""
    try:
        kept = json.loads(cache_file.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(kept, dict) or kept.get("key") != key:
        return None
    downloads = kept.get("downloads")
    return downloads if isinstance(downloads, dict) else None


def _write_cache(cache_file: Path, key: str, downloads: dict[str, str]) -> None:
    with contextlib.suppress(OSError):
        # What can't be kept is asked for again; that a disk is full is said where it matters.
        cache_file.parent.mkdir(parents=True, exist_ok=True)
        data = json.dumps({"key": key, "downloads": downloads}, indent=0)
        write_new(cache_file, data.encode("utf-8"), 0o600)
