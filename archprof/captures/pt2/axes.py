"""The free axes of an exported program: which there are, and what those that a user typed make of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from archprof.captures.pt2.expression import Expression, evaluate
from archprof.captures.pt2.guards import violated
from archprof.captures.pt2.program import Program, Range
from archprof.captures.pt2.sizes import Expressions
from archprof.errors import Location, UsageError, usage_error
from archprof.json_fields import MOST_SIZE, Refused
from archprof.named_tuple import NamedTuple
from archprof.spec.variant import Setting, settings_text

if TYPE_CHECKING:
    from archprof.captures.given import Given

_ANY = Range(0, None)


class Axes(NamedTuple):
    """What a program's symbols are: *batch* those that stand first in an input and were given no value, which are 1 of
    one image, *values* what was given to others."""

    batch: tuple[str, ...]
    values: Mapping[str, int]


def settle(program: Program, expressions: Expressions, settings: Sequence[Setting], inputs: Sequence[str]) -> Axes:
    """Return what the symbols are where *settings* (`s0=320`) and *inputs*, as `--input` has them, say so.

    Raises UsageError for those that the program does not have or take, and where a symbol has no value. Raises Refused
    for a program whose sizes are none.
    """
    return _Settling(program, expressions).settle(settings, inputs)


class _Settling:
    """The sizes of a program's symbols while they are given."""

    def __init__(self, program: Program, expressions: Expressions) -> None:
        self._program = program
        metas = program.graph["tensor_values"]
        self._shapes = {name: expressions.shape(metas[name]) for name in program.inputs}
        first = [shape[0] for shape in self._shapes.values() if shape]
        self._first = tuple(dict.fromkeys(dim for dim in first if isinstance(dim, str)))
        self._symbols = tuple(dict.fromkeys(expressions.symbols(metas)))
        self._values: dict[str, int] = {}

    def settle(self, settings: Sequence[Setting], inputs: Sequence[str]) -> Axes:
        for name, text in settings:
            self._set(name, self._number(name, text), f"{name}={text}")
        if inputs:
            from archprof.captures.given import read_given

            for place, text in enumerate(inputs):
                self._take(read_given(text), place, text)
        batch = tuple(name for name in self._first if name not in self._values)
        missing = [name for name in self._symbols if name not in self._values and name not in batch]
        if missing:
            raise self._ask(missing)
        if self._values and (guard := violated(self._program.guards, self._shapes, self._values)):
            message = f"`{self._program.file}` was exported for sizes where `{guard}`"
            advice = "at others the module may run other operators: choose such sizes, or export it for others too"
            raise usage_error(message, Location(settings_text(self._typed()), 0, 0), help=advice)
        return Axes(batch, self._values)

    def _typed(self) -> list[Setting]:
        return [(name, str(size)) for name, size in self._values.items()]

    def _number(self, name: str, text: str) -> int:
        known = {**dict.fromkeys(self._symbols), **self._program.ranges}
        if name not in known:
            raise usage_error(f"`{self._program.file}` has no free axis `{name}`", help=self._listed())
        if not (text.isascii() and text.isdecimal() and len(text) < 11):
            raise usage_error("a size is an integer", Location(f"{name}={text}", 0, 0), help=f"as in `{name}=320`")
        return int(text)

    def _set(self, name: str, size: int, typed: str) -> None:
        allowed = self._program.ranges.get(name, _ANY)
        most = allowed.most if allowed.most is not None else MOST_SIZE
        if not allowed.least <= size <= most:
            message = f"`{name}` is {allowed} in `{self._program.file}`, not {size:,}"
            raise usage_error(message, Location(typed, 0, 0), help="what it was exported for")
        if self._values.setdefault(name, size) != size:
            message = f"`{name}` is {self._values[name]:,} and {size:,} at once"
            raise usage_error(message, Location(typed, 0, 0), help="axes of one name have one size")

    def _take(self, given: "Given", place: int, typed: str) -> None:
        """Give the axes of an input the sizes of a shape."""
        name = given.name or (self._program.inputs[place] if place < len(self._program.inputs) else "")
        if given.shape is None or name not in self._shapes:
            named = ", ".join(f"`{one}`" for one in self._program.inputs)
            raise usage_error(f"`{typed}` is no input of `{self._program.file}`", help=f"it takes {named}")
        dims = self._shapes[name]
        batch = bool(dims) and (dims[0] == 1 or dims[0] in self._first) and given.form != "whole"
        dims = dims[batch:]
        if all(isinstance(dim, int) for dim in dims):
            raise self._fixed(name, dims)
        for dim, size in zip(dims, given.shape, strict=False):
            if isinstance(dim, str):
                self._set(dim, size, typed)
        if not self._fits(dims, given.shape):
            raise usage_error(f"`{typed}` does not fit `{name}`, which is {self._shown(dims)}", help=self._listed())

    def _fits(self, dims: Sequence[Expression], sizes: Sequence[int]) -> bool:
        try:
            return [evaluate(dim, self._values) for dim in dims] == list(sizes)
        except Refused:
            return False

    def _fixed(self, name: str, dims: Sequence[Expression]) -> UsageError:
        message = f"`{self._program.file}` was exported for `{name}` of {self._shown(dims)}, and takes no other"
        advice = "`torch.export.export(…, dynamic_shapes=…)` leaves axes free"
        return usage_error(message, help=advice)

    def _shown(self, dims: Sequence[Expression]) -> str:
        return "×".join([str(dim) if isinstance(dim, str | int) else "…" for dim in dims])

    def _ask(self, missing: Sequence[str]) -> UsageError:
        named = [f"`{name}` ({self._program.ranges.get(name, _ANY)})" for name in missing]
        message = f"`{self._program.file}` needs a size for {' and for '.join(named)}"
        example = settings_text((name, "…") for name in missing)
        taken = ", ".join([f"`{name}` of {self._shown(dims)}" for name, dims in self._shapes.items()])
        return usage_error(message, help=f"`{self._program.file}@{example}`, or an `--input`; it takes {taken}")

    def _listed(self) -> str:
        free = [f"`{name}` ({self._program.ranges.get(name, _ANY)})" for name in self._symbols]
        return f"it has {', '.join(free)}" if free else "it has none: every axis was exported at one size"


def batches(axes: Axes, sizes: Sequence[int]) -> Iterator[dict[str, int]]:
    """Yield what the symbols are at batch sizes; once where there is no batch."""
    for size in sizes if axes.batch else sizes[:1]:
        yield {**axes.values, **dict.fromkeys(axes.batch, size)}
