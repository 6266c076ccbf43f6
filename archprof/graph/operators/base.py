"""What every operator states about itself: its name and options, its output shape, its costs, and the torch module that
it becomes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

from archprof.graph.dims import Dim, Shape, product

if TYPE_CHECKING:
    import torch

    from archprof.graph.columns import Column


# What an operator is, for shares and filters; `mixed` and `se` come from the block that it stands in.
KINDS = (
    "standard",
    "pointwise",
    "depthwise",
    "grouped",
    "mixed",
    "se",
    "linear",
    "norm",
    "act",
    "pool",
    "join",
    "shape",
    "dropout",
    "other",
)


class ShapeError(ValueError):
    """An operator that does not fit its input; says what does not fit, and *help* what to change."""

    def __init__(self, message: str, help: str = "") -> None:
        self.help = help
        super().__init__(message)


_Class = TypeVar("_Class")


@dataclass_transform(frozen_default=True)
def operator(cls: type[_Class]) -> type[_Class]:
    """Make an operator a frozen dataclass with slots. `Operator` compares and prints them all: generating that for each
    doubles what imports cost."""
    return dataclass(frozen=True, slots=True, eq=False, repr=False)(cls)


@operator
class Operator:
    """One operator of a network: a frozen dataclass, or a plain subclass where it has no fields.

    Costs are those of one image in inference. `macs` are multiply-accumulates of convolutions and matrix products,
    given *per position* (of the output map), times positions; everything else costs 0 by the convention of
    docs/explanation/counting.md.
    """

    name: ClassVar[str] = ""
    # Other spellings in papers and code.
    spellings: ClassVar[tuple[str, ...]] = ()
    # The operator's options in a spec, when it is used as a layer, an activation or a norm.
    columns: ClassVar[tuple[Column, ...]] = ()
    # The multiply-accumulates in the letters of the literature: M inputs, N outputs, K kernel side, g groups, F output
    # side.
    formula: ClassVar[str] = "0"
    # Likewise the learnable parameters, with all that can be asked for (bias, affine, β), and what is kept but not
    # learned.
    params_formula: ClassVar[str] = "0"
    buffers_formula: ClassVar[str] = "0"
    # One of KINDS, where it does not depend on the fields.
    category: ClassVar[str] = "other"
    # Whether several feature maps go in.
    joins: ClassVar[bool] = False
    # Whether a spec can name it as a layer; some only make sense inside the block that measures them out.
    as_layer: ClassVar[bool] = True

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
        return f"{type(self).__name__}({shown})"

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))

    @property
    def macs_formula(self) -> str:
        """The multiply-accumulates in letters, without what this operator does not have: a depthwise convolution's are
        K²·M·F²."""
        return self.formula

    @property
    def kind(self) -> str:
        """What sort of operator this is, one of KINDS."""
        return self.category

    @property
    def form(self) -> str:
        """How the built module runs it: a `module`, or a `function` called in forward. Counters price the two
        differently."""
        return "module"

    @classmethod
    def of(cls, *inputs: Any, **options: Any) -> Operator:
        """Return the operator for inputs of these shapes (`Shape`), with the options of its columns."""
        return cls(**options)

    def output(self, *inputs: Shape) -> Shape:
        """Return the output's shape; raises ShapeError when the operator does not fit."""
        return inputs[0]

    @property
    def params(self) -> Dim:
        """Learnable parameters."""
        return 0

    @property
    def buffers(self) -> Dim:
        """Elements kept but not learned: running statistics, frozen affine. The count of batches is left out."""
        return 0

    @property
    def macs_per_position(self) -> Dim:
        """Multiply-accumulates for each position of the output map."""
        return 0

    @property
    def activations_per_position(self) -> Dim:
        """Output elements at each position, where the convention counts them: of convolutions and linear layers."""
        return 0

    def spatial(self, output: Shape) -> Shape:
        """Return the axes of an output map that are positions: (H, W) of (C, H, W), none of (C,)."""
        return output[1:]

    def positions(self, output: Shape) -> Dim:
        """Positions of an output map: H·W of (C, H, W), 1 of (C,)."""
        return product(self.spatial(output))

    def macs(self, output: Shape) -> Dim:
        """Multiply-accumulates for an output of this shape."""
        return self.macs_per_position * self.positions(output)

    def activations(self, output: Shape) -> Dim:
        """Output elements for an output of this shape, where the convention counts them."""
        return self.activations_per_position * self.positions(output)

    def stride_factor(self, *inputs: Shape) -> int | None:
        """By how much the operator divides the resolution; None when it ends the map (global pooling, flatten)."""
        return 1

    def module(self) -> torch.nn.Module | None:
        """Return the torch module, or None for an operator that is called as a function."""
        return None

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Run an operator that is called as a function; the batch comes first."""
        raise TypeError(f"{type(self).__name__} is a module")

    def describe(self) -> str:
        """Return the operator in a word or two, for tables."""
        return self.name
