"""What an operator or a block takes, as data: names, kinds, ranges, meaning. Whoever reads YAML reads it by these."""

from collections.abc import Callable
from typing import Any

from archprof.limits import MAX_CHANNELS, MAX_KERNEL, MAX_REPEATS
from archprof.named_tuple import NamedTuple


class Kind(NamedTuple):
    """A kind of cell: its *form*, by which it is read and described, what it allows in words, and what narrows it down.

    *low* and *high* bound numbers, *words* are those allowed, *of* is the kind that an optional one wraps, or that a
    lone value of a mapping has. A mapping of options has *columns*, may start from the block *template* of a spec's
    `defaults`, takes a lone value for its column *short*, and becomes a value by *make*.
    """

    form: str
    allowed: str
    low: float = 0
    high: float = 0
    words: tuple[str, ...] = ()
    what: str = ""
    of: "Kind | None" = None
    columns: "tuple[Column, ...]" = ()
    short: str = ""
    template: str = ""
    make: Callable[..., Any] | None = None


class Column(NamedTuple):
    """An option of an operator or a column of a block: its name, what may stand there, what it means, and how papers
    spell it.

    It means nothing unless the column that it *needs* is given, and stands *instead* of others, which mean nothing
    beside it.
    """

    name: str
    kind: Kind
    doc: str
    synonyms: tuple[str, ...] = ()
    required: bool = False
    needs: str = ""
    instead: tuple[str, ...] = ()


class EachSide(tuple[int, ...]):
    """A size of which each side is written, `3x3`, and which fits a map of as many sides alone; a plain pair of equal
    numbers is one number, `3`, for every side."""

    __slots__ = ()


def one_of(*words: str) -> Kind:
    """Return the kind that takes one of some words."""
    return Kind("word", " · ".join(f"`{word}`" for word in words), words=words)


def ratio(low: float = 0, high: float = 1000) -> Kind:
    """Return the kind that takes a number."""
    return Kind("number", f"a number from {low:g} to {high:g}", low, high, what="a number")


def count(low: int = 1, high: int = MAX_CHANNELS, what: str = "an integer") -> Kind:
    """Return the kind that takes an integer."""
    return Kind("integer", f"{what} from {low:,} to {high:,}", low, high, what=what)


def optional(kind: Kind) -> Kind:
    """Return the kind that also takes `-`."""
    return Kind("optional", f"{kind.allowed}, or `-`", of=kind)


def options(
    allowed: str,
    columns: tuple[Column, ...],
    make: Callable[..., Any],
    *,
    short: str,
    of: Kind,
    what: str,
    template: str = "",
) -> Kind:
    """Return the kind that takes a mapping of columns, a lone value of the kind *of* for the column *short*, or `-`."""
    return Kind("options", allowed, what=what, of=of, columns=columns, short=short, template=template, make=make)


CHANNELS = Kind(
    "channels",
    "a channel count: `32`, `6x` (times the input's), `classes`, an expression",
    1,
    MAX_CHANNELS,
)
# The inside of an inverted residual, which a width rule may scale otherwise.
EXPANDED = CHANNELS._replace(form="expanded")
SIZE = Kind("size", "a size: `3`, or `1x7` (height × width)", 1, MAX_KERNEL)
SIDES = SIZE._replace(form="sides", allowed="a size: `3`, `1x7` (height × width), or `3x1x1` (frames × height × width)")
SIZES = Kind("sizes", "a size, or a list of sizes: `[3, 5, 7]`", 1, MAX_KERNEL, of=SIZE)
_SIDES_OF_PADDING = (
    "a padding: `1`, `0x3` or `[0, 3]` (height, width), `[top, bottom, left, right]`, `0x3x3` (frames, height, width)"
)
PADDING = Kind("padding", f"{_SIDES_OF_PADDING}, `same`, or `causal`", 0, MAX_KERNEL, ("same", "causal"))
# That of what is not padded as in TensorFlow: of pools, transposed convolutions, padding itself.
PLAIN_PADDING = PADDING._replace(allowed=_SIDES_OF_PADDING, words=())
GROUPS = Kind("groups", "a number of groups, or `depthwise`", 1, MAX_CHANNELS)
# What `p: same` is: as many zeros as make a map 1/stride as large, the odd one behind it, as in TensorFlow.
SAME: tuple[int, ...] = ()
# What `p: causal` is: of a sequence, all zeros in front, so that no place sees one behind it.
CAUSAL: tuple[int, ...] = (-1,)
REPEATS = count(1, MAX_REPEATS)
FLAG = Kind("flag", "`true` or `false`")
TEXT = Kind("text", "text")
INPUT = Kind("input", "`HxWxC`, as in `112x112x16` or `112^2x16`", 1, MAX_CHANNELS)
LAYERS = Kind("layers", "a list of layers")
PATHS = Kind("paths", "a list of lists of layers", of=LAYERS)
NORM = Kind("norm", "a norm: `batch_norm`, `{batch_norm: {eps: 0.001}}`, or `-`", what="norm")
ACT = Kind("act", "an activation: `relu6`, `RE`, `HS`, `{swish: {learnable: true}}`, or `-`", what="activation")
# Kinds that hold layers, which no cell of a row can.
HOLDS_LAYERS = ("layers", "paths")
