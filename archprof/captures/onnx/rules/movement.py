"""Operators that move elements, and compute none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.elements import Data, Element
from archprof.captures.onnx.model import MAX_ELEMENTS
from archprof.captures.onnx.rules.rule import Rule, Rules
from archprof.captures.onnx.tensor import (
    Dim,
    Dims,
    Misfit,
    Tensor,
    Unknown,
    axis_of,
    broadcast,
    divided,
    flat,
    indices,
    made,
    numbers,
    spread,
    times,
)


def _reshape(call: Call) -> list[Tensor]:
    first = call.input()
    return [made(first.dtype, _reshaped(call, first), first.data)]


def _reshaped(call: Call, first: Tensor) -> Dims:
    wanted: Data = call.integers("shape") or () if "shape" in call.attributes else call.input(1).listed()
    shape: list[Dim] = []
    for axis, size in enumerate(wanted):
        if size == 0 and not call.integer("allowzero"):
            if axis >= len(first.known_shape):
                raise Misfit(f"axis {axis} of {len(first.known_shape)} is to be kept")
            shape.append(first.known_shape[axis])
        else:
            shape.append(None if size is None else int(size))
    rest = [axis for axis, size in enumerate(shape) if size == -1]
    if len(rest) > 1 or any(size is not None and size < -1 for size in shape):
        raise Misfit(f"no tensor has the shape {shown(shape)}")
    elements = first.elements
    if rest:
        others = times(*[size for size in shape if size != -1])
        if not others or elements is None:
            shape[rest[0]] = None if others is None or elements is None else 0
        elif elements % others:
            raise Misfit(f"{elements:,} elements {shown(first.known_shape)} do not make {shown(shape)}")
        else:
            shape[rest[0]] = elements // others
    unknown = [axis for axis, size in enumerate(shape) if size is None]
    if len(unknown) == 1 and not rest and elements is not None:
        others = times(*[size for size in shape if size is not None])
        shape[unknown[0]] = elements // others if others and elements % others == 0 else None
    if None not in shape and elements is not None and times(*shape) != elements:
        raise Misfit(f"{elements:,} elements {shown(first.known_shape)} do not make {shown(shape)}")
    return tuple(shape)


def shown(shape: Iterable[Dim]) -> str:
    """Return a shape as messages have it: `1×?×12`."""
    return "×".join("?" if size is None else str(size) for size in shape) or "a number"


def _flatten(call: Call) -> list[Tensor]:
    first = call.input()
    shape = first.known_shape
    axis = call.integer("axis", 1)
    axis = axis if axis == len(shape) else axis_of(axis, len(shape))
    return [made(first.dtype, (times(*shape[:axis]), times(*shape[axis:])), first.data)]


def _squeeze(call: Call) -> list[Tensor]:
    first = call.input()
    shape, axes = first.known_shape, call.listed("axes", 1)
    if axes is None:
        if None in shape:
            raise Unknown
        gone = {axis for axis, size in enumerate(shape) if size == 1}
    else:
        gone = {axis_of(axis, len(shape)) for axis in axes}
    if any(shape[axis] not in (1, None) for axis in gone):
        raise Misfit(f"an axis of {shown(shape)} to be left out is longer than 1")
    return [made(first.dtype, [size for axis, size in enumerate(shape) if axis not in gone], first.data)]


def _unsqueeze(call: Call) -> list[Tensor]:
    first = call.input()
    axes = call.listed("axes", 1) or ()
    rank = len(first.known_shape) + len(axes)
    added = {axis_of(axis, rank) for axis in axes}
    if len(added) != len(axes):
        raise Misfit("an axis is added twice")
    old = iter(first.known_shape)
    return [made(first.dtype, [1 if axis in added else next(old) for axis in range(rank)], first.data)]


def _transpose(call: Call) -> list[Tensor]:
    first = call.input()
    shape = first.known_shape
    order = call.integers("perm") or tuple(reversed(range(len(shape))))
    if sorted(order) != list(range(len(shape))):
        raise Misfit(f"{len(shape)} axes cannot be put in the order {', '.join(map(str, order))}")
    moved = [shape[axis] for axis in order]
    return [made(first.dtype, moved, _picked(first, moved, lambda at: [at[order.index(k)] for k in range(len(at))]))]


def _picked(first: Tensor, shape: Sequence[Dim], place: Callable[[Sequence[int]], Sequence[int]]) -> Data | None:
    """Return the elements of an output each of which is one of the input, at a *place* that depends on its own."""
    if first.data is None or None in shape or prod(numbers(shape)) > MAX_ELEMENTS:
        return None
    return tuple([first.data[flat(place(at), first.sizes)] for at in indices(numbers(shape))])


def _concat(call: Call) -> list[Tensor]:
    given = [one for one in call.inputs if one is not None]
    return [joined(given, call.integer("axis"))]


def joined(given: Sequence[Tensor], axis: int) -> Tensor:
    """Return tensors one behind the other along an axis."""
    if not given:
        raise Misfit("nothing to be joined")
    shapes = [one.known_shape for one in given]
    rank = len(shapes[0])
    axis = axis_of(axis, rank)
    if any(len(shape) != rank for shape in shapes):
        raise Misfit(f"{' and '.join(map(shown, shapes))} are joined")
    others = broadcast_equal([(*shape[:axis], *shape[axis + 1 :]) for shape in shapes])
    sizes = [shape[axis] for shape in shapes]
    total = None if None in sizes else sum(numbers(sizes))
    shape = (*others[:axis], total, *others[axis:])
    return made(given[0].dtype, shape, _behind(given, axis) if rank else None)


def broadcast_equal(shapes: Sequence[Dims]) -> Dims:
    """Return the shape that all have, as far as it is known. Raises Misfit where they differ."""
    found = list(shapes[0])
    for shape in shapes[1:]:
        for axis, size in enumerate(shape):
            if found[axis] is None:
                found[axis] = size
            elif size is not None and size != found[axis]:
                raise Misfit(f"{found[axis]} and {size} elements along one axis")
    return tuple(found)


def _behind(given: Sequence[Tensor], axis: int) -> Iterable[Element] | None:
    """Return the elements of tensors along an axis; of one that has unknown ones, those are."""
    if all(one.data is None for one in given) or any(one.elements is None for one in given):
        return None
    if sum(prod(one.sizes) for one in given) > MAX_ELEMENTS:
        return None
    data = [one.data if one.data is not None else (None,) * prod(one.sizes) for one in given]
    found: list[Element] = []
    steps = [prod(one.sizes[axis:]) for one in given]
    for outer in range(prod(given[0].sizes[:axis])):
        for values, step in zip(data, steps, strict=True):
            found.extend(values[outer * step : (outer + 1) * step])
    return found


def _slice(call: Call) -> list[Tensor]:
    first = call.input()
    shape = first.known_shape
    starts, ends = bounds(call, "starts", 1), bounds(call, "ends", 2)
    if len(starts) != len(ends):
        raise Misfit("as many ends as starts are needed")
    axes = call.listed("axes", 3) or tuple(range(len(starts)))
    steps = bounds(call, "steps", 4) if call.has(4) else (1,) * len(starts)
    ranges: dict[int, range | None] = {}
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=False):
        axis = axis_of(axis, len(shape))
        ranges[axis] = _range(shape[axis], start, end, step)
    cut = list(shape)
    for axis, taken in ranges.items():
        cut[axis] = None if taken is None else len(taken)

    def place(at: Sequence[int]) -> list[int]:
        return [_taken(ranges, axis, index) for axis, index in enumerate(at)]

    return [made(first.dtype, cut, _picked(first, cut, place))]


def _taken(ranges: dict[int, range | None], axis: int, index: int) -> int:
    taken = ranges.get(axis)
    return index if taken is None else taken[index]


def bounds(call: Call, name: str, index: int) -> Data:
    """Return starts, ends or steps, of which some may not be known."""
    if name in call.attributes:
        return call.integers(name) or ()
    return call.input(index).listed()


def _range(size: Dim, start: Element, end: Element, step: Element) -> range | None:
    """Return what is taken of an axis, as Python slices; None where that is not known."""
    if step == 0:
        raise Misfit("a step of 0")
    if size is None or start is None or end is None or step is None:
        return None
    start, end, step = int(start), int(end), int(step)
    return range(*slice(start, _end(end, size, step), step).indices(size))


def _end(end: int, size: int, step: int) -> int | None:
    """Return where a slice ends, as Python has it: backwards, what is before the front is None."""
    return None if step < 0 and end < -size else end


def _split(call: Call) -> list[Tensor]:
    first = call.input()
    shape = first.known_shape
    axis = axis_of(call.integer("axis"), len(shape))
    parts = call.listed("split", 1) if "split" in call.attributes or call.has(1) else None
    if parts is None:
        parts = _even(shape[axis], call.integer("num_outputs", call.wanted))
    elif shape[axis] is not None and sum(parts) != shape[axis]:
        raise Misfit(f"{shape[axis]} elements are not {' + '.join(map(str, parts))}")
    found, begin = [], 0
    for part in parts:
        cut = (*shape[:axis], part, *shape[axis + 1 :])
        offset = begin

        def place(at: Sequence[int], offset: int = offset) -> list[int]:
            return [index + offset * (k == axis) for k, index in enumerate(at)]

        found.append(made(first.dtype, cut, _picked(first, cut, place)))
        begin += part
    return found


def _even(size: Dim, count: int) -> tuple[int, ...]:
    """Return parts of equal size, the last one smaller."""
    if size is None:
        raise Unknown
    if not 0 < count <= 1 << 16:
        raise Misfit(f"{size} elements in {count} parts")
    each = -(-size // count)
    return tuple([max(0, min(each, size - each * k)) for k in range(count)])


def _gather(call: Call) -> list[Tensor]:
    first, which = call.input(), call.input(1)
    shape = first.known_shape
    axis = axis_of(call.integer("axis"), len(shape))
    taken = (*shape[:axis], *which.known_shape, *shape[axis + 1 :])
    rank, size = len(which.known_shape), shape[axis]
    if which.data is None or size is None or None in which.data:
        return [made(first.dtype, taken)]
    known = which.integers()
    if any(not -size <= one < size for one in known):
        raise Misfit(f"element {next(one for one in known if not -size <= one < size)} of {size}")

    def place(at: Sequence[int]) -> list[int]:
        index = known[flat(at[axis : axis + rank], which.sizes)]
        return [*at[:axis], index % size, *at[axis + rank :]]

    return [made(first.dtype, taken, _picked(first, taken, place))]


def _gather_elements(call: Call) -> list[Tensor]:
    return [made(call.dtype(), call.shape(1))]


def _gather_nd(call: Call) -> list[Tensor]:
    first, which = call.shape(), call.shape(1)
    batch = call.integer("batch_dims")
    if not which or which[-1] is None:
        raise Unknown
    return [made(call.dtype(), (*which[:-1], *first[batch + which[-1] :]))]


def _expand(call: Call) -> list[Tensor]:
    first, target = call.input(), call.input(1)
    wanted = tuple([None if size is None else int(size) for size in target.listed()])
    shape = broadcast([first.known_shape, wanted])
    return [made(first.dtype, shape, None if None in shape else spread(first, numbers(shape)))]


def _tile(call: Call) -> list[Tensor]:
    first, repeats = call.input(), call.input(1)
    if repeats.data is None:
        return [made(first.dtype, (None,) * len(first.known_shape))]
    counts = [None if one is None else int(one) for one in repeats.data]
    shape = [times(size, count) for size, count in zip(first.known_shape, counts, strict=True)]

    def place(at: Sequence[int]) -> list[int]:
        return [index % size for index, size in zip(at, first.sizes, strict=True)]

    return [made(first.dtype, shape, _picked(first, shape, place))]


def _pad(call: Call) -> list[Tensor]:
    first = call.input()
    shape = first.known_shape
    pads = call.listed("pads", 1) or ()
    axes = call.listed("axes", 3) or tuple(range(len(shape)))
    if len(pads) != 2 * len(axes):
        raise Misfit(f"{len(pads)} pads of {len(axes)} axes")
    sizes = list(shape)
    for k, axis in enumerate(axes):
        axis = axis_of(axis, len(shape))
        size = sizes[axis]
        sizes[axis] = None if size is None else size + pads[k] + pads[k + len(axes)]
    if any(size is not None and size < 0 for size in sizes):
        raise Misfit(f"{shown(shape)} is cut to less than nothing")
    return [made(first.dtype, sizes, first.data if not any(pads) else None)]


def _depth_to_space(call: Call) -> list[Tensor]:
    n, channels, height, width = _feature_map(call)
    block = _positive(call, "blocksize")
    if channels is not None and channels % (block * block):
        raise Misfit(f"{channels} channels in blocks of {block}×{block}")
    return [made(call.dtype(), (n, divided(channels, block * block), times(height, block), times(width, block)))]


def _space_to_depth(call: Call) -> list[Tensor]:
    n, channels, height, width = _feature_map(call)
    block = _positive(call, "blocksize")
    fewer = (divided(height, block), divided(width, block))
    return [made(call.dtype(), (n, times(channels, block * block), *fewer))]


def _feature_map(call: Call) -> Dims:
    shape = call.shape()
    if len(shape) != 4:
        raise Misfit(f"{shown(shape)} is no batch of feature maps")
    return shape


def _positive(call: Call, name: str) -> int:
    found = call.integer(name)
    if found < 1:
        raise Misfit(f"`{name}` is {found}")
    return found


def _compress(call: Call) -> list[Tensor]:
    shape = list(call.shape())
    if "axis" not in call.attributes:
        return [made(call.dtype(), (None,))]
    shape[axis_of(call.integer("axis"), len(shape))] = None
    return [made(call.dtype(), shape)]


RULES: Rules = {
    "Reshape": Rule(_reshape, "shape", keeps=True),
    "Flatten": Rule(_flatten, "shape", keeps=True),
    "Squeeze": Rule(_squeeze, "shape", keeps=True),
    "Unsqueeze": Rule(_unsqueeze, "shape", keeps=True),
    "Transpose": Rule(_transpose, "shape", keeps=True),
    "Concat": Rule(_concat, "join"),
    "Slice": Rule(_slice, "shape"),
    "Split": Rule(_split, "shape"),
    "Gather": Rule(_gather, "shape", slots=("weight",)),
    "GatherElements": Rule(_gather_elements, "shape"),
    "GatherND": Rule(_gather_nd, "shape"),
    "Expand": Rule(_expand, "shape"),
    "Tile": Rule(_tile, "shape"),
    "Pad": Rule(_pad, "shape"),
    "DepthToSpace": Rule(_depth_to_space, "shape"),
    "SpaceToDepth": Rule(_space_to_depth, "shape"),
    "Compress": Rule(_compress, "shape"),
}
