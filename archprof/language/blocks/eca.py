"""eca: channels weighted by a gate that is computed from the means of their neighbours (Wang et al. 2020)."""

from archprof.ir.columns import Column, count, optional
from archprof.ir.dims import Dim
from archprof.ir.operators.act import Sigmoid
from archprof.ir.operators.channel_conv import ChannelConv
from archprof.ir.operators.join import Multiply
from archprof.ir.operators.mean import Mean
from archprof.language.block import Block
from archprof.language.fragment import Feature
from archprof.language.trace import Tracer


def apply_eca(net: Tracer, x: Feature, k: int | None = None) -> Feature:
    """Apply the gate to *x* under `eca`: mean, a convolution along the channels, sigmoid, multiply."""
    with net.scope("eca", kind="se"):
        gate = net.apply("pool", Mean.of(x.value, keep=True), x)
        gate = net.apply("conv", ChannelConv.of(gate.value, k=_kernel(x.channels) if k is None else k), gate)
        gate = net.apply("gate", Sigmoid(), gate)
        return net.apply("scale", Multiply(), x, gate)


def _kernel(channels: Dim) -> int:
    """Return (log₂ C + 1)/2, cut to an integer and up to an odd one, at least 3 (section 3.2.3)."""
    kernel, wider = 3, 2**7
    while channels >= wider:
        kernel, wider = kernel + 2, wider * 2**4
    return kernel


def eca(net: Tracer, x: Feature, *, k: int | None = None) -> Feature:
    return apply_eca(net, x, k)


ECA = Block(
    "eca",
    eca,
    (Column("k", optional(count(1, 99)), "how many neighbours a gate is computed from; by the channels unless given"),),
    "Weights channels by a gate computed from the means of their neighbours (Wang et al. 2020).",
    inherits=False,
)
