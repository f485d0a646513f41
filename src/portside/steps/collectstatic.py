"""Runs Django's collectstatic in the slug and says why it failed; decides nothing else."""

import re
from collections.abc import Mapping
from pathlib import Path

from portside.effects.process import Command, OnLine, ProcessRunner
from portside.model.errors.django import (
    CollectStaticError,
    CollectStaticMissingFileError,
    CollectStaticReferenceError,
    CollectStaticSettingsError,
    CollectStaticSyntaxError,
)
from portside.model.facts import Notice

# What the output holds when there is nothing to collect, and what to say then. A project fresh
# from Django's own generator has no STATIC_ROOT: it must build, and its developer must know.
NO_STATIC_ROOT = "STATIC_ROOT isn't set in Django's settings"
_NOTHING_TO_COLLECT = (
    ("Unknown command: 'collectstatic'", "the app doesn't use django.contrib.staticfiles"),
    ("without having set the STATIC_ROOT setting", NO_STATIC_ROOT),
)
_CAUSES: tuple[tuple[re.Pattern[str], type[CollectStaticError]], ...] = (
    (re.compile(r"SyntaxError|IndentationError|TabError"), CollectStaticSyntaxError),
    (re.compile(r"ImproperlyConfigured|^KeyError"), CollectStaticSettingsError),
    (re.compile(r"MissingFileError|could not be found with <"), CollectStaticReferenceError),
    (re.compile(r"OSError|FileNotFoundError"), CollectStaticMissingFileError),
)


def why_skipped(config_vars: Mapping[str, str], *, has_disabling_file: bool) -> str | None:
    """Return why collectstatic must not run, or None."""
    if config_vars.get("DISABLE_COLLECTSTATIC", "0") not in {"", "0"}:
        return "DISABLE_COLLECTSTATIC is set"
    if has_disabling_file:
        return ".heroku/collectstatic_disabled is there (deprecated: set DISABLE_COLLECTSTATIC=1)"
    return None


def run_collectstatic(
    manage_py: str, slug: Path, env: Mapping[str, str], *, runner: ProcessRunner, on_line: OnLine
) -> str | None:
    """Run it; return why there is nothing to collect, or None where files were collected.

    Raises a ``CollectStaticError`` that names the cause.
    """
    python = slug / ".heroku/python/bin/python3"
    argv = (str(python), manage_py, "collectstatic", "--noinput", "--traceback")
    done = runner.run(Command(argv, slug, {"PYTHONPATH": ".", **env}), on_line)
    if done.ok:
        return None
    text = "\n".join(done.tail)
    for found, why in _NOTHING_TO_COLLECT:
        if found in text:
            return why
    raise _cause(text)(manage_py=manage_py, last_line=_last_line(done.tail))


def _cause(text: str) -> type[CollectStaticError]:
    for pattern, kind in _CAUSES:
        if re.search(pattern.pattern, text, re.MULTILINE):
            return kind
    return CollectStaticError


def _last_line(tail: tuple[str, ...]) -> str:
    return next((line.strip() for line in reversed(tail) if line.strip()), "(no output)")


def no_static_files() -> Notice:
    """Return the warning for an app whose static files go nowhere."""
    return Notice(
        "collectstatic::no-static-root",
        f"{NO_STATIC_ROOT}, so no static files were collected.",
        'Add a line such as STATIC_ROOT = BASE_DIR / "staticfiles" and a server for them, such\n'
        "as WhiteNoise. If the app has no static files: --env DISABLE_COLLECTSTATIC=1",
    )
