"""Why numbers differ, as tables: `archprof explain`."""

from collections.abc import Iterable, Sequence
from typing import Any

from archprof.analysis.explain import Explanation, PublishedCount, Rewriting
from archprof.analysis.guess import Guess, Seen
from archprof.costs.convention import ARCHPROF
from archprof.costs.report import Report
from archprof.render.json import head
from archprof.render.summary import heading
from archprof.render.table import Column, Table
from archprof.spec.variant import settings_text
from archprof.units import exact, plural, short, signed


def explain_table(report: Report, explanations: Sequence[Explanation], footer: Iterable[str]) -> Table:
    """Return a row for each convention: its number, and what it counts besides our MACs."""
    columns = (
        Column("convention", "convention", left=True),
        Column("version", "version", _release, left=True, drop=2),
        Column("number", "number", exact),
        Column("unit", "unit", left=True),
        Column("besides our MACs", "steps", left=True, drop=1, wrap=True),
    )
    rows = tuple(
        (one.convention.name, one.convention.version, one.total, one.convention.unit, _sentence(one))
        for one in explanations
    )
    return Table(heading(report), columns, rows, tuple(footer))


def waterfall_table(report: Report, explanations: Sequence[Explanation], footer: Iterable[str]) -> Table:
    """Return a row for each step of each convention, from our MACs to its number."""
    columns = (
        Column("convention", "convention", left=True),
        Column("step", "step", left=True),
        Column("how much", "amount", left=True, drop=1),
        Column("operators", "operators", _or_nothing, drop=2),
        Column("number", "number", exact),
        Column("unit", "unit", left=True),
    )
    rows = tuple(row for one in explanations for row in _waterfall(one, report))
    tools = [f"{one.convention}: {one.convention.text}" for one in explanations if one.convention is not ARCHPROF]
    return Table(heading(report), columns, rows, (*tools, *footer))


def _release(version: int | str) -> str:
    """Return a version without the date that a build appends: `0.1.5`."""
    return str(version).partition(".post")[0]


def _waterfall(one: Explanation, report: Report) -> list[tuple[Any, ...]]:
    name, unit = one.convention.name, one.convention.unit
    counted = sum(row.cost.macs > 0 for row in report.rows)
    steps = [
        (name, _signed(step.label, step.counted), step.amount, step.operators, step.counted, "") for step in one.steps
    ]
    return [(name, "MACs", "", counted, one.macs, ""), *steps, (name, "=", "", None, one.total, unit)]


def _signed(label: str, counted: int) -> str:
    return f"{'−' if counted < 0 else '+'} {label}"


def _sentence(one: Explanation) -> str:
    """Return `+ batch norm 8,799,616 (2 per element) + …`."""
    return " ".join(
        f"{_signed(step.label, step.counted)} {exact(abs(step.counted))} ({step.amount})" for step in one.steps
    )


def _or_nothing(number: int | None) -> str:
    return "" if number is None else exact(number)


def footnotes(rewritings: Iterable[Rewriting], prints: Iterable[PublishedCount], unpriced: Iterable[str]) -> list[str]:
    """Return the lines below the table: published numbers, other ways to write the same, operators that tools may see
    otherwise, our convention."""
    # Parameters are told where they differ: no convention is about them.
    lines = [
        _published(one) for one in prints if one.what in ("macs", "flops") or one.verdict not in ("equal", "truncated")
    ]
    lines += [_rewritten(one) for one in rewritings]
    if names := ", ".join(f"`{name}`" for name in unpriced):
        lines.append(
            f"what tools count for {names} depends on code that is not archprof's: only MACs are counted there"
        )
    return [*lines, f"convention {ARCHPROF}: {ARCHPROF.text}"]


def _published(one: PublishedCount) -> str:
    what = {"macs": "MACs", "flops": "FLOPs"}.get(one.what, one.what)
    source = f" ({one.where})" if one.where else ""
    parts = [f"{exact(one.counted)} ({short(one.counted)}) here"]
    if one.what in ("macs", "flops"):
        parts.append(f"given by {', '.join(one.given_by) or 'no convention'}")
    return f"published {one.text} {what}{source}: {'; '.join(filter(None, [*parts, one.note]))}"


def _rewritten(one: Rewriting) -> str:
    totals = ", ".join(f"{name} {exact(total)}" for name, total in one.totals.items())
    return f"{plural(one.operators, one.writing.what)} written as {one.writing.written} here; as {one.writing.otherwise}: {totals}"


def guess_table(report: Report, seen: Seen, guesses: Sequence[Guess], shown: int) -> Table:
    """Return what a number may be, a row each: those that fit, or the nearest where none does."""
    fitting = [guess for guess in guesses if guess.fits]
    columns = (
        Column("number", "number", exact),
        Column("what", "what", left=True),
        Column("convention", "convention", left=True),
        Column("at", "at", left=True),
        Column("difference", "difference", lambda difference: signed(round(difference))),
        Column("", "verdict", lambda verdict: {"equal": "✓", "truncated": "✓ cut"}.get(verdict, ""), left=True),
    )
    rows = tuple(
        (guess.number, guess.what, guess.convention, settings_text(guess.at), guess.difference, guess.verdict)
        for guess in (fitting or guesses)[:shown]
    )
    return Table(
        heading(report), columns, rows, (_answer(seen, fitting, report), f"convention {ARCHPROF}: {ARCHPROF.text}")
    )


def _answer(seen: Seen, fitting: Sequence[Guess], report: Report) -> str:
    if not fitting:
        return f"nothing known gives {seen.text}; these come nearest"
    best = fitting[0]
    at = f" at {settings_text(best.at)}" if best.at else ""
    by = f" as {best.convention} counts them" if best.convention not in ("", ARCHPROF.name) else ""
    return f"{seen.text}: {best.what}{by}{at}"


def explain_document(
    report: Report,
    explanations: Sequence[Explanation],
    rewritings: Iterable[Rewriting],
    prints: Iterable[PublishedCount],
) -> dict[str, Any]:
    """Return the JSON of `archprof explain`: every step of every convention, other forms, published counts."""
    return {
        **head(report),
        "totals": dict(report.totals),
        "conventions": [_convention(one) for one in explanations],
        "forms": [_form(one) for one in rewritings],
        "published": [{**one._asdict(), "given_by": list(one.given_by)} for one in prints],
    }


def _convention(one: Explanation) -> dict[str, Any]:
    rule = one.convention
    steps = [step._asdict() for step in one.steps]
    return {
        "name": rule.name,
        "version": rule.version,
        "text": rule.text,
        "unit": rule.unit,
        "macs": one.macs,
        "steps": steps,
        "total": one.total,
    }


def _form(one: Rewriting) -> dict[str, Any]:
    writing = one.writing
    return {
        "what": writing.what,
        "written": writing.written,
        "otherwise": writing.otherwise,
        "operators": one.operators,
        "totals": one.totals,
    }


def guess_document(report: Report, seen: Seen, guesses: Iterable[Guess]) -> dict[str, Any]:
    """Return the JSON of `archprof explain --number`: all that was tried, best first."""
    tried = [
        {**guess._asdict(), "at": dict(guess.at), "difference": float(guess.difference), "fits": guess.fits}
        for guess in guesses
    ]
    return {**head(report), "seen": seen.text, "guesses": tried}
