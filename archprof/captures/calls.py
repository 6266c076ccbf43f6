"""What is recorded of a forward pass: calls of dispatched operators, in the order of execution."""

from collections.abc import Iterator, Mapping
from typing import Any

from archprof.ir.graph import Edge
from archprof.named_tuple import NamedTuple


class HeldTensor(NamedTuple):
    """A tensor that nobody computes: a parameter or buffer by its first name, or a constant (with none)."""

    name: str
    kind: str  # "parameter", "buffer" or "constant"


class SeenTensor(NamedTuple):
    """A tensor as a call sees it: its whole shape, the type of its elements, and where it comes from.

    *after* are the calls that have written over its storage since it was made. *strides* are None where it is
    contiguous; tensors of one recording that have the same *storage* share it.
    """

    shape: tuple[int, ...]
    dtype: str
    source: Edge | HeldTensor
    after: tuple[Edge, ...] = ()
    strides: tuple[int, ...] | None = None
    storage: int = 0


class Dispatched(NamedTuple):
    """One call of a dispatched operator: `aten.conv2d.default`, the module that runs it, arguments by the names of the
    operator's schema (tensors as `SeenTensor`), and what it returns.

    *visit* counts the calls of the module, from 1. *counted* tells whether there is a rule for *macs*, the
    multiply-accumulates. *writes* names the arguments that are written over; *bounded* tells that data decides how much
    it returns, and the outputs are the most that it can. *written* tells how its code calls the operator: as a
    `function` of torch.nn.functional, as another function or a `method`, as an `operator` (`x + y`). *until* are, where
    that was followed, the places of the last calls during which the storages of its outputs were there. A *detached*
    one ran in training where gradients are switched off, one within a *checkpoint* of the code, of that number from 1,
    where all is to be computed again, in a backward pass of its own if that is *reentrant*.
    """

    target: str
    path: str
    module: str
    visit: int
    arguments: Mapping[str, Any]
    outputs: tuple[SeenTensor, ...]
    macs: int = 0
    counted: bool = True
    writes: tuple[str, ...] = ()
    bounded: bool = False
    written: str = "method"
    until: tuple[int, ...] = ()
    detached: bool = False
    checkpoint: int = 0
    reentrant: bool = False

    @property
    def name(self) -> str:
        """The operator's name without library and overload: `conv2d`, without the `_` of writing in place."""
        return self.target.split(".")[1].rstrip("_")

    def tensors(self) -> Iterator[SeenTensor]:
        """Yield the tensors among the arguments, in their order."""
        for value in self.arguments.values():
            yield from tensors_in(value)


class Recording(NamedTuple):
    """A forward pass: what went in, the calls, where each output comes from, by name, and what is to be told of what
    code asked for that is not followed."""

    inputs: Mapping[str, SeenTensor]
    calls: tuple[Dispatched, ...]
    outputs: Mapping[str, SeenTensor]
    remarks: tuple[str, ...] = ()


def tensors_in(value: Any) -> Iterator[SeenTensor]:
    """Yield the tensors in an argument: itself, or those in a list."""
    if isinstance(value, SeenTensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)
