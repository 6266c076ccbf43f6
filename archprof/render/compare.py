"""A comparison as tables: `archprof compare`."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import zip_longest
from typing import Any

from archprof.analysis.compare import MULTIPLYING, Comparison, Contender, Group, HeldBytes, held_bytes
from archprof.costs.metrics import NAMES, label_of
from archprof.ir.values import show_shape
from archprof.render.summary import bar, captured_notes, convention_heading
from archprof.render.table import NAME, PATH, Heading, Note, Table
from archprof.render.times import time_headings, time_note, times_of
from archprof.units import (
    between,
    exact,
    listed,
    lower_bound,
    percent,
    short,
    upper_bound,
    without_norms,
    without_rule,
)

LABELS = {"se": "SE"}
# What stands in the table whatever it is sorted by; others come in where they are asked for.
_SHOWN = ("params", "macs", "activations")
# Where the kinds begin among what leaves a narrow table.
_FIRST = 3


def compare_table(found: Comparison, by: str, sort: str | None = None, *, flops: bool = False) -> Table:
    """Return the totals of each network, and below them where each spends its MACs: by `stage`, by `kind` or by
    `layer`.

    FLOPs where asked for, and what other conventions count, stand beside our MACs; what they are *sort*ed by stays in
    the narrowest room.
    """
    largest = max(contender.totals.macs for contender in found.models)
    kinds = _kinds(found)
    asked = ["flops"] if flops else []
    asked += [sort] if sort in NAMES and sort not in _SHOWN else []
    beside = bool(found.models[0].conventions or asked or found.setup or found.device)
    # The kinds that make the most of any network come first, and after them what says less.
    ranked = sorted(kinds, key=lambda kind: -max(_kind_share(contender, kind) or 0 for contender in found.models))
    last = _FIRST + len(kinds)
    columns = (
        Heading("model", "model", left=True, fold=NAME),
        Heading("input", "input", show_shape, drop=last + 2),
        Heading("params", "params", exact, drop=2 if beside and sort != "params" else 0),
        Heading("MACs", "macs", exact),
        *(Heading(label_of(name), name, exact) for name in asked),
        *(convention_heading(one) for one in found.models[0].conventions),
        *_bytes_headings(found),
        *time_headings(found.device),
        Heading("ratio", "macs_ratio", _ratio, drop=1),
        Heading("", "bar", lambda macs: bar(macs, largest), left=True, drop=last + 3, person=True),
        Heading("activations", "activations", exact, drop=0 if sort == "activations" else last + 1),
        Heading("layers", "weighted_layers", drop=0 if sort == "layers" else last),
        *(
            Heading(LABELS.get(kind, kind), f"share_{kind}", _percent, drop=_FIRST + ranked.index(kind))
            for kind in kinds
        ),
        Heading("top-1", "top1", drop=0 if sort == "top1" else 2),
        Heading("source", "top1_source", left=True, drop=last + 4),
    )
    rows = tuple(_row(contender, kinds, asked) for contender in found.models)
    words = "kinds in percent of a network's MACs; layers are those with weights that multiply"
    convention = found.convention
    footer = (
        *_least(found),
        *(
            Note("at most", upper_bound(one.model, one.totals.macs, one.at_most.causes))
            for one in found.models
            if one.at_most
        ),
        *(note for one in found.models for note in captured_notes(one.model, one.captured)),
        Note("ratio", f"ratio of MACs to {found.relative_to}; {words}"),
        Note("convention", f"convention {convention.name} {convention.version}: {convention.text}"),
        *_bytes_notes(found),
        *_time_notes(found),
    )
    below = {"stage": _by_stage, "kind": _by_kind, "layer": _by_layer}[by](found)
    return Table("", columns, rows, footer, below=(below,))


def _bytes_headings(found: Comparison) -> list[Heading]:
    if found.setup is None:
        return []
    columns = {"weight_bytes": "weight bytes", "peak_bytes": "peak bytes", "total_bytes": "all bytes"}
    columns |= {"train_macs": "train MACs"} if found.setup.train else {}
    return [Heading(title, key, exact, drop=2 if key == "weight_bytes" else 0) for key, title in columns.items()]


def _bytes_notes(found: Comparison) -> list[Note]:
    if found.setup is None:
        return []
    from archprof.allocation.asked import setup_text

    what = "peak: what comes and goes; all: with it what is there all along"
    bounds = [Note("unknown", _between(one.model, one.memory)) for one in found.models if one.memory]
    return [Note("bytes", f"bytes of tensors: {setup_text(found.setup)}; {what}"), *[one for one in bounds if one.text]]


def _time_notes(found: Comparison) -> Iterator[Note]:
    """Yield where times are from, and what a device's profile does not know."""
    if found.device is None:
        return
    for one in found.models:
        if one.latency and one.latency.out_of_range:
            missing = listed(one.latency.out_of_range)
            yield Note("unknown", f"ms of {one.model} at least: out of the profile's range {missing}")
    yield time_note(found.device)


