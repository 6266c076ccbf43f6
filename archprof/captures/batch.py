"""Where the batch stands in each tensor of a forward pass: found by recording it at several batch sizes."""

from collections.abc import Sequence

from archprof.captures.calls import Dispatched, Recording
from archprof.ir.dims import Shape
from archprof.ir.graph import Edge
from archprof.ir.values import BatchAxis

# At which batch sizes a network is recorded: two tell how a dim grows, the third whether it does so throughout.
SIZES = (1, 2, 3)
# What torch leaves out where a tensor lies in memory as it should, which a single image often does.
_COPIES = frozenset(("contiguous", "clone"))

Axes = list[list[BatchAxis]]
# A call of the first recording, with those that it is at the other batch sizes.
Matched = tuple[Dispatched, ...]


def matched(recordings: Sequence[Recording]) -> list[Matched] | None:
    """Return each call of the first recording with what it is in the others, alone where it is a copy that those may do
    without; None where the calls depend on the batch size, or where there are not as many recordings as `SIZES`."""
    if len(recordings) < len(SIZES):
        return None
    found = _side_by_side([one.calls for one in recordings])
    if found is not None:
        return found
    kept = _side_by_side([[call for call in one.calls if call.name not in _COPIES] for one in recordings])
    if kept is None:
        return None
    rest = iter(kept)
    return [(call,) if call.name in _COPIES else next(rest) for call in recordings[0].calls]


def _side_by_side(calls: Sequence[Sequence[Dispatched]]) -> list[Matched] | None:
    first, *others = [[(call.target, len(call.outputs)) for call in one] for one in calls]
    return list(zip(*calls, strict=True)) if all(one == first for one in others) else None


def batch_axes(calls: Sequence[Matched], recordings: Sequence[Recording]) -> Axes:
    """Return, for each output of each call, where the batch stands."""
    axes: Axes = []
    for same in calls:
        axes.append(_axes(same) if len(same) > 1 else _copied(same[0], axes, recordings))
    return axes


def _axes(calls: Sequence[Dispatched]) -> list[BatchAxis]:
    return [
        batch_axis([output.shape for output in outputs])
        for outputs in zip(*(call.outputs for call in calls), strict=True)
    ]


def _copied(call: Dispatched, axes: Axes, recordings: Sequence[Recording]) -> list[BatchAxis]:
    """Return where the batch stands in a copy: where it stands in what is copied."""
    source = next(call.tensors()).source
    if not isinstance(source, Edge):
        return [tuple([0] * len(call.outputs[0].shape))]
    if source.node >= 0:
        return [axes[source.node][source.output]]
    return [batch_axis([list(one.inputs.values())[source.output].shape for one in recordings])]


def batch_axis(shapes: Sequence[Shape]) -> BatchAxis:
    """Return where the batch stands in a tensor of these shapes at `SIZES`: an axis, how each dim grows, or None."""
    one, two, three = shapes
    if not len(one) == len(two) == len(three):
        return None
    more = tuple(b - a for a, b in zip(one, two, strict=True))
    if three != tuple(dim + 2 * growth for dim, growth in zip(one, more, strict=True)):
        return None
    grown = [axis for axis, growth in enumerate(more) if growth]
    return grown[0] if len(grown) == 1 and one[grown[0]] == more[grown[0]] == 1 else more
