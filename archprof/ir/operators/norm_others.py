"""Norms that captured modules have: by the root of the mean square, and of each channel of an image alone. They cost no
MACs by the convention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import FLAG, Column, ratio
from archprof.ir.dims import Dim, product
from archprof.ir.footprint import SINGLE, Footprint, Gradients, Run
from archprof.ir.operators.base import Elementwise, ShapeError, check_channels, operator
from archprof.ir.operators.norm import check_last, learned
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch


@operator
class RMSNorm(Elementwise):
    """Features over the root of their mean square (Zhang & Sennrich 2019), of the last axis."""

    num_features: Dim
    affine: bool = True
    eps: float = 0.0  # torch's own, which is that of the type, where it is 0

    name: ClassVar[str] = "rms_norm"
    params_formula: ClassVar[str] = "N"
    category: ClassVar[str] = "norm"
    tried: ClassVar[str] = "installed"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("eps", ratio(0, 1), "added to the mean square; that of the type unless given"),
        Column("affine", FLAG, "whether a factor for each feature is learned"),
    )

    @classmethod
    def of(cls, *inputs: Value, eps: float = 0.0, affine: bool = True) -> RMSNorm:
        return cls(inputs[0].shape[-1], affine, eps)

    def output(self, *inputs: Value) -> Value:
        check_last((self.num_features,), inputs[0], "rms norm")
        return inputs[0]

    def parameters(self) -> Mapping[str, Terms]:
        return learned(self.num_features, self.affine, bias=False)

    def footprint(self, run: Run) -> Footprint:
        # The root of each position; without a kernel of its own also what it is of, where the squares still are, and
        # the product before it is weighted.
        roots = self._roots(run)
        if run.setup.kernels == "cuda":
            return Footprint(scratch=roots, inputs=(0,), own=roots)
        if not self.affine:
            return Footprint(scratch=2 * roots, inputs=(0,), own=roots)
        product = run.bytes(run.outputs[0])
        return Footprint(scratch=product + roots, inputs=(0,), own=roots + product)

    def gradients(self, run: Run) -> Gradients:
        # Without a kernel of its own the derivative of a square comes last, beside that of the product: five maps, when
        # roots, product and the output's gradient are there no more.
        if run.setup.kernels == "cuda":
            return Gradients((False,))
        return Gradients((False,), scratch=(2 if self.affine else 3) * run.bytes(run.outputs[0]) - self._roots(run))

    def _roots(self, run: Run) -> Dim:
        return SINGLE * (run.elements(run.inputs[0]) // self.num_features)

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.RMSNorm(self.num_features, eps=self.eps or None, elementwise_affine=self.affine)


@operator
class InstanceNorm(Elementwise):
    """Normalisation of each channel of an image by itself (Ulyanov et al. 2016); *tracked* statistics are buffers."""

    num_features: Dim
    eps: float = 1e-5
    affine: bool = False
    tracked: bool = False
    rank: int = 2  # of the map, as torch has a class for each

    name: ClassVar[str] = "instance_norm"
    params_formula: ClassVar[str] = "2·N"
    buffers_formula: ClassVar[str] = "2·N"
    category: ClassVar[str] = "norm"
    tried: ClassVar[str] = "installed"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("eps", ratio(0, 1), "added to the variance"),
        Column("affine", FLAG, "whether weight and bias are learned; not unless given"),
    )

    @classmethod
    def of(cls, *inputs: Value, eps: float = 1e-5, affine: bool = False) -> InstanceNorm:
        value = inputs[0]
        if value.channel != 0 or len(value.shape) < 2:
            raise ShapeError(f"an instance norm needs a map, channels first, not {show_shape(value.shape)}")
        if product(value.shape[1:]) == 1:
            advice = "one position less its mean is 0: leave the norm out"
            raise ShapeError(f"an instance norm needs more than the one position of {show_shape(value.shape)}", advice)
        return cls(value.channels, eps, affine, rank=len(value.shape) - 1)

    def module(self) -> torch.nn.Module:
        from torch import nn

        made: torch.nn.Module = getattr(nn, f"InstanceNorm{self.rank}d")(
            self.num_features, eps=self.eps, affine=self.affine, track_running_stats=self.tracked
        )
        return made

    def output(self, *inputs: Value) -> Value:
        return check_channels(self.num_features, inputs[0], "instance norm")

    def parameters(self) -> Mapping[str, Terms]:
        return learned(self.num_features, self.affine, bias=True)

    def footprint(self, run: Run) -> Footprint:
        # It is a batch norm of as many channels as all images have: mean, deviation, and weights for each of them.
        channels = self.num_features * run.setup.batch
        learned_ones = run.width * channels if self.affine else 0
        kept = 2 * SINGLE * channels + learned_ones + (2 * run.width * channels if self.tracked else 0)
        return Footprint(scratch=kept + learned_ones, inputs=(0,), own=kept)

    def buffers(self) -> Mapping[str, Terms]:
        return dict.fromkeys(("running_mean", "running_var"), term(self.num_features)) if self.tracked else {}
