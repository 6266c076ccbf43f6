"""The cost of a convolution as tables: `archprof cost`."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from archprof.analysis.cost import CONV_KINDS, ConvCost, ConvLayer, Convolution
from archprof.costs.convention import ARCHPROF
from archprof.costs.metrics import Counts
from archprof.render.json import SCHEMA
from archprof.render.summary import pair, shape
from archprof.render.table import Column, Table
from archprof.units import exact

# The table over N: how the ratio falls with the number of outputs.
OUTPUTS = (16, 32, 64, 128, 256, 512, 1024)
# Ratios of the parts of a separable convolution to the standard one, each by itself.
_PART_RATIOS = {"dw": {"depthwise": "1/N", "pointwise": "1/K²"}, "dw-linear": {"depthwise": "1/N", "pointwise": "1/K²"}}


def cost_table(
    answers: Sequence[ConvCost], defaults: Sequence[str], *, bias_flops: bool, measured: Sequence[int], over_n: bool
) -> Table:
    """Return the layers of one answer, or several answers side by side.

    *measured* holds what fvcore counted on each, *defaults* what was not said; *over_n* adds a table of the ratio over
    N.
    """
    if len(answers) > 1:
        return _side_by_side(answers, defaults, bias_flops, measured)
    (found,) = answers
    below = (_over_outputs(found),) if over_n and found.ask.conv != "mix" and "N" in found.closed_form else ()
    columns = (
        Column("layer", "layer", left=True),
        Column("multiply-accumulates", "formula", left=True, drop=2),
        Column("numbers put in", "numbers", left=True, drop=3),
        Column("weights", "weights", exact),
        *([Column("params", "params", exact, drop=7)] if found.ask.bias else []),
        Column("MACs", "macs", exact),
        *([Column("(2·K²·M/g + 1)·H·W·N FLOPs", "bias_flops", exact)] if bias_flops else []),
        *([Column("fvcore", "measured_macs", lambda value: "" if value is None else exact(value))] if measured else []),
        Column("input", "input_elements", exact, drop=6),
        Column("output", "output_elements", exact, drop=5),
        Column("MACs/element", "intensity", _decimal, drop=4),
        Column("of standard", "ratio", _ratio, left=True, drop=1),
    )
    rows = [_layer(found, part, bias_flops, [None] if measured else []) for part in found.parts]
    if len(found.parts) > 1 or measured:
        rows.append(_layer(found, found.total, bias_flops, list(measured)))
    return Table(_title(found.ask, found.total), columns, tuple(rows), _footer(found, defaults), below=below)


def _layer(found: ConvCost, part: ConvLayer, bias_flops: bool, measured: Sequence[int | None]) -> tuple[Any, ...]:
    cost = part.cost
    return (
        part.name,
        part.formula,
        _numbers(found, part),
        part.weights,
        *([cost.params] if found.ask.bias else []),
        cost.macs,
        *([part.bias_flops] if bias_flops else []),
        *measured,
        part.input_elements,
        part.output_elements,
        part.intensity,
        Fraction(cost.macs, found.standard) if found.standard else None,
    )


def _numbers(found: ConvCost, part: ConvLayer) -> str:
    """Return a layer's formula with its numbers in the place of the letters."""
    if not part.formula:
        return ""
    node = next(node for node in found.graph.nodes if node.path == part.name)
    kernel = getattr(node.op, "kernel_size", (1, 1))
    letters = {
        "K²": f"{kernel[0]}²" if kernel[0] == kernel[1] else f"{kernel[0]}·{kernel[1]}",
        "F²": f"{part.output[1]}²"
        if len(part.output) == 3 and part.output[1] == part.output[2]
        else "·".join(map(str, part.output[1:])),
        "M": str(part.input[0]),
        "N": str(part.output[0]),
        "g": str(getattr(node.op, "groups", 1)),
    }
    text = part.formula
    for letter, number in letters.items():
        text = text.replace(letter, number)
    return text


def _title(ask: Convolution, total: ConvLayer) -> str:
    stacked = f"{ask.times} × " if ask.times > 1 else ""
    letters = [f"M {ask.inputs}", f"N {total.output[0]}"]
    if ask.conv not in ("linear", "se", "pw"):
        letters.append(f"K {'+'.join(map(pair, ask.kernels))}")
    if ask.conv != "linear":
        letters.append(f"input {shape(total.input)} → output {shape(total.output)}")
    return f"{stacked}{CONV_KINDS[ask.conv].doc} · {', '.join(letters)}"


def _footer(found: ConvCost, defaults: Sequence[str]) -> tuple[str, ...]:
    lines = []
    if found.ratio is not None and found.closed_form != "1":
        closed = (
            f"{found.closed_form} = "
            if _closed_holds(found)
            else f"about {found.closed_form}; exactly "
            if found.closed_form
            else ""
        )
        kernel = f" with K {pair(found.ask.kernel)}" if found.ask.conv == "pw" else ""
        to = f"ratio to the standard convolution{kernel} ({exact(found.standard or 0)} MACs)"
        lines.append(f"{to}: {closed}{_ratio(found.ratio)}{_times(found.ratio)}")
    if found.ask.conv in ("dw", "dw-linear"):
        lines.append(
            "depthwise alone costs 1/N, and mixes no channels: the pointwise convolution behind it does, for 1/K²"
        )
    if found.ask.conv == "mix":
        lines.append("a mixed depthwise convolution mixes no channels: a pointwise convolution must follow")
    field = found.receptive_field
    lines.append(f"receptive field {shape(field)}")
    if defaults:
        lines.append(f"defaults taken: {', '.join(defaults)}")
    lines.append(f"convention {ARCHPROF}: {ARCHPROF.text}")
    return tuple(lines)


