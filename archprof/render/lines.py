"""Lines for machines, of results whose tables put into words what CSV keeps apart.

A column is called as the key of the JSON is, an inner key behind its outer one (`accuracy_top1`); the keys of `totals`
are columns themselves, and `settings` are one cell, as they are typed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archprof.costs.metrics import NAMES
from archprof.render.table import Heading, Table
from archprof.spec.variant import settings_text
from archprof.units import listed

if TYPE_CHECKING:
    from archprof.analysis.bench import Bench
    from archprof.analysis.budgets import Verdict
    from archprof.analysis.calibration import ProfileVerification
    from archprof.analysis.check import Outcome
    from archprof.analysis.compare import Comparison, Contender, HeldBytes
    from archprof.analysis.diff import BlockChange, Change, Diff
    from archprof.analysis.explain import Explained
    from archprof.analysis.latency import LatencyPrediction
    from archprof.analysis.memory import Memory
    from archprof.analysis.timed import TimedNetwork
    from archprof.analysis.verify import Verification
    from archprof.space.report import SpaceReport
    from archprof.sweep.solve import Found, Solution

Row = Mapping[str, Any]

_ENDS = ("low", "high")

_CHECK = ("status", "model", "metric", "where", "bound", "text", "limit", "actual", "difference", "location")
_VERIFY = ("by", "metric", "text", "counted", "verdict", "where", "note")
_DIFF = ("status", "before", "after", "block_type", "label", "kind", "fields", *(f"delta_{name}" for name in NAMES))
_CHOICE = ("place", "choice", "networks", "share", "fits")
_CALL = ("path", "label", "block", "block_type", "roofline_ms", "bound", "macs", "bytes")
_STEP = ("label", "amount", "operators", "counted")


def lines(document: Any) -> Table | None:
    """Return a result as a table of plain values; None where the table that is printed is one."""
    found = _LINES.get(type(document).__name__)
    if found is None:
        return None
    columns, make = found
    rows = list(make(document))
    if not rows and not columns:
        return None
    keys = dict.fromkeys([*columns, *(key for row in rows for key in row)])
    return Table("", tuple([Heading(key, key) for key in keys]), tuple([tuple(map(row.get, keys)) for row in rows]))


def _picked(record: Any, keys: Iterable[str]) -> dict[str, Any]:
    return {key: getattr(record, key) for key in keys}


def _check(found: "Outcome") -> Iterator[Row]:
    for one in found.verdicts:
        yield {**_picked(one, _CHECK), "location": str(one.location), **_bounds(one)}


def _verify(found: "Verification") -> Iterator[Row]:
    for proof in found.proofs:
        start = {"model": proof.model, "settings": settings_text(proof.settings.items())}
        yield from [{**start, **_picked(check, _VERIFY)} for check in proof.checks] or [start]


def _explain(found: "Explained") -> Iterator[Row]:
    for one in found.conventions:
        start = _picked(one, ("name", "version", "unit", "macs", "total"))
        if one.not_priced:
            start["not_priced"] = listed(one.not_priced)
        if one.folded_norms:
            start["folded_norms"] = one.folded_norms
        yield from [{**start, **_picked(step, _STEP)} for step in one.steps] or [start]


def _memory(found: "Memory") -> Iterator[Row]:
    start = {
        "model": found.head.model,
        **{f"setup_{name}": value for name, value in found.setup._asdict().items()},
        **{f"resident_{name}": size for name, size in found.resident._asdict().items()},
        **{f"peaks_{phase}": size for phase, size in found.peaks.items()},
        **({} if found.saved_bytes is None else {"saved_bytes": found.saved_bytes, "train_macs": found.train_macs}),
        **{f"peak_at_{name}": value for name, value in found.peak_at._asdict().items()},
        **_picked(found, ("peak_bytes", "total_bytes")),
        **{f"fit_{name}": value for name, value in (found.fit._asdict() if found.fit else {}).items()},
        **_bounds(found),
        **_at_most(found),
    }
    yield from [{**start, **one._asdict()} for one in found.alive] or [start]


def _latency(found: "LatencyPrediction") -> Iterator[Row]:
    whole = found.estimates["latency"]
    start = {
        "model": found.head.model,
        **{f"device_{name}": value for name, value in found.device._asdict().items()},
        **{f"estimates_latency_{name}": value for name, value in whole._asdict().items()},
        **({"out_of_range": listed(found.out_of_range)} if found.out_of_range else {}),
        **_at_most(found),
    }
    yield from ({**start, **one._asdict()} for one in found.layers)


def _bench(found: "Bench") -> Iterator[Row]:
    how = _picked(found, ("on", "dtype", "layout", "runtime", "execution", "threads"))
    for one in found.networks:
        start = {
            "model": one.head.model,
            **how,
            "batch": one.batch,
            **_inner("latency", one.latency),
            **(_inner("eager", one.eager) if one.eager else {}),
            **_picked(one, ("parts_ms", "noisy")),
        }
        for call in one.layers:
            timed = _inner("time", call.time) if call.time else {}
            yield {**start, **_picked(call, _CALL), **timed}


def _inner(key: str, record: Any) -> dict[str, Any]:
    """Return what is in a record, behind the key that it stands at."""
    return {f"{key}_{name}": value for name, value in record._asdict().items()}


def _calibrate(found: "ProfileVerification") -> Iterator[Row]:
    start = _picked(found, ("profile", "operators", "refitted_alike"))
    return ({**start, **one._asdict()} for one in found.judged)


def _compare(found: "Comparison") -> Iterator[Row]:
    kinds = dict.fromkeys(kind for one in found.models for kind in one.kinds)
    return (_compared(one, tuple(kinds)) for one in found.models)


def _bounds(one: "Memory | HeldBytes | TimedNetwork | Verdict | Found | None", start: str = "") -> Row:
    """Return the ends of what is not exact, of times what is likeliest too, and the operators that make it so."""
    found: dict[str, Any] = {}
    for name, known in (one.estimates if one and one.estimates else {}).items():
        ends = _ENDS if known.unit == "bytes" else ("value", *_ENDS)
        found |= {f"{start}estimates_{name}_{end}": getattr(known, end) for end in ends}
    for name in ("unknown", "out_of_range"):
        if calls := getattr(one, name, None):
            found[f"{start}{name}"] = listed(calls)
    return found


def _at_most(one: "Memory | LatencyPrediction | Contender") -> Row:
    return {"at_most": listed(one.at_most.causes)} if one.at_most else {}


def _compared(one: "Contender", kinds: Sequence[str]) -> Row:
    from archprof.analysis.compare import held_bytes

    accuracy = one.accuracy
    return {
        "model": one.model,
        "inputs": tuple([tensor.shape for tensor in one.inputs.values()]),
        **one.totals,
        **{f"memory_{name}": size for name, size in held_bytes(one.memory).items()},
        **_bounds(one.memory, "memory_"),
        **_bounds(one.latency, "latency_"),
        "ratios_macs": one.ratios["macs"],
        "weighted_layers": one.weighted_layers,
        **{f"kinds_{kind}_macs": one.kinds[kind].cost.macs if kind in one.kinds else 0 for kind in kinds},
        **{f"counts_{convention.name}": convention.total for convention in one.conventions},
        "accuracy_top1": accuracy.top1 if accuracy else "",
        "accuracy_where": accuracy.where if accuracy else "",
        **({"not_counted": listed(one.not_counted)} if one.not_counted else {}),
        **_at_most(one),
        **{f"not_priced_{rule.name}": listed(rule.not_priced) for rule in one.conventions if rule.not_priced},
        **{f"folded_norms_{rule.name}": rule.folded_norms for rule in one.conventions if rule.folded_norms},
    }


def _diff(found: "Diff") -> Iterator[Row]:
    for block in found.blocks:
        start = {"block_type": block.block_type}
        yield from [{**start, **_change(one)} for one in block.changes] or [{**start, **_changed(block)}]


def _change(one: "Change") -> Row:
    fields = ", ".join(f"{name} {before} to {after}" for name, (before, after) in one.fields.items())
    return {**_changed(one), "label": one.label, "kind": one.kind, "fields": fields.replace("×", "x")}


def _changed(one: "BlockChange | Change") -> Row:
    delta = {f"delta_{name}": count for name, count in one.delta.items()}
    return {**_picked(one, ("status", "before", "after")), **delta}


def _solve(found: "Solution") -> Iterator[Row]:
    for key in ("best", "above"):
        one = getattr(found, key)
        if one is not None:
            yield {"which": key, **one.settings, **one.totals, **_bounds(one)}


def _space(found: "SpaceReport") -> Iterator[Row]:
    from archprof.space.report import option_rows

    return (dict(zip(_CHOICE, row, strict=True)) for row in option_rows(found))


# By the record of a result: the columns that are always there, and what makes the rows.
_LINES: Mapping[str, tuple[tuple[str, ...], Callable[[Any], Iterator[Row]]]] = {
    "Outcome": (_CHECK, _check),
    "Verification": (("model", "settings", *_VERIFY), _verify),
    "Explained": (("name", "version", "unit", "macs", "total", *_STEP), _explain),
    "Memory": ((), _memory),
    "LatencyPrediction": ((), _latency),
    "Bench": ((), _bench),
    "ProfileVerification": ((), _calibrate),
    "Comparison": ((), _compare),
    "Diff": (_DIFF, _diff),
    "Solution": ((), _solve),
    "SpaceReport": ((), _space),
}
