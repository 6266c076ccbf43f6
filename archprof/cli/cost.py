"""archprof cost: what one convolution costs."""

from typing import Annotated

import typer

from archprof.cli import options
from archprof.cli.output import choose_format, write


def command(
    conv: Annotated[
        str,
        typer.Option(
            "--conv",
            help="std, pw, dw, dw-linear, group, mix, bottleneck, inverted, se or linear; a comma lists.",
            metavar="KIND",
        ),
    ] = "dw",
    k: Annotated[
        str | None, typer.Option("--k", help="Kernel: 3, 1x7; a comma lists, a plus mixes (3+5+7).", metavar="K")
    ] = None,
    inputs: Annotated[int | None, typer.Option("--in", min=1, help="Input channels M.", metavar="M")] = None,
    outputs: Annotated[int | None, typer.Option("--out", min=1, help="Output channels N.", metavar="N")] = None,
    size: Annotated[str | None, typer.Option("--size", help="Input size: 56, 56x40.", metavar="F")] = None,
    stride: Annotated[str | None, typer.Option("--stride", help="Stride: 2, 1x2.", metavar="S")] = None,
    padding: Annotated[
        str | None, typer.Option("--padding", help="Padding; keeps the size at stride 1 unless given.", metavar="P")
    ] = None,
    dilation: Annotated[str | None, typer.Option("--dilation", help="Dilation.", metavar="D")] = None,
    groups: Annotated[
        int | None, typer.Option("--groups", min=1, help="Groups of a grouped convolution.", metavar="G")
    ] = None,
    bias: Annotated[bool, typer.Option("--bias", help="Count biases among the params.")] = False,
    t: Annotated[float | None, typer.Option("--t", help="Expansion of an inverted residual.", metavar="T")] = None,
    ratio: Annotated[
        float | None, typer.Option("--ratio", help="Squeeze ratio of a squeeze-excite.", metavar="R")
    ] = None,
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
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """What one convolution costs, before any network exists.

    Formulas in the letters of the literature (M inputs, N outputs, K kernel, F output side, g groups), numbers put in,
    elements moved, and the ratio to the standard convolution of the same kernel. Several kinds or kernels stand side by
    side.
    """
    from archprof.analysis.cost import answer
    from archprof.cli.cost_options import convolutions_of, defaults_of
    from archprof.render.cost import cost_document, cost_table

    chosen = choose_format(format, output)
    given = {
        "k": k, "in": inputs, "out": outputs, "size": size, "stride": stride, "padding": padding, "dilation": dilation, "groups": groups,
        "bias": bias or None, "t": t, "ratio": ratio,
    }  # fmt: skip
    said = {name: str(value) for name, value in given.items() if value is not None}
    answers = [answer(ask) for ask in convolutions_of(conv, said, versus or [])]
    measured: list[int] = []
    if measure:
        from archprof.runtime.measure import measure_network

        measured = [measure_network(found.graph).macs for found in answers]

    def json() -> str:
        from archprof.render.json import to_json

        return to_json(cost_document(answers, measured))

    defaults = defaults_of([found.ask for found in answers], said)
    write(
        chosen,
        output,
        lambda: cost_table(answers, defaults, bias_flops=bias_flops, measured=measured, over_n=outputs is None),
        json,
        no_color=no_color,
    )
    wrong = [found for found, macs in zip(answers, measured, strict=False) if macs != found.total.cost.macs]
    if wrong:
        typer.echo(f"analytic and measured counts differ: `{wrong[0].ask.conv}`", err=True)
        raise typer.Exit(1)
