"""Batch normalisation. It costs no MACs by the convention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.columns import FLAG, Column, ratio
from archprof.ir.dims import Dim
from archprof.ir.footprint import SINGLE, Footprint, Run
from archprof.ir.operators.base import Elementwise, channels_first, check_channels, operator
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch


def stands_on(axes: int) -> tuple[bool, bool]:
    """Return the fields `flat` and `volume` of a batch norm on so many axes, without that of the batch."""
    return axes in (1, 2), axes == 4


@operator
class BatchNorm2d(Elementwise):
    """Batch normalisation over C channels (Ioffe & Szegedy 2015): weight and bias are learned, mean and variance are
    buffers."""

    num_features: Dim
    eps: float = 1e-5
    momentum: float = 0.1
    affine: bool = True
    flat: bool = False  # whether it stands on features (C,) or (C, L), where torch wants another class
    volume: bool = False  # whether it stands on (C, T, H, W), likewise

    name: ClassVar[str] = "batch_norm"
    params_formula: ClassVar[str] = "2·N"
    buffers_formula: ClassVar[str] = "2·N"
    category: ClassVar[str] = "norm"
    overwritable: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (
        Column("eps", ratio(0, 1), "added to the variance"),
        Column("momentum", ratio(0, 1), "of the running statistics, as torch means it"),
        Column("affine", FLAG, "whether weight and bias are learned"),
    )

    @classmethod
    def of(cls, *inputs: Value, **options: Any) -> BatchNorm2d:
        value = inputs[0]
        if value.in_windows:
            return cls(value.channels, **options)
        flat, volume = stands_on(len(value.shape))
        return cls(channels_first(value, "batch norm").channels, flat=flat, volume=volume, **options)

    def output(self, *inputs: Value) -> Value:
        return check_channels(self.num_features, inputs[0], "batch norm")

    def parameters(self) -> Mapping[str, Terms]:
        each = term(self.num_features)
        return {"weight": each, "bias": each} if self.affine else {}

    def buffers(self) -> Mapping[str, Terms]:
        each = term(self.num_features)
        return {"running_mean": each, "running_var": each}

    def footprint(self, run: Run) -> Footprint:
        # Mean and deviation of the batch; a GPU's kernel in half precision has room for them in evaluation too.
        statistics = 2 * SINGLE * self.num_features
        room = bool(run.setup.train) or (run.setup.kernels == "cuda" and run.width < SINGLE)
        return Footprint(scratch=statistics if room else 0, inputs=(0,), own=statistics, pieces=2)

    def module(self) -> torch.nn.Module:
        from torch import nn

        norm = nn.BatchNorm1d if self.flat else nn.BatchNorm3d if self.volume else nn.BatchNorm2d
        return norm(self.num_features, eps=self.eps, momentum=self.momentum, affine=self.affine)