def _closed_holds(found: ConvCost) -> bool:
    """Tell whether the closed form gives the ratio exactly; with a size that the stride does not divide it does not."""
    value = CONV_KINDS[found.ask.conv].value
    return value is not None and value(found.ask) == found.ratio and bool(found.closed_form)


def _over_outputs(found: ConvCost) -> Table:
    value = CONV_KINDS[found.ask.conv].value
    assert value is not None
    ratios = [(outputs, value(found.ask._replace(outputs=outputs))) for outputs in OUTPUTS]
    columns = (
        Column("N", "outputs"),
        Column(found.closed_form, "ratio", str),
        Column("decimal", "decimal", _decimal),
        Column("times fewer", "times", lambda ratio: f"{float(1 / ratio):.2f}"),
    )
    return Table("", columns, tuple((outputs, ratio, ratio, ratio) for outputs, ratio in ratios))


def _side_by_side(
    answers: Sequence[ConvCost], defaults: Sequence[str], bias_flops: bool, measured: Sequence[int]
) -> Table:
    first = answers[0].total.cost.macs
    columns = (
        Column("conv", "conv", left=True),
        Column("K", "kernels", lambda kernels: "+".join(map(pair, kernels))),
        Column("n", "times"),
        Column("M", "inputs"),
        Column("N", "outputs"),
        Column("output", "output", shape, drop=6),
        Column("field", "receptive_field", shape, drop=5),
        Column("weights", "weights", exact),
        Column("MACs", "macs", exact),
        *([Column("FLOPs with bias", "bias_flops", exact)] if bias_flops else []),
        *([Column("fvcore", "measured_macs", exact)] if measured else []),
        Column("MACs/element", "intensity", _decimal, drop=4),
        Column("of standard", "ratio", _ratio, left=True, drop=2),
        Column("of the first", "of_first", _decimal, drop=3),
    )
    rows = tuple(
        (
            found.ask.conv, found.ask.kernels, found.ask.times, found.ask.inputs, found.total.output[0], found.total.output, found.receptive_field,
            found.total.weights, found.total.cost.macs, *([found.total.bias_flops] if bias_flops else []), *measured[index : index + 1],
            found.total.intensity, found.ratio, Fraction(found.total.cost.macs, first),
        )
        for index, found in enumerate(answers)
    )  # fmt: skip
    lines = [f"defaults taken: {', '.join(defaults)}"] if defaults else []
    if len(answers) == 2:
        lines.insert(0, _saved(*answers))
    return Table("", columns, rows, (*lines, f"convention {ARCHPROF}: {ARCHPROF.text}"))


def _saved(first: ConvCost, second: ConvCost) -> str:
    """Return what the second of two saves against the first."""
    ratio = Fraction(second.total.cost.macs, first.total.cost.macs)
    change = abs(1 - ratio)
    verb = "saves" if ratio < 1 else "adds"
    same = "the same receptive field" if first.receptive_field == second.receptive_field else "another receptive field"
    return f"the second has {same} and {verb} {float(change):.1%} of the first's MACs ({ratio})".replace("%", " %")


def _decimal(value: Fraction | None) -> str:
    if value is None:
        return ""
    return f"{float(value):,.1f}" if value >= 10 else f"{float(value):.4g}"


def _ratio(value: Fraction | None) -> str:
    return "" if value is None else f"{value} = {_decimal(value)}" if value.denominator != 1 else str(value)


def _times(ratio: Fraction) -> str:
    return (
        f", {float(1 / ratio):.2f} times fewer"
        if 0 < ratio < 1
        else f", {float(ratio):.2f} times as many"
        if ratio > 1
        else ""
    )


def cost_document(answers: Sequence[ConvCost], measured: Sequence[int]) -> dict[str, Any]:
    """Return answers as a document; ratios are fractions as text, with their decimals."""
    return {
        "schema": SCHEMA,
        "convention": {"name": ARCHPROF.name, "version": ARCHPROF.version},
        "answers": [_answer(found, measured[index : index + 1]) for index, found in enumerate(answers)],
    }


def _answer(found: ConvCost, measured: Sequence[int]) -> dict[str, Any]:
    ask = found.ask
    return {
        "conv": ask.conv,
        "kernels": [list(kernel) for kernel in ask.kernels],
        "times": ask.times,
        "input": list(found.total.input),
        "output": list(found.total.output),
        "receptive_field": list(found.receptive_field),
        **_numbers_of(found.total.cost, found.total),
        "ratio": None if found.ratio is None else str(found.ratio),
        "ratio_decimal": None if found.ratio is None else float(found.ratio),
        "closed_form": found.closed_form or None,
        **({"measured": {"counter": "fvcore", "macs": measured[0]}} if measured else {}),
        "layers": [
            {
                "layer": part.name,
                "formula": part.formula,
                "numbers": _numbers(found, part),
                **_numbers_of(part.cost, part),
            }
            for part in found.parts
        ],
    }


def _numbers_of(cost: Counts, part: ConvLayer) -> dict[str, Any]:
    return {
        "params": cost.params,
        "weights": part.weights,
        "macs": cost.macs,
        "bias_flops": part.bias_flops,
        "input_elements": part.input_elements,
        "output_elements": part.output_elements,
        "intensity": float(part.intensity),
    }
