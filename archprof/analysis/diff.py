"""What changed between two networks: blocks aligned as sequences, operators by name inside them, every change with what
it costs. Where one of them has no block table, operators are aligned instead, whatever their paths."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import Field, fields
from itertools import takewhile
from math import isqrt
from typing import Any, Literal

from archprof.analysis.document import ConventionText, Tensor, convention_text, mode_of, tensor
from archprof.analysis.summary import not_counted
from archprof.costs.at_most import AtMost, at_most
from archprof.costs.metrics import NO_COUNTS, Counts
from archprof.costs.report import Report, Row, total_cost
from archprof.errors import suggest, usage_error
from archprof.ir.operators.base import Operator
from archprof.ir.operators.recorded import Recorded
from archprof.ir.origin import told_apart
from archprof.named_tuple import NamedTuple

# How much two blocks are alike, at most; pairs below half of it are no pair.
_ALIKE = 12
_PAIR = 5
# Every block is held against every other: so many pairs take some seconds and 100 MB.
_MAX_PAIRS = 2_000_000
# A pair of places, and the pairs before it.
_Chain = tuple[tuple[int, int], "_Chain | None"]


class Change(NamedTuple):
    """One difference: `added`, `removed` or `changed`; the paths in both networks (None on the side that lacks it), the
    fields that differ with what they are in both, and what that adds (negative: saves)."""

    status: str
    before: str | None
    after: str | None
    label: str
    kind: str
    fields: Mapping[str, tuple[str, str]]
    delta: Counts

    @property
    def costs(self) -> bool:
        """Whether any count changes."""
        return any(self.delta.values())


class BlockChange(NamedTuple):
    """The changes inside one pair of blocks, or a block that only one side has (then with no changes of its own)."""

    status: str
    before: str | None
    after: str | None
    block_type: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    delta: Counts
    changes: tuple[Change, ...]


class DiffTotals(NamedTuple):
    """What both networks cost in all, and what the second adds."""

    before: Counts
    after: Counts
    delta: Counts


class Diff(NamedTuple):
    """Two networks and what changed from the first to the second, of what was *aligned*, blocks or operators; *hidden*
    counts the changes of ignored kinds and fields, *moved* the operators that stand at another path. Where operators of
    a side are *not_counted*, by name with how often they run, its MACs are at least so many; those of the sides in
    *at_most* are at most so many; *mode* is that of both, where it is not evaluation."""

    before: str
    after: str
    convention: ConventionText
    aligned: Literal["blocks", "operators"]
    totals: DiffTotals
    hidden: int
    blocks: tuple[BlockChange, ...]
    not_counted: Mapping[str, Mapping[str, int]] | None = None
    moved: int | None = None
    mode: str = ""
    at_most: Mapping[str, AtMost] | None = None
    captures: Mapping[str, str] | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing changed."""
        return not self.blocks


def check_ignored(words: Iterable[str], option: str) -> None:
    """Raise UsageError for a word that is no kind of operator and no field of any."""
    from archprof.ir.operators import all_operators
    from archprof.ir.operators.base import KINDS

    named = [field.name for operator in all_operators() for field in fields(operator)]
    known = dict.fromkeys([*KINDS, *named, "operator", "output", "trainable"])
    for word in words:
        if word not in known:
            advice = suggest(str(word), known, "kinds and fields")
            raise usage_error(f"`{option} {word}` names no kind and no field", help=advice)


def diff(before: Report, after: Report, ignore: Collection[str] = ()) -> Diff:
    """Return what changed; *ignore* names kinds of operator (`norm`, `act`, `se`) and fields (`eps`, `padding`) that
    one does not ask about. Raises UsageError for networks of too many blocks."""
    tables = before.origin.is_table and after.origin.is_table
    parts = _blocks if tables else _calls
    blocks = []
    hidden = moved = 0
    for old, new in _aligned(parts(before), parts(after)):
        if old is None or new is None:
            if not tables and _of_kind(old or new, ignore):
                hidden += 1
            else:
                blocks.append(_whole(old, new))
            continue
        moved += not tables and old.path != new.path
        found = [change for change in _operators(old, new) if change]
        kept = [shown for change in found if (shown := _shown(change, ignore))]
        hidden += len(found) - len(kept)
        if kept:
            blocks.append(_changed(old, new, kept))
    totals = DiffTotals(before.totals, after.totals, after.totals - before.totals)
    name, new_name = told_apart((before.origin, after.origin))
    aligned: Literal["blocks", "operators"] = "blocks" if tables else "operators"
    rule = convention_text(after.convention, training=after.graph.training)
    sides = {"before": before, "after": after}
    uncounted = {side: calls for side, report in sides.items() if (calls := not_counted(report))} or None
    bounded = {side: bound for side, report in sides.items() if (bound := at_most(report))} or None
    captured = {side: report.graph.captured for side, report in sides.items() if report.graph.captured} or None
    return Diff(
        name,
        new_name,
        rule,
        aligned,
        totals,
        hidden,
        tuple(blocks),
        uncounted,
        moved=moved or None,
        mode=mode_of(after),
        at_most=bounded,
        captures=captured,
    )


