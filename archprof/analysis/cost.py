"""What one convolution costs, before any network exists: each kind is a network of a layer or three, costed like any
other."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Any

from archprof.analysis.document import ConventionText, Tensor, tensor
from archprof.costs.report import Report, Row, analyze_graph
from archprof.errors import InputError, UsageError, suggest, usage_error
from archprof.ir.dims import product
from archprof.ir.graph import INPUT, Graph
from archprof.ir.operators.conv import Conv2d
from archprof.ir.terms import NOTHING, total
from archprof.language.expand import expand
from archprof.language.spellings import spellings
from archprof.named_tuple import NamedTuple
from archprof.spec.load import load

Size = tuple[int, int]
SpecLayer = Mapping[str, Any]


class Convolution(NamedTuple):
    """One convolution that is asked about, in the literature's letters: M inputs, N outputs, K the kernel, F the
    input's side.

    `times` stacks it that many times; `kernels` are several for a mix.
    """

    conv: str = "std"
    kernels: tuple[Size, ...] = ((3, 3),)
    in_channels: int = 64
    out_channels: int = 64
    size: Size = (56, 56)
    stride: Size = (1, 1)
    padding: Size | None = None
    dilation: Size = (1, 1)
    groups: int = 2
    bias: bool = False
    expand: float = 6
    ratio: float = 0.25
    times: int = 1

    @property
    def kernel(self) -> Size:
        """The kernel, of a mix the largest."""
        return max(self.kernels, key=product)

    @property
    def own_kernels(self) -> tuple[Size, ...]:
        """The kernels of its layers, which are not those of the standard convolution that a pointwise one is held
        against; none where there are no windows."""
        return {"pw": ((1, 1),), "se": (), "linear": ()}.get(self.conv, self.kernels)


class ConvCounts(NamedTuple):
    """What layers cost, and what they move: elements are those of one image, weights without bias.

    `bias_flops` are FLOPs by the other textbook convention: two for each multiply-accumulate, and one for each output's
    bias. `intensity` is the MACs for each element moved, when every element is moved once.
    """

    params: int
    weights: int
    macs: int
    bias_flops: int
    input_elements: int
    output_elements: int
    intensity: Fraction


class ConvLayer(NamedTuple):
    """One counted layer: its MACs in the literature's letters, with their numbers put in, its shapes, its counts."""

    path: str
    formula: str
    numbers: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    cost: ConvCounts


class MeasuredMacs(NamedTuple):
    """What a counter found on the real layers."""

    counter: str
    macs: int


class ConvCost(NamedTuple):
    """What a convolution costs: its layers, their sum, and how that stands to the MACs of the *standard* convolution of
    the same kernel (None where there is none to compare with), also in closed form.

    The closed form gives the ratio exactly where it *holds*: with a size that the stride does not divide it does not.
    """

    asked: Convolution
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    receptive_field: Size
    totals: ConvCounts
    standard: int | None
    ratio: Fraction | None
    ratio_exact: str | None
    closed_form: str
    holds: bool
    layers: tuple[ConvLayer, ...]
    measured: MeasuredMacs | None = None


class ConvCosts(NamedTuple):
    """What some convolutions cost, side by side, and what was taken where nothing was said."""

    convention: ConventionText
    defaults: Mapping[str, str]
    answers: tuple[ConvCost, ...]


class ConvKind(NamedTuple):
    """A kind of convolution: its layers as a spec has them, and its ratio to the standard convolution in closed form.

    The value of the closed form is exact where the stride divides the size; *value* computes it from the ask alone, for
    the tests and the display.
    """

    doc: str
    layers: Callable[[Convolution], list[SpecLayer]]
    closed: str = ""
    value: Callable[[Convolution], Fraction] | None = None


