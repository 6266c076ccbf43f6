"""The outcome of a check as a table: a line for each budget."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from archprof.analysis.budgets import FAIL, NEW, PASS, Verdict
from archprof.analysis.check import Outcome
from archprof.analysis.timed import EstimatedTime
from archprof.costs.metrics import MEMORY, TIMES, label_of
from archprof.render.summary import bar
from archprof.render.table import LOCATION, NAME, PATH, Heading, Note, Table
from archprof.render.times import ns_text
from archprof.units import between, binary, exact, lower_bound, plural, short, signed, upper_bound, without_rule

MARKS = {PASS: "✓", FAIL: "✗", NEW: "·"}
SIGNS = {"max": "≤", "min": "≥", "share": "≤", "exactly": "="}


def check_table(outcome: Outcome) -> Table:
    """Return the table of a check: verdicts; below them what failed, what is better than it was, what is wrong, and
    what grew."""
    columns = (
        Heading("", "verdict", lambda status: MARKS[status], left=True),
        Heading("network", "network", left=True, fold=NAME),
        Heading("budget", "budget", left=True),
        Heading("limit", "limit", str, drop=1),
        Heading("actual", "actual", str),
        Heading("difference", "difference", str, drop=2),
        Heading("head-room", "head_room", drop=3),
    )
    notes = tuple(_notes(outcome))
    if not outcome.verdicts:
        return Table(headline(outcome), (), (), notes)
    rows = tuple(_row(verdict) for verdict in outcome.verdicts)
    quiet = frozenset(index for index, verdict in enumerate(outcome.verdicts) if verdict.status == NEW)
    below = tuple([table for table in (_growth(outcome),) if table.rows])
    return Table(headline(outcome), columns, rows, notes, quiet, below)


def _row(verdict: Verdict) -> tuple[Any, ...]:
    return (verdict.status, verdict.model, budget(verdict), *_counts(verdict))


def _counts(verdict: Verdict) -> tuple[str, str, str, str]:
    """Return a limit, what met it, the difference and the head-room; a time is an estimate, and far from a limit by
    nothing that is known."""
    known = verdict.estimates[verdict.metric] if verdict.estimates else None
    if isinstance(known, EstimatedTime):
        return _known(ns_text, verdict.limit), known.text, "", ""
    above = None if verdict.limit is None else verdict.actual - verdict.limit
    return _known(exact, verdict.limit), exact(verdict.actual), _known(signed, above), head_room(verdict)


def more(verdict: Verdict, delta: int) -> str:
    """Return how much more there is of what a verdict counts: `+1,234`, of a time `+0.030 ms`."""
    return _ms_more(delta) if verdict.metric in TIMES else signed(delta)


def _ms_more(ns: int) -> str:
    return f"{'−' if ns < 0 else '+'}{ns_text(abs(ns))}"


def _known(show: Callable[[int], str], count: int | None) -> str:
    return "" if count is None else show(count)


def headline(outcome: Outcome) -> str:
    """Return the outcome in a line: `2 of 7 budgets exceeded`."""
    checked, failed = plural(len(outcome.verdicts), "budget"), len(outcome.failures)
    new = sum(verdict.status == NEW for verdict in outcome.verdicts)
    if not outcome.verdicts:
        said = ["no budget checked"]
    else:
        said = [f"{failed} of {checked} exceeded" if failed else f"{checked} checked, none exceeded"]
    if new:
        said.append(f"{exact(new)} without a number to count from")
    if outcome.problems:
        said.append(plural(len(outcome.problems), "mistake"))
    return " · ".join(said)


def budget(verdict: Verdict) -> str:
    """Return a budget as people say it: `MACs ≤ 220M`, `MACs of kind=se ≤ 3%`."""
    whole = " of all" if verdict.bound == "share" else ""
    return f"{_counted(verdict)} {SIGNS[verdict.bound]} {verdict.text}{whole}"


def _counted(verdict: Verdict) -> str:
    """Return what a budget counts: `MACs`, `MACs of kind=se`."""
    of = f" {'on' if verdict.metric in TIMES else 'of'} {verdict.where}" if verdict.where else ""
    return f"{_label(verdict.metric)}{of}"


def _label(metric: str) -> str:
    return "weighted layers" if metric == "layers" else label_of(metric)


def head_room(verdict: Verdict) -> str:
    """Return how far a network stays from a limit that it keeps, in percent of it."""
    if verdict.status != PASS or verdict.bound == "exactly" or not verdict.limit or verdict.difference is None:
        return ""
    tenths = abs(verdict.difference) * 1000 // verdict.limit
    return f"{tenths // 10}.{tenths % 10} %"


def told(verdict: Verdict) -> str:
    """Return a failure as a sentence, with exact digits where rounded ones would look equal."""
    assert verdict.limit is not None
    if verdict.metric in TIMES and verdict.estimates:
        return _told_time(verdict)
    rounded = binary if verdict.metric in MEMORY else short
    limit, actual = rounded(verdict.limit), rounded(verdict.actual)
    if limit == actual:
        limit, actual = exact(verdict.limit), exact(verdict.actual)
    said = f"{titled(verdict)}, counted {_least(verdict, 'actual')}{actual}"
    if verdict.before is not None:
        before = f"{_least(verdict, 'before')}{exact(verdict.before)}"
        if verdict.since.count(":") > 1:  # another file, from which this one was renamed
            before += f" of {verdict.since}"
        said += f" ({signed(verdict.actual - verdict.before)} over {before})"
    said += f"; the limit is {limit}"
    if verdict.actual != verdict.limit:
        off = exact(abs(verdict.actual - verdict.limit))
        said += f", {off} too {'few' if verdict.actual < verdict.limit else 'many'}"
    return f"{said}: {verdict.note}" if verdict.note else said


def _told_time(verdict: Verdict) -> str:
    assert verdict.limit is not None
    assert verdict.estimates is not None
    known = verdict.estimates[verdict.metric]
    assert isinstance(known, EstimatedTime)
    off = ns_text(abs(verdict.actual - verdict.limit))
    where = f"even the {'most' if verdict.bound == 'min' else 'least'} is {off} beyond {ns_text(verdict.limit)}"
    return f"{titled(verdict)}, predicted {known.text}; {where}"


def _least(verdict: Verdict, what: str) -> str:
    return "at least " if what in verdict.at_least else ""


def titled(verdict: Verdict) -> str:
    """Return what tells a budget of a network from all others, whatever it counts: `v3: MACs ≤ 220M`."""
    return f"{verdict.model}: {budget(verdict)}"


def absent(verdict: Verdict) -> str:
    """Return why there is nothing to hold a network to: `not in the baseline`; empty where that is not known."""
    return f"not in {_since(verdict)}" if verdict.since else ""


def improvements(outcome: Outcome) -> list[str]:
    """Return what got better, each count once, however many limits it keeps."""
    return list(dict.fromkeys(_improvement(verdict) for verdict in outcome.verdicts if verdict.improved))


def _improvement(verdict: Verdict) -> str:
    """Return what got better, and what keeps it so."""
    assert verdict.before is not None
    share = _percent(verdict.before - verdict.actual, verdict.before)
    said = f"{verdict.model}: {_counted(verdict)} {share} under {_since(verdict)}"
    return f"{said}: tighten with `archprof check --write-baseline FILE`" if verdict.since == "baseline" else said


def warnings(outcome: Outcome) -> Iterator[str]:
    """Yield which limits are kept that may be exceeded, and why nobody knows: `net: peak ≤ 1KiB may be exceeded:
    between 160 (160 B) and 2,048 bytes (2.00 KiB); no rule for the memory of gru ×1`."""
    for verdict in outcome.verdicts:
        if verdict.uncertain and verdict.estimates:
            known = verdict.estimates[verdict.metric]
            missed = "may be exceeded" if verdict.bound != "min" else "may be missed"
            if isinstance(known, EstimatedTime):
                yield f"{titled(verdict)} {missed}: predicted {known.text}"
            else:
                ends = between(known.low, known.high)
                yield f"{titled(verdict)} {missed}: {ends}; {without_rule(verdict.unknown or {})}"


def _since(verdict: Verdict) -> str:
    return "the baseline" if verdict.since == "baseline" else verdict.since


def _percent(part: int, whole: int) -> str:
    """Return a share with as many decimals as it takes to be more than nothing, two digits of them."""
    share = Fraction(100 * part, whole)
    digits = 1
    while digits < 6 and share < Fraction(1, 10**digits):
        digits += 1
    return f"{float(share):.{digits}f} %"


def _growth(outcome: Outcome) -> Table:
    """Return the rows below failures: what grew most, and where it stands, each with a bar beside those of its
    budget."""
    grew = any(verdict.before is not None for verdict in outcome.failures)
    columns = (
        Heading("budget", "budget", left=True),
        Heading("network", "network", left=True, fold=NAME, drop=1),
        Heading("grew most" if grew else "has most", "path", left=True, fold=PATH),
        Heading("by", "delta"),
        Heading("", "bar", left=True, drop=3),  # a comment of a pull request has it too
        Heading("spec", "location", left=True, fold=LOCATION, drop=2),
    )
    rows = tuple([row for verdict in outcome.failures for row in _grown(verdict)])
    return Table("", columns, rows)


def _grown(verdict: Verdict) -> Iterator[tuple[str, ...]]:
    most = max((growth.delta for growth in verdict.grown), default=0)
    for path, delta, location in verdict.grown:
        yield budget(verdict), verdict.model, path, more(verdict, delta), bar(delta, most), str(location)


def _bounds_before(outcome: Outcome) -> Iterator[str]:
    """Yield what was more than was counted already."""
    for verdict in outcome.verdicts:
        if "before" in verdict.at_least and verdict.before is not None:
            yield f"{_counted(verdict)} of {verdict.model} at least {exact(verdict.before)} in {_since(verdict)}"


def _notes(outcome: Outcome) -> list[Note]:
    absences = [verdict for verdict in outcome.verdicts if verdict.status == NEW and verdict.since]
    new = dict.fromkeys(f"{verdict.model} is {absent(verdict)}" for verdict in absences)
    wrong = (str(problem).replace("\n ", ";") for problem in outcome.problems)
    return [
        *(Note("exceeded", f"{MARKS[FAIL]} {told(verdict)}") for verdict in outcome.failures),
        *(Note("better", f"{MARKS[PASS]} {said}") for said in improvements(outcome)),
        *(Note("new", f"{MARKS[NEW]} {said}: nothing to hold it to") for said in new),
        *(Note("unknown", f"warning: {said}") for said in warnings(outcome)),
        *(Note("problem", said) for said in wrong),
        *(
            Note("not counted", lower_bound(one.model, one.totals.macs, one.not_counted))
            for one in outcome.models
            if one.not_counted
        ),
        *(
            Note("at most", upper_bound(one.model, one.totals.macs, one.at_most.causes))
            for one in outcome.models
            if one.at_most
        ),
        *(Note("not counted", said) for said in dict.fromkeys(_bounds_before(outcome))),
    ]
