"""Types of elements: their names, what each takes in a file, and the elements of small tensors."""

from collections.abc import Mapping
from math import inf
from struct import pack, unpack

from archprof.captures.onnx.wire import numbers
from archprof.named_tuple import NamedTuple

Element = int | float | bool | None  # None: not known
Data = tuple[Element, ...]


class ElementType(NamedTuple):
    """A type of elements: its name, its bits, and its format of `struct` where its elements are read."""

    name: str
    bits: int
    form: str = ""


# By their numbers in TensorProto.DataType.
TYPES: Mapping[int, ElementType] = {
    1: ElementType("float32", 32, "f"),
    2: ElementType("uint8", 8, "B"),
    3: ElementType("int8", 8, "b"),
    4: ElementType("uint16", 16, "H"),
    5: ElementType("int16", 16, "h"),
    6: ElementType("int32", 32, "i"),
    7: ElementType("int64", 64, "q"),
    8: ElementType("string", 0),
    9: ElementType("bool", 8, "?"),
    10: ElementType("float16", 16, "e"),
    11: ElementType("float64", 64, "d"),
    12: ElementType("uint32", 32, "I"),
    13: ElementType("uint64", 64, "Q"),
    14: ElementType("complex64", 64),
    15: ElementType("complex128", 128),
    16: ElementType("bfloat16", 16),
    17: ElementType("float8_e4m3fn", 8),
    18: ElementType("float8_e4m3fnuz", 8),
    19: ElementType("float8_e5m2", 8),
    20: ElementType("float8_e5m2fnuz", 8),
    21: ElementType("uint4", 4),
    22: ElementType("int4", 4),
    23: ElementType("float4_e2m1", 4),
    24: ElementType("float8_e8m0", 8),
    25: ElementType("uint2", 2),
    26: ElementType("int2", 2),
}
FLOAT32, INT32 = 1, 6  # which attributes mean that are left out
BY_NAME: Mapping[str, ElementType] = {one.name: one for one in TYPES.values()}
UNKNOWN = ElementType("unknown", 0)
INTEGERS = frozenset(one.name for one in TYPES.values() if one.name.startswith(("int", "uint")))
# Integers that stand for weights; wider ones count, index or are biases.
QUANTISED = frozenset(name for name in INTEGERS if BY_NAME[name].bits <= 8)


def is_float(dtype: str) -> bool:
    """Tell whether elements have a fraction."""
    return dtype.startswith(("float", "bfloat", "complex"))


def rounded(dtype: str, value: Element) -> Element:
    """Return an element as its type can have it: of single precision, 10 × 0.7 is 7, though 0.7 is less than that."""
    form = _ROUNDED.get(dtype)
    if form is None or not isinstance(value, float):
        return value
    try:
        found: float = unpack(form, pack(form, value))[0]
    except OverflowError:
        return inf if value > 0 else -inf
    return found


_ROUNDED: Mapping[str, str] = {"float32": "<f", "float16": "<e"}


def from_bytes(dtype: ElementType, data: bytes) -> Data | None:
    """Return the elements of a tensor as they lie in a file; None of a type whose elements nobody asks for."""
    return numbers(data, dtype.form) if dtype.form else None
