"""Lengths of 1: what nothing is learned for, beside the norms. It costs no MACs by the convention."""

from __future__ import annotations

from typing import ClassVar

from archprof.ir.columns import Column, one_of
from archprof.ir.dims import product
from archprof.ir.footprint import Footprint, Run
from archprof.ir.operators.base import Elementwise, ShapeError, no_windows, operator
from archprof.ir.operators.pointwise import check_axis
from archprof.ir.values import Value, show_shape


@operator
class Normalize(Elementwise):
    """A map, tokens or features over their length, that of the channels at each position, or of all positions of each
    channel: each is a vector of length 1."""

    axes: tuple[int, ...] = (0,)

    name: ClassVar[str] = "normalize"
    tried: ClassVar[str] = "installed"
    category: ClassVar[str] = "pointwise"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("over", one_of("channels", "positions"), "along what the length is taken; the channels unless given"),
    )

    @property
    def across_windows(self) -> bool:
        return 0 in self.axes

    @property
    def form(self) -> str:
        return "function"

    @classmethod
    def of(cls, *inputs: Value, over: str = "channels") -> Normalize:
        value = no_windows(inputs[0], "a length")
        along_channels = over == "channels"
        axes = tuple(axis for axis in range(len(value.shape)) if (axis == value.channel) == along_channels)
        if not axes:
            raise ShapeError(f"a length of the {over} of {show_shape(value.shape)}, which has none", columns=("over",))
        return cls(axes)

    def output(self, *inputs: Value) -> Value:
        for axis in self.axes:
            check_axis(axis, inputs[0].shape)
        return inputs[0]

    def footprint(self, run: Run) -> Footprint:
        # Each length is kept as it is and as what is divided by, which is not too near to zero.
        lengths = run.bytes(run.inputs[0]) // product(tuple([run.inputs[0].shape[axis] for axis in self.axes]))
        return Footprint(scratch=2 * lengths if run.learns else lengths, inputs=(0,), own=2 * lengths, known=False)

    def expression(self, *tensors: str) -> str:
        axes = ", ".join(str(axis + 1) for axis in self.axes)
        return f"functional.normalize({tensors[0]}, dim={f'({axes})' if len(self.axes) > 1 else axes})"
