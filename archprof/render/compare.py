"""A comparison as tables: `archprof compare`."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import zip_longest
from typing import Any

from archprof.analysis.compare import MULTIPLYING, Comparison, Contender, Group
from archprof.ir.values import show_shape
from archprof.render.summary import bar, convention_heading, flops_heading
from archprof.render.table import Heading, Note, Table
from archprof.units import exact, percent, short

LABELS = {"se": "SE", "linear": "classifier"}


def compare_table(found: Comparison, by: str, *, flops: bool = False) -> Table:
    """Return the totals of each network, and below them where each spends its MACs: by `stage`, by `kind` or by
    `layer`.

    FLOPs where asked for, and what other conventions count, stand beside our MACs.
    """
    largest = max(contender.totals.macs for contender in found.models)
    kinds = _kinds(found)
    columns = (
        Heading("model", "model", left=True),
        Heading("input", "input", show_shape, drop=7),
        Heading("params", "params", exact),
        Heading("MACs", "macs", exact),
        *flops_heading(flops),
        *(convention_heading(one) for one in found.models[0].conventions),
        Heading("ratio", "macs_ratio", _ratio),
        Heading("", "bar", lambda macs: bar(macs, largest), left=True, drop=9, person=True),
        Heading("activations", "activations", exact, drop=6),
        Heading("layers", "weighted_layers", drop=5),
        *(Heading(LABELS.get(kind, kind), f"share_{kind}", _percent, drop=4) for kind in kinds),
        Heading("top-1", "top1", drop=3),
        Heading("source", "top1_source", left=True, drop=10, wrap=False),
    )
    rows = tuple(_row(contender, kinds, flops=flops) for contender in found.models)
    words = "kinds in percent of a network's MACs; layers are those with weights that multiply"
    convention = found.convention
    footer = (
        Note("ratio", f"ratio of MACs to {found.relative_to}; {words}"),
        Note("convention", f"convention {convention.name} {convention.version}: {convention.text}"),
    )
    below = {"stage": _by_stage, "kind": _by_kind, "layer": _by_layer}[by](found)
    return Table("", columns, rows, footer, below=(below,))


def _kinds(found: Comparison) -> list[str]:
    return [kind for kind in MULTIPLYING if any(kind in contender.kinds for contender in found.models)]


def _row(contender: Contender, kinds: list[str], *, flops: bool) -> tuple[Any, ...]:
    totals, published = contender.totals, contender.published
    shares = [
        Fraction(contender.kinds[kind].cost.macs, totals.macs or 1) if kind in contender.kinds else None
        for kind in kinds
    ]
    counts = [totals.flops] if flops else []
    counts += [one.total for one in contender.conventions]
    accuracy = (published.top1, published.source) if published else ("", "")
    first = next(iter(contender.inputs.values())).shape
    costs = (totals.params, totals.macs, *counts, contender.ratio["macs"], totals.macs, totals.activations)
    return (contender.model, first, *costs, contender.weighted_layers, *shares, *accuracy)


def _ratio(ratio: Fraction | None) -> str:
    return "-" if ratio is None else f"{float(ratio):.3f}"


def _percent(share: Fraction | None) -> str:
    return "" if share is None else percent(share.numerator, share.denominator, 2)


def _by_stage(found: Comparison) -> Table:
    stages = {stage: stage for stage in _stages(found)}
    return _grouped(found, "stride", stages, lambda contender: contender.stages)


def _stages(found: Comparison) -> list[str]:
    """Return the stages of all networks: the strides in their order, the head last."""
    stages = {stage for contender in found.models for stage in contender.stages}
    return sorted(stages, key=lambda stage: (stage == "head", int(stage) if stage != "head" else 0))


def _by_kind(found: Comparison) -> Table:
    labels = {kind: LABELS.get(kind, kind) for kind in _kinds(found)}
    return _grouped(found, "kind", labels, lambda contender: contender.kinds)


def _grouped(
    found: Comparison, title: str, groups: Mapping[str, str], parts: Callable[[Contender], Mapping[str, Group]]
) -> Table:
    """Return MACs and shares, a row a group and two columns a network."""
    columns = [Heading(title, title, left=True)]
    for contender in found.models:
        name = contender.model
        columns += [
            Heading(name, f"{name} macs", lambda macs: "" if macs is None else short(macs)),
            Heading("share", f"{name} share", str, drop=1),
            Heading("", f"{name} bar", lambda share: bar(share, 1000), left=True, drop=2, person=True),
        ]
    rows = []
    for key, label in groups.items():
        row: list[Any] = [label]
        for contender in found.models:
            row += _share(parts(contender).get(key), contender.totals.macs)
        rows.append(tuple(row))
    return Table("", tuple(columns), tuple(rows))


def _share(part: Group | None, whole: int) -> list[Any]:
    if part is None:
        return [None, "", 0]
    macs = part.cost.macs
    return [macs, percent(macs, whole, 2), macs * 1000 // whole if macs and whole else 0]


def _by_layer(found: Comparison) -> Table:
    """Return the blocks of each network, stage by stage beside each other."""
    columns = [Heading("stride", "stride", left=True)]
    for contender in found.models:
        name = contender.model
        columns += [
            Heading(name, f"{name} path", left=True),
            Heading("block", f"{name} block", left=True, drop=1),
            Heading("MACs", f"{name} macs", lambda macs: "" if macs is None else short(macs)),
        ]
    rows = []
    for stage in _stages(found):
        here = [[block for block in one.blocks if str(block.stage) == stage] for one in found.models]
        for index, beside in enumerate(zip_longest(*here)):
            row: list[Any] = ["" if index else stage]
            for block in beside:
                row += [block.path, block.block_type, block.cost.macs] if block else ["", "", None]
            rows.append(tuple(row))
    return Table("", tuple(columns), tuple(rows))
