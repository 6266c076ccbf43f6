"""Proofs as a table: `archprof verify`."""

from collections.abc import Iterable, Sequence
from typing import Any

from archprof.analysis.verify import Check, Proof
from archprof.costs.convention import ARCHPROF
from archprof.render.json import SCHEMA
from archprof.render.table import Column, Table
from archprof.spec import catalog
from archprof.spec.variant import settings_text
from archprof.units import exact, plural, short

_MARKS = {"equal": "✓", "unequal": "≠", "truncated": "cut", "noted": "noted", "differs": "differs"}


def verify_table(proofs: Sequence[Proof], *, notes: bool) -> Table:
    """Return a row for each network and setting; *notes* lists the reasons of printed numbers that differ."""
    columns = [
        Column("model", "model", left=True),
        Column("at", "at", left=True),
        Column("params", "params", exact),
        Column("MACs", "macs", exact),
        *(
            Column(by, by, left=True)
            for by in ("expect", "module", "fvcore", "torch")
            if any(_of(proof, by) for proof in proofs)
        ),
        Column("published", "published", left=True, drop=1),
    ]
    between = [column.key for column in columns[4:-1]]
    rows = tuple(
        (
            proof.model,
            settings_text(proof.at),
            proof.cost.params,
            proof.cost.macs,
            *(_mark(_of(proof, by)) for by in between),
            " · ".join(map(_printed, _of(proof, "published"))),
        )
        for proof in proofs
    )
    return Table(
        "",
        tuple(columns),
        rows,
        (
            *(_reasons(proofs) if notes else _failures(proofs)),
            verdicts(proofs),
            f"convention {ARCHPROF}: {ARCHPROF.text}",
        ),
    )


def verify_document(proofs: Iterable[Proof]) -> dict[str, Any]:
    """Return the proofs as a document: every check of every setting."""
    return {
        "schema": SCHEMA,
        "convention": {"name": ARCHPROF.name, "version": ARCHPROF.version},
        "proofs": [
            {
                "model": proof.model,
                "at": dict(proof.at),
                "holds": proof.holds,
                **dict(proof.cost),
                "checks": [check._asdict() for check in proof.checks],
                "location": catalog.portable(proof.location),
            }
            for proof in proofs
        ],
    }


def verdicts(proofs: Iterable[Proof]) -> str:
    """Return what was found: how many networks, settings and comparisons, how many of each verdict."""
    found = list(proofs)
    counted: dict[str, int] = {}
    for proof in found:
        for check in proof.checks:
            counted[check.verdict] = counted.get(check.verdict, 0) + 1
    models = len({proof.model for proof in found})
    shown = ", ".join(f"{counted[verdict]:,} {verdict}" for verdict in _MARKS if verdict in counted)
    what = (
        f"{plural(sum(counted.values()), 'comparison')}, {shown}"
        if counted
        else "nothing is expected, nothing was published, nothing proven"
    )
    return f"{plural(models, 'network')} at {plural(len(found), 'setting')}: {what}"


def _of(proof: Proof, by: str) -> list[Check]:
    return [check for check in proof.checks if check.by == by]


def _mark(checks: Sequence[Check]) -> str:
    if not checks:
        return ""
    return "≠" if any(check.verdict == "unequal" for check in checks) else "✓"


def _printed(check: Check) -> str:
    what = "" if check.what == "macs" else f" {check.what}"
    return f"{check.expected}{what} {_MARKS[check.verdict]}"


def _failures(proofs: Iterable[Proof]) -> list[str]:
    return [
        line
        for proof in proofs
        for check in proof.checks
        if check.verdict in ("unequal", "differs")
        for line in [_line(proof, check)]
    ]


def _reasons(proofs: Iterable[Proof]) -> list[str]:
    told = ("unequal", "differs", "noted")
    return [_line(proof, check) for proof in proofs for check in proof.checks if check.verdict in told]


def _line(proof: Proof, check: Check) -> str:
    at = f"@{settings_text(proof.at)}" if proof.at else ""
    source = f" ({check.where})" if check.where else ""
    counted = exact(check.counted) if check.by != "published" else f"{exact(check.counted)} ({short(check.counted)})"
    reason = f": {check.note}" if check.note else ""
    return f"{proof.model}{at}: {check.what} {check.expected} by {check.by}{source}, {counted} here, {check.verdict}{reason}"
