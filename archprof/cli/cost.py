"""archprof cost: what one convolution costs."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from archprof.analysis.cost import ConvCost

from archprof.cli import options
from archprof.cli.output import choose_format, deliver, plot_name, plot_target, say
from archprof.named_tuple import NamedTuple
from archprof.render.formats import Result


class Shape(NamedTuple):
    """What a convolution is made of, in the letters of the literature; what is None takes its default."""

    k: Annotated[
        str | None, typer.Option("--k", help="Kernel: 3, 1x7; a comma lists, a plus mixes (3+5+7).", metavar="K")
    ] = None
    inputs: Annotated[int | None, typer.Option("--in", min=1, help="Input channels M.", metavar="M")] = None
    outputs: Annotated[int | None, typer.Option("--out", min=1, help="Output channels N.", metavar="N")] = None
    size: Annotated[str | None, typer.Option("--size", help="Input size: 56, 56x40.", metavar="F")] = None
    stride: Annotated[str | None, typer.Option("--stride", help="Stride: 2, 1x2.", metavar="S")] = None
    padding: Annotated[
        str | None, typer.Option("--padding", help="Padding; keeps the size at stride 1 unless given.", metavar="P")
    ] = None
    dilation: Annotated[str | None, typer.Option("--dilation", help="Dilation.", metavar="D")] = None
    groups: Annotated[
        int | None, typer.Option("--groups", min=1, help="Groups of a grouped convolution.", metavar="G")
    ] = None
    bias: Annotated[bool, typer.Option("--bias", help="Count biases among the params.")] = False
    t: Annotated[float | None, typer.Option("--t", help="Expansion of an inverted residual.", metavar="T")] = None
    ratio: Annotated[float | None, typer.Option("--ratio", help="Squeeze ratio of a squeeze-excite.", metavar="R")] = (
        None
    )

    def said(self) -> dict[str, str]:
        """Return what was said of it, by the names that `--versus` has."""
        names = {"inputs": "in", "outputs": "out"}
        given = {names.get(name, name): value for name, value in self._asdict().items()}
        return {name: str(value) for name, value in given.items() if value is not None and value is not False}


def command(
    conv: Annotated[
        str,
        typer.Option(
            "--conv",
            help="std, pw, dw (depthwise, then pointwise), dw-linear, group, mix, bottleneck, inverted, se or linear; "
            "a comma lists.",
            metavar="KIND",
        ),
    ] = "dw",
    *,
    shape: Shape,
    versus: Annotated[
        list[str] | None,
        typer.Option(
            "--versus", help="Another one beside it: `std:k=3,n=2` is two 3×3. Repeatable.", metavar="KIND:OPTIONS"
        ),
    ] = None,
    bias_flops: Annotated[bool, typer.Option("--bias-flops", help="Also FLOPs as (2·K²·M/g + 1)·H·W·N.")] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Count on the real layers with fvcore too, and compare.")
    ] = False,
    plot: options.PlotShares = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """What one convolution costs, before any network exists.

    Formulas in the letters of the literature (M inputs, N outputs, K kernel, F output side, g groups), numbers put in,
    elements moved, and the ratio to the standard convolution of the same kernel. Several kinds or kernels stand side by
    side.
    """
    from archprof.analysis.cost import ConvCosts, answer
    from archprof.analysis.document import convention_text
    from archprof.cli.cost_options import convolutions_of, defaults_of
    from archprof.render.cost import cost_table

    chosen = choose_format("cost", format, output)
    asks = convolutions_of(conv, shape.said(), versus or [])
    answers = [answer(ask) for ask in asks]
    if measure:
        answers = [_measured(one) for one in answers]
    found = ConvCosts(convention_text(), defaults_of(asks), tuple(answers))
    wrong = [one.asked.conv for one in answers if one.measured and one.measured.macs != one.totals.macs]
    message = f"analytic and measured counts differ: `{wrong[0]}`" if wrong else ""
    table = partial(cost_table, found, bias_flops=bias_flops, over_n=shape.outputs is None)
    if plot is not None:
        from archprof.render.plot import plot_costs

        if missing := plot_costs(found, plot_target(plot, chosen, output, no_color=no_color)):
            say(f"not in {plot_name(plot)}, nothing to hold it against over N: {', '.join(missing)}")
    deliver(Result(found, table, 1 if wrong else 0, message), chosen, output, no_color=no_color)


def _measured(found: "ConvCost") -> "ConvCost":
    from archprof.analysis.cost import MeasuredMacs, graph_of
    from archprof.runtime.measure import measure_network

    return found._replace(measured=MeasuredMacs("fvcore", measure_network(graph_of(found.asked)).macs))
