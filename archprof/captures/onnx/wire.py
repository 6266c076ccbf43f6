"""The wire format of protocol buffers: a message's fields, one after the other, of bytes that may lie."""

import mmap
from collections.abc import Iterator
from struct import calcsize, iter_unpack, unpack_from

from archprof.named_tuple import NamedTuple

VARINT, FIXED64, SPAN, FIXED32 = 0, 1, 2, 5
_SIGN = 1 << 63
_WRAP = 1 << 64


class Damaged(ValueError):
    """Bytes that are no message of the sort that should stand there."""


# In memory, or of a file that is mapped there: what nobody asks for is never read.
Bytes = bytes | mmap.mmap


class Field(NamedTuple):
    """A field of a message: its number, how it is written, and its integer, or where its bytes begin and end."""

    number: int
    wire: int
    value: int
    end: int = 0


class Span(NamedTuple):
    """Where the bytes of something stand in a file."""

    data: Bytes
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def bytes(self) -> bytes:
        """Return the bytes themselves."""
        return self.data[self.start : self.end]


def let_go(data: Bytes) -> None:
    """Give back what was read of a mapped file: around each byte that is asked for the system maps megabytes, which are
    counted as the process's memory; asked for again, they are there."""
    if isinstance(data, mmap.mmap) and hasattr(data, "madvise"):
        data.madvise(mmap.MADV_DONTNEED)


class Allowance:
    """How many fields may still be read of a file: what a file of nothing but small fields would take has an end."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self) -> None:
        """Raises Damaged where there are more fields than any network has."""
        self.left -= 1
        if self.left < 0:
            raise Damaged("more fields than any network has")


# A large file has a million fields: making a record of each by its class's own call would take twice as long.
_record = tuple.__new__


def fields(span: Span, budget: Allowance) -> Iterator[Field]:
    """Yield the fields of a message. Raises Damaged where the bytes are none."""
    data, at, end = span
    while at < end:
        budget.spend()
        key, at = varint(data, at, end)
        wire = key & 7
        if wire == SPAN:
            size, at = varint(data, at, end)
            after = at + size
            if after > end:
                raise Damaged(_CUT)
            yield _record(Field, (key >> 3, wire, at, after))
            at = after
        elif wire == VARINT:
            value, at = varint(data, at, end)
            yield _record(Field, (key >> 3, wire, value, 0))
        elif wire in (FIXED32, FIXED64):
            after = at + (4 if wire == FIXED32 else 8)
            if after > end:
                raise Damaged(_CUT)
            yield _record(Field, (key >> 3, wire, at, after))
            at = after
        else:
            raise Damaged(f"no field begins with {key}")


_CUT = "it ends in the middle of a field"


def varint(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """Return an integer of 7 bits a byte, and where it ends. Raises Damaged for one that has no end."""
    if at < end and (byte := data[at]) < 128:
        return byte, at + 1
    value = shift = 0
    for byte in data[at : min(at + 10, end)]:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value % _WRAP, at + shift // 7
    raise Damaged("an integer without an end")


def signed(value: int) -> int:
    """Return an integer of 64 bits with its sign."""
    return value - _WRAP if value >= _SIGN else value


def packed(span: Span, budget: Allowance) -> Iterator[int]:
    """Yield the integers that stand packed in a field."""
    data, at, end = span
    while at < end:
        budget.spend()
        value, at = varint(data, at, end)
        yield signed(value)


def float_at(data: Bytes, at: int) -> float:
    """Return the number of four bytes at a place."""
    value: float = unpack_from("<f", data[at : at + 4])[0]
    return value


def numbers(data: bytes, form: str) -> tuple[float, ...]:
    """Return the numbers of some bytes in one of the formats of `struct`; what is left over is none."""
    size = calcsize(form)
    return tuple([value for (value,) in iter_unpack(f"<{form}", data[: len(data) // size * size])])
