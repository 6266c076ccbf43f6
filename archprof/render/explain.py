"""Why numbers differ, as tables: `archprof explain`."""

from collections.abc import Iterator, Sequence
from typing import Any

from archprof.analysis.explain import Explained, Explanation, PublishedCount, Rewriting
from archprof.analysis.guess import Guess, Guessed, PrintedThere
from archprof.costs.convention import ARCHPROF
from archprof.render.summary import captured_notes, convention_note, heading, may_be_fewer
from archprof.render.table import Heading, Note, Table
from archprof.spec.variant import settings_text
from archprof.units import exact, extent, listed, of_constants, plural, short, signed, without_norms

_OTHERS = "other settings are other networks: `--width`, `--resolution`, `--classes`, `--set` ask for them"
# So many answers stand in a table, and so many numbers where there is none.
_MOST, _NEAREST = 8, 3
_OPERATIONS = {"macs": "MACs", "flops": "FLOPs"}


def explain_table(found: Explained) -> Table:
    """Return a row for each convention: its number, and what it counts besides our MACs."""
    columns = (
        Heading("convention", "convention", left=True),
        Heading("version", "version", _release, left=True, drop=4),
        *([Heading("", "extent", left=True)] if _inexact(found) else []),
        Heading("number", "number", exact),
        Heading("unit", "unit", left=True),
        Heading("besides our MACs", "steps", left=True, drop=3, wrap=True),
    )
    rows = tuple(
        (one.name, one.version, *_extents(found, one), one.total, one.unit, _sentence(one)) for one in found.conventions
    )
    return Table(heading(found.head), columns, rows, tuple(_footer(found)))


def waterfall_table(found: Explained) -> Table:
    """Return a row for each step of each convention, from our MACs to its number."""
    columns = (
        Heading("convention", "convention", left=True),
        Heading("step", "step", left=True),
        Heading("how much", "amount", left=True, drop=3, wrap=True),
        Heading("operators", "operators", _or_nothing, drop=4),
        Heading("number", "number", _below_zero_too),
        Heading("unit", "unit", left=True),
    )
    rows = tuple(row for one in found.conventions for row in _waterfall(one, _extent(found, one)))
    others = [one for one in found.conventions if one.name != ARCHPROF.name]
    tools = [Note("convention", f"{one.name} {one.version}: {one.text}") for one in others]
    return Table(heading(found.head), columns, rows, (*tools, *_footer(found)))


def _inexact(found: Explained) -> bool:
    return bool(found.at_most) or any(one.not_priced for one in found.conventions)


def _extents(found: Explained, one: Explanation) -> tuple[str, ...]:
    """Return what stands before a number, where that column is."""
    return (_extent(found, one),) if _inexact(found) else ()


def _extent(found: Explained, one: Explanation) -> str:
    return extent(at_least=one.not_priced, at_most=found.at_most)


def _not_priced(found: Explained) -> Iterator[Note]:
    """Yield the operators that conventions have no price for, once for all that have none for the same, and the norms
    that are no operators of the file."""
    names: dict[str, list[str]] = {}
    for one in found.conventions:
        if one.not_priced:
            names.setdefault(listed(one.not_priced), []).append(one.name)
    for operators, conventions in names.items():
        yield Note("unpriced", f"{', '.join(conventions)}: not priced: {operators}")
    if folded := {one.name: one.folded_norms for one in found.conventions if one.folded_norms}:
        yield Note("unpriced", f"{', '.join(folded)}: {without_norms(max(folded.values()))}")


def _release(version: int | str) -> str:
    """Return a version without the date that a build appends: `0.1.5`."""
    return str(version).partition(".post")[0]


def _waterfall(one: Explanation, extent: str) -> list[tuple[Any, ...]]:
    steps = [
        (one.name, _signed(step.label, step.counted), step.amount, step.operators, step.counted, "")
        for step in one.steps
    ]
    first = (one.name, "MACs", "", one.operators, one.macs, "")
    return [first, *steps, (one.name, extent or "=", "", None, one.total, one.unit)]


def _signed(label: str, counted: int) -> str:
    return f"{'−' if counted < 0 else '+'} {label}"


def _sentence(one: Explanation) -> str:
    """Return `+ batch norm 8,799,616 (2 per element) + …`."""
    return " ".join(
        f"{_signed(step.label, step.counted)} {exact(abs(step.counted))} ({step.amount})" for step in one.steps
    )


def _below_zero_too(number: int) -> str:
    return f"−{exact(-number)}" if number < 0 else exact(number)


def _or_nothing(number: int | None) -> str:
    return "" if number is None else exact(number)


def _footer(found: Explained) -> Iterator[Note]:
    """Yield published numbers, other ways to write the same, operators that tools may see otherwise, our convention."""
    for one in found.published:
        # Parameters are told where they differ: no convention is about them.
        if one.metric in _OPERATIONS or one.verdict not in ("equal", "truncated"):
            yield Note("published", _published(one))
    for form in found.forms:
        yield Note("writing", _rewritten(form))
    if names := ", ".join(f"`{name}`" for name in found.unpriced):
        depends = "depends on code that is not archprof's: only MACs are counted there"
        yield Note("unpriced", f"what tools count for {names} {depends}")
    yield from _not_priced(found)
    if found.not_counted:
        yield Note("not counted", f"not counted: {listed(found.not_counted)}")
    if found.constant_macs:
        yield Note("constant", of_constants(found.constant_macs))
    if found.at_most:
        yield Note("at most", may_be_fewer(found.at_most))
    yield from captured_notes(found.head.model, found.head.captured)
    yield convention_note(found.head)


