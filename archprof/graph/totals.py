"""Tracing for totals alone: the same layers, blocks and operators on arrays of dims, without nodes, paths and
places."""

from collections.abc import Hashable
from dataclasses import fields, replace
from functools import cache
from typing import Any, NamedTuple, cast

from archprof.graph.bind import Layer, Row
from archprof.graph.columns import Printed
from archprof.graph.dims import Dim, Shape, is_array, product
from archprof.graph.operators.base import Operator, ShapeError
from archprof.graph.trace import INPUT, Feature, Tracer
from archprof.spec.limits import MAX_CHANNELS
from archprof.spec.types import WidthRule

# Arrays whose extremes are remembered: a channel count is asked for by a handful of operators in a row, and what is
# kept longer leaves the cache.
_REMEMBERED = 16


class Part(NamedTuple):
    """The operators whose output maps are one and the same size: its positions, and the sums of what they cost at
    each."""

    positions: Dim
    macs: Dim
    activations: Dim


class Totals(NamedTuple):
    """The sums of a network; those that grow with its maps still as parts. No total of any candidate exceeds
    *bound*."""

    params: Dim
    trainable: Dim
    buffers: Dim
    parts: tuple[Part, ...]
    bound: int


def trace_totals(
    layers: tuple[Layer, ...],
    input: Shape,
    width: WidthRule | None,
    multiplier: Any,
    depth: Any,
    frozen: tuple[str, ...] = (),
) -> Totals:
    """Return the totals of bound layers for arrays of multipliers, input sizes and cells.

    Raises SpecError where all candidates fail, and Split where they part ways: at a branch, or because only some of
    them fail.
    """
    net = TotalsTracer(width, multiplier, depth, frozen)
    net.layers(layers, Feature(INPUT, input, 1, input[0]))
    net.problems.raise_any()
    return net.totals()


