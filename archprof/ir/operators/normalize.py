"""Lengths of 1: what nothing is learned for, beside the norms. It costs no MACs by the convention."""

from __future__ import annotations

from typing import ClassVar

from archprof.ir.columns import Column, one_of
from archprof.ir.footprint import Footprint, Run
from archprof.ir.operators.base import Elementwise, Word, feature_map, operator
from archprof.ir.values import Value

_AXES = {"channels": "1", "positions": "(2, 3)"}


@operator
class Normalize(Elementwise):
    """A map over its length, that of the channels at each position, or of all positions of each channel: each is a
    vector of length 1."""

    over: Word = "channels"

    name: ClassVar[str] = "normalize"
    tried: ClassVar[str] = "installed"
    category: ClassVar[str] = "pointwise"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("over", one_of(*_AXES), "along what the length is taken; the channels unless given"),
    )

    @property
    def form(self) -> str:
        return "function"

    def output(self, *inputs: Value) -> Value:
        return feature_map(inputs[0], "a length")

    def footprint(self, run: Run) -> Footprint:
        lengths = run.bytes(run.inputs[0]) // (run.inputs[0].channels if self.over == "channels" else 1)
        return Footprint(scratch=lengths, inputs=(0,), own=lengths, known=False)

    def expression(self, *tensors: str) -> str:
        return f"functional.normalize({tensors[0]}, dim={_AXES[self.over]})"
