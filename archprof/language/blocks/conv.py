"""conv: convolution, norm, activation. linear: flatten a map, linear, norm, activation."""

from typing import Any

from archprof.ir.columns import ACT, CHANNELS, NORM, TEXT, Column, optional
from archprof.ir.dims import Dim
from archprof.ir.operators.conv import (
    BIAS,
    D_SIDES,
    K_SIDES,
    S_SIDES,
    WEIGHTS,
    C,
    G,
    P,
    Pair,
    convolution,
)
from archprof.ir.operators.flatten import Flatten
from archprof.ir.operators.linear import Linear
from archprof.ir.operators.padding import Padding
from archprof.language.block import Block
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer

NORM_COLUMN = Column("norm", NORM, "the norm behind the convolution", ("normalization",))
ACT_COLUMN = Column("act", ACT, "the activation", ("nl", "activation"))


def conv_norm_act(
    net: Tracer,
    x: Feature,
    channels: Dim,
    k: Pair = (1, 1),
    s: Pair = (1, 1),
    p: Padding | None = None,
    d: Pair = (1, 1),
    groups: Dim = 1,
    bias: bool | None = None,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    """Apply convolution, norm and activation under `conv`, `norm` and `act`; a convolution without a norm has a bias
    unless *bias* says otherwise."""
    bias = norm is None if bias is None else bias
    op = convolution(x.value, c=channels, k=k, s=s, p=p, d=d, g=groups, bias=bias)
    return net.act(net.norm(net.apply("conv", op, x), norm), act)


def conv(
    net: Tracer,
    x: Feature,
    *,
    c: Dim,
    k: Pair,
    s: Pair = (1, 1),
    p: Padding | None = None,
    d: Pair = (1, 1),
    g: Any = 1,
    bias: bool | None = None,
    weights: str = "plain",
    gamma: float = 1.0,
    weight_eps: float = 1e-6,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    bias = norm is None if bias is None else bias
    form: dict[str, Any] = {"weights": weights, "gamma": gamma, "weight_eps": weight_eps}
    op = convolution(x.value, c=c, k=k, s=s, p=p, d=d, g=g, bias=bias, **form)
    return net.act(net.norm(net.apply("conv", op, x), norm), act)


def linear(
    net: Tracer,
    x: Feature,
    *,
    c: Dim,
    bias: bool = True,
    tied: str | None = None,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    if x.value.channel != len(x.shape) - 1:
        x = net.apply("flatten", Flatten(), x)
    x = net.apply("linear", Linear(x.channels, c, bias), x)
    if tied:
        net.tie(tied)
    return net.act(net.norm(x, norm), act)


CONV = Block(
    "conv",
    conv,
    (C, K_SIDES, S_SIDES, P, D_SIDES, G, BIAS, *WEIGHTS, NORM_COLUMN, ACT_COLUMN),
    "Convolution, norm and activation, on maps of one, two or three dimensions. Without a norm the convolution has a "
    "bias.",
)
LINEAR = Block(
    "linear",
    linear,
    (
        Column("c", CHANNELS, "output features", ("out", "out_features"), required=True),
        BIAS,
        Column("tied", optional(TEXT), "the path of the embedding or linear layer above whose weight it has", ("tie",)),
        Column("norm", NORM, "a norm behind it"),
        Column("act", ACT, "an activation behind it", ("nl", "activation")),
    ),
    "A fully connected layer. It flattens a map, C×H×W; behind `permute: channels_last` it stands at every position, "
    "over the channels alone, as torch's does. It takes no norm and no activation from `defaults`.",
    inherits=False,
)
