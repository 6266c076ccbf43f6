"""The cost of a convolution as tables: `archprof cost`."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from archprof.analysis.cost import CONV_KINDS, ConvCost, ConvCosts, ConvCounts, Convolution
from archprof.ir.dims import Shape
from archprof.ir.values import show_shape
from archprof.render.summary import pair
from archprof.render.table import Heading, Note, Table
from archprof.units import exact

# The table over N: how the ratio falls with the number of outputs.
OUTPUTS = (16, 32, 64, 128, 256, 512, 1024)


def cost_table(found: ConvCosts, *, bias_flops: bool, over_n: bool) -> Table:
    """Return the layers of one answer, or several answers side by side; *over_n* adds a table of the ratio over N."""
    answers = found.answers
    if len(answers) > 1:
        return _side_by_side(found, bias_flops)
    (answer,) = answers
    below = (_over_outputs(answer),) if over_n and answer.asked.conv != "mix" and "N" in answer.closed_form else ()
    columns = (
        Heading("layer", "path", left=True),
        Heading("multiply-accumulates", "formula", left=True, drop=2),
        Heading("numbers put in", "numbers", left=True, drop=3),
        Heading("weights", "weights", exact),
        *([Heading("params", "params", exact)] if answer.asked.bias else []),
        Heading("MACs", "macs", exact),
        *([Heading("(2·K²·M/g + 1)·H·W·N FLOPs", "bias_flops", exact)] if bias_flops else []),
        *([Heading("fvcore", "measured_macs", _known)] if answer.measured else []),
        Heading("input", "input_elements", exact, drop=6),
        Heading("output", "output_elements", exact, drop=5),
        Heading("MACs/element", "intensity", _decimal, drop=4),
        Heading("of standard", "ratio", _ratio, left=True, drop=1),
    )
    rows = [_row(answer, (one.path, one.formula, one.numbers), one.cost, bias_flops, None) for one in answer.layers]
    if len(answer.layers) > 1 or answer.measured:
        measured = answer.measured.macs if answer.measured else None
        rows.append(_row(answer, ("sum", "", ""), answer.totals, bias_flops, measured))
    return Table(_title(answer), columns, tuple(rows), (*_footer(answer), *_closing(found)), below=below)


def _row(
    answer: ConvCost, names: tuple[str, str, str], cost: ConvCounts, bias_flops: bool, measured: int | None
) -> tuple[Any, ...]:
    return (
        *names,
        cost.weights,
        *([cost.params] if answer.asked.bias else []),
        cost.macs,
        *([cost.bias_flops] if bias_flops else []),
        *([measured] if answer.measured else []),
        cost.input_elements,
        cost.output_elements,
        cost.intensity,
        Fraction(cost.macs, answer.standard) if answer.standard else None,
    )


def _known(number: int | None) -> str:
    return "" if number is None else exact(number)


def _title(answer: ConvCost) -> str:
    ask = answer.asked
    stacked = f"{ask.times} × " if ask.times > 1 else ""
    letters = [f"M {ask.in_channels}", f"N {_output(answer)[0]}"]
    if ask.conv not in ("linear", "se", "pw"):
        letters.append(f"K {'+'.join(map(pair, ask.kernels))}")
    if ask.conv != "linear":
        letters.append(f"input {show_shape(answer.inputs[0].shape)} → output {show_shape(_output(answer))}")
    return f"{stacked}{CONV_KINDS[ask.conv].doc} · {', '.join(letters)}"


def _output(answer: ConvCost) -> Shape:
    return answer.outputs[0].shape


def _footer(answer: ConvCost) -> list[Note]:
    lines = [_ratio_line(answer)] if answer.ratio is not None and answer.closed_form != "1" else []
    if answer.asked.conv in ("dw", "dw-linear"):
        behind = "the pointwise convolution behind it does, for 1/K²"
        lines.append(f"depthwise alone costs 1/N, and mixes no channels: {behind}")
    if answer.asked.conv == "mix":
        lines.append("a mixed depthwise convolution mixes no channels: a pointwise convolution must follow")
    return [Note("ratio", line) for line in (*lines, f"receptive field {show_shape(answer.receptive_field)}")]


def _ratio_line(answer: ConvCost) -> str:
    ask, ratio = answer.asked, answer.ratio
    assert ratio is not None
    closed = f"about {answer.closed_form}; exactly " if answer.closed_form else ""
    if answer.closed_form and answer.holds:
        closed = f"{answer.closed_form} = "
    kernel = f" with K {pair(ask.kernel)}" if ask.conv == "pw" else ""
    to = f"ratio to the standard convolution{kernel} ({exact(answer.standard or 0)} MACs)"
    return f"{to}: {closed}{_ratio(ratio)}{_times(ratio)}"


def _closing(found: ConvCosts) -> list[Note]:
    taken = ", ".join(f"{name} {value}" for name, value in found.defaults.items())
    convention = found.convention
    return [
        *([Note("defaults", f"defaults taken: {taken}")] if taken else []),
        Note("convention", f"convention {convention.name} {convention.version}: {convention.text}"),
    ]


def _over_outputs(answer: ConvCost) -> Table:
    value = CONV_KINDS[answer.asked.conv].value
    assert value is not None
    ratios = [(outputs, value(answer.asked._replace(out_channels=outputs))) for outputs in OUTPUTS]
    columns = (
        Heading("N", "out_channels"),
        Heading(answer.closed_form, "ratio", str),
        Heading("decimal", "decimal", _decimal),
        Heading("times fewer", "times", lambda ratio: f"{float(1 / ratio):.2f}"),
    )
    return Table("", columns, tuple((outputs, ratio, ratio, ratio) for outputs, ratio in ratios))


def _side_by_side(found: ConvCosts, bias_flops: bool) -> Table:
    answers = found.answers
    measured = any(answer.measured for answer in answers)
    columns = (
        Heading("conv", "conv", left=True),
        Heading("K", "kernels", lambda kernels: "+".join(map(pair, kernels))),
        Heading("n", "times", drop=1),
        Heading("M", "in_channels"),
        Heading("N", "out_channels"),
        Heading("output", "outputs", show_shape, drop=6),
        Heading("field", "receptive_field", show_shape, drop=5),
        Heading("weights", "weights", exact),
        Heading("MACs", "macs", exact),
        *([Heading("FLOPs with bias", "bias_flops", exact)] if bias_flops else []),
        *([Heading("fvcore", "measured_macs", exact)] if measured else []),
        Heading("MACs/element", "intensity", _decimal, drop=4),
        Heading("of standard", "ratio", _ratio, left=True, drop=2),
        Heading("of the first", "of_first", _decimal, drop=3, person=True),
    )
    rows = tuple(_beside(answer, answers[0].totals.macs, bias_flops) for answer in answers)
    said = [_saved(answers)] if len(answers) == 2 else []
    said += filter(None, [_made_of(answers)])
    return Table("", columns, rows, (*(Note("ratio", line) for line in said), *_closing(found)))


def _made_of(answers: Sequence[ConvCost]) -> str:
    """Return the layers that the kinds of several are short for."""
    several = dict.fromkeys(
        answer.asked.conv for answer in answers if len(CONV_KINDS[answer.asked.conv].layers(answer.asked)) > 1
    )
    return " · ".join(f"{kind}: {CONV_KINDS[kind].doc.partition(': ')[2]}" for kind in several)


def _beside(answer: ConvCost, first: int, bias_flops: bool) -> tuple[Any, ...]:
    ask, totals, output = answer.asked, answer.totals, _output(answer)
    return (
        *(ask.conv, ask.own_kernels, ask.times, ask.in_channels, output[0], output, answer.receptive_field),
        *(totals.weights, totals.macs),
        *([totals.bias_flops] if bias_flops else []),
        *([answer.measured.macs] if answer.measured else []),
        *(totals.intensity, answer.ratio, Fraction(totals.macs, first)),
    )


def named(ask: Convolution) -> str:
    """Return what tells a convolution from others beside it: `dw, K 3`, `2 × std, K 3`, `pw, of std K 3`."""
    stacked = f"{ask.times} × " if ask.times > 1 else ""
    held_against = "of std " if ask.own_kernels != ask.kernels else ""
    kernel = f", {held_against}K {'+'.join(map(pair, ask.kernels))}" if ask.own_kernels else ""
    return f"{stacked}{ask.conv}{kernel}"


def _saved(answers: Sequence[ConvCost]) -> str:
    """Return what the second of two saves against the first."""
    first, second = answers
    ratio = Fraction(second.totals.macs, first.totals.macs)
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
    if 0 < ratio < 1:
        return f", {float(1 / ratio):.2f} times fewer"
    return f", {float(ratio):.2f} times as many" if ratio > 1 else ""
