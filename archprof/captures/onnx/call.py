"""A call of an operator: what it reads, how it is set, how many outputs are asked for."""

from collections.abc import Mapping
from typing import Any

from archprof.captures.onnx.elements import TYPES, UNKNOWN
from archprof.captures.onnx.model import GraphRecord, Stored
from archprof.captures.onnx.tensor import Dims, Misfit, Tensor
from archprof.named_tuple import NamedTuple


class Call(NamedTuple):
    """A call; *version* is that of the operators of its domain, *wanted* the number of its outputs."""

    op: str
    domain: str
    version: int
    inputs: tuple[Tensor | None, ...]
    attributes: Mapping[str, Any]
    wanted: int

    def has(self, index: int) -> bool:
        """Tell whether an input is given."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def optional(self, index: int) -> Tensor | None:
        """Return an input, if it is given."""
        return self.inputs[index] if index < len(self.inputs) else None

    def input(self, index: int = 0) -> Tensor:
        """Return an input. Raises Misfit where it is not given."""
        found = self.optional(index)
        if found is None:
            raise Misfit(f"input {index + 1} is missing")
        return found

    def shape(self, index: int = 0) -> Dims:
        """Return an input's shape. Raises Unknown where it is not known."""
        return self.input(index).known_shape

    def sizes(self, index: int = 0) -> tuple[int, ...]:
        """Return an input's shape in numbers. Raises Unknown where one is not known."""
        return self.input(index).sizes

    def dtype(self, index: int = 0) -> str:
        """Return an input's type of elements."""
        return self.input(index).dtype

    def integer(self, name: str, default: int = 0) -> int:
        """Return an attribute that is an integer. Raises Misfit for another."""
        found = self.attributes.get(name)
        if found is None:
            return default
        if not isinstance(found, int):
            raise Misfit(f"`{name}` is no integer")
        return found

    def element_type(self, name: str, default: int = 0) -> str:
        """Return the type of elements that an attribute names by its number. Raises Misfit for an attribute that is no
        integer."""
        return TYPES.get(self.integer(name, default), UNKNOWN).name

    def number(self, name: str, default: float) -> float:
        """Return an attribute that is a number. Raises Misfit for another."""
        found = self.attributes.get(name, default)
        if not isinstance(found, int | float):
            raise Misfit(f"`{name}` is no number")
        return found

    def text(self, name: str, default: str = "") -> str:
        """Return an attribute that is a text. Raises Misfit for another."""
        found = self.attributes.get(name, default)
        if not isinstance(found, str):
            raise Misfit(f"`{name}` is no text")
        return found

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Return an attribute that is a list of integers, None without one. Raises Misfit for another."""
        found = self.attributes.get(name)
        if found is None:
            return None
        if not isinstance(found, tuple) or not all(isinstance(one, int) for one in found):
            raise Misfit(f"`{name}` is no list of integers")
        return found

    def stored(self, name: str) -> Stored | None:
        """Return an attribute that is a tensor. Raises Misfit for another."""
        found = self.attributes.get(name)
        if found is None or isinstance(found, Stored):
            return found
        raise Misfit(f"`{name}` is no tensor")

    def graph(self, name: str) -> GraphRecord:
        """Return an attribute that is a graph. Raises Misfit for another."""
        found = self.attributes.get(name)
        if isinstance(found, GraphRecord):
            return found
        raise Misfit(f"`{name}` is no graph")

    def listed(self, name: str, index: int) -> tuple[int, ...] | None:
        """Return integers that older versions have as an attribute and newer ones as an input, None without any.

        Raises Unknown where they are not known.
        """
        if name in self.attributes:
            return self.integers(name)
        found = self.optional(index)
        return None if found is None else found.integers()

    def single(self, name: str, index: int, default: int) -> int:
        """Return likewise a single integer."""
        if name in self.attributes:
            return self.integer(name)
        found = self.optional(index)
        if found is None:
            return default
        values = found.integers()
        if len(values) != 1:
            raise Misfit(f"`{name}` is no single integer")
        return values[0]