class _Block(NamedTuple):
    path: str
    label: str
    rows: tuple[Row, ...]
    signature: tuple[object, ...]


def _blocks(report: Report) -> list[_Block]:
    """Return a report's blocks in order, each with what tells it from others."""
    groups: dict[str, list[Row]] = {}
    for row in report.rows:
        groups.setdefault(row.block, []).append(row)
    return [_Block(path, rows[0].block_type, tuple(rows), _signature(rows)) for path, rows in groups.items()]


def _signature(rows: Sequence[Row]) -> tuple[object, ...]:
    cost = total_cost(rows)
    kernels = tuple(row.kernel for row in rows if row.kernel and row.kernel != (1, 1))
    return (
        rows[0].block_type,
        rows[-1].output,
        rows[0].inputs[:1],
        kernels,
        cost.params,
        cost.macs,
        len(rows),
        rows[-1].output[:1],
        rows[-1].stage,
    )


def _of_kind(call: _Block | None, kinds: Collection[str]) -> bool:
    return call is not None and call.rows[0].kind in kinds


def _calls(report: Report) -> list[_Block]:
    """Return a report's calls in order, each as a block of its own."""
    return [_Block(row.path, row.label, (row,), _signature_of_call(row)) for row in report.rows]


def _signature_of_call(row: Row) -> tuple[object, ...]:
    cost, first = row.cost, row.inputs[:1]
    return (row.op, row.output, first, row.kernel, cost.params, cost.macs, row.operator, row.output[:1], row.kind)


_WEIGHTS = (3, 2, 1, 1, 1, 1, 1, 1, 1)


def _alike(one: _Block, other: _Block) -> int:
    """Return how much two blocks are alike, from 0 to 12; another type of block is no pair unless nearly everything
    else agrees."""
    pairs = zip(_WEIGHTS, one.signature, other.signature, strict=True)
    return sum(weight for weight, mine, its in pairs if mine == its)


def _aligned(before: list[_Block], after: list[_Block]) -> Iterator[tuple[_Block | None, _Block | None]]:
    """Yield pairs of blocks in order, None for the side that lacks one. Raises UsageError where too many differ to hold
    each against each."""
    start = _equal(before, after)
    yield from zip(before[:start], after[:start], strict=True)
    before, after = before[start:], after[start:]
    # Of several best alignments the first is taken; where there are too many blocks, one that ends alike.
    end = _equal(before[::-1], after[::-1]) if len(before) * len(after) > _MAX_PAIRS else 0
    yield from _between(before[: len(before) - end], after[: len(after) - end])
    yield from zip(before[len(before) - end :], after[len(after) - end :], strict=True)


def _equal(before: Sequence[_Block], after: Sequence[_Block]) -> int:
    """Return how many blocks both sides begin with that are alike in all; they are pairs in a best alignment."""
    pairs = takewhile(lambda pair: pair[0].signature == pair[1].signature, zip(before, after, strict=False))
    return sum(1 for _ in pairs)


