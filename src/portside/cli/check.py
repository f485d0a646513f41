"""``portside check``: what will hurt an app in production, found by reading it."""

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

from msgspec.structs import replace

from portside import __version__
from portside.checks import RULES, check
from portside.checks.app import App, Evidence
from portside.checks.formats import to_github, to_json, to_sarif
from portside.cli.options import add_app, add_settings, settings_of
from portside.console import Style, print_out, wants_colours
from portside.effects.app_source import DirectorySource
from portside.effects.host import Host, read_host
from portside.effects.process import ProcessRunner
from portside.effects.version_control import tracked_files
from portside.inquiry import open_source, read_facts
from portside.model.errors import BuildError
from portside.model.findings import Finding, Severity
from portside.model.settings import Given
from portside.planning.policy import load_policy

_FORMATS = ("text", "json", "sarif", "github")
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
_COLUMNS = 88
_INDENT = "    "
_DESCRIPTION = """\
Say what will hurt APP in production. It is read, never run. The exit code is 1 where there are
errors; warnings leave it at 0. docs/check.md explains each rule.

  portside check --format sarif > portside.sarif      for code scanning
  portside check --format github                      annotations of a GitHub workflow
  portside check --disable sqlite-database            without a rule
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments and options."""
    parser.description = _DESCRIPTION
    add_app(parser)
    parser.add_argument(
        "--format", choices=_FORMATS, default="text", help="how findings are written"
    )
    parser.add_argument(
        "--disable",
        action="append",
        default=[],
        type=_rule_name,
        metavar="RULE",
        help="leave a rule out; may be given several times",
    )
    add_settings(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the findings; return 1 where there is an error among them."""
    host = read_host()
    given = Given(host.environ, settings_of(arguments))
    source = open_source(arguments.app, given)
    app = App(source, _evidence(source, host, given))
    found = [
        replace(finding, path=_shown_path(arguments.app, finding.path))
        for finding in check(app, arguments.disable)
    ]
    text = _render(found, arguments.format, source.name, host)
    if text:
        print_out(text)
    return int(any(finding.severity is Severity.ERROR for finding in found))


def _rule_name(text: str) -> str:
    names = [rule.name for rule in RULES]
    if text in names:
        return text
    close = get_close_matches(text, names, n=1)
    suggestion = f"Did you mean '{close[0]}'?" if close else "docs/check.md has them all."
    raise argparse.ArgumentTypeError(f"there is no rule '{text}'. {suggestion}")


def _evidence(source: DirectorySource, host: Host, given: Given) -> Evidence:
    facts, refusal = None, None
    try:
        # What the last build left says nothing about the source.
        facts = read_facts(source, dict, given=given)
    except BuildError as error:
        refusal = error
    tracked = tracked_files(source.root, ProcessRunner(), host.environ)
    return Evidence(facts, load_policy(), datetime.now(UTC).date(), refusal, tracked)


def _shown_path(app: Path, path: str) -> str:
    """Return a file's path as seen from here: that's what editors and GitHub open."""
    return path if app.is_absolute() else os.path.normpath(app / path)


def _render(found: Sequence[Finding], form: str, name: str, host: Host) -> str:
    match form:
        case "json":
            return to_json(found, name)
        case "sarif":
            return to_sarif(found, RULES, __version__)
        case "github":
            return to_github(found)
        case _:
            style = Style(colours=wants_colours(sys.stdout, host.environ))
            return render_findings(found, style)


def render_findings(found: Sequence[Finding], style: Style) -> str:
    """Return findings as text for people."""
    blocks = [_block(finding, style) for finding in found]
    return "\n\n".join([*blocks, _total(found)])


def _block(finding: Finding, style: Style) -> str:
    place = style("bold", f"{finding.path}:{finding.line}:")
    severity = style(_COLOURS[finding.severity], f"{finding.severity.value}:")
    head = f"{place} {severity} {finding.message} {style('dim', f'[{finding.rule}]')}"
    return "\n".join([head, *_wrapped(finding.reason), *_wrapped(f"Fix: {finding.fix}")])


def _wrapped(text: str) -> list[str]:
    """Return text as indented lines; a line that is indented already is code and stays whole."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(" "):
            lines.append(_INDENT + line)
        else:
            lines += textwrap.wrap(
                line,
                _COLUMNS,
                initial_indent=_INDENT,
                subsequent_indent=_INDENT,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return lines


def _total(found: Sequence[Finding]) -> str:
    if not found:
        return "Nothing was found that would hurt in production."
    counts = [
        (sum(item.severity is severity for item in found), severity.value) for severity in Severity
    ]
    return ", ".join(f"{n} {name}{'s' * (n > 1)}" for n, name in counts if n) + "."
