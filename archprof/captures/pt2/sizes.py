"""Tensors of an exported program at values of its symbols: shapes, types of elements, and sizes among arguments."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archprof.captures.pt2.expression import Expression, evaluate, parse, symbols
from archprof.ir.dims import product
from archprof.json_fields import MOST_COUNT, MOST_RANK, MOST_SIZE, Refused, field, integer, items, mapping, shown

# The numbers that torch.export has for types of elements.
DTYPES = {
    number: name
    for first, names in (
        (1, ("uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")),
        (9, ("complex32", "complex64", "complex128", "bool", "bfloat16")),
        (28, ("uint16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu")),
        (34, ("uint32", "uint64")),
    )
    for number, name in enumerate(names, first)
}


class Expressions:
    """Expressions by their text, each parsed once."""

    def __init__(self) -> None:
        self._parsed: dict[str, Expression] = {}

    def of(self, record: Any) -> Expression:
        """Return what a size is: a number, or an expression. Raises Refused for what is none."""
        found = mapping(record)
        size = found.get("as_int")
        if size is not None:
            return integer(size, -MOST_SIZE, MOST_SIZE)
        text = mapping(found.get("as_expr")).get("expr_str")
        if not isinstance(text, str):
            raise Refused(f"expected a size, not {shown(record)}")
        if text not in self._parsed:
            self._parsed[text] = parse(text)
        return self._parsed[text]

    def shape(self, meta: Any) -> list[Expression]:
        """Return the dims of a tensor."""
        return [self.of(size) for size in items(mapping(meta).get("sizes"), range(MOST_RANK))]

    def symbols(self, metas: Mapping[str, Any]) -> Iterator[str]:
        """Yield the symbols in the shapes of tensors, as often as they stand there."""
        for meta in metas.values():
            for size in self.shape(meta):
                if not isinstance(size, int):
                    yield from symbols(size)


class Sizes:
    """Sizes where the symbols have these values."""

    def __init__(self, expressions: Expressions, values: Mapping[str, int]) -> None:
        self._expressions = expressions
        self._values = values

    def shape(self, meta: Any) -> tuple[int, ...]:
        """Return the shape of a tensor. Raises Refused for one that no tensor has."""
        dims = self._expressions.shape(meta)
        shape = tuple([size if type(size) is int and size >= 0 else self._size(size) for size in dims])
        if product(shape) > MOST_COUNT:
            raise Refused(f"a tensor of {shown(list(shape))} has too many elements")
        return shape

    def strides(self, meta: Any, shape: Sequence[int]) -> tuple[int, ...] | None:
        """Return the strides of a tensor of this shape; None where it is contiguous."""
        found = [self._expressions.of(one) for one in items(mapping(meta).get("strides", []), range(MOST_RANK))]
        span, contiguous = 1, True
        for size, stride in zip(reversed(shape), reversed(found), strict=False):
            contiguous &= size == 1 or stride == span
            span *= size
        if contiguous or len(found) != len(shape) or 0 in shape:
            return None
        return tuple([stride if type(stride) is int else self._size(stride) for stride in found])

    def _size(self, size: Expression) -> int:
        return integer(evaluate(size, self._values), 0, MOST_SIZE)

    def number(self, record: Any) -> int:
        """Return a size among the arguments of a call; 0 where it depends on data, as no shape does."""
        found = self._expressions.of(record)
        known = isinstance(found, int) or all(one in self._values for one in symbols(found))
        return evaluate(found, self._values) if known else 0


def dtype(meta: Any) -> str:
    """Return the type of a tensor's elements."""
    return field(mapping(meta), "dtype", dtype_of)  # type: ignore[no-any-return]


def dtype_of(value: Any) -> str:
    """Return the name of a type of elements."""
    if type(value) is not int or value not in DTYPES:
        raise Refused(f"no type of elements is {shown(value)} here")
    return DTYPES[value]