def _between(before: list[_Block], after: list[_Block]) -> Iterator[tuple[_Block | None, _Block | None]]:
    """Yield the alignment of what is not equal; where there are too many blocks, those of one path that are in one
    order are pairs, as in networks of other widths, and the rest is aligned between them."""
    i = j = 0
    if len(before) * len(after) > _MAX_PAIRS:
        places = {block.path: place for place, block in enumerate(after)}
        common = [(place, places[block.path]) for place, block in enumerate(before) if block.path in places]
        for mine, its in _rising([pair for pair in common if _alike(before[pair[0]], after[pair[1]]) >= _PAIR]):
            yield from _most_alike(before[i:mine], after[j:its])
            yield before[mine], after[its]
            i, j = mine + 1, its + 1
    yield from _most_alike(before[i:], after[j:])


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return as many of the pairs as have second places that rise with the first (Fredman 1975)."""
    ends: list[int] = []  # the least place at which so many can end
    chains: list[_Chain] = []
    for mine, its in pairs:
        longer = bisect_left(ends, its)
        ends[longer : longer + 1] = [its]
        chains[longer : longer + 1] = [((mine, its), chains[longer - 1] if longer else None)]
    found: list[tuple[int, int]] = []
    chain = chains[-1] if chains else None
    while chain is not None:
        pair, chain = chain
        found.append(pair)
    return found[::-1]


def _most_alike(before: list[_Block], after: list[_Block]) -> Iterator[tuple[_Block | None, _Block | None]]:
    """Yield the alignment that is most alike in sum (Needleman & Wunsch 1970)."""
    if len(before) * len(after) > _MAX_PAIRS:
        message = f"networks of {len(before):,} and {len(after):,} blocks are too long to align"
        raise usage_error(message, help=f"{isqrt(_MAX_PAIRS):,} blocks on each side can be")
    best = [[0] * (len(after) + 1) for _ in range(len(before) + 1)]
    alike = [[_alike(one, other) for other in after] for one in before]
    for i in range(len(before) - 1, -1, -1):
        for j in range(len(after) - 1, -1, -1):
            paired = best[i + 1][j + 1] + alike[i][j] if alike[i][j] >= _PAIR else -1
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < len(before) or j < len(after):
        if (
            i < len(before)
            and j < len(after)
            and alike[i][j] >= _PAIR
            and best[i][j] == best[i + 1][j + 1] + alike[i][j]
        ):
            yield before[i], after[j]
            i, j = i + 1, j + 1
        elif i < len(before) and best[i][j] == best[i + 1][j]:
            yield before[i], None
            i += 1
        else:
            yield None, after[j]
            j += 1


def _changed(old: _Block, new: _Block, changes: Sequence[Change]) -> BlockChange:
    delta = total_cost(new.rows) - total_cost(old.rows)
    return BlockChange("changed", old.path, new.path, new.label, *_ends(new), delta, tuple(changes))


def _whole(old: _Block | None, new: _Block | None) -> BlockChange:
    block = old or new
    assert block is not None
    cost = total_cost(block.rows)
    delta = cost if new else NO_COUNTS - cost
    if new:
        return BlockChange("added", None, block.path, block.label, *_ends(block), delta, ())
    return BlockChange("removed", block.path, None, block.label, *_ends(block), delta, ())


def _ends(block: _Block) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return what goes into a block's first operator, and what comes out of its last."""
    first, last = block.rows[0], block.rows[-1]
    return tuple(map(tensor, first.values)), tuple(map(tensor, last.node.outputs))


def _operators(old: _Block, new: _Block) -> Iterator[Change | None]:
    """Yield the change of each operator of a pair of blocks, None where there is none; operators pair by their name
    inside the block."""
    mine = {row.path.removeprefix(old.path): row for row in old.rows}
    its = {row.path.removeprefix(new.path): row for row in new.rows}
    for name in dict.fromkeys((*mine, *its)):
        yield _change(mine.get(name), its.get(name))


def _change(old: Row | None, new: Row | None) -> Change | None:
    if old is None or new is None:
        row = old or new
        assert row is not None
        delta = row.cost if new else NO_COUNTS - row.cost
        if new:
            return Change("added", None, row.path, row.label, row.kind, {}, delta)
        return Change("removed", row.path, None, row.label, row.kind, {}, delta)
    differing = dict(_fields(old, new))
    if not differing and old.cost == new.cost:
        return None
    return Change("changed", old.path, new.path, new.label, new.kind, differing, new.cost - old.cost)


def _fields(old: Row, new: Row) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the fields that differ: the operator, its own fields where it is the same one, the shapes. Numbers that
    read alike are no difference."""
    if old.op != new.op or type(old.operator) is not type(new.operator):
        yield "operator", (old.op, new.op)
    common = {field.name for field in _stated(new.operator)}
    for field in _stated(old.operator):
        if field.name in common:
            before, after = _text(getattr(old.operator, field.name)), _text(getattr(new.operator, field.name))
            if before != after:
                yield field.name, (before, after)
    if old.cost.trainable == old.cost.params and new.cost.trainable != new.cost.params:
        yield "trainable", ("true", "false")
    elif new.cost.trainable == new.cost.params and old.cost.trainable != old.cost.params:
        yield "trainable", ("false", "true")
    mine, its = _extent(old.output), _extent(new.output)
    if mine != its:
        yield "output", (_text(mine), _text(its))


def _stated(operator: Operator) -> tuple[Field[Any], ...]:
    """Return the fields that say what an operator does; of a recorded one they are what it was found to cost."""
    return () if isinstance(operator, Recorded) else fields(operator)


def _extent(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape without a map of a single position: C×1×1 is C."""
    return shape[:1] if shape[1:] == (1, 1) else shape


def _text(value: object) -> str:
    if value == ():
        return "none"
    if isinstance(value, tuple) and isinstance(value[0], tuple):  # elements by name
        return ", ".join(f"{name} {elements:,}" for name, elements in value)
    if isinstance(value, tuple):
        return "×".join(map(str, value)) if len(set(value)) > 1 or len(value) == 3 else str(value[0])
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shown(change: Change, ignore: Collection[str]) -> Change | None:
    """Return a change without what is ignored; None where nothing is left."""
    if change.kind in ignore:
        return None
    kept = {name: both for name, both in change.fields.items() if name not in ignore}
    if change.status == "changed" and not kept and not change.costs:
        return None
    return change._replace(fields=kept)
