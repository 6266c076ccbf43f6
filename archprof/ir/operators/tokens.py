"""Tokens: positions in a row with their features in the last axis, and what is learned beside them. They cost no MACs
by the convention."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.columns import Column, count, ratio
from archprof.ir.dims import Dim, Shape, ceil_div, product, same
from archprof.ir.footprint import Footprint, Gradients, Run
from archprof.ir.operators.base import (
    Elementwise,
    Operator,
    ShapeError,
    check_channels,
    feature_map,
    no_windows,
    operator,
)
from archprof.ir.operators.join import Function
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value, show_shape
from archprof.limits import MAX_CHANNELS

if TYPE_CHECKING:
    import torch


def tokens(value: Value, what: str) -> Value:
    """Return *value* if it is (L, C); raises ShapeError otherwise."""
    if len(value.shape) != 2 or value.channel != 1:
        advice = "bring a map into a row with `tokens`"
        raise ShapeError(f"{what} needs tokens (positions × features), not {show_shape(value.shape)}", advice)
    return value


@operator
class Tokens(Function):
    """The positions of a map in a row: (C, H, W), or (H, W, C), to (H·W, C)."""

    channels_last: bool = False

    name: ClassVar[str] = "tokens"
    tried: ClassVar[str] = "installed"
    category: ClassVar[str] = "shape"
    view: ClassVar[bool] = True
    keeps_channels: ClassVar[bool] = True

    @classmethod
    def of(cls, *inputs: Value) -> Tokens:
        return cls(inputs[0].channel != 0)

    def output(self, *inputs: Value) -> Value:
        value = inputs[0]
        if len(value.shape) < 2 or value.channel != (len(value.shape) - 1 if self.channels_last else 0):
            advice = "place it before pooling and flattening"
            raise ShapeError(f"tokens of {show_shape(value.shape)}", advice)
        return value.with_shape((product(value.space), value.channels), 1)

    def gradients(self, run: Run) -> Gradients:
        return Gradients((True,), permuted=not self.channels_last)

    def expression(self, *tensors: str) -> str:
        return f"{tensors[0]}.flatten(1, -2)" if self.channels_last else f"{tensors[0]}.flatten(2).transpose(1, 2)"


@operator
class TokensToMap(Function):
    """Tokens as a map again, with the sides of a second one: (H·W, C) to (C, H, W); words as a sequence, (L, C)
    to (C, L), with themselves for a second one."""

    channels_last: bool = False  # in the second one

    name: ClassVar[str] = "tokens_to_map"
    tried: ClassVar[str] = "none"
    category: ClassVar[str] = "shape"
    joins: ClassVar[bool] = True
    takes: ClassVar[tuple[int, int]] = (2, 2)
    sized_by_others: ClassVar[bool] = True
    view: ClassVar[bool] = True
    keeps_channels: ClassVar[bool] = True

    @classmethod
    def of(cls, *inputs: Value) -> TokensToMap:
        return cls(inputs[1].channel != 0)

    def output(self, *inputs: Value) -> Value:
        length, features = tokens(inputs[0], "a map of tokens").shape
        like = inputs[1].shape
        sides = like[:-1] if self.channels_last else like[1:]
        if not sides:
            raise ShapeError(f"a map of tokens with the sides of {show_shape(like)}", "name a map second")
        if not same(length, product(sides)):
            advice = "`token_range` leaves out tokens that are no positions, as that of the class"
            raise ShapeError(f"{length} tokens on a map of {show_shape(sides)}", advice)
        return inputs[0].with_shape((features, *sides))

    def gradients(self, run: Run) -> Gradients:
        return Gradients((True, False), permuted=True)

    def expression(self, *tensors: str) -> str:
        sides = f"{tensors[1]}.shape[{'1:-1' if self.channels_last else '2:'}]"
        return f"{tensors[0]}.transpose(1, 2).unflatten(2, {sides})"


class Transpose(Function):
    """Rows and columns exchanged, (L, C) to (C, L): a linear layer behind it mixes positions (Tolstikhin et al.
    2021)."""

    __slots__ = ()
    name: ClassVar[str] = "transpose"
    tried: ClassVar[str] = "installed"
    category: ClassVar[str] = "shape"
    view: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        rows, columns = tokens(inputs[0], "a transposition").shape
        made = inputs[0].with_shape((columns, rows), 1)
        return made._replace(strides=(rows * columns, 1, columns)) if inputs[0].strides is None else made

    def gradients(self, run: Run) -> Gradients:
        return Gradients((True,), permuted=True)

    def expression(self, *tensors: str) -> str:
        return f"{tensors[0]}.transpose(1, 2)"


@operator
class Token(Function):
    """The features of a single token: (L, C) to (C,); −1 is the last."""

    index: int = 0

    name: ClassVar[str] = "token"
    tried: ClassVar[str] = "installed"
    category: ClassVar[str] = "shape"
    view: ClassVar[bool] = True
    keeps_channels: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (
        Column("index", count(-MAX_CHANNELS), "which, counted from 0; −1 is the last, −2 the one before it"),
    )

    def output(self, *inputs: Value) -> Value:
        length, features = tokens(inputs[0], "the choice of a token").shape
        if not -length <= self.index < length:
            advice = "tokens are counted from 0, or back from −1, the last"
            raise ShapeError(f"token {self.index} of {length}", advice, ("index",))
        return inputs[0].with_shape((features,))

    def gradients(self, run: Run) -> Gradients:
        return Gradients((False,))  # zeros where the other tokens are

    def stride_factor(self, *inputs: Value) -> int | None:
        return None

    def expression(self, *tensors: str) -> str:
        return f"{tensors[0]}[:, {self.index}]"


@operator
class TokenRange(Function):
    """Some of the tokens, from *start* on: *size* of them, or all."""

    start: int
    size: Dim = None

    name: ClassVar[str] = "token_range"
    tried: ClassVar[str] = "installed"
    category: ClassVar[str] = "shape"
    view: ClassVar[bool] = True
    keeps_channels: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (
        Column("start", count(0), "the first, counted from 0", required=True),
        Column("size", count(), "how many; all that are left unless given"),
    )

    def output(self, *inputs: Value) -> Value:
        length, features = tokens(inputs[0], "a range of tokens").shape
        size = length - self.start if self.size is None else self.size
        if self.start + size > length or size < 1:
            raise ShapeError(f"tokens from {self.start} on of {length}", "tokens are counted from 0", ("start", "size"))
        return inputs[0].with_shape((size, features), 1)

    def gradients(self, run: Run) -> Gradients:
        return Gradients((False,))

    def expression(self, *tensors: str) -> str:
        end = "" if self.size is None else self.start + self.size
        return f"{tensors[0]}[:, {self.start}:{end}]"


class ConcatTokens(Function):
    """Tokens one after the other: (L, C) and (M, C) to (L + M, C)."""

    __slots__ = ()
    name: ClassVar[str] = "concat_tokens"
    tried: ClassVar[str] = "installed"
    category: ClassVar[str] = "join"
    joins: ClassVar[bool] = True
    keeps_channels: ClassVar[bool] = True
    overwritable: ClassVar[bool] = True
    hands_on_gradient: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        features, length = inputs[0].channels, 0
        for value in inputs:
            length = length + check_channels(features, tokens(value, "a row of tokens"), "a row of tokens").shape[0]
        return inputs[0].with_shape((length, features), 1)

    def expression(self, *tensors: str) -> str:
        return f"torch.cat([{', '.join(tensors)}], 1)"


@operator
class ClassToken(Operator):
    """Learned tokens in front of the others (Devlin et al. 2018; Dosovitskiy et al. 2021): (L, C) to (n + L, C)."""

    num_features: Dim
    number: int = 1

    name: ClassVar[str] = "class_token"
    tried: ClassVar[str] = "installed"
    params_formula: ClassVar[str] = "n·N"
    category: ClassVar[str] = "join"
    keeps_channels: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (Column("number", count(1, 1024), "how many tokens; 1 unless given"),)

    @classmethod
    def of(cls, *inputs: Value, number: int = 1) -> ClassToken:
        return cls(inputs[0].channels, number)

    def output(self, *inputs: Value) -> Value:
        length, _ = check_channels(self.num_features, tokens(inputs[0], "a class token"), "a class token").shape
        return inputs[0].with_shape((self.number + length, self.num_features), 1)

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(self.num_features * self.number)}

    def gradients(self, run: Run) -> Gradients:
        return Gradients((True,))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules_tokens import ClassToken as Module

        return Module(self.number, self.num_features)


@operator
class PositionEmbedding(Elementwise):
    """A learned number for each feature of each position, added (Vaswani et al. 2017, Section 3.5): as many as the
    input has elements, so that they follow the resolution; for tokens perhaps a table of another *size*."""

    shape: Shape
    channel: int = 1
    std: float = 0.02
    size: Dim = None

    name: ClassVar[str] = "position_embedding"
    tried: ClassVar[str] = "installed"
    params_formula: ClassVar[str] = "L·N"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("std", ratio(0, 10), "deviation that they start with"),
        Column("size", count(), "rows of the table; as many as there are positions unless given"),
    )

    @classmethod
    def of(cls, *inputs: Value, **options: Any) -> PositionEmbedding:
        value = no_windows(inputs[0], "a position embedding")
        return cls(value.shape, value.channel or 0, **options)

    def output(self, *inputs: Value) -> Value:
        if len(self.shape) != len(inputs[0].shape) or not all(map(same, self.shape, inputs[0].shape)):
            raise ShapeError(f"positions of {show_shape(self.shape)} on {show_shape(inputs[0].shape)}")
        if self.size is not None and (len(self.shape) != 2 or self.channel != 1):
            message = f"a table of positions for {show_shape(self.shape)}"
            raise ShapeError(
                message, "it is for tokens (L×C): leave out `size`, or place it behind `tokens`", ("size",)
            )
        if self.size is not None and self.shape[0] > self.size:
            raise ShapeError(f"{self.shape[0]} positions of a table of {self.size}", columns=("size",))
        return inputs[0]

    def parameters(self) -> Mapping[str, Terms]:
        at = self.channel
        if self.size is not None:
            return {"weight": term(self.size * self.shape[1])}
        return {"weight": term(self.shape[at], (*self.shape[:at], *self.shape[at + 1 :]))}

    def footprint(self, run: Run) -> Footprint:
        return Footprint()

    def gradients(self, run: Run) -> Gradients:
        return Gradients((True,))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules_tokens import PositionEmbedding as Module

        rows = product(self.shape[:-1]) if self.size is None else self.size
        # Positions of a map whose channels are last stand in a row, as networks of tokens have them.
        return Module((rows, self.shape[-1]) if self.channel else self.shape, self.std)


@operator
class FourierPositions(Elementwise):
    """Sines and cosines of each position's row and column (Vaswani et al. 2017, Section 3.5), 64 in all, brought to the
    channels of a map by a 1×1 convolution, added to it (El-Nouby et al. 2021): 64·N·F² multiply-accumulates that hang
    on no image."""

    num_features: Dim

    name: ClassVar[str] = "fourier_positions"
    tried: ClassVar[str] = "installed"
    formula: ClassVar[str] = "64·N·F²"
    params_formula: ClassVar[str] = "64·N + N"
    category: ClassVar[str] = "pointwise"

    @classmethod
    def of(cls, *inputs: Value) -> FourierPositions:
        return cls(inputs[0].channels)

    def output(self, *inputs: Value) -> Value:
        return check_channels(self.num_features, feature_map(inputs[0], "positions"), "positions")

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(64 * self.num_features), "bias": term(self.num_features)}

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(64 * self.num_features, inputs[0].space)

    def activations(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(self.num_features, inputs[0].space)

    def backward_macs(
        self, inputs: Sequence[Value], outputs: Sequence[Value], wanted: Sequence[bool], learned: Collection[str]
    ) -> Terms:
        return self.macs(inputs, outputs) if "weight" in learned else ()

    def footprint(self, run: Run) -> Footprint:
        # What is projected is that of a single image.
        positions = 64 * product(run.inputs[0].space) * run.width
        return Footprint(scratch=positions + run.bytes(run.outputs[0]) // run.setup.batch, own=positions, known=False)

    def gradients(self, run: Run) -> Gradients:
        return Gradients((True,))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules_tokens import FourierPositions as Module

        return Module(self.num_features)


@operator
class Scale(Function):
    """All elements times a constant."""

    factor: float

    name: ClassVar[str] = "scale"
    tried: ClassVar[str] = "installed"
    overwritable: ClassVar[bool] = True
    keeps_channels: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (Column("factor", ratio(0), "what they are multiplied by", required=True),)

    def expression(self, *tensors: str) -> str:
        return f"{tensors[0]} * {self.factor}"


@operator
class SplitHeads(Function):
    """The features of each position shared out among heads: (L, h·E) to (L, h, E)."""

    heads: Dim

    name: ClassVar[str] = "split_heads"
    tried: ClassVar[str] = "none"
    category: ClassVar[str] = "shape"
    view: ClassVar[bool] = True
    as_layer: ClassVar[bool] = False

    def output(self, *inputs: Value) -> Value:
        *around, features = inputs[0].shape
        if inputs[0].channel != len(around) or features % self.heads != 0:
            raise ShapeError(f"{self.heads} heads of {show_shape(inputs[0].shape)}")
        return inputs[0].with_shape((*around, self.heads, features // self.heads), len(around) + 1)

    def gradients(self, run: Run) -> Gradients:
        return Gradients((True,))

    def expression(self, *tensors: str) -> str:
        return f"{tensors[0]}.unflatten(-1, ({self.heads}, -1))"


class MergeHeads(Function):
    """The features of all heads in a row: (L, h, E) to (L, h·E)."""

    __slots__ = ()
    name: ClassVar[str] = "merge_heads"
    tried: ClassVar[str] = "none"
    category: ClassVar[str] = "shape"
    view: ClassVar[bool] = True
    as_layer: ClassVar[bool] = False

    def output(self, *inputs: Value) -> Value:
        *around, heads, features = inputs[0].shape
        return inputs[0].with_shape((*around, heads * features), len(around))

    def gradients(self, run: Run) -> Gradients:
        return Gradients((True,))

    def expression(self, *tensors: str) -> str:
        return f"{tensors[0]}.flatten(-2)"


class PatchMerging(Operator):
    """The features of each 2×2 positions beside each other: (H, W, C) to (H/2, W/2, 4·C), zeros behind a map of odd
    sides (Liu et al. 2021, Section 3.1)."""

    __slots__ = ()
    name: ClassVar[str] = "merge_patches"
    tried: ClassVar[str] = "installed"
    category: ClassVar[str] = "shape"

    def output(self, *inputs: Value) -> Value:
        if len(inputs[0].shape) != 3 or inputs[0].channel != 2:
            advice = "place it behind `permute: channels_last`"
            raise ShapeError(f"patches to merge in {show_shape(inputs[0].shape)}", advice)
        height, width, channels = inputs[0].shape
        return inputs[0].with_shape((ceil_div(height, 2), ceil_div(width, 2), 4 * channels), 2)

    def stride_factor(self, *inputs: Value) -> int | None:
        return 2

    def footprint(self, run: Run) -> Footprint:
        return Footprint(scratch=run.bytes(run.outputs[0]) if self._odd(run.inputs[0]) else 0)

    def _odd(self, value: Value) -> bool:
        return not all(same(side % 2, 0) for side in value.space)

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules_tokens import PatchMerging as Module

        return Module()
