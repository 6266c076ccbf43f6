"""The outcome of a check as SARIF 2.1.0, which code hosts and editors read."""

from typing import Any
from urllib.parse import quote

from archprof import __version__
from archprof.analysis.check import Outcome
from archprof.render.findings import RULES, Finding, findings
from archprof.render.formats import Page
from archprof.render.json import json_text

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_NAMES = list(RULES)


def to_sarif(outcome: Outcome, page: Page) -> str:
    """Return the log of one run: a result for each finding; paths count from the root of the sources."""
    driver = {"name": "archprof", "version": __version__, "rules": [_rule(name, text) for name, text in RULES.items()]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding) for finding in findings(outcome, page.root)],
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(name: str, text: str) -> dict[str, Any]:
    return {"id": f"archprof/{name}", "shortDescription": {"text": text}, "defaultConfiguration": {"level": "error"}}


def _result(finding: Finding) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": f"archprof/{finding.rule}",
        "ruleIndex": _NAMES.index(finding.rule),
        "level": "error",
        "message": {"text": finding.message},
    }
    if finding.path:
        region = {"startLine": finding.line, "startColumn": finding.column}
        artifact = {"uri": quote(finding.path, errors="surrogateescape"), "uriBaseId": "%SRCROOT%"}
        result["locations"] = [{"physicalLocation": {"artifactLocation": artifact, "region": region}}]
    return result
