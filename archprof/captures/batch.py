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


def batch_axes(recordings: Sequence[Recording]) -> Axes | None:
    """Return, for each output of each call, where the batch stands; None where the calls depend on the batch size, or
    where there are not as many recordings as `SIZES`."""
    if len(recordings) < len(SIZES):
        return None
    kept = [[call for call in one.calls if call.name not in _COPIES] for one in recordings]
    if any([call.target for call in calls] != [call.target for call in kept[0]] for calls in kept[1:]):
        return None
    found = iter([_axes(calls) for calls in zip(*kept, strict=True)])
    axes: Axes = []
    for call in recordings[0].calls:
        axes.append(_copied(call, axes, recordings) if call.name in _COPIES else next(found))
    return axes


def _axes(calls: Sequence[Dispatched]) -> list[BatchAxis]:
    if len({len(call.outputs) for call in calls}) > 1:
        return [None] * len(calls[0].outputs)
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
