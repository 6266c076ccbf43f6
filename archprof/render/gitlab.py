"""The outcome of a check as GitLab's code quality report."""

from hashlib import sha256

from archprof.analysis.check import Outcome
from archprof.render.findings import WRONG, Finding, findings
from archprof.render.formats import Page
from archprof.render.json import json_text


def to_gitlab(outcome: Outcome, page: Page) -> str:
    """Return the JSON list of findings; a fingerprint stays while the same budget of the same network is exceeded."""
    return json_text([_issue(finding) for finding in findings(outcome, page.root)], indent=2) + "\n"


def _issue(finding: Finding) -> dict[str, object]:
    same = (finding.rule, finding.network, finding.path, finding.identity)
    return {
        "description": finding.message,
        "check_name": f"archprof-{finding.rule}",
        "fingerprint": sha256("\0".join(same).encode("utf-8", "backslashreplace")).hexdigest(),
        "severity": "blocker" if finding.rule == WRONG else "major",
        # A finding without a place stands at the repository itself: GitLab wants a path and a line.
        "location": {"path": finding.path or ".", "lines": {"begin": finding.line}},
    }
