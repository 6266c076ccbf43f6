"""Normalisation, and learned factors. They cost no MACs by the convention; parameters and running statistics count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.columns import FLAG, Column, count, ratio
from archprof.ir.dims import Dim, Shape, product, same
from archprof.ir.footprint import SINGLE, Footprint, Gradients, Run
from archprof.ir.operators.base import (
    Elementwise,
    ShapeError,
    channels_first,
    check_channels,
    feature_map,
    map_of_rank,
    operator,
    rank_of_map,
)
from archprof.ir.operators.layout import copied_in_order
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch

_EPS = Column("eps", ratio(0, 1), "added to the variance")
_LEARNED = (
    Column("affine", FLAG, "whether factors and terms are learned; they are unless given"),
    Column("bias", FLAG, "whether terms are learned, where factors are"),
)


@operator
class GroupNorm(Elementwise):
    """Group normalisation (Wu & He 2018): statistics of one image, so nothing is kept but weight and bias."""

    num_features: Dim
    groups: int = 32
    eps: float = 1e-5
    affine: bool = True
    bias: bool = True

    name: ClassVar[str] = "group_norm"
    params_formula: ClassVar[str] = "2·N"
    category: ClassVar[str] = "norm"
    autocast: ClassVar[str] = "full"
    overwritable: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (
        Column("groups", count(), "groups of channels; 32 unless given"),
        Column("group_size", count(), "channels of each group, instead of a number of groups"),
        _EPS,
        _LEARNED[0],
    )

    @classmethod
    def of(cls, *inputs: Value, group_size: int | None = None, **options: Any) -> GroupNorm:
        channels = channels_first(inputs[0], "group norm").channels
        if group_size is None:
            return cls(channels, **options)
        if "groups" in options:
            raise ShapeError("a group norm of `groups` and of `group_size`", "keep one of them")
        if channels % group_size != 0:
            raise ShapeError(f"{channels} channels are not divisible by {group_size}, the size of group norm's groups")
        return cls(channels, channels // group_size, **options)

    def output(self, *inputs: Value) -> Value:
        if self.num_features % self.groups != 0:
            message = f"{self.num_features} channels are not divisible by {self.groups} groups of group norm"
            advice = "fewer groups, or their size: `{group_norm: {group_size: 8}}`"
            raise ShapeError(message, advice, ("groups", "norm", "c"))
        if same(self.num_features, self.groups) and same(product(inputs[0].space), 1):
            advice = "fewer groups, or a larger map: a value alone has no deviation"
            raise ShapeError("a group norm over single values", advice, ("groups", "norm"))
        return check_channels(self.num_features, inputs[0], "group norm")

    def parameters(self) -> Mapping[str, Terms]:
        return learned(self.num_features, self.affine, self.bias)

    def footprint(self, run: Run) -> Footprint:
        statistics = 2 * SINGLE * self.groups * run.setup.batch
        # The copy of what does not lie in order is kept in its place.
        copied = copied_in_order(run)
        own = statistics + copied
        return Footprint(scratch=own, inputs=(0,) if same(copied, 0) else (), own=own, pieces=2)

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.GroupNorm(self.groups, self.num_features, eps=self.eps, affine=self.affine)


@operator
class LayerNorm(Elementwise):
    """Layer normalisation over the channels of each position (Ba et al. 2016): of (C, H, W), (C, L) or (C, T, H, W), or
    of the last axis; over several last axes, of *over*, where they are given."""

    num_features: Dim
    eps: float = 1e-5
    channels_last: bool = False
    affine: bool = True
    bias: bool = True
    over: tuple[int, ...] = ()
    rank: int = 2  # of a map whose channels are in front

    name: ClassVar[str] = "layer_norm"
    params_formula: ClassVar[str] = "2·N"
    category: ClassVar[str] = "norm"
    autocast: ClassVar[str] = "full"
    columns: ClassVar[tuple[Column, ...]] = (
        _EPS,
        Column("channels_last", FLAG, "whether the channels are the last axis"),
        *_LEARNED,
    )

    @classmethod
    def of(cls, *inputs: Value, channels_last: bool = False, **options: Any) -> LayerNorm:
        shape = inputs[0].shape
        last = channels_last or inputs[0].channel == len(shape) - 1
        rank = 2 if last else rank_of_map(inputs[0])
        return cls(shape[-1 if last else 0], channels_last=last, rank=rank, **options)

    def output(self, *inputs: Value) -> Value:
        if not self.channels_last:
            return check_channels(self.num_features, map_of_rank(inputs[0], self.rank, "layer norm"), "layer norm")
        check_last(self.over or (self.num_features,), inputs[0], "layer norm")
        return inputs[0]

    def parameters(self) -> Mapping[str, Terms]:
        return learned(self.num_features, self.affine, self.bias)

    def footprint(self, run: Run) -> Footprint:
        # Mean and deviation of each position.
        over = product(self.over or (self.num_features,))
        statistics = 2 * SINGLE * (run.elements(run.inputs[0]) // over)
        return Footprint(scratch=statistics + copied_in_order(run), inputs=(0,), own=statistics, pieces=2)

    def gradients(self, run: Run) -> Gradients:
        copied = copied_in_order(run)
        return Gradients((False,), copied, strided=copied + run.bytes(run.outputs[0]))

    def module(self) -> torch.nn.Module:
        from torch import nn

        from archprof.ir.modules import LayerNorm2d

        if not self.channels_last:
            return LayerNorm2d(self.num_features, eps=self.eps, elementwise_affine=self.affine, bias=self.bias)
        over = self.over or (self.num_features,)
        return nn.LayerNorm(over, eps=self.eps, elementwise_affine=self.affine, bias=self.bias)


def learned(elements: Dim, affine: bool, bias: bool) -> Mapping[str, Terms]:
    """Return the parameters of a norm that has a weight, and a bias perhaps, or neither."""
    if not affine:
        return {}
    weight = term(elements)
    return {"weight": weight, "bias": weight} if bias else {"weight": weight}


def check_last(over: Shape, value: Value, what: str) -> None:
    """Raise ShapeError unless the last axes of a value are those that a norm is over."""
    shape = value.shape
    if len(over) > len(shape) or not all(map(same, shape[len(shape) - len(over) :], over)):
        found = show_shape(shape[-len(over) :])
        raise ShapeError(f"{what} of {show_shape(over)}{' channels' if len(over) == 1 else ''} on {found}")


@operator
class LayerScale(Elementwise):
    """One learned factor for each channel, of (C, H, W) or of the last axis, small at first, so that a residual block
    starts near the identity (Touvron et al. 2021)."""

    num_features: Dim
    init: float = 1e-6
    channels_last: bool = False

    name: ClassVar[str] = "layer_scale"
    params_formula: ClassVar[str] = "N"
    saves: ClassVar[str] = "inputs"
    autocast: ClassVar[str] = "promote"
    columns: ClassVar[tuple[Column, ...]] = (Column("init", ratio(0, 1), "what the factors start from"),)

    @classmethod
    def of(cls, *inputs: Value, **options: Any) -> LayerScale:
        last = inputs[0].channel == len(inputs[0].shape) - 1
        return cls(inputs[0].channels, channels_last=last, **options)

    def output(self, *inputs: Value) -> Value:
        value = inputs[0] if self.channels_last else feature_map(inputs[0], "layer scale")
        return check_channels(self.num_features, value, "layer scale")

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(self.num_features)}

    def gradients(self, run: Run) -> Gradients:
        # That of the factors is as large as the map before it is summed over it.
        return Gradients((False,), run.bytes(run.outputs[0]))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import LayerScale as Module

        return Module(self.num_features, self.init, self.channels_last)


@operator
class LearnedScale(Elementwise):
    """One learned factor for all elements, 0 at first, so that a residual block starts as its shortcut (De & Smith
    2020); with a *bias* one learned term too."""

    init: float = 0.0
    bias: bool = False

    name: ClassVar[str] = "learned_scale"
    tried: ClassVar[str] = "installed"
    params_formula: ClassVar[str] = "1 + 1"
    saves: ClassVar[str] = "inputs"
    autocast: ClassVar[str] = "promote"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("init", ratio(0, 1), "what the factor starts from"),
        Column("bias", FLAG, "whether a term is learned too"),
    )

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(1), "bias": term(1)} if self.bias else {"weight": term(1)}

    def footprint(self, run: Run) -> Footprint:
        return Footprint(scratch=run.bytes(run.outputs[0]) if self.bias else 0, inputs=(0,))

    def gradients(self, run: Run) -> Gradients:
        # That of the factor is as large as the map before it is summed.
        return Gradients((False,), run.bytes(run.outputs[0]))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import LearnedScale as Module

        return Module(self.init, self.bias)


@operator
class L2Norm(Elementwise):
    """The channels of each position over their Euclidean norm, times one learned factor each (Liu et al. 2015, section
    3.3), as SSD has it behind its finest map."""

    num_features: Dim
    init: float = 20.0

    name: ClassVar[str] = "l2_norm"
    tried: ClassVar[str] = "installed"
    params_formula: ClassVar[str] = "N"
    category: ClassVar[str] = "norm"
    columns: ClassVar[tuple[Column, ...]] = (Column("init", ratio(0, 1000), "what the factors start from"),)

    @classmethod
    def of(cls, *inputs: Value, **options: Any) -> L2Norm:
        return cls(inputs[0].channels, **options)

    def output(self, *inputs: Value) -> Value:
        return check_channels(self.num_features, feature_map(inputs[0], "l2 norm"), "l2 norm")

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(self.num_features)}

    def footprint(self, run: Run) -> Footprint:
        # The norm of each position, the same kept from zero, and the map before its factors.
        normal, norms = run.bytes(run.outputs[0]), run.bytes(run.inputs[0]) // self.num_features
        return Footprint(scratch=normal, inputs=(0,), own=normal + 2 * norms)

    def gradients(self, run: Run) -> Gradients:
        return Gradients((False,), 2 * run.bytes(run.outputs[0]))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import L2Norm as Module

        return Module(self.num_features, self.init)
