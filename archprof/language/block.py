"""What a block is: a plain function over symbolic feature maps, and the columns that its table may have."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from archprof.ir.columns import FLAG, INPUT, REPEATS, TEXT, Column
from archprof.ir.operators.base import ShapeError
from archprof.named_tuple import NamedTuple
from archprof.spec.layers import ColumnNames
from archprof.units import plural

if TYPE_CHECKING:
    from archprof.ir.dims import Dim
    from archprof.ir.operators.base import Operator
    from archprof.language.fragment import Feature
    from archprof.language.trace import Tracer


class Block(NamedTuple):
    """A block: `apply(net, x, **cells)` takes a symbolic feature map and a row's values, applies operators, and returns
    a feature map.

    *columns* are what a row may state; the first takes the value of the short form (`dropout: 0.2`). A block that does
    not inherit takes from a spec's `defaults` only what stands there under its own name. *channels* is the column that
    prints the channels of its output, if one does. One that is a spec's *own* is made of layers. One that *joins* takes
    several inputs; with a *rest* it takes one as well. At least and at most it *takes* so many, where one that joins
    does not take any number. One that *counts* is told which repeat of a row it is; one with
    *repeats* tells, from a row's values, how often the row repeats that does not say so, which may be not at all.
    """

    name: str
    apply: "Callable[..., Feature]"
    columns: tuple[Column, ...]
    doc: str
    joins: bool = False
    inherits: bool = True
    channels: str = "c"
    own: bool = False
    rest: bool = False
    counts: bool = False
    repeats: "Callable[[Mapping[str, Any]], Dim] | None" = None
    takes: tuple[int, int | None] | None = None

    def has(self, name: str) -> bool:
        """Tell whether a column is the block's own."""
        return any(column.name == name for column in self.columns)


N = Column("n", REPEATS, "repeats; the stride belongs to the first", ("repeats", "num_layers"))
DEEPEN = Column("deepen", FLAG, "`false`: `n` as printed at every depth")
COMMON = (
    N,
    Column("input", INPUT, "the printed input, checked", ("input_size",)),
    Column("id", TEXT, "a name for the row"),
    DEEPEN,
)
CHANNEL_OPTIONS = (
    Column("narrow", FLAG, "`false`: never narrower than printed"),
    Column("scale", FLAG, "`false`: as printed at every width"),
)


# What becomes of several maps where one is wanted.
JOIN_THEM = "join them with `add`, `multiply` or `concat`"


def check_inputs(block: Block, given: int) -> None:
    """Raise ShapeError where a block takes more or fewer inputs than it is *given*."""
    least, most = block.takes or (1, None if block.joins else 1)
    if given >= least and (most is None or given <= most):
        return
    if most == 1:
        raise ShapeError(f"`{block.name}` takes one input, not {given}", JOIN_THEM)
    several = plural(most or least, "feature map")
    wanted = f"at least {several}" if most is None else several if least == most else f"{least} to {several}"
    raise ShapeError(f"`{block.name}` joins {wanted}, not {given}", "name so many in its `from`")


def all_columns(block: Block) -> tuple[Column, ...]:
    """Return a block's own columns and those that every block has."""
    own = {column.name for column in block.columns}
    # A spec's own block that joins may repeat: what one repeat hands on is the first input of the next.
    common = COMMON if not block.joins else (N, DEEPEN) if block.own else ()
    scaled = CHANNEL_OPTIONS if any(column.kind.form in ("channels", "expanded") for column in block.columns) else ()
    return (*block.columns, *(column for column in (*common, *scaled) if column.name not in own))


def column_spellings(block: Block) -> ColumnNames:
    """Return every spelling of a block's columns → the column's name, the first column first."""
    return _spellings(all_columns(block))


def _spellings(columns: tuple[Column, ...]) -> ColumnNames:
    names = {column.name: column.name for column in columns}
    for column in columns:
        for spelling in column.synonyms:
            names.setdefault(spelling, column.name)
    return ColumnNames(
        names,
        lists=(column.name for column in columns if column.kind.form == "layers"),
        paths=(column.name for column in columns if column.kind.form == "paths"),
        named=(column.name for column in columns if column.kind.form in ("norm", "act")),
        inside={column.name: _spellings(column.kind.columns) for column in columns if column.kind.columns},
    )


def operator_block(operator: "type[Operator]") -> Block:
    """Return an operator as a block of a single layer."""

    def apply(net: "Tracer", *inputs: "Feature", **options: Any) -> "Feature":
        return net.apply("", operator.of(*(x.value for x in inputs), **options), *inputs)

    apply.__module__ = operator.__module__  # whoever made the operator, made the block
    doc = " ".join((operator.__doc__ or "").split())
    several = operator.joins or operator.may_join
    return Block(
        operator.name,
        apply,
        operator.columns,
        doc,
        several,
        inherits=False,
        rest=operator.may_join,
        takes=operator.takes,
    )
