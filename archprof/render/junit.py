"""The outcome of a check as JUnit's XML: a suite for each network, a case for each budget."""

from xml.etree import ElementTree

from archprof.analysis.budgets import FAIL, NEW, Verdict
from archprof.analysis.check import Outcome
from archprof.errors import Problem, printable, printable_lines
from archprof.render.check import absent, budget, more, told
from archprof.render.formats import Page


def to_junit(outcome: Outcome, page: Page) -> str:
    """Return the XML; what is wrong is an error of a suite of its own."""
    top = ElementTree.Element("testsuites", name="archprof")
    suites: dict[str, list[Verdict]] = {}
    for verdict in outcome.verdicts:
        suites.setdefault(verdict.model, []).append(verdict)
    for model, verdicts in suites.items():
        failed, skipped = (str(sum(verdict.status == status for verdict in verdicts)) for status in (FAIL, NEW))
        suite = _suite(top, model, len(verdicts), failures=failed, skipped=skipped)
        for verdict in verdicts:
            _case(suite, verdict)
    if outcome.problems:
        suite = _suite(top, "archprof", len(outcome.problems), errors=str(len(outcome.problems)))
        for problem in outcome.problems:
            _error(suite, problem)
    # What is printable has no character that XML forbids.
    for element in top.iter():
        element.attrib.update({name: printable(value) for name, value in element.attrib.items()})
        element.text = element.text and printable_lines(element.text)
    ElementTree.indent(top)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(top, encoding="unicode")}\n'


def _suite(top: ElementTree.Element, name: str, tests: int, **counts: str) -> ElementTree.Element:
    return ElementTree.SubElement(
        top, "testsuite", {"name": name, "tests": str(tests), "failures": "0", "errors": "0", "skipped": "0", **counts}
    )


def _case(suite: ElementTree.Element, verdict: Verdict) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=verdict.model, name=budget(verdict))
    if verdict.status == FAIL:
        failure = ElementTree.SubElement(case, "failure", message=told(verdict), type=verdict.metric)
        grown = [f"{growth.path} {more(verdict, growth.delta)} {growth.location}" for growth in verdict.grown]
        failure.text = "\n".join(grown) or str(verdict.spec)
    elif verdict.status == NEW:
        ElementTree.SubElement(case, "skipped", message=absent(verdict))


def _error(suite: ElementTree.Element, problem: Problem) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname="archprof", name=str(problem.location or "check"))
    ElementTree.SubElement(case, "error", message=problem.message, type="wrong").text = str(problem)
