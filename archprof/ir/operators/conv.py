"""Convolution: what it has in common whatever its dimensions, and the two-dimensional one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.columns import CHANNELS, FLAG, GROUPS, PADDING, SAME, SIDES, SIZE, Column, one_of, ratio
from archprof.ir.dims import Dim, conv_out, is_array, maximum, same
from archprof.ir.footprint import Footprint, Gradients, Run, Workspace
from archprof.ir.operators import class_of
from archprof.ir.operators.base import Operator, ShapeError, map_axis, operator
from archprof.ir.operators.padding import Padding, around, at_rank, ends, rank_of, shortest, torch_order
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

Pair = tuple[int, int]
# Of K and F, by the number of dimensions.
_POWERS = ("", "", "²", "³")

K = Column("k", SIZE, "kernel size", ("kernel", "kernel_size"), required=True)
S = Column("s", SIZE, "stride", ("stride",))
P = Column("p", PADDING, "padding; dilation·(k−1)/2 unless given", ("padding",))
D = Column("d", SIZE, "dilation", ("dilation",))
G = Column("g", GROUPS, "groups; `depthwise` for one group a channel", ("groups",))
# Of convolutions of any rank.
K_SIDES, S_SIDES, D_SIDES = (column._replace(kind=SIDES) for column in (K, S, D))
C = Column("c", CHANNELS, "output channels", ("out", "out_channels"), required=True)
BIAS = Column("bias", FLAG, "whether a bias is added")
WEIGHTS = (
    Column(
        "weights",
        one_of("plain", "standard", "scaled"),
        "the weights as they are; standardised over each filter (Qiao et al. 2019); so, with a learned gain for each, "
        "gamma / √fan-in times as large (Brock et al. 2021)",
    ),
    Column("gamma", ratio(0, 100), "what scaled weights are scaled by, of the activation in front", needs="weights"),
    Column("weight_eps", ratio(0, 1), "added to the variance of weights", needs="weights"),
)


class Windowed(Operator):
    """What multiplies a window of as many dimensions as its kernel has, in groups of channels, on a map that may have
    frames or windows in front: a convolution, or one the other way round."""

    __slots__ = ()
    weighted: ClassVar[bool] = True
    drawn_as: ClassVar[str] = "conv"
    overwritable: ClassVar[bool] = True
    saves: ClassVar[str] = "inputs"
    autocast: ClassVar[str] = "half"
    # The fewer groups, the more weights.
    decreasing: ClassVar[tuple[str, ...]] = ("groups",)
    in_channels: Dim
    out_channels: Dim
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: Dim
    bias: bool

    @property
    def kind(self) -> str:
        groups = self.groups
        if not is_array(groups) and groups == 1:
            return "pointwise" if max(self.kernel_size) == 1 else "standard"
        depthwise = same(groups, self.in_channels) and same(self.in_channels, self.out_channels)
        return "depthwise" if depthwise else "grouped"

    @property
    def weights(self) -> Dim:
        """Elements of the weight."""
        raise TypeError(f"{type(self).__name__} has weights of its own")

    def parameters(self) -> Mapping[str, Terms]:
        weight = term(self.weights)
        return {"weight": weight, "bias": term(self.out_channels)} if self.bias else {"weight": weight}

    def gradients(self, run: Run) -> Gradients:
        shared = (False,) * len(run.inputs)
        if run.setup.kernels != "cuda":
            return Gradients(shared)
        # Kernels read a gradient that is contiguous; that of the bias is summed up as it lies.
        from archprof.ir.operators.gpu import column_sums

        output = run.outputs[0]
        sums = column_sums(run.elements(output) // output.channels, output.channels) if self.bias else 0
        return Gradients(shared, strided=maximum(run.bytes(output), sums))

    def workspace(self, run: Run) -> Workspace:
        from archprof.ir.operators.gpu import workspace

        return workspace(self, run)


class Convolution(Windowed):
    """A convolution over so many dimensions as its kernel has."""

    __slots__ = ()

    @property
    def macs_formula(self) -> str:
        power = _POWERS[len(self.kernel_size)]
        window, places = f"K{power}·", f"·F{power}"
        parts = {"standard": "M·N", "pointwise": "M·N", "depthwise": "M", "grouped": "(M/g)·N"}
        return f"{'' if self.kind == 'pointwise' else window}{parts[self.kind]}{places}"

    def output(self, *inputs: Value) -> Value:
        at = map_axis(inputs[0], len(self.kernel_size), "a convolution")
        shape = inputs[0].shape
        if not same(shape[at], self.in_channels):
            raise ShapeError(f"a convolution of {self.in_channels} channels on {shape[at]}")
        if self.groups is not self.in_channels or self.groups is not self.out_channels:
            self._check_groups()
        sizes = map(self._slide, range(len(shape)), shape[at + 1 :])
        return inputs[0].with_shape((*shape[:at], self.out_channels, *sizes), at)

    def _check_groups(self) -> None:
        if not is_array(self.groups) and self.groups == 1:
            return
        for what, channels in (("input", self.in_channels), ("output", self.out_channels)):
            if self.groups is not channels and channels % self.groups != 0:
                message = f"{channels} {what} channels are not divisible by {self.groups} groups"
                raise ShapeError(message, "choose groups that divide both", ("g", "c"))

    def _slide(self, axis: int, size: Dim) -> Dim:
        kernel, stride, dilation = self.kernel_size[axis], self.stride[axis], self.dilation[axis]
        extent = dilation * (kernel - 1) + 1
        # Most convolutions keep the size; they are told apart before anything else is worked out.
        if stride == 1 and len(self.padding) == len(self.kernel_size) and 2 * self.padding[axis] == extent - 1:
            return size
        padding = ends(self.padding, axis)
        added = sum(padding)
        # With "same" padding the window fits whenever the input has a pixel: no comparison, so no split of a batch.
        if added < extent - 1 and size + added < extent:
            message = f"a window of {extent} is larger than the padded input of {size + added}"
            raise ShapeError(message, "a larger input, a smaller kernel or more padding", ("k", "d", "p"))
        return conv_out(size, kernel, stride, padding, dilation)

    @property
    def weights(self) -> Dim:
        """Elements of the weight: N·(M/g)·K², of other dimensions another power of K."""
        area = prod(self.kernel_size)
        if self.groups is self.in_channels:
            return self.out_channels * area
        # Arrays are spared what does not change them: a division and a multiplication by 1.
        single = not is_array(self.groups) and self.groups == 1
        per_group = self.in_channels if single else self.in_channels // self.groups
        return self.out_channels * (per_group if area == 1 else per_group * area)

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(self.weights, outputs[0].space)

    def stride_factor(self, *inputs: Value) -> int | None:
        return max(self.stride)

    def at_most(self, largest: Callable[[Dim], int], smallest: Callable[[Dim], int]) -> Operator:
        # As many groups as there are channels is depthwise for every candidate.
        depthwise = is_array(self.groups) and self.groups is self.in_channels
        return Operator.at_most(self, largest, largest if depthwise else smallest)

    def describe(self) -> str:
        return {"standard": "conv", "pointwise": "pw conv", "depthwise": "dw conv", "grouped": "group conv"}[self.kind]


@operator
class Conv2d(Convolution):
    """Two-dimensional convolution of (M, H, W) to (N, H', W'): every position costs K²·M/g·N multiply-accumulates."""

    in_channels: Dim
    out_channels: Dim
    kernel_size: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Padding = (0, 0)
    dilation: Pair = (1, 1)
    groups: Dim = 1
    bias: bool = False

    name: ClassVar[str] = "conv2d"
    formula: ClassVar[str] = "K²·(M/g)·N·F²"
    params_formula: ClassVar[str] = "K²·(M/g)·N + N"
    columns: ClassVar[tuple[Column, ...]] = (C, K_SIDES, S_SIDES, P, D_SIDES, G, BIAS, *WEIGHTS)

    @classmethod
    def of(
        cls,
        *inputs: Value,
        c: Dim,
        k: tuple[int, ...],
        s: tuple[int, ...] = (1, 1),
        p: tuple[int, ...] | None = None,
        d: tuple[int, ...] = (1, 1),
        g: Any = 1,
        bias: bool = True,
        weights: str = "plain",
        gamma: float = 1.0,
        weight_eps: float = 1e-6,
    ) -> Conv2d:
        channels = inputs[0].channels
        if not len(k) == len(s) == len(d) == 2:
            k, s, d = at_rank(k, 2, "k"), at_rank(s, 2, "s"), at_rank(d, 2, "d")
        kernel, stride, dilation = (k[0], k[1]), (s[0], s[1]), (d[0], d[1])
        groups = channels if g == "depthwise" else g
        if p == SAME and p is not None:
            if weights != "plain":
                raise ShapeError("the padding `same` with weights that are standardised", columns=("p",))
            same_sized: Conv2d = class_of("Conv2dSame").at(channels, c, kernel, stride, dilation, groups, bias)
            return same_sized
        padding = same_padding(kernel, dilation) if p is None else shortest(p)
        if weights == "plain":
            return cls(channels, c, kernel, stride, padding, dilation, groups, bias)
        form = weights == "scaled", gamma, weight_eps
        found: Conv2d = class_of("StdConv2d")(channels, c, kernel, stride, padding, dilation, groups, bias, *form)
        return found

    def footprint(self, run: Run) -> Footprint:
        with_zeros = around(run, self.padding)  # which is what the convolution sees
        if with_zeros is None:
            return Convolution.footprint(self, run)
        return Footprint(scratch=with_zeros, own=with_zeros)

    def gradients(self, run: Run) -> Gradients:
        return Convolution.gradients(self, run)._replace(around=around(run, self.padding))

    def module(self) -> torch.nn.Module:
        sizes = self.in_channels, self.out_channels, self.kernel_size, self.stride
        if len(self.padding) == 4:
            from archprof.ir.modules import PaddedConv2d

            sides = torch_order(self.padding)
            return PaddedConv2d(*sizes, sides, dilation=self.dilation, groups=self.groups, bias=self.bias)
        from torch import nn

        return nn.Conv2d(*sizes, self.padding, self.dilation, self.groups, self.bias)


def kernel(doc: str) -> Column:
    """Return the column of a kernel size for which a block has a value of its own, as *doc* says."""
    return K._replace(doc=doc, required=False)


def same_padding(kernel: Pair, dilation: Pair) -> Pair:
    """Return the padding that keeps the size at stride 1: dilation·(k − 1)/2."""
    return dilation[0] * (kernel[0] - 1) // 2, dilation[1] * (kernel[1] - 1) // 2


def convolution(value: Value, *, weights: str = "plain", **cells: Any) -> Convolution:
    """Return the convolution of a map of one, two or three dimensions. Raises ShapeError for sizes of another one."""
    rank = rank_of(value)
    if rank == 2:
        return Conv2d.of(value, weights=weights, **cells)
    if weights != "plain":
        raise ShapeError(f"standardised weights on a map of {show_shape(value.shape)}", columns=("weights",))
    for gone in ("gamma", "weight_eps"):
        cells.pop(gone, None)
    found: Convolution = class_of("Conv1d" if rank == 1 else "Conv3d").of(value, **cells)
    return found
