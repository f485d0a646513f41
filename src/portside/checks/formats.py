"""Findings as JSON, as SARIF and as GitHub's annotations; no text for people."""

import json
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from portside.checks.rule import Rule
from portside.model.codec import encode
from portside.model.findings import Finding, Severity

SCHEMA = 1
_SARIF = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def to_json(findings: Sequence[Finding], app: str) -> str:
    """Return findings as one JSON object (docs/check.md)."""
    counts = {
        severity.value: sum(item.severity is severity for item in findings) for severity in Severity
    }
    listed = [encode(finding) for finding in findings]
    document = {"schema": SCHEMA, "app": app, "counts": counts, "findings": listed}
    return json.dumps(document, indent=2)


def to_sarif(findings: Sequence[Finding], rules: Sequence[Rule], version: str) -> str:
    """Return findings as a log in the Static Analysis Results Interchange Format (SARIF 2.1.0).

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/
    """
    places = {rule.name: at for at, rule in enumerate(rules)}
    driver = {"name": "portside", "version": version, "rules": [_descriptor(r) for r in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, places[finding.rule]) for finding in findings],
    }
    return json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, indent=2)


def to_github(findings: Iterable[Finding]) -> str:
    """Return findings as commands of a GitHub workflow, which become annotations, a line each."""
    return "\n".join(map(_annotation, findings))


def _descriptor(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.reason},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _result(finding: Finding, rule: int) -> dict[str, object]:
    # SARIF's levels have the same names as severities.
    place = {
        "artifactLocation": {"uri": _uri(finding.path), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": finding.line},
    }
    return {
        "ruleId": finding.rule,
        "ruleIndex": rule,
        "level": finding.severity.value,
        "message": {"text": f"{finding.message} {finding.reason}\n{finding.fix}"},
        "locations": [{"physicalLocation": place}],
    }


def _uri(path: str) -> str:
    # A colon in the first part of a relative reference would make it a scheme (RFC 3986, 4.2).
    return quote(path.encode("utf-8", "surrogateescape"))


def _annotation(finding: Finding) -> str:
    properties = {"file": finding.path, "line": str(finding.line), "title": finding.rule}
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = f"{finding.message}\n{finding.reason}\n{finding.fix}"
    return f"::{_COMMANDS[finding.severity]} {listed}::{_data(text)}"


def _data(text: str) -> str:
    """Escape as the runner unescapes: https://github.com/actions/toolkit, packages/core."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
