"""What a tool counts besides our MACs, and for which operators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from archprof.costs.amounts import Amount
from archprof.costs.report import Row
from archprof.ir.dims import Shape
from archprof.ir.operators.base import Operator
from archprof.ir.operators.heads import HeadAttention
from archprof.ir.operators.recorded import Recorded
from archprof.named_tuple import NamedTuple


class Price(NamedTuple):
    """What a tool counts for some operators besides their MACs.

    *operators* are their classes, and the names in torch of those that have none of ours, all where none is named;
    *when* narrows them down, to one of several values where these are a tuple: by their fields, their form, torch's
    class of their module, whether they have *learned* tensors, are *frozen*, or called *again*.
    """

    label: str
    amount: Amount
    operators: tuple[str, ...]
    when: Mapping[str, object]

    def rows(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows that the price is for."""
        return [row for row in rows if self._is_for(row)]

    def _is_for(self, row: Row) -> bool:
        op = row.operator
        named = not self.operators or type(op).__name__ in self.operators or operator_name(op) in self.operators
        return named and all(_is(_said(row, name), wanted) for name, wanted in self.when.items())

    def count(self, rows: Iterable[Row]) -> int:
        """Return what the tool counts for rows besides their MACs."""
        return sum(map(self.amount.of, self.rows(rows)))


def operator_name(op: Operator) -> str:
    """Return what prices call an operator: its class, or, where that stands for several of torch's or it is recorded,
    its name in torch: `mul`, `avg_pool3d`."""
    named = _NAMES.get(type(op).__name__)
    return type(op).__name__ if named is None else named(op)


_NAMES: Mapping[str, Callable[[Any], str]] = {
    "Recorded": lambda op: _recorded(op.describe().rstrip("_"), op),
    "Pointwise": lambda op: op.function,
    "Reduce": lambda op: op.function,
    "Pool": lambda op: f"{op.function}_pool{len(op.kernel_size)}d",
    "AdaptivePool": lambda op: f"adaptive_{op.function}_pool{len(op.size)}d",
    "ResizeLike": lambda op: f"upsample_{op.mode}2d",
    "Interpolate": lambda op: f"upsample_{op.mode}{len(op.size)}d",
    "Upsample": lambda op: f"upsample_{op.mode}2d",
}


def variant(row: Row) -> str:
    """Return what an operator is called where it does what some tools count otherwise, or not at all."""
    name = operator_name(row.operator)
    if name in _RESHAPED and row.inputs and _merges(row.inputs[0], row.output):
        return "merging reshape"
    if _is_in_parts(name, row):
        return "attention in parts"
    if name in LINEAR and _is_biased(row) and _is_of_positions(row):
        return "biased linear of positions"
    return name


ATTENTION = ("Attention", "scaled_dot_product_attention")
LINEAR = ("Linear", "linear")
MATRIX_PRODUCTS = ("MatMul", "matmul", "mm", "bmm")
_RESHAPED = ("Reshape", "view", "reshape", "_unsafe_view")


def _merges(shape: Shape, into: Shape) -> bool:
    """Tell whether axes are put together, for which code may multiply their sizes; taken apart, they are divided."""
    left = [size for size in shape if size != 1]
    for size in into:
        if size == 1:
            continue
        if not left or left[0] % size:
            return True
        left[0] //= size
        if left[0] == 1:
            del left[0]
    return False


def _is_of_positions(row: Row) -> bool:
    """Tell whether a linear layer reads several positions that are not contiguous: torch takes it apart otherwise."""
    return len(row.node.output.at_batch(1)) > 2 and any(one.strides is not None for one in row.values[:1])


def _is_plain(shapes: Sequence[Shape]) -> bool:
    """Tell whether attention is without a mask, of as many heads and features throughout: what torch has a kernel
    for on a CPU."""
    if len(shapes) != 3:
        return False
    queries, *others = shapes
    same = [(len(shape), shape[-3:-2], shape[-1]) for shape in others]
    return len(queries) == 3 and same == [(3, queries[:1], queries[-1])] * 2


def _is_in_parts(name: str, row: Row) -> bool:
    """Tell whether an operator is attention for which torch may have no kernel, as there is where features are as many
    throughout and no mask is learned."""
    op = row.operator
    if isinstance(op, HeadAttention):
        return bool(op.position or op.shifted) or op.key_dim != op.value_dim
    return name in ATTENTION and not _is_plain(row.inputs)


def _recorded(name: str, op: Any) -> str:
    """Return an operator's name in torch; a batch norm that keeps no statistics runs as in training."""
    return "training batch_norm" if name == "batch_norm" and not op.kept else name


def held_names(row: Row) -> Iterator[str]:
    """Yield what the module calls the parameters of an operator: `weight`; those of a file that knows no modules have
    the names that torch's module has."""
    names = (row.node.parameters or {}) if row.modules else {}
    for key in row.operator.parameters():
        yield names.get(key, key).rpartition(".")[2]


# Of which a convention that counts parameters has lines of their own.
_NAMED = ("Linear", "BatchNorm2d", "GroupNorm", "LayerNorm", "LayerScale")


def _is(said: object, wanted: object) -> bool:
    return said in wanted if isinstance(wanted, tuple) else said == wanted


def _said(row: Row, name: str) -> object:
    said = _SAID.get(name)
    return getattr(row.operator, name) if said is None else said(row)


def _own(row: Row) -> str:
    """Return torch's class of the module that an operator is; what `build` makes is of the operator's name."""
    if row.form != "module":
        return ""
    if not row.modules:
        return type(row.operator).__name__
    return row.module.own if row.module else ""


def _is_biased(row: Row) -> bool:
    """Tell whether a bias is added: a parameter, or the third of what a recorded operator takes."""
    held = row.operator.parameters()
    return "bias" in held or (isinstance(row.operator, Recorded) and len(row.values) + len(held) > 2)


_SAID: Mapping[str, Callable[[Row], object]] = {
    # A module that is called again has its parameters in its first row.
    "frozen": lambda row: row.cost.trainable < row.cost.params,
    "again": lambda row: row.node.call > 1,
    "form": lambda row: row.form,
    "biased": _is_biased,
    "learned": lambda row: bool(row.operator.parameters()),
    "named": lambda row: type(row.operator).__name__ in _NAMED,
    "own": _own,
    "base": lambda row: row.module.base if row.module else type(row.operator).__name__,
    "around": lambda row: row.module.name if row.module else "",
    "conv": lambda row: "Conv" in (row.module.short if row.module else type(row.operator).__name__),
}
