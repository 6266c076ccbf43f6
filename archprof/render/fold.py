"""Views of a network's calls: folded to blocks or to a depth of their paths, sorted and cut, always summing to the rows
they stand for."""

from collections.abc import Mapping, Sequence

from archprof.analysis.summary import Layer
from archprof.costs.agreement import Measured
from archprof.costs.metrics import NAMES, Counts, together
from archprof.costs.report import Sizes
from archprof.errors import suggest, usage_error
from archprof.ir.dims import Shape
from archprof.named_tuple import NamedTuple
from archprof.render.siblings import NAMED, merged_blocks

SORT_KEYS = NAMES
# What reads a map at other places, and so computes, without a multiply-accumulate that a convention counts.
SAMPLED = ("interpolate", "grid_sample")


class Line(NamedTuple):
    """One line of a view: the rows it stands for, their sums, and what describes them together."""

    path: str
    label: str
    rows: tuple[Layer, ...]
    cost: Counts

    @property
    def input(self) -> Shape:
        """The shape of what goes in, of several inputs the first; empty where nothing does."""
        reading = [row for row in self.rows if row.inputs]
        first = next((row for row in reading if not row.constant), reading[0] if reading else None)
        return first.inputs[0].shape if first else ()

    @property
    def output(self) -> Shape:
        """The shape of what comes out."""
        return self.rows[-1].outputs[0].shape

    @property
    def kernels(self) -> tuple[Sizes, ...]:
        """The kernels and windows inside, 1×1 only where there is nothing larger."""
        found = list(dict.fromkeys(row.kernel for row in self.rows if row.kernel is not None))
        return tuple([kernel for kernel in found if kernel != (1, 1)] or found[:1])

    @property
    def stride(self) -> Sizes | None:
        """By how much the rows divide the map; on a shortcut beside another path, that path's stride counts once."""
        strides = [row.stride for row in self.rows if row.stride is not None]
        return max(strides) if strides else None

    @property
    def measured(self) -> Measured | None:
        """What was measured of the rows together."""
        found = [row.measured for row in self.rows if row.measured is not None]
        if not found:
            return None
        torch = [row.macs_torch for row in found if row.macs_torch is not None]
        return Measured(sum(row.params for row in found), sum(row.macs for row in found), sum(torch) if torch else None)

    @property
    def agrees(self) -> bool:
        """Whether every row has what the formulas say."""
        return all(row.agrees for row in self.rows)

    @property
    def at_most(self) -> bool:
        """Whether MACs of a row are the most that there can be."""
        return any(row.bounded and row.cost.macs for row in self.rows)

    def bytes_of(self, kind: str) -> int:
        """Return the bytes of one kind that the rows move or save, 0 where they are not asked for."""
        return sum(getattr(row.traffic, kind) or 0 for row in self.rows if row.traffic)

    def counted_by(self, convention: str) -> int:
        """Return what another convention counts."""
        return sum(row.counts[convention] or 0 for row in self.rows if row.counts)


class View(NamedTuple):
    """Lines of a network, how many there were before cutting, and how many *folded* calls none of them stands for."""

    lines: tuple[Line, ...]
    total: int
    folded: int = 0


def view(
    layers: Sequence[Layer],
    *,
    depth: int | None = None,
    full: bool = False,
    sort: str | None = None,
    top: int | None = None,
) -> View:
    """Return the lines of a network: one a block, one for each path cut at *depth*, or, if *full*, one an operator.

    Of a network without a table, equal blocks that follow each other are one line, and what only sees tensors
    otherwise is folded into what reads it, unless it is a module.

    *sort* orders by a count, largest first; *top* keeps the first lines. Raises UsageError for an unknown *sort*.
    """
    groups: dict[str, list[Layer]] = {}
    blocks: Mapping[str, str] = {}
    if not full and not all(row.location for row in layers):
        blocks = merged_blocks(layers)
    for index, row in enumerate(layers):
        key = f"{index}" if full else _key(row, blocks, depth)
        groups.setdefault(key, []).append(row)
    hidden = [] if full else [key for key, rows in groups.items() if all(map(only_sees, rows))]
    folded = sum([len(groups.pop(key)) for key in hidden]) if len(hidden) < len(groups) else 0
    lines = [_line(key, rows, full) for key, rows in groups.items()]
    if sort is not None:
        if sort not in SORT_KEYS:
            raise usage_error(f"unknown sort key `{sort}`", help=suggest(sort, SORT_KEYS, "keys"))
        lines.sort(key=lambda line: -line.cost[sort])
    return View(tuple(lines if top is None else lines[:top]), len(lines), folded)


def only_sees(row: Layer) -> bool:
    """Tell whether a call of a function hands on a tensor in other axes, or a part of it, and costs nothing."""
    return row.kind == "shape" and row.op not in SAMPLED and ":" in row.path and not any(row.cost.values())


def _key(row: Layer, blocks: Mapping[str, str], depth: int | None) -> str:
    if depth is None:
        return blocks.get(row.block, row.block)
    return ".".join(blocks.get(row.block, row.path).split(".")[:depth])


def _line(key: str, rows: list[Layer], full: bool) -> Line:
    first = rows[0]
    if full:
        return Line(first.path, first.label, tuple(rows), first.cost)
    return Line(key, _label(key, rows), tuple(rows), together(row.cost for row in rows))


def _label(key: str, rows: Sequence[Layer]) -> str:
    """Return what rows are together: the block that they are the inside of, else the blocks that stand there."""
    whole = next((row.block_type for row in rows if row.block == key), "")
    types = dict.fromkeys(row.block_type for row in rows)
    label = whole or (", ".join(types) if len(types) <= NAMED else "several")
    blocks = {row.block for row in rows}
    return f"{label} ×{len(blocks)}" if len(types) == 1 and len(blocks) > 1 and not rows[0].location else label