def _conv(ask: Convolution, name: str, c: Any, *, k: Size = (1, 1), strided: bool = False, g: Any = 1) -> SpecLayer:
    """Return a bare convolution as a layer of a spec."""
    options = {"c": c, "k": _text(k), "g": g, "bias": ask.bias}
    if strided:
        options["s"] = _text(ask.stride)
    if k != (1, 1):
        options["d"] = _text(ask.dilation)
        if ask.padding is not None:
            options["p"] = _text(ask.padding)
    return {"id": name, "conv2d": options}


def _text(size: Size) -> str:
    return str(size[0]) if size[0] == size[1] else f"{size[0]}x{size[1]}"


def _standard(ask: Convolution) -> list[SpecLayer]:
    return [_conv(ask, "conv", ask.out_channels, k=ask.kernel, strided=True)]


def _depthwise(ask: Convolution) -> SpecLayer:
    return _conv(ask, "depthwise", "1x", k=ask.kernel, strided=True, g="depthwise")


def _separable(ask: Convolution) -> list[SpecLayer]:
    return [_depthwise(ask), _conv(ask, "pointwise", ask.out_channels)]


def _mix(ask: Convolution) -> list[SpecLayer]:
    if len(ask.kernels) == 1:
        return [_depthwise(ask)]
    names = [f"k{_text(k)}" for k in ask.kernels]
    # An id stands once in a network: of equal kernels the later ones are numbered.
    its = [
        f"{name}-{names[:place].count(name) + 1}" if name in names[:place] else name for place, name in enumerate(names)
    ]
    paths = [
        [_conv(ask, name, "1x", k=k, strided=True, g="depthwise")] for name, k in zip(its, ask.kernels, strict=True)
    ]
    return [{"id": "mix", "branches": {"split": True, "paths": paths}}]


