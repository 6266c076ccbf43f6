"""Equal modules that stand side by side, as one: `blocks.0`, `blocks.1` … as `blocks.0…11`."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Protocol, TypeVar

from archprof.analysis.summary import Layer

# So many different blocks of a line are named.
NAMED = 3
# A name that counts: `encoder_layer_3`.
_NUMBERED = re.compile(r"(.*?)(\d+)")

_Item = TypeVar("_Item")


class Called(Protocol):
    """What belongs to a call, in a block."""

    @property
    def path(self) -> str: ...
    @property
    def block(self) -> str: ...
    @property
    def block_type(self) -> str: ...


_Called = TypeVar("_Called", bound=Called)
# The rest of a path, and what stands there.
_Placed = tuple[list[str], _Item]
_Form = Callable[[_Item], tuple[object, ...]]


def merged_blocks(layers: Sequence[Layer]) -> dict[str, str]:
    """Return the path under which each block is shown: its own, or that of all its equal siblings."""
    merged = merged_paths([(row.block, row) for row in layers], _cost)
    return {row.block: path for row, path in merged}


def _cost(row: Layer) -> tuple[object, ...]:
    return (row.op, row.label, row.kernel, row.stride, row.inputs, row.outputs, row.cost)


def merged_paths(items: Iterable[tuple[str, _Item]], form: _Form[_Item]) -> Iterator[tuple[_Item, str]]:
    """Yield items, each with the path under which it is shown: its own, or that of all its equal siblings, modules in
    which the same paths hold items of the same *form*, in the same order."""
    for item, path in _merged([(path.split("."), item) for path, item in items], form):
        yield item, ".".join(path)


def by_block(items: Sequence[_Called], form: _Form[_Called], depth: int | None) -> dict[str, list[_Called]]:
    """Return what belongs to calls by the path of its block, equal ones that follow each other as one; by paths of
    calls cut at *depth* where that is given."""
    groups: dict[str, list[_Called]] = {}
    if depth is None:
        for one, path in merged_paths([(one.block, one) for one in items], form):
            groups.setdefault(path, []).append(one)
    else:
        for one in items:
            groups.setdefault(".".join(one.path.split(".")[:depth]), []).append(one)
    return groups


def blocks_text(items: Sequence[Called]) -> str:
    """Return what several things are together: the types of their blocks, and how many of one type."""
    types = dict.fromkeys(one.block_type for one in items)
    blocks = {one.block for one in items}
    label = ", ".join(types) if len(types) <= NAMED else "several"
    return f"{label} ×{len(blocks)}" if len(types) == 1 and len(blocks) > 1 else label


def _merged(items: Sequence[_Placed[_Item]], form: _Form[_Item]) -> Iterator[tuple[_Item, list[str]]]:
    inside: dict[str, list[_Placed[_Item]]] = {}
    for (name, *rest), item in items:
        inside.setdefault(name, []).append((rest, item))
    forms = {name: tuple([(*rest, *form(item)) for rest, item in placed]) for name, placed in inside.items()}
    for name, names in _runs(forms):
        for each in names:
            yield from ((item, [name]) for rest, item in inside[each] if not rest)
            deeper = [(rest, item) for rest, item in inside[each] if rest]
            yield from ((item, [name, *path]) for item, path in _merged(deeper, form))


def _runs(forms: Mapping[str, object]) -> Iterator[tuple[str, list[str]]]:
    """Yield equal siblings together, under a common name: those of one stem whose numbers follow each other."""
    for _, names in groupby(_counted(forms), lambda one: (one[1], forms[one[0]])):
        run = [name for name, _ in names]
        counted = _NUMBERED.fullmatch(run[-1])
        yield f"{run[0]}…{counted[2]}" if counted and len(run) > 1 else run[0], run


def _counted(names: Iterable[str]) -> Iterator[tuple[str, object]]:
    """Yield each name with what it shares with those before and behind it whose numbers follow: the stem, and by how
    much the number is ahead of the place."""
    for place, name in enumerate(names):
        counted = _NUMBERED.fullmatch(name)
        yield name, (counted[1], int(counted[2]) - place) if counted else name


def spanned(first: str, last: str) -> str:
    """Return the paths from one to another of the same form as one: `a.0.b` and `a.11.b` as `a.0…11.b`."""
    if first == last:
        return first
    pairs = zip(re.split(r"(\d+)", first), re.split(r"(\d+)", last), strict=True)
    return "".join([one if one == other else f"{one}…{other}" for one, other in pairs])


def without_numbers(path: str) -> str:
    """Return what paths of one form have in common."""
    return re.sub(r"\d+", "0", path)
