"""The outcome of a check: as a table, a line for each budget, and as JSON."""

from collections.abc import Callable
from typing import Any

from archprof.analysis.budgets import FAIL, NEW, PASS, Verdict
from archprof.analysis.check import Outcome
from archprof.errors import Problem, printable
from archprof.render.table import Column, Table
from archprof.units import exact, plural, short, signed

SCHEMA = 1
MARKS = {PASS: "✓", FAIL: "✗", NEW: "·"}
SIGNS = {"max": "≤", "min": "≥", "share": "≤", "exactly": "="}
LABELS = {
    "macs": "MACs", "flops": "FLOPs (2 × MACs)", "size": "bytes at fp32", "size_fp16": "bytes at fp16", "size_int8": "bytes at int8",
    "layers": "weighted layers",
}  # fmt: skip


def check_table(outcome: Outcome, *, problems: bool = False) -> Table:
    """Return the table of a check: verdicts; below them what failed, what is better than it was, with *problems* what
    is wrong, and what grew."""
    notes = (
        *_notes(outcome),
        *(printable(str(problem).replace("\n ", ";")) for problem in outcome.problems if problems),
    )
    columns = (
        Column("", "verdict", lambda status: MARKS[status], left=True),
        Column("network", "network", printable, left=True),
        Column("budget", "budget", left=True),
        Column("limit", "limit", lambda count: _known(exact, count)),
        Column("actual", "actual", exact),
        Column("difference", "difference", lambda count: _known(signed, count), drop=1),
        Column("head-room", "head_room", drop=2),
    )
    if not outcome.verdicts:
        return Table(headline(outcome), (), (), notes)
    rows = tuple(_row(verdict) for verdict in outcome.verdicts)
    quiet = frozenset(index for index, verdict in enumerate(outcome.verdicts) if verdict.status == NEW)
    below = tuple([table for table in (_growth(outcome),) if table.rows])
    return Table(headline(outcome), columns, rows, notes, quiet, below)


def _row(verdict: Verdict) -> tuple[Any, ...]:
    room = head_room(verdict) if verdict.status == PASS else ""
    counts = (
        (None, verdict.actual, None)
        if verdict.status == NEW
        else (verdict.limit, verdict.actual, verdict.actual - verdict.limit)
    )
    return (verdict.status, verdict.model, budget(verdict), *counts, room)


def _known(show: Callable[[int], str], count: int | None) -> str:
    return "" if count is None else show(count)


def headline(outcome: Outcome) -> str:
    """Return the outcome in a line: `2 of 7 budgets exceeded`."""
    checked, failed = plural(len(outcome.verdicts), "budget"), len(outcome.failures)
    new = sum(verdict.status == NEW for verdict in outcome.verdicts)
    said = [
        "no budget checked"
        if not outcome.verdicts
        else f"{failed} of {checked} exceeded"
        if failed
        else f"{checked} checked, none exceeded"
    ]
    if new:
        said.append(f"{exact(new)} without a number to count from")
    if outcome.problems:
        said.append(plural(len(outcome.problems), "mistake"))
    return " · ".join(said)


def budget(verdict: Verdict) -> str:
    """Return a budget as people say it: `MACs ≤ 220M`, `MACs of kind=se ≤ 3%`."""
    of = f" of {printable(verdict.where)}" if verdict.where else ""
    whole = " of all" if verdict.bound == "share" else ""
    return f"{LABELS.get(verdict.metric, verdict.metric)}{of} {SIGNS[verdict.bound]} {printable(verdict.text)}{whole}"


def head_room(verdict: Verdict) -> str:
    """Return how far a network stays from a limit, in percent of it."""
    if verdict.bound == "exactly" or not verdict.limit:
        return ""
    tenths = abs(verdict.difference) * 1000 // verdict.limit
    return f"{tenths // 10}.{tenths % 10} %"


def told(verdict: Verdict) -> str:
    """Return a failure as a sentence, with exact digits where rounded ones would look equal."""
    limit, actual = short(verdict.limit), short(verdict.actual)
    if limit == actual:
        limit, actual = exact(verdict.limit), exact(verdict.actual)
    said = f"{printable(verdict.model)}: {budget(verdict)}, counted {actual}"
    if verdict.before is not None:
        said += f" ({signed(verdict.actual - verdict.before)} over {exact(verdict.before)})"
    over = (
        ""
        if verdict.actual == verdict.limit
        else f", {exact(abs(verdict.actual - verdict.limit))} too {'few' if verdict.actual < verdict.limit else 'many'}"
    )
    return f"{said}; the limit is {limit}{over}{f': {printable(verdict.note)}' if verdict.note else ''}"


def _growth(outcome: Outcome) -> Table:
    """Return the rows below failures: what grew most, and where it stands."""
    columns = (
        # The network is not first: a line that starts with `::` would be a command to GitHub.
        Column("budget", "budget", left=True),
        Column("network", "network", printable, left=True),
        Column("grew most", "path", left=True),
        Column("by", "delta", signed),
        Column("spec", "location", left=True),
    )
    rows = tuple(
        (budget(verdict), verdict.model, growth.path, growth.delta, str(growth.location))
        for verdict in outcome.failures
        for growth in verdict.grown
    )
    if not any(verdict.before is not None for verdict in outcome.failures):
        columns = (*columns[:2], Column("has most", "path", left=True), *columns[3:])
    return Table("", columns, rows)


def _notes(outcome: Outcome) -> list[str]:
    notes = [f"{MARKS[FAIL]} {told(verdict)}" for verdict in outcome.failures]
    notes += [
        f"{MARKS[PASS]} {improvement(verdict)}"
        for verdict in outcome.verdicts
        if verdict.status == PASS and verdict.note
    ]
    new = dict.fromkeys(
        (verdict.model, verdict.note) for verdict in outcome.verdicts if verdict.status == NEW and verdict.note
    )
    notes += [f"{MARKS[NEW]} {printable(model)} is {printable(note)}: nothing to hold it to" for model, note in new]
    return notes


def improvement(verdict: Verdict) -> str:
    """Return what got better, and what keeps it so."""
    said = f"{printable(verdict.model)}: {LABELS.get(verdict.metric, verdict.metric)} {verdict.note}"
    return (
        f"{said}: tighten with `archprof check --write-baseline FILE`"
        if verdict.note.endswith("the baseline")
        else said
    )


def check_document(outcome: Outcome) -> dict[str, Any]:
    """Return the document that docs/reference/budgets.md describes."""
    return {
        "schema": SCHEMA,
        "exit_code": outcome.exit_code,
        "verdicts": [_verdict(verdict) for verdict in outcome.verdicts],
        "problems": [_problem(problem) for problem in outcome.problems],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    fields = {**verdict._asdict(), "difference": verdict.difference}
    if verdict.status == NEW:
        fields |= {"limit": None, "difference": None}
    grown = [{"path": growth.path, "delta": growth.delta, "location": str(growth.location)} for growth in verdict.grown]
    return {**fields, "location": str(verdict.location), "spec": str(verdict.spec), "grown": grown}


def _problem(problem: Problem) -> dict[str, Any]:
    return {**problem._asdict(), "location": str(problem.location) if problem.location else None}
