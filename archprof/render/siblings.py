"""Equal modules that stand side by side, as one: `blocks.0`, `blocks.1` … as `blocks.0…11`."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from archprof.analysis.summary import Layer

# A name that counts: `encoder_layer_3`.
_NUMBERED = re.compile(r"(.*?)(\d+)")


def merged_blocks(layers: Sequence[Layer]) -> dict[str, str]:
    """Return the path under which each block is shown: its own, or that of all its equal siblings."""
    return {block: ".".join(path) for block, path in _merged([(row.block.split("."), row) for row in layers])}


_Placed = tuple[list[str], Layer]  # the rest of the path of a layer's block


def _merged(layers: Sequence[_Placed]) -> Iterator[tuple[str, list[str]]]:
    inside: dict[str, list[_Placed]] = {}
    for (name, *rest), row in layers:
        inside.setdefault(name, []).append((rest, row))
    for name, names in _runs(inside):
        for each in names:
            yield from ((row.block, [name]) for rest, row in inside[each] if not rest)
            deeper = [(rest, row) for rest, row in inside[each] if rest]
            yield from ((block, [name, *path]) for block, path in _merged(deeper))


def _runs(inside: Mapping[str, Sequence[_Placed]]) -> Iterator[tuple[str, list[str]]]:
    """Yield equal siblings together, under a common name: those of one stem whose numbers follow each other."""
    forms = {name: _form(layers) for name, layers in inside.items()}
    for _, names in groupby(_counted(inside), lambda one: (one[1], forms[one[0]])):
        run = [name for name, _ in names]
        counted = _NUMBERED.fullmatch(run[-1])
        yield f"{run[0]}…{counted[2]}" if counted and len(run) > 1 else run[0], run


def _counted(names: Iterable[str]) -> Iterator[tuple[str, object]]:
    """Yield each name with what it shares with those before and behind it whose numbers follow: the stem, and by how
    much the number is ahead of the place."""
    for place, name in enumerate(names):
        counted = _NUMBERED.fullmatch(name)
        yield name, (counted[1], int(counted[2]) - place) if counted else name


def _form(layers: Sequence[_Placed]) -> tuple[object, ...]:
    """Return what equal modules have in common: their operators in order, where each stands, and what it costs."""
    return tuple(
        (*rest, row.op, row.label, row.kernel, row.stride, row.inputs, row.outputs, row.cost) for rest, row in layers
    )
