"""What comes out of operators whose output is as large as data has it, where there is no data: the most that can."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

# What a call returns that finds as many elements as there can be; of these arguments, by the names of its schema.
Largest = Callable[[Mapping[str, Any], "Bounds"], Any]


class UnknownElementError(RuntimeError):
    """A forward asks for elements, by an *operator*, in the module at *path*, that tensors without any cannot tell."""

    def __init__(self, operator: str, path: str, module: str) -> None:
        super().__init__(f"{operator} in {path}")
        self.operator, self.path, self.module = operator, path, module


class FunctionOperatorError(RuntimeError):
    """A forward calls an *operator* of functions, such as `cond`, of which nobody knows what it runs."""

    def __init__(self, operator: str) -> None:
        super().__init__(operator)
        self.operator = operator


def when_gone(thing: Any, call: Callable[..., Any], *args: Any) -> None:
    """Have something called when nobody holds a tensor or a storage any more."""
    weakref.finalize(thing, call, *args).atexit = False


class Bounds:
    """How many different values tensors can hold, where that is less than their elements: labels that are taken from
    91 classes are 91 at most, however many boxes have one."""

    def __init__(self) -> None:
        self._values: dict[int, int] = {}

    def values(self, tensor: Tensor) -> int:
        """Return how many different values a tensor can hold."""
        return min(tensor.numel(), self._values.get(id(tensor), tensor.numel()))

    def note(self, operator: str, given: Mapping[str, Any], returned: Any) -> None:
        """Note what an operator has made, for as long as it is there."""
        rule = _VALUES.get(operator)
        if rule is not None:
            for tensor in returned if isinstance(returned, list | tuple) else (returned,):
                self._values[id(tensor)] = rule(given, self)
                when_gone(tensor, self._values.pop, id(tensor), None)

    def forget(self) -> None:
        """Forget all that was noted: something is written over, and what shares its memory holds other values now."""
        self._values.clear()


def is_bounded(operator: str, given: Mapping[str, Any]) -> bool:
    """Tell whether an operator, as in `aten::nonzero`, returns as much as data has it."""
    return operator in _LARGEST and (operator != "aten::index" or any(map(_is_mask, given["indices"])))


def largest(operator: str, given: Mapping[str, Any], bounds: Bounds) -> Any:
    """Return the most that an operator can that `is_bounded`."""
    return _LARGEST[operator](given, bounds)


def asks_for_elements(operator: str) -> bool:
    """Tell whether an operator answers with elements, or with as many as elements say, for which there is no bound."""
    return operator in _ASKS


def _nms(given: Mapping[str, Any], bounds: Bounds) -> Tensor:
    """Every box is kept."""
    boxes: Tensor = given["dets"]
    return boxes.new_empty(boxes.shape[0], dtype=torch.int64)


def _nonzero(given: Mapping[str, Any], bounds: Bounds) -> Tensor:
    found: Tensor = given["self"]
    return found.new_empty((found.numel(), found.dim()), dtype=torch.int64)


def _masked_select(given: Mapping[str, Any], bounds: Bounds) -> Tensor:
    chosen: Tensor = given["self"]
    shape = torch.broadcast_shapes(chosen.shape, given["mask"].shape)  # type: ignore[no-untyped-call]
    return chosen.new_empty(prod(shape))


def _index(given: Mapping[str, Any], bounds: Bounds) -> Tensor:
    """A mask stands for the places that it is true at: all of them, along each of its axes."""
    places: list[Tensor | None] = []
    for index in given["indices"]:
        if _is_mask(index):
            places += [index.new_empty(index.numel(), dtype=torch.int64)] * index.dim()
        else:
            places.append(index)
    chosen: Tensor = torch.ops.aten.index(given["self"], places)
    return chosen


def _is_mask(index: Tensor | None) -> bool:
    return index is not None and index.dtype in (torch.bool, torch.uint8)


def _unique(given: Mapping[str, Any], bounds: Bounds) -> tuple[Tensor, Tensor, Tensor]:
    """Return as many values as there can be, where each element stands among them, and how often each is there."""
    held: Tensor = given["self"]
    axis = given.get("dim")
    found = bounds.values(held) if axis is None else held.shape[axis]
    shape = (found,) if axis is None else (*held.shape[:axis], found, *held.shape[axis:][1:])
    inverse = (held.shape if axis is None else (found,)) if given["return_inverse"] else (0,)
    counts = (found,) if given["return_counts"] else (0,)
    places, often = (held.new_empty(one, dtype=torch.int64) for one in (inverse, counts))
    return held.new_empty(shape), places, often


_LARGEST: Mapping[str, Largest] = {
    "torchvision::nms": _nms,
    "torchvision::qnms": _nms,
    "aten::nonzero": _nonzero,
    "aten::masked_select": _masked_select,
    "aten::index": _index,
    "aten::_unique2": _unique,
    "aten::unique_dim": _unique,
    "aten::unique_consecutive": _unique,
}
_ASKS = frozenset(("aten::_local_scalar_dense", "aten::equal", "aten::repeat_interleave", "aten::bincount"))


def _one(given: Mapping[str, Any], bounds: Bounds) -> int:
    return 1


def _as_many(given: Mapping[str, Any], bounds: Bounds) -> int:
    return bounds.values(next(value for value in given.values() if isinstance(value, Tensor)))


def _together(given: Mapping[str, Any], bounds: Bounds) -> int:
    joined: Sequence[Tensor] = given["tensors"]
    return sum(map(bounds.values, joined))


def _remainder(given: Mapping[str, Any], bounds: Bounds) -> int:
    """Of whole numbers there are as many remainders as the divisor says."""
    divisor, whole = given["other"], not given["self"].is_floating_point()
    left = abs(divisor) if whole and isinstance(divisor, int) and divisor else given["self"].numel()
    return min(left, bounds.values(given["self"]))


# How many different values a call returns at most, where those are fewer than its elements.
_VALUES: Mapping[str, Largest] = {
    **dict.fromkeys(("aten::full", "aten::full_like", "aten::zeros", "aten::ones", "aten::new_full"), _one),
    **dict.fromkeys(("aten::zeros_like", "aten::ones_like", "aten::new_zeros", "aten::new_ones"), _one),
    **dict.fromkeys(("aten::view", "aten::reshape", "aten::expand", "aten::slice", "aten::select"), _as_many),
    **dict.fromkeys(("aten::index", "aten::index_select", "aten::unsqueeze", "aten::squeeze"), _as_many),
    **dict.fromkeys(("aten::permute", "aten::transpose", "aten::clone", "aten::contiguous", "aten::detach"), _as_many),
    **dict.fromkeys(("aten::to", "aten::_to_copy", "aten::flatten", "aten::unbind", "aten::split"), _as_many),
    "aten::cat": _together,
    "aten::remainder": _remainder,
    "aten::arange": lambda given, bounds: given["end"],
}