def _between(model: str, memory: HeldBytes) -> str:
    """Return between how many bytes a network's peak is, where operators have no rule; nothing of others."""
    if not (memory.unknown and memory.estimates):
        return ""
    known = memory.estimates["peak_bytes"]
    return f"peak of {model} {between(known.low, known.high)}: {without_rule(memory.unknown)}"


def _least(found: Comparison) -> Iterator[Note]:
    """Yield which networks have operators for whose MACs, or for what others count of them, there is no rule."""
    for one in found.models:
        if one.not_counted:
            yield Note("not counted", lower_bound(one.model, one.totals.macs, one.not_counted))
        for rule in one.conventions:
            if rule.not_priced:
                least = f"{rule.name} {rule.unit} of {one.model} at least {exact(rule.total)}"
                yield Note("not counted", f"{least}; not priced: {listed(rule.not_priced)}")
            if rule.folded_norms:
                counted = f"{rule.name} {rule.unit} of {one.model} {exact(rule.total)}"
                yield Note("not counted", f"{counted}; {without_norms(rule.folded_norms)}")


def _kinds(found: Comparison) -> list[str]:
    return [kind for kind in MULTIPLYING if any(kind in contender.kinds for contender in found.models)]


def _row(contender: Contender, kinds: list[str], asked: list[str]) -> tuple[Any, ...]:
    totals, published = contender.totals, contender.accuracy
    shares = [_kind_share(contender, kind) for kind in kinds]
    counts = [one.total for one in contender.conventions]
    accuracy = (published.top1, published.where) if published else ("", "")
    first = next(iter(contender.inputs.values())).shape
    counts_asked = [totals[name] for name in asked]
    costs = (totals.params, totals.macs, *counts_asked, *counts)
    beside = (*held_bytes(contender.memory).values(), *times_of(contender.latency and contender.latency.estimates))
    more = (contender.ratios["macs"], totals.macs, totals.activations, contender.weighted_layers)
    return (contender.model, first, *costs, *beside, *more, *shares, *accuracy)


def _kind_share(contender: Contender, kind: str) -> Fraction | None:
    group = contender.kinds.get(kind)
    return None if group is None else Fraction(group.cost.macs, contender.totals.macs or 1)


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
    return sorted(stages, key=lambda stage: (stage == "head", Fraction(stage) if stage != "head" else 0))


def _by_kind(found: Comparison) -> Table:
    labels = {kind: LABELS.get(kind, kind) for kind in _kinds(found)}
    return _grouped(found, "kind", labels, lambda contender: contender.kinds)


def _grouped(
    found: Comparison, title: str, groups: Mapping[str, str], parts: Callable[[Contender], Mapping[str, Group]]
) -> Table:
    """Return MACs and shares, a row a group and two columns a network."""
    columns = [Heading(title, title, left=True)]
    several = len(found.models)
    for place, contender in enumerate(found.models):
        name = contender.model
        columns += [
            Heading(name, f"{name} macs", lambda macs: "" if macs is None else short(macs), drop=place),
            Heading("share", f"{name} share", str, drop=several),
            Heading("", f"{name} bar", lambda share: bar(share, 1000), left=True, drop=several + 1, person=True),
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
    for place, contender in enumerate(found.models):
        name = contender.model
        columns += [
            Heading(name, f"{name} path", left=True, fold=PATH, drop=place),
            Heading("block", f"{name} block", left=True, drop=len(found.models)),
            Heading("MACs", f"{name} macs", lambda macs: "" if macs is None else short(macs), drop=place),
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
