"""Operators that ask for shapes, fill them, fold axes, or choose: their outputs follow from sizes and small numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.elements import FLOAT32, INT32, Element
from archprof.captures.onnx.model import MAX_ELEMENTS, MAX_RANK, Stored
from archprof.captures.onnx.rules.movement import joined, shown
from archprof.captures.onnx.rules.rule import Outputs, Rule, Rules, unknown_macs
from archprof.captures.onnx.tensor import (
    Dim,
    Misfit,
    Tensor,
    Unknown,
    axis_of,
    broadcast,
    indices,
    made,
    numbers,
    whole,
)


def _shape(call: Call) -> list[Tensor]:
    shape = call.shape()
    start, end = call.integer("start"), call.integer("end", len(shape))
    return [whole(shape[slice(start, end)])]


def _size(call: Call) -> list[Tensor]:
    return [made("int64", (), [call.input().elements])]


def _filled(call: Call) -> list[Tensor]:
    """Return a tensor of a given shape of one value, 0 unless another is given."""
    value = call.stored("value")
    dtype = value.dtype.name if value else "float32"
    shape = [None if size is None else int(size) for size in call.input().listed()]
    check_sizes(shape)
    element: Element = 0 if value is None else value.data[0] if value.data else None
    few = None not in shape and prod(numbers(shape)) <= MAX_ELEMENTS
    return [made(dtype, shape, [element] * prod(numbers(shape)) if few else None)]


def _experimental_fill(call: Call) -> list[Tensor]:
    """Return a tensor of one value, by an operator that was given up: its shape is an attribute, that of an input, or
    what an input says, with more axes behind."""
    if call.has(0) and not call.integer("input_as_shape"):
        shape: Sequence[Dim] = call.shape()
    elif call.has(0):
        shape = call.input().integers()
    else:
        shape = call.integers("shape") or ()
    shape = (*shape, *(call.integers("extra_shape") or ()))
    check_sizes(shape)
    return [made(call.element_type("dtype", FLOAT32), shape)]


def check_sizes(shape: Sequence[Dim]) -> None:
    """Raise Misfit for sizes that are none."""
    if len(shape) > MAX_RANK or any(size is not None and size < 0 for size in shape):
        raise Misfit(f"no tensor has the shape {shown(shape)}")


def _range(call: Call) -> list[Tensor]:
    start, limit, delta = (call.input(index).known()[0] for index in range(3))
    if not delta or start is None or limit is None:
        raise Misfit("steps of 0")
    count = max(0, -int(-(limit - start) // delta))
    data = [start + delta * k for k in range(count)] if count <= MAX_ELEMENTS else None
    return [made(call.dtype(), (count,), data)]


def _reduced(compute: Callable[[Sequence[Any]], Any] | None = None, dtype: str = "") -> Outputs:
    def outputs(call: Call) -> list[Tensor]:
        first = call.input()
        rank = len(first.known_shape)
        axes = call.listed("axes", 1)
        if not axes:
            if call.integer("noop_with_empty_axes"):
                return [first._replace(source=None, edge=None)]
            axes = tuple(range(rank))
        gone = {axis_of(axis, rank) for axis in axes} if rank else set()
        keep = call.integer("keepdims", 1)
        shape = [1 if axis in gone else size for axis, size in enumerate(first.known_shape) if keep or axis not in gone]
        return [made(dtype or first.dtype, shape, _folded(compute, first, gone))]

    return outputs


def _folded(compute: Callable[[Sequence[Any]], Any] | None, first: Tensor, gone: set[int]) -> list[Element] | None:
    if compute is None or first.data is None or None in first.data or not first.data:
        return None
    groups: dict[tuple[int, ...], list[Element]] = {}
    for at, value in zip(indices(first.sizes), first.data, strict=True):
        groups.setdefault(tuple([0 if axis in gone else index for axis, index in enumerate(at)]), []).append(value)
    return [compute(values) for values in groups.values()]


def _argument(call: Call) -> list[Tensor]:
    shape = call.shape()
    gone = axis_of(call.integer("axis"), len(shape))
    keep = call.integer("keepdims", 1)
    return [made("int64", [1 if k == gone else size for k, size in enumerate(shape) if keep or k != gone])]


def _top(call: Call) -> list[Tensor]:
    shape = list(call.shape())
    axis = axis_of(call.integer("axis", -1), len(shape))
    try:
        count: Dim = call.single("k", 1, 1)
    except Unknown:
        count = None
    if count is not None and shape[axis] is not None and not 0 <= count <= numbers(shape)[axis]:
        raise Misfit(f"the largest {count} of {shape[axis]}")
    shape[axis] = count
    return [made(call.dtype(), shape), made("int64", shape)]


def _one_hot(call: Call) -> list[Tensor]:
    shape = list(call.shape())
    depth = call.input(1).data
    axis = call.integer("axis", -1)
    at = axis if axis >= 0 else axis + len(shape) + 1
    shape.insert(axis_of(at, len(shape) + 1), None if depth is None or depth[0] is None else int(depth[0]))
    return [made(call.dtype(2), shape)]


def _random(call: Call) -> list[Tensor]:
    shape = call.integers("shape") or ()
    check_sizes(shape)
    return [made(call.element_type("dtype", FLOAT32), shape)]


def _non_zero(call: Call) -> list[Tensor]:
    first = call.input()
    if first.data is not None and None not in first.data and first.shape is not None:
        found = [at for at, value in zip(indices(first.sizes), first.data, strict=True) if value]
        places = [one for axis in zip(*found, strict=True) for one in axis]
        return [made("int64", (len(first.shape), len(found)), places)]
    return [made("int64", (len(first.known_shape), None))]


def _unique(call: Call) -> list[Tensor]:
    shape = call.shape()
    where = whole_list()
    if "axis" in call.attributes:
        axis = axis_of(call.integer("axis"), len(shape))
        return [made(call.dtype(), (*shape[:axis], None, *shape[axis + 1 :])), where, where, where]
    return [made(call.dtype(), (None,)), where, where, where]


def whole_list() -> Tensor:
    """Return a list of integers of which not even the number is known."""
    return made("int64", (None,))


def _suppressed(call: Call) -> list[Tensor]:
    return [made("int64", (None, 3))]


def _window(call: Call) -> list[Tensor]:
    (size,) = call.input().integers()
    return [made(call.element_type("output_datatype", FLOAT32), (size,))]


def _mel(call: Call) -> list[Tensor]:
    bins, length = call.input().integers()[0], call.input(1).integers()[0]
    return [made(call.element_type("output_datatype", FLOAT32), (length // 2 + 1, bins))]


def _fourier(call: Call) -> list[Tensor]:
    """Return a discrete Fourier transform, of which a half says all where the signal is real."""
    shape = list(call.shape())
    axis = call.integer("axis", 1) if "axis" in call.attributes else 0
    if "axis" not in call.attributes:
        axis = call.single("axis", 2, 1 if call.version < 20 else -2)
    axis = axis_of(axis, len(shape))
    half, inverse = call.integer("onesided"), call.integer("inverse")
    size = shape[axis]
    if call.has(1):
        size = call.input(1).integers()[0]
    elif half and inverse:
        size = None if size is None else 2 * (size - 1)
    shape[axis] = size if inverse or not half or size is None else size // 2 + 1
    return [made(call.dtype(), (*shape[:-1], 1 if half and inverse else 2))]


def _short_fourier(call: Call) -> list[Tensor]:
    batch, length, *_ = call.sizes()
    step = call.input(1).integers()[0]
    frame = call.input(3).integers()[0] if call.has(3) else call.sizes(2)[0]
    if step < 1 or not 0 < frame <= length:
        raise Misfit(f"frames of {frame} every {step} of {length}")
    bins = frame // 2 + 1 if call.integer("onesided", 1) else frame
    return [made(call.dtype(), (batch, (length - frame) // step + 1, bins, 2))]


def _determinant(call: Call) -> list[Tensor]:
    return [made(call.dtype(), call.shape()[:-2])]


def _multinomial(call: Call) -> list[Tensor]:
    return [made(call.element_type("dtype", INT32), (call.shape()[0], call.integer("sample_size", 1)))]


def _loss(call: Call) -> list[Tensor]:
    whole_loss = call.text("reduction", "mean") != "none"
    found = made(call.dtype(), () if whole_loss else call.shape(1))
    return [found, made(call.dtype(), call.shape())]


def _words(call: Call) -> list[Tensor]:
    shape = call.shape()
    return [made("float32", (*shape[:-1], 1 + max(call.integers("ngram_indexes") or (0,))))]


# Sequences


def _sequence(call: Call) -> list[Tensor]:
    return [Tensor(call.dtype() if call.inputs else "float32", None, items=_all(call.inputs))]


def _empty_sequence(call: Call) -> list[Tensor]:
    return [Tensor(call.element_type("dtype", FLOAT32), None, items=())]


def _all(given: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
    return tuple([one for one in given if one is not None])


def items_of(tensor: Tensor) -> tuple[Tensor, ...]:
    """Return the tensors of a sequence. Raises Unknown where they are not known."""
    if tensor.items is None:
        raise Unknown
    return tensor.items


def _item(call: Call) -> list[Tensor]:
    items = items_of(call.input())
    index = call.input(1).integers()[0]
    if not -len(items) <= index < len(items):
        raise Misfit(f"item {index} of {len(items)}")
    return [items[index]]


def _inserted(call: Call) -> list[Tensor]:
    items = list(items_of(call.input()))
    at = call.input(2).integers()[0] if call.has(2) else len(items)
    items.insert(at, call.input(1))
    return [Tensor(call.dtype(1), None, items=tuple(items))]


def _erased(call: Call) -> list[Tensor]:
    items = list(items_of(call.input()))
    if not items:
        raise Misfit("nothing to be taken out")
    items.pop(call.input(1).integers()[0] if call.has(1) else -1)
    return [Tensor(call.dtype(), None, items=tuple(items))]


def _length(call: Call) -> list[Tensor]:
    return [made("int64", (), [len(items_of(call.input()))])]


def _parted(call: Call) -> list[Tensor]:
    first = call.input()
    shape = first.known_shape
    axis = axis_of(call.integer("axis"), len(shape))
    keep = call.integer("keepdims", 1) or call.has(1)
    size = shape[axis]
    if size is None:
        raise Unknown
    parts = call.input(1).integers() if call.has(1) else (1,)
    if call.has(1) and call.shape(1) != ():
        sizes = parts
    elif parts[0] < 1:
        raise Misfit("parts of nothing")
    else:
        starts = range(0, size, parts[0])
        if len(starts) > MAX_ELEMENTS:
            raise Unknown
        sizes = tuple([min(parts[0], size - at) for at in starts])
    items = [made(first.dtype, (*shape[:axis], *([each] if keep else []), *shape[axis + 1 :])) for each in sizes]
    return [Tensor(first.dtype, None, items=tuple(items))]


def _rejoined(call: Call) -> list[Tensor]:
    items = items_of(call.input())
    axis = call.integer("axis")
    if not call.integer("new_axis"):
        return [joined(items, axis)]
    rank = len(items[0].known_shape) + 1 if items else 1
    at = axis_of(axis, rank)
    stacked = [one._replace(shape=(*one.known_shape[:at], 1, *one.known_shape[at:])) for one in items]
    return [joined(stacked, at)]


def _optional(call: Call) -> list[Tensor]:
    return [call.input() if call.has(0) else Tensor("unknown", None, items=())]


def _has_element(call: Call) -> list[Tensor]:
    return [made("bool", (), [call.has(0)])]


# Strings


def _joined_text(call: Call) -> list[Tensor]:
    return [made("string", broadcast([call.shape(), call.shape(1)]))]


def _split_text(call: Call) -> list[Tensor]:
    return [made("string", (*call.shape(), None)), made("int64", call.shape())]


def _matched_text(call: Call) -> list[Tensor]:
    return [made("bool", call.shape())]


def _normal_text(call: Call) -> list[Tensor]:
    return [made("string", (*call.shape()[:-1], None))]


def _decoded_image(call: Call) -> list[Tensor]:
    channels = 1 if call.text("pixel_format", "RGB") == "Grayscale" else 3
    return [made("uint8", (None, None, channels))]


def _centred(call: Call) -> list[Tensor]:
    """Return what is cut or padded around the centre to some sizes."""
    shape = list(call.shape())
    axes = call.integers("axes") or tuple(range(len(shape)))
    sizes = call.input(1).integers()
    if len(sizes) != len(axes):
        raise Misfit(f"{len(sizes)} sizes of {len(axes)} axes")
    for axis, size in zip(axes, sizes, strict=True):
        shape[axis_of(axis, len(shape))] = size
    check_sizes(shape)
    return [made(call.dtype(), shape)]


def constant(call: Call) -> Stored | Tensor:
    """Return what a Constant is."""
    for name, value in call.attributes.items():
        if name in ("value", "sparse_value"):
            return _stored(value)
        if name in ("value_float", "value_int", "value_string"):
            return made({"value_float": "float32", "value_int": "int64"}.get(name, "string"), (), _numbers([value]))
        if name in ("value_floats", "value_ints", "value_strings"):
            dtype = {"value_floats": "float32", "value_ints": "int64"}.get(name, "string")
            listed = value if isinstance(value, tuple) else ()
            return made(dtype, (len(listed),), _numbers(listed))
    raise Misfit("a constant without a value")


def _stored(value: object) -> Stored:
    if not isinstance(value, Stored):
        raise Misfit("a constant that is no tensor")
    return value


def _numbers(values: Sequence[object]) -> list[Element] | None:
    found = [value for value in values if isinstance(value, int | float)]
    return [*found] if len(found) == len(values) else None


RULES: Rules = {
    "Shape": Rule(_shape, "shape"),
    "Size": Rule(_size, "shape"),
    "ConstantOfShape": Rule(_filled),
    "ConstantFill": Rule(_experimental_fill),
    "Range": Rule(_range),
    "ReduceSum": Rule(_reduced(sum)),
    "ReduceProd": Rule(_reduced(prod)),
    "ReduceMax": Rule(_reduced(max)),
    "ReduceMin": Rule(_reduced(min)),
    "ReduceMean": Rule(_reduced(), "pool"),
    **dict.fromkeys(("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"), Rule(_reduced())),
    "ArgMax": Rule(_argument),
    "ArgMin": Rule(_argument),
    "TopK": Rule(_top),
    "OneHot": Rule(_one_hot),
    "RandomNormal": Rule(_random),
    "RandomUniform": Rule(_random),
    "NonZero": Rule(_non_zero),
    "Unique": Rule(_unique),
    "NonMaxSuppression": Rule(_suppressed),
    "BlackmanWindow": Rule(_window),
    "HammingWindow": Rule(_window),
    "HannWindow": Rule(_window),
    "MelWeightMatrix": Rule(_mel),
    "DFT": Rule(_fourier, macs=unknown_macs),
    "STFT": Rule(_short_fourier, macs=unknown_macs),
    "Det": Rule(_determinant, macs=unknown_macs),
    "Multinomial": Rule(_multinomial),
    "NegativeLogLikelihoodLoss": Rule(_loss),
    "SoftmaxCrossEntropyLoss": Rule(_loss),
    "TfIdfVectorizer": Rule(_words),
    "CenterCropPad": Rule(_centred, "shape"),
    "SequenceConstruct": Rule(_sequence, "shape"),
    "SequenceEmpty": Rule(_empty_sequence, "shape"),
    "SequenceAt": Rule(_item, "shape"),
    "SequenceInsert": Rule(_inserted, "shape"),
    "SequenceErase": Rule(_erased, "shape"),
    "SequenceLength": Rule(_length, "shape"),
    "SplitToSequence": Rule(_parted, "shape"),
    "ConcatFromSequence": Rule(_rejoined, "join"),
    "Optional": Rule(_optional, "shape"),
    "OptionalGetElement": Rule(_optional, "shape"),
    "OptionalHasElement": Rule(_has_element),
    "StringConcat": Rule(_joined_text),
    "StringSplit": Rule(_split_text),
    "RegexFullMatch": Rule(_matched_text),
    "StringNormalizer": Rule(_normal_text),
    "ImageDecoder": Rule(_decoded_image),
}
