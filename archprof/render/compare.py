"""A comparison as tables: `archprof compare`."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import zip_longest
from typing import Any

from archprof.analysis.compare import HEAD, MULTIPLYING, Comparison, Contender, Group
from archprof.analysis.fold import view
from archprof.costs.convention import Convention, convention_total
from archprof.render.json import SCHEMA, counts_of
from archprof.render.summary import bar, shape
from archprof.render.table import Column, Table
from archprof.units import exact, percent, short

LABELS = {"se": "SE", "linear": "classifier"}


def compare_table(found: Comparison, by: str, conventions: Sequence[Convention] = ()) -> Table:
    """Return the totals of each network, and below them where each spends its MACs: by `stage`, by `kind` or by
    `layer`.

    What other *conventions* count stands beside our MACs.
    """
    largest = max(contender.report.totals.macs for contender in found.contenders)
    kinds = [kind for kind in MULTIPLYING if any(kind in contender.kinds for contender in found.contenders)]
    columns = (
        Column("model", "model", left=True),
        Column("input", "input", shape, drop=7),
        Column("params", "params", exact),
        Column("MACs", "macs", exact),
        *(
            Column(f"{rule.name} {rule.unit}", f"{rule.name}_{rule.unit}".replace("-", "_").lower(), exact)
            for rule in conventions
        ),
        Column("ratio", "macs_ratio", _ratio),
        Column("", "bar", lambda macs: bar(macs, largest), left=True, drop=9, person=True),
        Column("activations", "activations", exact, drop=6),
        Column("layers", "layers", drop=5),
        *(Column(LABELS.get(kind, kind), f"share_{kind}", _percent, drop=4) for kind in kinds),
        Column("top-1", "top1", drop=3),
        Column("source", "top1_source", left=True, drop=10, wrap=False),
    )
    rows = tuple(_row(found, contender, kinds, conventions) for contender in found.contenders)
    convention = found.reference.report.convention
    footer = (
        f"ratio of MACs to {found.reference.name}; kinds in percent of a network's MACs; layers are those with weights that multiply",
        f"convention {convention}: {convention.text}",
    )
    below = {"stage": _by_stage, "kind": _by_kind, "layer": _by_layer}[by](found)
    return Table("", columns, rows, footer, below=(below,))


def _row(
    found: Comparison, contender: Contender, kinds: list[str], conventions: Sequence[Convention]
) -> tuple[Any, ...]:
    totals = contender.report.totals
    shares = [
        Fraction(contender.kinds[kind].cost.macs, totals.macs or 1) if kind in contender.kinds else None
        for kind in kinds
    ]
    ratio = found.ratio(contender, "macs")
    counts = [convention_total(contender.report, rule) for rule in conventions]
    return (
        contender.name, contender.report.input, totals.params, totals.macs, *counts, ratio, totals.macs, totals.activations, contender.layers,
        *shares, contender.top1, _source(contender),
    )  # fmt: skip


def _source(contender: Contender) -> str:
    published = contender.accuracy
    return (
        ", ".join(filter(None, [published.source or contender.report.origin.source.paper, published.where]))
        if published
        else ""
    )


def _ratio(ratio: Fraction | None) -> str:
    return "-" if ratio is None else f"{float(ratio):.3f}"


def _percent(share: Fraction | None) -> str:
    return "" if share is None else percent(share.numerator, share.denominator, 2)


def _by_stage(found: Comparison) -> Table:
    stages = sorted(
        {stage for contender in found.contenders for stage in contender.stages},
        key=lambda stage: (stage == HEAD, stage),
    )
    return _grouped(
        found,
        "stride",
        {stage: "head" if stage == HEAD else str(stage) for stage in stages},
        lambda contender: contender.stages,
    )


def _by_kind(found: Comparison) -> Table:
    kinds = [kind for kind in MULTIPLYING if any(kind in contender.kinds for contender in found.contenders)]
    return _grouped(found, "kind", {kind: LABELS.get(kind, kind) for kind in kinds}, lambda contender: contender.kinds)


def _grouped(
    found: Comparison, title: str, groups: dict[Any, str], parts: Callable[[Contender], dict[Any, Group]]
) -> Table:
    """Return MACs and shares, a row a group and two columns a network."""
    columns = [Column(title, title, left=True)]
    for contender in found.contenders:
        columns += [
            Column(contender.name, f"{contender.name} macs", lambda macs: "" if macs is None else short(macs)),
            Column("share", f"{contender.name} share", str, drop=1),
            Column("", f"{contender.name} bar", lambda share: bar(share, 1000), left=True, drop=2, person=True),
        ]
    rows = []
    for key, label in groups.items():
        row: list[Any] = [label]
        for contender in found.contenders:
            part, whole = parts(contender).get(key), contender.report.totals.macs
            macs = part.cost.macs if part else None
            row += [
                macs,
                percent(macs, whole, 2) if macs is not None else "",
                macs * 1000 // whole if macs and whole else 0,
            ]
        rows.append(tuple(row))
    return Table("", tuple(columns), tuple(rows))


def _by_layer(found: Comparison) -> Table:
    """Return the blocks of each network, stage by stage beside each other."""
    columns = [Column("stride", "stride", left=True)]
    for contender in found.contenders:
        columns += [
            Column(contender.name, f"{contender.name} path", left=True),
            Column("block", f"{contender.name} block", left=True, drop=1),
            Column("MACs", f"{contender.name} macs", lambda macs: "" if macs is None else short(macs)),
        ]
    stages = sorted(
        {stage for contender in found.contenders for stage in contender.stages},
        key=lambda stage: (stage == HEAD, stage),
    )
    lists = [view(contender.report).lines for contender in found.contenders]
    rows = []
    for stage in stages:
        here = [[line for line in lines if line.rows[-1].stage == stage] for lines in lists]
        for index, beside in enumerate(zip_longest(*here)):
            row: list[Any] = ["" if index else "head" if stage == HEAD else str(stage)]
            for line in beside:
                row += [line.path, line.label, line.cost.macs] if line else ["", "", None]
            rows.append(tuple(row))
    return Table("", tuple(columns), tuple(rows))


def compare_document(found: Comparison, conventions: Sequence[Convention] = ()) -> dict[str, Any]:
    """Return a comparison as a document: totals, kinds and stages of every network as exact integers, and `counts` by
    other conventions."""
    convention = found.reference.report.convention
    return {
        "schema": SCHEMA,
        "convention": {"name": convention.name, "version": convention.version},
        "relative_to": found.reference.name,
        "models": [_document(found, contender, conventions) for contender in found.contenders],
    }


def _document(found: Comparison, contender: Contender, conventions: Sequence[Convention]) -> dict[str, Any]:
    spec, published = contender.report.origin, contender.accuracy
    ratio = found.ratio(contender, "macs")
    return {
        "model": contender.name,
        "title": spec.title,
        "input": list(contender.report.input),
        "totals": dict(contender.report.totals),
        **({"counts": counts_of(contender.report, conventions)} if conventions else {}),
        "layers": contender.layers,
        "ratio": {
            count: None if (part := found.ratio(contender, count)) is None else float(part)
            for count in ("params", "macs", "activations")
        },
        "ratio_exact": None if ratio is None else str(ratio),
        "kinds": {kind: {"layers": group.layers, **dict(group.cost)} for kind, group in contender.kinds.items()},
        "stages": {
            "head" if stage == HEAD else str(stage): {"layers": group.layers, **dict(group.cost)}
            for stage, group in contender.stages.items()
        },
        "published": {"top1": published.numbers["top1"], "source": _source(contender)} if published else None,
    }