def _bottleneck(ask: Convolution) -> list[SpecLayer]:
    inner = max(ask.out_channels // 4, 1)
    return [
        _conv(ask, "reduce", inner),
        _conv(ask, "conv", inner, k=ask.kernel, strided=True),
        _conv(ask, "expand", ask.out_channels),
    ]


def _inverted(ask: Convolution) -> list[SpecLayer]:
    expanded = f"{ask.expand:g}x"
    before = [_conv(ask, "expand", expanded)] if ask.expand != 1 else []
    return [*before, _depthwise(ask), _conv(ask, "project", ask.out_channels)]


def _squeeze_excite(ask: Convolution) -> list[SpecLayer]:
    return [{"id": "se", "squeeze_excite": {"ratio": ask.ratio, "bias": ask.bias}}]


def _linear(ask: Convolution) -> list[SpecLayer]:
    return [{"id": "linear", "linear": {"c": ask.out_channels, "bias": ask.bias}}]


def _area(ask: Convolution) -> int:
    return ask.kernel[0] * ask.kernel[1]


def _inverted_value(ask: Convolution) -> Fraction:
    t, strides = Fraction(ask.expand), ask.stride[0] * ask.stride[1]
    first = Fraction(strides * ask.in_channels, _area(ask) * ask.out_channels) if ask.expand != 1 else Fraction(0)
    return t * (first + Fraction(1, ask.out_channels) + Fraction(1, _area(ask)))


def _bottleneck_value(ask: Convolution) -> Fraction:
    inner, strides = max(ask.out_channels // 4, 1), ask.stride[0] * ask.stride[1]
    whole = _area(ask) * ask.in_channels * ask.out_channels
    return Fraction(strides * ask.in_channels * inner + _area(ask) * inner * inner + inner * ask.out_channels, whole)


def _mix_value(ask: Convolution) -> Fraction:
    each = ask.in_channels // len(ask.kernels)
    shares = [ask.in_channels - each * (len(ask.kernels) - 1), *[each] * (len(ask.kernels) - 1)]
    weights = sum(share * product(kernel) for share, kernel in zip(shares, ask.kernels, strict=True))
    return Fraction(weights, ask.in_channels * ask.out_channels * _area(ask))


def _pair(ask: Convolution) -> Fraction:
    return Fraction(1, ask.out_channels) + Fraction(1, _area(ask))


CONV_KINDS: Mapping[str, ConvKind] = {
    "std": ConvKind("standard convolution", _standard, "1", lambda ask: Fraction(1)),
    "pw": ConvKind(
        "pointwise (1×1) convolution",
        lambda ask: [_conv(ask, "conv", ask.out_channels, strided=True)],
        "1/K²",
        lambda ask: Fraction(1, _area(ask)),
    ),
    "dw": ConvKind("depthwise separable convolution: depthwise, then pointwise", _separable, "1/N + 1/K²", _pair),
    "dw-linear": ConvKind(
        "depthwise separable with a linear bottleneck (MobileNetV2, Figure 2): depthwise, then pointwise",
        _separable,
        "1/N + 1/K²",
        _pair,
    ),
    "group": ConvKind(
        "grouped convolution",
        lambda ask: [_conv(ask, "conv", ask.out_channels, k=ask.kernel, strided=True, g=ask.groups)],
        "1/g",
        lambda ask: Fraction(1, ask.groups),
    ),
    "mix": ConvKind(
        "mixed depthwise convolution (MixConv), which mixes no channels", _mix, "Σ Mᵢ·Kᵢ² / (M·N·K²)", _mix_value
    ),
    "bottleneck": ConvKind(
        "bottleneck: 1×1 to N/4, K×K, 1×1 to N", _bottleneck, "s²/(4·K²) + N/(16·M) + N/(4·K²·M)", _bottleneck_value
    ),
    "inverted": ConvKind(
        "inverted residual: expand t times, depthwise, project",
        _inverted,
        "t·(s²·M/(K²·N) + 1/N + 1/K²)",
        _inverted_value,
    ),
    "se": ConvKind("squeeze-excite", _squeeze_excite),
    "linear": ConvKind("fully connected layer", _linear),
}
ALIASES = {
    "dws": "dw", "depthwise": "dw", "separable": "dw", "depthwise-separable": "dw", "pointwise": "pw",
    "standard": "std", "grouped": "group", "mixed": "mix", "inverted-residual": "inverted", "squeeze-excite": "se",
}  # fmt: skip


def answer(ask: Convolution) -> ConvCost:
    """Return what an asked convolution costs.

    Raises UsageError for a kind that there is not, or sizes that do not fit.
    """
    ask = ask._replace(conv=ALIASES.get(ask.conv, ask.conv))
    if ask.conv not in CONV_KINDS:
        advice = suggest(ask.conv, (*CONV_KINDS, *ALIASES), "kinds", CONV_KINDS)
        raise usage_error(f"unknown kind of convolution `{ask.conv}`", help=advice)
    graph = graph_of(ask)
    report = analyze_graph(graph)
    layers = tuple(_layer(row) for row in report.rows if row.cost.macs)
    standard, macs = _standard_macs(ask), report.totals.macs
    ratio = Fraction(macs, standard) if standard else None
    _, _, closed, value = CONV_KINDS[ask.conv]
    return ConvCost(
        ask,
        tuple(map(tensor, report.inputs.values())),
        tuple(map(tensor, report.outputs.values())),
        _receptive_field(graph),
        _together(report, layers),
        standard,
        ratio,
        None if ratio is None else str(ratio),
        closed if ask.times == 1 else "",
        ask.times == 1 and value is not None and value(ask) == ratio,
        layers,
    )


def shares_over_outputs(ask: Convolution, outputs: Iterable[int]) -> dict[int, Fraction]:
    """Return the MACs as a share of the standard convolution's at several numbers of outputs, where those can be; none
    where the outputs are the inputs, or nothing is compared."""
    if ask.conv in ("mix", "se", "linear"):
        return {}
    shares = {}
    for count in outputs:
        with suppress(UsageError):
            asked = ask._replace(out_channels=count)
            shares[count] = Fraction(analyze_graph(graph_of(asked)).totals.macs, _standard_macs(asked) or 1)
    return shares


def graph_of(ask: Convolution) -> Graph:
    """Return the graph of the asked layers; when they are stacked, each further one goes from N to N with stride 1."""
    stacked = CONV_KINDS[ask.conv].layers(ask)
    again = ask._replace(in_channels=ask.out_channels, stride=(1, 1))
    for index in range(1, ask.times):
        stacked += [{**layer, "id": f"{layer['id']}{index}"} for layer in CONV_KINDS[ask.conv].layers(again)]
    height, width = (1, 1) if ask.conv == "linear" else ask.size
    spec = {"archprof": 1, "name": ask.conv, "input": f"{ask.in_channels}x1x1", "layers": stacked}
    try:
        # JSON is YAML: the ordinary way in, so that nothing here computes a cost.
        size = [("resolution", f"{height}x{width}")]
        return expand(load("cost.yaml", size, spellings=spellings, text=json.dumps(spec)))
    except InputError as error:
        raise UsageError(found._replace(location=None, where="") for found in error.problems) from None


def _layer(row: Row) -> ConvLayer:
    weights = row.cost.params - int(total(row.operator.parameters().get("bias", NOTHING)))
    moved = (product(row.inputs[0]), product(row.output))
    counts = _counts(row.cost.params, weights, row.cost.macs, *moved)
    shapes = (tuple(map(tensor, row.values)), tuple(map(tensor, row.node.outputs)))
    formula = row.operator.macs_formula
    return ConvLayer(row.path, formula, _numbers(row, formula), *shapes, counts)


def _counts(params: int, weights: int, macs: int, moved_in: int, moved_out: int) -> ConvCounts:
    intensity = Fraction(macs, moved_in + weights + moved_out)
    return ConvCounts(params, weights, macs, 2 * macs + moved_out, moved_in, moved_out, intensity)


def _together(report: Report, layers: tuple[ConvLayer, ...]) -> ConvCounts:
    weights, moved_in, moved_out = (
        sum(counts)
        for counts in zip(
            *((one.cost.weights, one.cost.input_elements, one.cost.output_elements) for one in layers), strict=True
        )
    )
    return _counts(report.totals.params, weights, report.totals.macs, moved_in, moved_out)


def _numbers(row: Row, formula: str) -> str:
    """Return a layer's formula with its numbers in the place of the letters."""
    kernel, output = row.kernel or (1, 1), row.output
    square = len(output) == 3 and output[1] == output[2]
    letters = {
        "K²": f"{kernel[0]}²" if kernel[0] == kernel[1] else f"{kernel[0]}·{kernel[1]}",
        "F²": f"{output[1]}²" if square else "·".join(map(str, output[1:])),
        "M": str(row.inputs[0][0]),
        "N": str(output[0]),
        "g": str(row.groups or 1),
    }
    for letter, number in letters.items():
        formula = formula.replace(letter, number)
    return formula


def _standard_macs(ask: Convolution) -> int | None:
    """Return the multiply-accumulates of the standard convolution with the same kernel, channels, stride and
    padding."""
    if ask.conv in ("se", "linear"):
        return None
    return analyze_graph(graph_of(ask._replace(conv="std", times=1))).totals.macs


def _receptive_field(graph: Graph) -> Size:
    """Return how many pixels of the input, down and across, an output sees: 1 + Σ d·(K − 1)·(the strides before), of
    parallel paths the most."""
    return _field_along(graph, 0), _field_along(graph, 1)


def _field_along(graph: Graph, axis: int) -> int:
    seen = {INPUT: (1, 1)}
    for index, node in enumerate(graph.nodes):
        field, jump = max(seen[edge.node] for edge in node.inputs)
        if isinstance(node.op, Conv2d):
            field += node.op.dilation[axis] * (node.op.kernel_size[axis] - 1) * jump
            jump *= node.op.stride[axis]
        seen[index] = (field, jump)
    return seen[len(graph.nodes) - 1][0]
