"""Proofs, and numbers that nobody has read again, as tables: `archprof verify`."""

from collections.abc import Mapping, Sequence

from archprof.analysis.verify import Check, Proof, Verification
from archprof.render.table import NAME, PATH, Heading, Note, Table
from archprof.spec.variant import settings_text
from archprof.units import exact, plural, short

_MARKS = {"equal": "✓", "unequal": "≠", "truncated": "cut", "noted": "noted", "differs": "differs"}


def verify_table(found: Verification, *, notes: bool) -> Table:
    """Return a row for each network and setting; *notes* lists the reasons of printed numbers that differ."""
    proofs = found.proofs
    others = [by for by in ("expect", "module", "fvcore", "torch") if any(_of(proof, by) for proof in proofs)]
    columns = (
        Heading("model", "model", left=True, fold=NAME),
        Heading("at", "settings", left=True, fold=PATH),
        Heading("params", "params", exact, drop=2),
        Heading("MACs", "macs", exact, drop=1),
        *(Heading(by, by, left=True) for by in others),
        Heading("published", "published", left=True, drop=3, wrap=True),
    )
    rows = []
    for proof in proofs:
        printed = " · ".join(map(_printed, _of(proof, "published")))
        marks = [_mark(_of(proof, by)) for by in others]
        counts = (proof.totals.params, proof.totals.macs)
        rows.append((proof.model, settings_text(proof.settings.items()), *counts, *marks, printed))
    told = ("unequal", "differs", "noted") if notes else ("unequal", "differs")
    reasons = [_line(proof, check) for proof in proofs for check in proof.checks if check.verdict in told]
    convention = found.convention
    footer = (
        *(Note("published", line) for line in reasons),
        *(
            Note("verdicts", f"{model}: no count is expected, and none was published")
            for model in found.without_numbers
        ),
        Note("verdicts", verdicts(proofs)),
        Note("convention", f"convention {convention.name} {convention.version}: {convention.text}"),
    )
    return Table("", columns, tuple(rows), footer)


def unchecked_table(found: Verification) -> Table:
    """Return a row for each published entry that does not say in which copy it was read again."""
    columns = (
        Heading("model", "model", left=True, fold=NAME),
        Heading("at", "settings", left=True, fold=NAME),
        Heading("published", "printed", left=True),
        Heading("where", "where", left=True, drop=2),
        Heading("entry", "location", left=True, drop=1),
    )
    rows = tuple(
        (one.model, settings_text(one.settings.items()), _numbers(one.printed), one.where, str(one.location))
        for one in found.unchecked
    )
    entries = "1 published entry" if len(rows) == 1 else f"{len(rows):,} published entries"
    said = f"{entries} without `checked`, the copy in which the numbers were read again"
    return Table("", columns, rows, (Note("totals", said if rows else "every published entry was read again"),))


def _numbers(numbers: Mapping[str, str]) -> str:
    return " · ".join(f"{what} {text}" for what, text in numbers.items())


def verdicts(proofs: Sequence[Proof]) -> str:
    """Return what was found: how many networks, settings and comparisons, how many of each verdict."""
    counted: dict[str, int] = {}
    for proof in proofs:
        for check in proof.checks:
            counted[check.verdict] = counted.get(check.verdict, 0) + 1
    models = len({proof.model for proof in proofs})
    where = f"{plural(models, 'network')} at {plural(len(proofs), 'setting')}"
    if not counted:
        return f"{where}: nothing proven"
    shown = ", ".join(f"{counted[verdict]:,} {verdict}" for verdict in _MARKS if verdict in counted)
    return f"{where}: {plural(sum(counted.values()), 'comparison')}, {shown}"


def _of(proof: Proof, by: str) -> list[Check]:
    return [check for check in proof.checks if check.by == by]


def _mark(checks: Sequence[Check]) -> str:
    if not checks:
        return ""
    return "≠" if any(check.verdict == "unequal" for check in checks) else "✓"


def _printed(check: Check) -> str:
    what = "" if check.metric == "macs" else f" {check.metric}"
    return f"{check.text}{what} {_MARKS[check.verdict]}"


def _line(proof: Proof, check: Check) -> str:
    at = f"@{settings_text(proof.settings.items())}" if proof.settings else ""
    source = f" ({check.where})" if check.where else ""
    counted = exact(check.counted) if check.by != "published" else f"{exact(check.counted)} ({short(check.counted)})"
    reason = f": {check.note}" if check.note else ""
    said = f"{check.metric} {check.text} by {check.by}{source}, {counted} here, {check.verdict}{reason}"
    return f"{proof.model}{at}: {said}"
