"""The outcome of a check as GitHub's workflow commands: annotations beside the lines of a pull request."""

from archprof.analysis.check import Outcome
from archprof.errors import printable
from archprof.render.check import headline, improvements, warnings
from archprof.render.findings import WRONG, Finding, findings
from archprof.render.formats import Page

# GitHub shows no more errors of one step than these.
MOST = 10


def to_github(outcome: Outcome, page: Page) -> str:
    """Return a line for each finding, ten at most, the last of which counts the rest; then one for each limit that
    may be exceeded, one for each improvement, and the sum."""
    found = list(findings(outcome, page.root))
    shown = found if len(found) <= MOST else found[: MOST - 1]
    lines = [_command("error", finding) for finding in shown]
    if len(found) > len(shown):
        names = ", ".join(dict.fromkeys(finding.network or finding.path for finding in found[len(shown) :]))
        lines.append(_command("error", Finding("", "", f"{len(found) - len(shown)} more: {names}")))
    lines += [_command("warning", Finding("", "", text)) for text in [*warnings(outcome)][:MOST]]
    lines += [_command("notice", Finding("", "", text)) for text in improvements(outcome)[:MOST]]
    return "\n".join([*lines, f"archprof: {headline(outcome)}"]) + "\n"


def _command(kind: str, finding: Finding) -> str:
    title = "archprof" if finding.rule in ("", WRONG) else f"archprof: {finding.rule} of {finding.network}"
    place = {"file": finding.path, "line": finding.line, "col": finding.column} if finding.path else {}
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in {**place, "title": title}.items())
    return f"::{kind} {properties}::{_data(finding.message)}"


def _data(text: str) -> str:
    """Return a message as a workflow command holds it: on one printable line."""
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    """Return a property's value, in which `:` and `,` would end it."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
