"""Normalisation, and learned factors. They cost no multiply-accumulates by the convention; parameters and running
statistics count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from archprof.graph.columns import FLAG, Column, count, ratio
from archprof.graph.dims import Dim, Shape, product, same
from archprof.graph.operators.base import Operator, ShapeError, operator
from archprof.graph.operators.conv import feature_map

if TYPE_CHECKING:
    import torch


@operator
class BatchNorm2d(Operator):
    """Batch normalisation over C channels (Ioffe & Szegedy 2015): weight and bias are learned, mean and variance are
    buffers."""

    num_features: Dim
    eps: float = 1e-5
    momentum: float = 0.1
    affine: bool = True
    flat: bool = False  # whether it stands on features (C,), where torch wants another class

    name: ClassVar[str] = "batch_norm"
    params_formula: ClassVar[str] = "2·N"
    buffers_formula: ClassVar[str] = "2·N"
    spellings: ClassVar[tuple[str, ...]] = ("bn", "BatchNorm2d")
    category: ClassVar[str] = "norm"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("eps", ratio(0, 1), "added to the variance"),
        Column("momentum", ratio(0, 1), "of the running statistics, as torch means it"),
        Column("affine", FLAG, "whether weight and bias are learned"),
    )

    @classmethod
    def of(cls, *inputs: Shape, **options: Any) -> BatchNorm2d:
        return cls(inputs[0][0], flat=len(inputs[0]) == 1, **options)

    def output(self, *inputs: Shape) -> Shape:
        return check_channels(self.num_features, inputs[0], "batch norm")

    @property
    def params(self) -> Dim:
        return 2 * self.num_features if self.affine else 0

    @property
    def buffers(self) -> Dim:
        return 2 * self.num_features

    def module(self) -> torch.nn.Module:
        from torch import nn

        return (nn.BatchNorm1d if self.flat else nn.BatchNorm2d)(
            self.num_features, eps=self.eps, momentum=self.momentum, affine=self.affine
        )


@operator
class FrozenBatchNorm2d(Operator):
    """Batch normalisation whose weight, bias, mean and variance are all fixed: four buffers a channel, no
    parameters."""

    num_features: Dim
    eps: float = 0.0

    name: ClassVar[str] = "frozen_batch_norm"
    buffers_formula: ClassVar[str] = "4·N"
    category: ClassVar[str] = "norm"
    columns: ClassVar[tuple[Column, ...]] = (Column("eps", ratio(0, 1), "added to the variance"),)

    @classmethod
    def of(cls, *inputs: Shape, **options: Any) -> FrozenBatchNorm2d:
        return cls(inputs[0][0], **options)

    def output(self, *inputs: Shape) -> Shape:
        return check_channels(self.num_features, inputs[0], "frozen batch norm")

    @property
    def buffers(self) -> Dim:
        return 4 * self.num_features

    def module(self) -> torch.nn.Module:
        from archprof.runtime.modules import FrozenBatchNorm2d as Module

        return Module(self.num_features, eps=self.eps)


@operator
class GroupNorm(Operator):
    """Group normalisation (Wu & He 2018): statistics of one image, so nothing is kept but weight and bias."""

    num_features: Dim
    groups: int = 32
    eps: float = 1e-5

    name: ClassVar[str] = "group_norm"
    params_formula: ClassVar[str] = "2·N"
    spellings: ClassVar[tuple[str, ...]] = ("gn", "GroupNorm")
    category: ClassVar[str] = "norm"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("groups", count(), "groups of channels; 32 unless given"),
        Column("eps", ratio(0, 1), "added to the variance"),
    )

    @classmethod
    def of(cls, *inputs: Shape, **options: Any) -> GroupNorm:
        return cls(inputs[0][0], **options)

    def output(self, *inputs: Shape) -> Shape:
        if self.num_features % self.groups != 0:
            raise ShapeError(f"{self.num_features} channels are not divisible by {self.groups} groups of group norm")
        if same(self.num_features, self.groups) and same(product(inputs[0][1:]), 1):
            raise ShapeError(
                "a group norm over single values", "fewer groups, or a larger map: a value alone has no deviation"
            )
        return check_channels(self.num_features, inputs[0], "group norm")

    @property
    def params(self) -> Dim:
        return 2 * self.num_features

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.GroupNorm(self.groups, self.num_features, eps=self.eps)


@operator
class LayerNorm(Operator):
    """Layer normalisation over the channels of each position (Ba et al. 2016): of (C, H, W), of (H, W, C) where the
    channels are last, or of (C,)."""

    num_features: Dim
    eps: float = 1e-5
    channels_last: bool = False

    name: ClassVar[str] = "layer_norm"
    params_formula: ClassVar[str] = "2·N"
    spellings: ClassVar[tuple[str, ...]] = ("ln", "LayerNorm")
    category: ClassVar[str] = "norm"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("eps", ratio(0, 1), "added to the variance"),
        Column("channels_last", FLAG, "whether the channels are the last axis"),
    )

    @classmethod
    def of(cls, *inputs: Shape, eps: float = 1e-5, channels_last: bool = False) -> LayerNorm:
        last = channels_last or len(inputs[0]) == 1
        return cls(inputs[0][-1 if last else 0], eps, last)

    def output(self, *inputs: Shape) -> Shape:
        shape = inputs[0]
        check_channels(
            self.num_features, shape[-1:] if self.channels_last else feature_map(shape, "layer norm"), "layer norm"
        )
        return shape

    @property
    def params(self) -> Dim:
        return 2 * self.num_features

    def module(self) -> torch.nn.Module:
        from torch import nn

        from archprof.runtime.modules import LayerNorm2d

        return (nn.LayerNorm if self.channels_last else LayerNorm2d)(self.num_features, eps=self.eps)


@operator
class LayerScale(Operator):
    """One learned factor for each channel of (C, H, W), small at first, so that a residual block starts near the
    identity (Touvron et al. 2021)."""

    num_features: Dim
    init: float = 1e-6

    name: ClassVar[str] = "layer_scale"
    params_formula: ClassVar[str] = "N"
    columns: ClassVar[tuple[Column, ...]] = (Column("init", ratio(0, 1), "what the factors start from"),)

    @classmethod
    def of(cls, *inputs: Shape, **options: Any) -> LayerScale:
        return cls(inputs[0][0], **options)

    def output(self, *inputs: Shape) -> Shape:
        return check_channels(self.num_features, feature_map(inputs[0], "layer scale"), "layer scale")

    @property
    def params(self) -> Dim:
        return self.num_features

    def module(self) -> torch.nn.Module:
        from archprof.runtime.modules import LayerScale as Module

        return Module(self.num_features, self.init)


def check_channels(channels: Dim, shape: Shape, what: str) -> Shape:
    """Return *shape* if its channels are as many as the operator has."""
    if not same(shape[0], channels):
        raise ShapeError(f"{what} of {channels} channels on {shape[0]}")
    return shape