def _published(one: PublishedCount) -> str:
    source = f" ({one.where})" if one.where else ""
    parts = [f"{exact(one.counted)} ({short(one.counted)}) here"]
    if one.metric in _OPERATIONS:
        parts.append(f"given by {', '.join(one.given_by) or 'no convention'}")
    what = _OPERATIONS.get(one.metric, one.metric)
    return f"published {one.text} {what}{source}: {'; '.join(filter(None, [*parts, one.note]))}"


def _rewritten(one: Rewriting) -> str:
    totals = ", ".join(f"{name} {exact(total)}" for name, total in one.counts.items())
    return f"{plural(one.operators, one.what)} written as {one.written} here; as {one.otherwise}: {totals}"


def guess_table(found: Guessed, shown: int | None = None) -> Table:
    """Return what a number may be, a row each: what fits, or the nearest where nothing does; where it was published
    stands below. *shown* rows, or a few."""
    columns = (
        Heading("number", "number", exact),
        Heading("what", "what", left=True, wrap=True),
        Heading("convention", "convention", left=True),
        Heading("written", "written", left=True, wrap=True, drop=2),
        Heading("difference", "difference", lambda difference: signed(round(difference)), drop=1),
        Heading("by chance", "chance", chance),
        Heading("", "verdict", lambda verdict: {"equal": "✓", "truncated": "✓ cut"}.get(verdict, ""), left=True),
    )
    nearest = () if found.published else found.guesses
    listed = (found.fitting or nearest)[:shown] if shown else found.likely[:_MOST] or nearest[:_NEAREST]
    rows = tuple(map(_guessed_row, listed))
    return Table(heading(found.head), columns, rows, tuple(_answers(found, listed)))


def _guessed_row(one: Guess) -> tuple[Any, ...]:
    share = one.chance if one.verdict != "differs" else None
    verdict = one.verdict if one.fits else ""
    return (one.number, one.what, one.convention, one.written, one.difference, share, verdict)


def chance(share: float | None) -> str:
    """Return `0.24 %`, `12 %`, or `< 0.01 %`; nothing where there is no share."""
    if share is None:
        return ""
    if share < 0.0001:
        return "< 0.01 %"
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _answers(found: Guessed, listed: Sequence[Guess]) -> Iterator[Note]:
    fitting = len(found.fitting)
    if fitting > len(listed):
        others = plural(fitting - len(listed), "other answer")
        yield Note("left out", f"{others} left out, further fetched: `--top {fitting}` shows all")
    for one in found.published:
        yield Note("published", _printed_there(one))
    yield Note("verdicts", _answer(found))
    if found.found:
        around = f"random numbers of {plural(found.digits, 'digit')}, half to twice as large"
        yield Note("verdicts", f"by chance: the share of {around}, that would find an answer as good")
    if found.untried:
        yield Note("verdicts", f"not tried, since not all operators have a price there: {', '.join(found.untried)}")
    if any(guess.fits and guess.verdict == "truncated" for guess in listed):
        yield Note("verdicts", "✓ cut: the digits behind are cut off, not rounded")
    if any(" 1024" in guess.what for guess in listed):
        yield Note("verdicts", "units of 1024: M stands for 1024², G for 1024³")
    yield convention_note(found.head)


def _printed_there(one: PrintedThere) -> str:
    at = "" if one.settings is None else f" at {settings_text(one.settings.items()) or 'its own settings'}"
    counted = f"{exact(one.counted)} ({short(one.counted)}) {'here' if one.settings is None else 'there'}"
    what = _OPERATIONS.get(one.what, one.what)
    source = f" ({one.where})" if one.where else ""
    found = f"published {one.text} {what}{source}{at}: {'; '.join(filter(None, [counted, one.note]))}"
    return f"{found}; by chance: {chance(one.chance)}"


def _answer(found: Guessed) -> str:
    if best := next((guess for guess in found.guesses if guess.fits), None):
        return f"{found.seen}: {_named(best)}"
    if found.published:
        return f"no way of counting that is known gives {found.seen} for this network"
    digits = plural(found.digits, "digit")
    if best := next((guess for guess in found.guesses if guess.verdict != "differs"), None):
        as_many = f"{chance(best.chance)} of all numbers of {digits} around it"
        return f"{_named(best)} would fit {found.seen}, but {as_many} would fit something too: more digits would tell"
    odds = (
        f". Of all numbers of {digits} around it, {chance(found.chance)} would have been found" if found.chance else ""
    )
    return f"nothing known gives {found.seen}{'; these come nearest' if found.guesses else ''}{odds}; {_OTHERS}"


def _named(best: Guess) -> str:
    by = f" as {best.convention} counts them" if best.convention not in ("", ARCHPROF.name) else ""
    return f"{best.what}{by}{f', with {best.written}' if best.written else ''}"