class TotalsTracer(Tracer):
    """A tracer that keeps sums, not nodes."""

    def __init__(self, width: WidthRule | None, multiplier: Any, depth: Any, stage_ids: tuple[str, ...] = ()) -> None:
        super().__init__(width, multiplier, depth, stage_ids)
        self._sums: list[Dim] = [0, 0, 0]  # params, trainable, buffers
        self._parts: dict[tuple[int, ...], tuple[Shape, list[Dim]]] = {}
        self._bounds = [0, 0, 0]  # params with buffers, MACs, activations
        self._extremes: dict[int, tuple[Dim, int, int]] = {}  # with the array itself, so that its id stays its own
        self._scaled: dict[tuple[int, bool, bool], Dim] = {}
        self._seen: set[str] = set()  # paths inside layers that share their weights

    def apply(self, name: str, op: Operator, *inputs: Feature) -> Feature:
        """Add the operator's costs and return its output. Raises SpecError, or Split, where it does not fit."""
        try:
            shape = op.output(*[x.shape for x in inputs])
        except ShapeError as error:
            raise self.failed(str(error), error.help) from None
        if len(shape) == 3:
            self._check_channels(shape[0])
        self._add(op, shape, again=self._shared and self._is_again(self._prefix + name))
        return Feature(0, shape, 1, shape[0])

    def reserve(self, *names: str) -> None:
        """Sums have no order."""

    def totals(self) -> Totals:
        """Return the sums so far."""
        parts = tuple(Part(product(spatial), *sums) for spatial, sums in self._parts.values())
        params, trainable, buffers = self._sums
        return Totals(params, trainable, buffers, parts, max(self._bounds))

    def _is_again(self, path: str) -> bool:
        before = len(self._seen)
        self._seen.add(path)
        return len(self._seen) == before

    def _add(self, op: Operator, shape: Shape, again: bool) -> None:
        params, buffers = (0, 0) if again else (op.params, op.buffers)
        macs, activations = op.macs_per_position, op.activations_per_position
        if not any(is_array(cost) or cost for cost in (params, buffers, macs, activations)):
            return
        self._sums[0] = _plus(self._sums[0], params)
        self._sums[1] = _plus(self._sums[1], params if self._trainable else 0)
        self._sums[2] = _plus(self._sums[2], buffers)
        if is_array(macs) or macs:
            spatial = op.spatial(shape)
            _, sums = self._parts.setdefault(
                tuple([id(dim) if is_array(dim) else dim for dim in spatial]), (spatial, [0, 0])
            )
            sums[0] = _plus(sums[0], macs)
            sums[1] = _plus(sums[1], activations)
        self._bind(op, shape)

    def _bind(self, op: Operator, shape: Shape) -> None:
        """Add what the operator costs at most to the bounds, in integers that do not overflow."""
        values = {name: getattr(op, name) for name in _field_names(cast(Hashable, type(op)))}
        # The fewer groups, the more weights; as many as there are channels is depthwise for every candidate.
        largest = {
            name: self._range(value)[name == "groups" and value is not values.get("in_channels")]
            for name, value in values.items()
            if is_array(value)
        }
        if "groups" in largest and values["groups"] is values.get("in_channels"):
            largest["groups"] = largest["in_channels"]
        op = replace(op, **largest) if largest else op
        output = tuple(self._range(dim)[0] if is_array(dim) else dim for dim in shape)
        self._bounds[0] += op.params + op.buffers
        self._bounds[1] += op.macs(output)
        self._bounds[2] += op.activations(output)

    def _range(self, array: Dim) -> tuple[int, int]:
        """Return the largest and the smallest entry."""
        known = self._extremes.get(id(array))
        if known is None:
            while len(self._extremes) >= _REMEMBERED:
                del self._extremes[next(iter(self._extremes))]
            known = self._extremes[id(array)] = (array, int(array.max()), int(array.min()))
        return known[1], known[2]

    def scaled(self, channels: Dim, scale: bool = True, narrow: bool = True) -> Dim:
        """Return a printed channel count at the networks' widths: one array for one count, so that equal channels are
        the same object."""
        if is_array(channels):
            return super().scaled(channels, scale, narrow)
        asked = (channels, scale, narrow)
        if asked not in self._scaled:
            self._scaled[asked] = super().scaled(channels, scale, narrow)
        return self._scaled[asked]

    def _resolve(self, value: Any, row: Row, x: Feature) -> Any:
        if isinstance(value, Printed):
            self._check_channels(value.channels)
        return super()._resolve(value, row, x)

    def _check_channels(self, channels: Dim) -> Dim:
        if not is_array(channels):
            return super()._check_channels(channels)
        high, low = self._range(channels)
        if (low < 1 or high > MAX_CHANNELS) and not ((channels >= 1) & (channels <= MAX_CHANNELS)):
            raise self.failed("a feature map of too few or too many channels")
        return channels


class CellsTracer(TotalsTracer):
    """A tracer that notes what multipliers change: *counts* of channels (with `narrow`) at the width, *repeats* at the
    depth."""

    def __init__(self, width: WidthRule | None, multiplier: Any, depth: Any) -> None:
        super().__init__(width, multiplier, depth)
        self.counts: set[tuple[int, bool]] = set()
        self.repeats: set[int] = set()

    def scaled(self, channels: Dim, scale: bool = True, narrow: bool = True) -> Dim:
        """Note the count, and return it at the network's width."""
        if scale:
            self.counts.add((channels, narrow))
        return super().scaled(channels, scale, narrow)

    def _repeats(self, count: int, deepen: bool) -> int:
        if deepen:
            self.repeats.add(count)
        return super()._repeats(count, deepen)


@cache
def _field_names(operator: Hashable) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cast(type[Operator], operator)))


def _plus(total: Dim, more: Dim) -> Dim:
    """Return a sum; *total* is an array of our own, or a number."""
    if not is_array(more):
        return total + more if more or not is_array(total) else total
    if not is_array(total) or total.shape != more.shape:
        return total + more
    total += more
    return total
