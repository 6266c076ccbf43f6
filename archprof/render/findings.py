"""What a check found fault with, as the formats of code hosts have it: a rule, a sentence, and a place in a file of the
repository."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from archprof.analysis.budgets import Verdict
from archprof.analysis.check import Outcome
from archprof.costs.metrics import DERIVED, METRICS, OF_NETWORK, TIMES
from archprof.errors import Location, Problem, printable
from archprof.named_tuple import NamedTuple
from archprof.render.check import more, titled, told

WRONG = "wrong"
RULES = {
    **{metric.name: f"{metric.text} beyond the budget." for metric in METRICS},
    **{derived.name: f"{derived.text} beyond the budget." for derived in DERIVED.values()},
    **{metric.name: f"{metric.text} beyond the budget." for metric in (*OF_NETWORK.values(), *TIMES.values())},
    "layers": "Layers that multiply beyond the budget.",
    WRONG: "A spec, a budget or a baseline that does not say what it should.",
}


class Finding(NamedTuple):
    """One fault: its rule, the network (empty where none is meant), a sentence, what tells it from others as long as it
    is the same fault, and where to look; an empty path is no place in a file."""

    rule: str
    network: str
    message: str
    identity: str = ""
    path: str = ""
    line: int = 1
    column: int = 1


def findings(outcome: Outcome, root: Path) -> Iterator[Finding]:
    """Yield what is wrong, then what exceeds its budget; paths count from *root*, the repository's."""
    met: Counter[tuple[str, str]] = Counter()
    for problem in outcome.problems:
        said = _sentence(problem)
        found = _placed(Finding(WRONG, "", said, said), problem.location, root)
        place = problem.location
        # The same mistake again in a file is another one, wherever it stands: lines move.
        met[found.path, said] += 1
        if (times := met[found.path, said]) > 1:
            found = found._replace(identity=f"{said} ({times})")
        # A place that is none in a file of the checkout, as an option or a revision, is told.
        yield found if found.path or place is None else found._replace(message=printable(f"{place}: {said}"))
    for verdict in outcome.failures:
        found = Finding(verdict.metric, verdict.model, explained(verdict), titled(verdict))
        yield _placed(found, verdict.spec, root)


def explained(verdict: Verdict) -> str:
    """Return a failure with what grew most, in sentences on one printable line."""
    grown = "; ".join(f"{growth.path} {more(verdict, growth.delta)} ({growth.location})" for growth in verdict.grown)
    what = "grew most" if verdict.before is not None else "has most"
    return printable(f"{told(verdict)}{f'. {what.capitalize()}: {grown}' if grown else ''}")


def _sentence(problem: Problem) -> str:
    return printable("; ".join(filter(None, [problem.message, problem.help, problem.note])))


def _placed(finding: Finding, location: Location | None, root: Path) -> Finding:
    """Return a finding at a place, if that is one in a file."""
    if location is None or not location.line or location.file == "<stdin>" or location.file.startswith("git:"):
        return finding
    path = Path(os.path.relpath(location.file, root)).as_posix()
    return finding._replace(path=path, line=location.line, column=location.column)
