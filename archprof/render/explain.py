"""Why numbers differ, as tables: `archprof explain`."""

from collections.abc import Iterator
from typing import Any

from archprof.analysis.explain import Explained, Explanation, PublishedCount, Rewriting
from archprof.analysis.guess import Guessed
from archprof.costs.convention import ARCHPROF
from archprof.render.summary import convention_note, heading
from archprof.render.table import Heading, Note, Table
from archprof.spec.variant import settings_text
from archprof.units import exact, plural, short, signed

_OPERATIONS = {"macs": "MACs", "flops": "FLOPs"}


def explain_table(found: Explained) -> Table:
    """Return a row for each convention: its number, and what it counts besides our MACs."""
    columns = (
        Heading("convention", "convention", left=True),
        Heading("version", "version", _release, left=True, drop=4),
        Heading("number", "number", exact),
        Heading("unit", "unit", left=True),
        Heading("besides our MACs", "steps", left=True, drop=3, wrap=True),
    )
    rows = tuple((one.name, one.version, one.total, one.unit, _sentence(one)) for one in found.conventions)
    return Table(heading(found.head), columns, rows, tuple(_footer(found)))


def waterfall_table(found: Explained) -> Table:
    """Return a row for each step of each convention, from our MACs to its number."""
    columns = (
        Heading("convention", "convention", left=True),
        Heading("step", "step", left=True),
        Heading("how much", "amount", left=True, drop=3, wrap=True),
        Heading("operators", "operators", _or_nothing, drop=4),
        Heading("number", "number", exact),
        Heading("unit", "unit", left=True),
    )
    rows = tuple(row for one in found.conventions for row in _waterfall(one))
    others = [one for one in found.conventions if one.name != ARCHPROF.name]
    tools = [Note("convention", f"{one.name} {one.version}: {one.text}") for one in others]
    return Table(heading(found.head), columns, rows, (*tools, *_footer(found)))


def _release(version: int | str) -> str:
    """Return a version without the date that a build appends: `0.1.5`."""
    return str(version).partition(".post")[0]


def _waterfall(one: Explanation) -> list[tuple[Any, ...]]:
    steps = [
        (one.name, _signed(step.label, step.counted), step.amount, step.operators, step.counted, "")
        for step in one.steps
    ]
    first = (one.name, "MACs", "", one.operators, one.macs, "")
    return [first, *steps, (one.name, "=", "", None, one.total, one.unit)]


def _signed(label: str, counted: int) -> str:
    return f"{'−' if counted < 0 else '+'} {label}"


def _sentence(one: Explanation) -> str:
    """Return `+ batch norm 8,799,616 (2 per element) + …`."""
    return " ".join(
        f"{_signed(step.label, step.counted)} {exact(abs(step.counted))} ({step.amount})" for step in one.steps
    )


def _or_nothing(number: int | None) -> str:
    return "" if number is None else exact(number)


def _footer(found: Explained) -> Iterator[Note]:
    """Yield published numbers, other ways to write the same, operators that tools may see otherwise, our convention."""
    for one in found.published:
        # Parameters are told where they differ: no convention is about them.
        if one.what in _OPERATIONS or one.verdict not in ("equal", "truncated"):
            yield Note("published", _published(one))
    for form in found.forms:
        yield Note("writing", _rewritten(form))
    if names := ", ".join(f"`{name}`" for name in found.unpriced):
        depends = "depends on code that is not archprof's: only MACs are counted there"
        yield Note("unpriced", f"what tools count for {names} {depends}")
    yield convention_note(found.head)


def _published(one: PublishedCount) -> str:
    source = f" ({one.where})" if one.where else ""
    parts = [f"{exact(one.counted)} ({short(one.counted)}) here"]
    if one.what in _OPERATIONS:
        parts.append(f"given by {', '.join(one.given_by) or 'no convention'}")
    what = _OPERATIONS.get(one.what, one.what)
    return f"published {one.text} {what}{source}: {'; '.join(filter(None, [*parts, one.note]))}"


def _rewritten(one: Rewriting) -> str:
    totals = ", ".join(f"{name} {exact(total)}" for name, total in one.totals.items())
    return f"{plural(one.operators, one.what)} written as {one.written} here; as {one.otherwise}: {totals}"


def guess_table(found: Guessed, shown: int) -> Table:
    """Return what a number may be, a row each: those that fit, or the nearest where none does."""
    fitting = [guess for guess in found.guesses if guess.fits]
    columns = (
        Heading("number", "number", exact),
        Heading("what", "what", left=True),
        Heading("convention", "convention", left=True),
        Heading("at", "at", left=True),
        Heading("difference", "difference", lambda difference: signed(round(difference))),
        Heading("", "verdict", lambda verdict: {"equal": "✓", "truncated": "✓ cut"}.get(verdict, ""), left=True),
    )
    rows = tuple(
        (one.number, one.what, one.convention, settings_text(one.at.items()), one.difference, one.verdict)
        for one in (fitting or found.guesses)[:shown]
    )
    return Table(heading(found.head), columns, rows, (Note("verdicts", _answer(found)), convention_note(found.head)))


def _answer(found: Guessed) -> str:
    best = next(iter(found.guesses), None)
    if best is None or not best.fits:
        return f"nothing known gives {found.seen}; these come nearest"
    at = f" at {settings_text(best.at.items())}" if best.at else ""
    by = f" as {best.convention} counts them" if best.convention not in ("", ARCHPROF.name) else ""
    return f"{found.seen}: {best.what}{by}{at}"
