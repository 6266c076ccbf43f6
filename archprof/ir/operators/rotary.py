"""Rotary positions: the features of each head turned by angles that grow with the position, in front of attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.columns import FLAG, SIZE, Column, count, one_of, ratio
from archprof.ir.dims import Dim, maximum, product, same, same_shape, truncate
from archprof.ir.footprint import Footprint, Gradients, Run
from archprof.ir.operators.base import Elementwise, ShapeError, Word, check_channels, operator
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch

# Which two features turn together: one of each half of a head's (GPT-NeoX, LLaMA), or neighbours (Su et al. 2021).
PAIRS = ("halves", "neighbours")
OPTIONS = (
    Column("base", ratio(1, 1e9), "of the wavelengths; 10000 unless given", ("theta", "temperature")),
    Column("pairs", one_of(*PAIRS), "which two features turn together"),
    Column("axial", FLAG, "whether half of the features turn by the row, half by the column"),
    Column("sides", SIZE, "rows × columns of the positions of tokens; a square's unless given"),
    Column("skip", count(0), "tokens in front that do not turn, as that of the class", ("prefix",)),
    Column("columns_first", FLAG, "whether the first half turns by the column"),
    Column("reference", SIZE, "sides to which rows and columns are stretched, those of training", ("ref_feat_shape",)),
)


@operator
class RotaryPositions(Elementwise):
    """x·cos + x̃·sin of each head's features x, where x̃ are they with each two that turn together exchanged, the first
    negative (Su et al. 2021, equation 34): two features turn by the position times base^(−2i/E), so that the product of
    a query and a key hangs on the distance between them.

    Of tokens the position is their number; where it is *axial*, as on a map (H, W, C), half of the features turn by the
    row and half by the column, as if the map were as large as a *reference* (Fang et al. 2023). Nothing is learned;
    sines and cosines are computed in each call.
    """

    num_features: Dim
    heads: Dim
    base: float = 10000.0
    pairs: Word = "halves"
    sides: tuple[Dim, ...] = ()
    skip: int = 0
    columns_first: bool = False
    reference: tuple[int, ...] = ()

    name: ClassVar[str] = "rotary_positions"
    tried: ClassVar[str] = "installed"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("heads", count(), "heads", ("num_heads",), required=True),
        *OPTIONS,
    )

    @property
    def across_windows(self) -> bool:
        return bool(self.sides)

    @classmethod
    def of(
        cls, *inputs: Value, heads: Dim, axial: bool | None = None, sides: tuple[Dim, ...] = (), **options: Any
    ) -> RotaryPositions:
        value, skip = inputs[0], options.get("skip", 0)
        on_map = len(value.shape) == 3 and value.channel == 2
        if axial is False and (on_map or sides):
            raise ShapeError("rotary positions of rows and columns that are not axial", "leave it out", ("axial",))
        if on_map and skip:
            raise ShapeError("`skip` of rotary positions on a map, all of which turns", "leave it out", ("skip",))
        if on_map:
            if sides and not same_shape(sides, value.space):
                message = f"rotary positions of {show_shape(sides)} on a map of {show_shape(value.space)}"
                raise ShapeError(message, "leave out `sides`: a map has its own", ("sides",))
            return cls(value.channels, heads, sides=value.space, **options)
        if axial and not sides and len(value.shape) == 2:
            side = truncate(maximum(value.shape[0] - skip, 0) ** 0.5)
            sides = (side, side)
        alone = [option for option in ("columns_first", "reference") if options.get(option) and not sides]
        if alone:
            raise ShapeError(f"`{alone[0]}` of rotary positions in a row", "give `axial` too", (alone[0],))
        return cls(value.channels, heads, sides=sides, **options)

    def output(self, *inputs: Value) -> Value:
        value = check_channels(self.num_features, inputs[0], "rotary positions")
        if value.channel != len(value.shape) - 1 or len(value.shape) not in (2, 3):
            advice = "place it behind `tokens`, or `permute: channels_last`"
            message = f"rotary positions need features behind their positions, not {show_shape(value.shape)}"
            raise ShapeError(message, advice, ("rotary",))
        if len(value.shape) == 3 and not same_shape(self.sides, value.space):
            raise ShapeError(f"rotary positions of {show_shape(self.sides)} on a map of {show_shape(value.space)}")
        self._check_heads()
        self._check_positions(product(value.space))
        return value

    def _check_heads(self) -> None:
        if self.num_features % self.heads != 0:
            message = f"{self.num_features} features are not divisible by {self.heads} heads"
            raise ShapeError(message, columns=("heads",))
        each = 4 if self.sides else 2
        if self.num_features // self.heads % each != 0:
            message = f"{self.num_features // self.heads} features of a head cannot turn in pairs"
            advice = "rows and columns turn a multiple of 4" if self.sides else "they are an even number"
            raise ShapeError(message, advice, ("heads", "head_dim", "rotary"))

    def _check_positions(self, length: Dim) -> None:
        turning = length - self.skip
        if turning < 1:
            raise ShapeError(f"{self.skip} tokens of {length} do not turn", columns=("skip",))
        if self.sides and not same(product(self.sides), turning):
            message = f"rotary positions of {show_shape(self.sides)} on {turning} tokens"
            advice = "a square unless `sides: 14x16` says rows × columns; `skip: 1` leaves out a class token"
            raise ShapeError(message, advice, ("sides", "skip", "axial", "rotary"))

    def footprint(self, run: Run) -> Footprint:
        # Cosines and sines are needed backward; two products, and their sum or the features in another order, are there
        # at once.
        whole, turned = run.bytes(run.outputs[0]), self._turned(run)
        tables = 2 * self._table(run)
        scratch = 2 * whole if self.skip == 0 else maximum(3 * turned - whole, turned)
        return Footprint(scratch=scratch + tables, own=tables, pieces=2)

    def gradients(self, run: Run) -> Gradients:
        # The gradient by the sines has been made, and half of it the other way round, before that by the cosines is;
        # the sines are let go of. That of what does not turn is in a tensor as large as all.
        turned = self._turned(run)
        return Gradients((False,), turned + turned // 2 + turned * (self.skip > 0) - self._table(run))

    def _table(self, run: Run) -> Dim:
        """Return the bytes of a cosine, or a sine, of each feature of a head at each position: those of one image."""
        turning = product(run.inputs[0].space) - self.skip
        return turning * (self.num_features // self.heads) * run.width

    def _turned(self, run: Run) -> Dim:
        """Return the bytes of the tokens that turn."""
        length = product(run.inputs[0].space)
        return run.bytes(run.outputs[0]) // length * (length - self.skip)

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules_rotary import RotaryPositions as Module

        sides, reference = (self._pair(one) for one in (self.sides, self.reference or self.sides))
        neighbours = self.pairs == "neighbours"
        return Module(self.heads, self.base, neighbours, sides, self.skip, self.columns_first, reference)

    def _pair(self, sides: tuple[Dim, ...]) -> tuple[int, int]:
        return (sides[0], sides[1]) if sides else (0, 0)

    def describe(self) -> str:
        return "rotary 2d" if self.sides else "rotary"
