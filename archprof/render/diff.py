"""A diff as a table: `archprof diff`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from archprof.analysis.diff import BlockChange, Change, Diff
from archprof.ir.values import show_shape
from archprof.render.siblings import merged_paths, spanned, without_numbers
from archprof.render.summary import captured_notes
from archprof.render.table import PATH, Heading, Note, Table
from archprof.units import exact, extent, lower_bound, plural, signed, upper_bound

# So many changes of a block are told in its line.
TOLD = 3
# Fields that follow from another change: of the layer before, or of the same one.
_FOLLOWING = ("in_channels", "in_features", "num_features", "padding", "output")
# Kinds that are told once for the whole network: they cost next to nothing.
_QUIET = ("norm", "act")
_SIGNS = {"added": "+", "removed": "−", "changed": "~"}
_OPERATOR = "operator "


def diff_table(found: Diff, *, full: bool) -> Table:
    """Return a line for each block that changed, was added or removed; *full* adds a line for each operator.

    Operators that stand alone are one line where equal modules that follow each other change alike. What is the same in
    many places and costs nothing, or next to nothing (an eps, a form, an activation), stands once, below.
    """
    rows: list[tuple[Any, ...]] = []
    alone = found.aligned == "operators"
    for block in found.blocks:
        if block.status == "changed" and alone and full:
            rows += [_change_row(block, change) for change in block.changes]
            continue
        if full:
            rows += [_block_row(block), *(_change_row(block, change) for change in block.changes)]
        elif not alone and _is_told(block, alone=False):
            rows.append(_block_row(block))
    if alone and not full:
        rows += map(_sibling_row, _siblings([block for block in found.blocks if _is_told(block, alone=True)]))
    columns = (
        Heading("", "status", _sign, left=True),
        # Where the paths of both sides are the same, those of one tell all.
        Heading(
            "A", "before", left=True, fold=PATH, drop=4 if alone and all(row[1] in ("", row[2]) for row in rows) else 0
        ),
        Heading("B", "after", left=True, fold=PATH),
        Heading("what", "label", left=True, drop=3),
        Heading("change", "fields", left=True, wrap=True),
        Heading("Δ params", "delta_params", signed),
        Heading("Δ MACs", "delta_macs", signed),
    )
    return Table(f"{found.before} → {found.after}", columns, tuple(rows), _footer(found, full))


def _is_told(block: BlockChange, *, alone: bool) -> bool:
    """Tell whether a block has a line of its own: one that costs, or that is new or gone; an operator that stands
    *alone* and costs nothing is told below."""
    whole = block.status != "changed" and not alone
    return whole or any(block.delta.values()) or any(change.costs for change in block.changes)


def _siblings(blocks: Sequence[BlockChange]) -> Iterable[Sequence[BlockChange]]:
    """Return operators that stand alone, those of equal siblings together."""
    groups: dict[tuple[str, str], list[BlockChange]] = {}
    placed = [(block.after or block.before or "", block) for block in blocks]
    for block, path in merged_paths(placed, _form):
        groups.setdefault((path, block.status), []).append(block)
    return groups.values()


def _form(block: BlockChange) -> tuple[object, ...]:
    status, before, after, *what = _block_row(block)
    return status, without_numbers(before), without_numbers(after), *what


def _sibling_row(blocks: Sequence[BlockChange]) -> tuple[Any, ...]:
    """Return the line of operators that changed alike."""
    status, *_, what, params, macs = _block_row(blocks[0])
    if len(blocks) == 1:
        return _block_row(blocks[0])
    ends = blocks[0], blocks[-1]
    before, after = (spanned(*[getattr(end, side) or "" for end in ends]) for side in ("before", "after"))
    many = len(blocks)
    return status, before, after, f"{blocks[0].block_type} ×{many}", what, many * params, many * macs


def _sign(status: str) -> str:
    """Return a status as people see it: operators stand below their block."""
    return f"  {_SIGNS[status.removeprefix(_OPERATOR)]}" if status.startswith(_OPERATOR) else _SIGNS[status]


def _block_row(block: BlockChange) -> tuple[Any, ...]:
    if block.status == "changed":
        told = [
            text
            for change in block.changes
            if change.costs and change.kind not in _QUIET and (text := _told(block, change))
        ]
        more = [f"{len(told) - TOLD} more"] if len(told) > TOLD else []
        itself = any(_own(change) or change.status != "changed" for change in block.changes)
        what = "; ".join([*told[:TOLD], *more]) or ("" if itself or not block.inputs else "as its input")
    else:
        what = " → ".join(show_shape(ends[0].shape) for ends in (block.inputs, block.outputs) if ends and ends[0].shape)
    paths = (block.before or "", block.after or "")
    return block.status, *paths, block.block_type, what, block.delta.params, block.delta.macs


def _told(block: BlockChange, change: Change) -> str:
    """Return a change in the block's own names, `se.reduce: out_channels 24 → 18`; nothing for one that only follows
    from another."""
    path, around = (change.after, block.after) if change.after else (change.before, block.before)
    path = (path or "").removeprefix(around or "").lstrip(".")
    name = path.removesuffix(".conv") or change.label
    if change.status != "changed":
        return f"{name} {change.status}"
    own = _own(change)
    return f"{name}: {_listed(own)}" if own else ""


def _own(change: Change) -> dict[str, tuple[str, str]]:
    """Return the fields that do not follow from another change; the groups of a depthwise convolution are its
    channels."""
    following: tuple[str, ...] = (*_FOLLOWING, "groups") if change.kind == "depthwise" else _FOLLOWING
    if change.costs and "operator" in change.fields:
        # Two operators may call their channels by two names: the output alone tells that they differ.
        following = tuple(name for name in following if name != "output")
    elif change.fields.keys() & {"padding", "output"} == change.fields.keys():
        # A padding that neither a kernel nor a dilation took along is one that somebody changed.
        following = tuple(name for name in following if name != "padding")
    return {name: both for name, both in change.fields.items() if name not in following}


def _change_row(block: BlockChange, change: Change) -> tuple[Any, ...]:
    what = fields_text(change) if change.status == "changed" else change.status
    return (
        f"{_OPERATOR}{change.status}",
        change.before or "",
        change.after or "",
        change.label,
        what,
        change.delta.params,
        change.delta.macs,
    )


def fields_text(change: Change) -> str:
    """Return the fields that differ: `kernel_size 3 → 5, padding 1 → 2`."""
    return _listed(change.fields) or "counted otherwise"


def _listed(fields: Mapping[str, tuple[str, str]]) -> str:
    return ", ".join(f"{name} {before} → {after}" for name, (before, after) in fields.items())


def _footer(found: Diff, full: bool) -> tuple[Note, ...]:
    lines = [] if full else _free(found)
    if found.empty:
        lines.append("nothing differs but paths" if found.moved else "no difference")
    if found.hidden:
        lines.append(f"{plural(found.hidden, 'ignored change')} not shown")
    lines += _by_status(found)
    if found.aligned == "operators":
        lines.append("without a block table on both sides, operators are aligned, whatever their paths")
    totals = [_total(found, "params", "params"), _total(found, "macs", "MACs")]
    convention = found.convention
    return (
        *(Note("change", line) for line in lines),
        *(Note("not counted", line) for line in _least(found)),
        *(Note("at most", line) for line in _most(found)),
        *(note for side, how in (found.captures or {}).items() for note in captured_notes(getattr(found, side), how)),
        *(Note("totals", line) for line in totals),
        Note("convention", f"convention {convention.name} {convention.version}: {convention.text}"),
    )


def _least(found: Diff) -> Iterator[str]:
    """Yield of which side operators are not counted."""
    for side, calls in (found.not_counted or {}).items():
        name, macs = getattr(found, side), getattr(found.totals, side).macs
        yield lower_bound(name, macs, calls)


def _most(found: Diff) -> Iterator[str]:
    """Yield of which side the MACs are the most that there can be."""
    for side, bound in (found.at_most or {}).items():
        yield upper_bound(getattr(found, side), getattr(found.totals, side).macs, bound.causes)


def _free(found: Diff) -> list[str]:
    """Return the changes of norms and activations, and those that cost nothing, each once, with how many operators it
    is in."""
    counted: dict[tuple[str, str], int] = {}
    for block in found.blocks:
        if block.status != "changed" and not _is_told(block, alone=found.aligned == "operators"):
            key = (block.block_type, block.status)
            counted[key] = counted.get(key, 0) + 1
        for change in block.changes:
            # A map of another size that an operator only hands on is told where it is made.
            own = _own(change)
            if (not change.costs or change.kind in _QUIET) and (own or change.status != "changed"):
                what = _listed(own) or change.status
                key = (change.label, what)
                counted[key] = counted.get(key, 0) + 1
    return [f"also: {label} {what}, in {plural(count, 'operator')}" for (label, what), count in counted.items()]


def _by_status(found: Diff) -> list[str]:
    """Return what changed, added and removed rows sum to, where there are several sorts."""
    told = []
    part = found.aligned.removesuffix("s")
    for status in _SIGNS:
        deltas = [block.delta for block in found.blocks if block.status == status]
        if deltas:
            params, macs = sum(delta.params for delta in deltas), sum(delta.macs for delta in deltas)
            told.append(f"{plural(len(deltas), f'{status} {part}')} {signed(params)} params, {signed(macs)} MACs")
    return [" · ".join(told)] if len(told) > 1 else []


def _total(found: Diff, count: str, label: str) -> str:
    before, after = found.totals.before[count], found.totals.after[count]
    share = f" ({(after - before) / before:+.2%})".replace("%", " %").replace("-", "−") if before else ""
    first, last = f"{_extent(found, 'before', count)}{exact(before)}", f"{_extent(found, 'after', count)}{exact(after)}"
    return f"{label} {first} → {last}: {signed(after - before)}{share}"


def _extent(found: Diff, side: str, count: str) -> str:
    """Return what stands before a total that is not exact."""
    if count != "macs":
        return ""
    said = extent(at_least=side in (found.not_counted or {}), at_most=side in (found.at_most or {}))
    return f"{said} " if said else ""
