"""Convolution whose weights are standardised over each filter, so that no norm is needed behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from archprof.ir.footprint import SINGLE, Footprint, Run
from archprof.ir.operators.base import operator
from archprof.ir.operators.conv import Conv2d, Convolution
from archprof.ir.operators.padding import around, torch_order
from archprof.ir.terms import Terms, term

if TYPE_CHECKING:
    import torch


@operator
class StdConv2d(Conv2d):
    """A `conv2d` whose weights have mean 0 and deviation 1 over each filter (Qiao et al. 2019); *scaled*, they are a
    learned gain times gamma / √fan-in as large (Brock et al. 2021)."""

    scaled: bool = False
    gamma: float = 1.0
    eps: float = 1e-6

    name: ClassVar[str] = "std_conv2d"
    tried: ClassVar[str] = "installed"
    params_formula: ClassVar[str] = "K²·(M/g)·N + N + N"
    as_layer: ClassVar[bool] = False

    def parameters(self) -> Mapping[str, Terms]:
        found = Convolution.parameters(self)
        return {**found, "gain": term(self.out_channels)} if self.scaled else found

    def footprint(self, run: Run) -> Footprint:
        # The weights are normalised as a batch norm does it: of training, mean and deviation are kept, and what a gain
        # is multiplied to.
        normal = run.width * self.weights
        factors = self.out_channels if self.scaled else 0
        own = normal + run.width * factors + 2 * SINGLE * self.out_channels
        around_map = around(run, self.padding)
        scratch = own if run.setup.train else normal
        if around_map is None:
            return Footprint(scratch=scratch, inputs=(0,), own=own, pieces=3, known=not self.scaled)
        return Footprint(scratch=scratch + around_map, own=own + around_map, pieces=3, known=not self.scaled)

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import ScaledStdConv2d
        from archprof.ir.modules import StdConv2d as Module

        sizes = self.in_channels, self.out_channels, self.kernel_size, self.stride, torch_order(self.padding), self.eps
        options = {"dilation": self.dilation, "groups": self.groups, "bias": self.bias}
        return ScaledStdConv2d(*sizes, self.gamma, **options) if self.scaled else Module(*sizes, **options)
