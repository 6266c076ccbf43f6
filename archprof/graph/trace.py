"""Tracing: blocks applied to symbolic feature maps append nodes to a graph. A node's path is the name of its torch
module."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple

from archprof.errors import Location, Problem, Problems, SpecError, problem, suggest
from archprof.graph.bind import Layer, Row
from archprof.graph.choices import Maker
from archprof.graph.columns import DropRate, Printed, Relative
from archprof.graph.dims import Dim, Shape, ceil_div, is_array, make_divisible, maximum, truncate
from archprof.graph.operators.act import StochasticDepth
from archprof.graph.operators.base import Operator, ShapeError
from archprof.spec.address import format_address, parse_address
from archprof.spec.limits import MAX_CHANNELS, MAX_OPERATORS
from archprof.spec.types import Spec, WidthRule

INPUT = -1


class Feature(NamedTuple):
    """A symbolic feature map: the node that makes it, its shape without the batch, by how much it is smaller than the
    network's input (0 once its map is gone), and its channels as the table prints them."""

    node: int
    shape: Shape
    stride: int
    printed: Dim = 0

    @property
    def channels(self) -> Dim:
        return self.shape[0]


class Node(NamedTuple):
    """One operator at its place in a network."""

    path: str
    op: Operator
    inputs: tuple[int, ...]  # nodes, or INPUT
    shape: Shape
    stage: int  # the stride of its output, 0 for the head
    kind: str
    block: str  # the path of the row's block
    block_type: str
    location: Location
    trainable: bool
    shared: bool  # the parameters are those of an earlier node of the same path
    order: int  # of registration: parameters are listed by it
    address: str = ""  # of the row in the spec


class Graph(NamedTuple):
    """A network: its nodes in the order of execution, and the feature maps that it returns."""

    spec: Spec
    input: Shape
    nodes: tuple[Node, ...]
    outputs: Mapping[str, int]  # name → node
    named_outputs: bool

    def shape_of(self, node: int) -> Shape:
        return self.input if node == INPUT else self.nodes[node].shape


class Tracer:
    """The graph while it grows. Blocks call `apply`, `scope`, `norm`, `act` and `layers`."""

    def __init__(self, width: WidthRule | None, multiplier: Any, depth: Any, stage_ids: tuple[str, ...] = ()) -> None:
        self.nodes: list[Node] = []
        self.places: dict[str, Feature] = {}  # by the address of a layer or row
        self.ids: dict[str, str] = {}  # the address behind each id
        self.problems = Problems()
        self._width = width
        self._multiplier = multiplier
        self._depth = depth
        self._frozen = frozenset(stage_ids)
        self._prefix = ""
        self._kind = ""
        self._shared = False
        self._trainable = True
        self._row: Row | None = None
        self._block = ""
        self._block_type = ""
        self._first: dict[str, Node] = {}
        self._orders = count()
        self._reserved: dict[str, int] = {}
        self._rates: dict[int, DropRate] = {}
        self._droppable = 0

    # What blocks call

    def apply(self, name: str, op: Operator, *inputs: Feature) -> Feature:
        """Append *op* under *name* in the current scope (the scope's own path where *name* is empty) and return its
        output.

        Raises SpecError, at the row, when the operator does not fit its inputs.
        """
        try:
            shape = op.output(*[x.shape for x in inputs])
        except ShapeError as error:
            raise self.failed(str(error), error.help) from None
        if len(shape) == 3:
            self._check_channels(shape[0])
        path = self._prefix + name if name else self._prefix[:-1]
        self._claim(path, op)
        # What passes a map on passes on what the table prints for it; a row with a count of its own says so later.
        kept = shape[0] is inputs[0].shape[0]
        printed = inputs[0].printed if kept else sum(x.printed for x in inputs) if op.name == "concat" else shape[0]
        stride = next((x.stride for x in inputs if x.stride), 0)
        factor = op.stride_factor(*[x.shape for x in inputs])
        if factor != 1 and self._kind != "se":
            stride = stride * factor if factor else 0
        location = self._row.location if self._row else Location("", 0, 0)
        order = self._reserved.pop(path) if path in self._reserved else next(self._orders)
        node = Node(
            path, op, tuple([x.node for x in inputs]), shape, stride, self._kind or op.kind, self._block, self._block_type,
            location, self._trainable, path in self._first, order,
            self._row.address if self._row else "",
        )  # fmt: skip
        self._first.setdefault(path, node)
        self.nodes.append(node)
        return Feature(len(self.nodes) - 1, shape, stride, printed)

    @contextmanager
    def scope(self, name: str, kind: str = "") -> Iterator[None]:
        """Put what is applied inside under *name*; *kind* ("se", "mixed") overrides the operators' own."""
        outer = self._prefix, self._kind
        self._prefix = f"{self._prefix}{name}." if name else self._prefix
        self._kind = kind or self._kind
        yield
        self._prefix, self._kind = outer

    def norm(self, x: Feature, norm: Maker | None) -> Feature:
        """Apply a norm, named `norm`, unless it is None."""
        return self.apply("norm", norm.make(x.shape), x) if norm else x

    def act(self, x: Feature, act: Maker | None) -> Feature:
        """Apply an activation, named `act`, unless it is None."""
        return self.apply("act", act.make(x.shape), x) if act else x

    def drop(self, x: Feature, rate: DropRate | None) -> Feature:
        """Apply stochastic depth, named `stochastic_depth`, unless its rate is None."""
        if rate is None:
            return x
        # How likely it is depends on how many blocks are still to come; `finished` knows.
        self._rates[len(self.nodes)] = rate
        return self.apply("stochastic_depth", StochasticDepth(), x)

    def reserve(self, *names: str) -> None:
        """Register operators of the current scope before they are applied: their parameters are listed in the place of
        this call."""
        for name in names:
            self._reserved[self._prefix + name] = next(self._orders)

    def layers(self, layers: tuple[Layer, ...], x: Feature, *, shared: bool = False) -> Feature:
        """Apply a list of layers, each under its own name."""
        outer = self._shared
        self._shared = shared or outer
        for layer in layers:
            x = self._layer(layer, x)
        self._shared = outer
        return x

    def publish(self, name: str, x: Feature) -> None:
        """Make one of several feature maps that a block returns a place of its own: `fpn.p2` for the layer `fpn`."""
        self.places[f"{self._prefix}{name}"] = x

    def divisible(self, value: Any) -> Dim:
        """Return *value* rounded as the spec's width rule rounds."""
        rule = self._width
        return truncate(value) if rule is None or rule.divisor is None else make_divisible(value, rule.divisor)

    def failed(self, message: str, help: str = "") -> SpecError:
        """Return an error at the row that is being traced."""
        row = self._row
        return SpecError([Problem(message, row.location if row else None, row.address if row else "", help)])

    def finished(self) -> tuple[Node, ...]:
        """Return all nodes, those of stochastic depth with the probability of their block among all blocks that have
        one."""
        for index, rate in self._rates.items():
            self.nodes[index] = self.nodes[index]._replace(op=StochasticDepth(rate.of(self._droppable)))
        return tuple(self.nodes)

    # Layers and rows

    def _layer(self, layer: Layer, x: Feature) -> Feature:
        outer = self._trainable
        self._trainable = outer and layer.id not in self._frozen
        inputs = tuple(self.find(source.text, source.location) for source in layer.inputs) or (x,)
        with self.scope(layer.segment):
            for row in layer.rows:
                inputs = (self._repeat(layer, row, inputs),)
        self._trainable = outer
        self._place(layer.address, layer.id, inputs[0])
        return inputs[0]

    def _place(self, address: str, name: str | None, x: Feature) -> None:
        self.places[address] = x
        if name:
            self.ids[name] = address

    def _repeat(self, layer: Layer, row: Row, inputs: tuple[Feature, ...]) -> Feature:
        outer = self._row, self._trainable
        self._row = row
        self._trainable = outer[1] and row.id not in self._frozen
        if row.input is not None:
            inputs = (self._stated(row, row.input, inputs[0]), *inputs[1:])
        with self.scope(row.segment or ""):
            if row.repeats is None:
                x = self._once(layer, row, inputs, first=True)
            else:
                x = inputs[0]
                for index in range(self._repeats(row.repeats, row.deepen)):
                    with self.scope(str(index)):
                        x = self._once(layer, row, inputs if index == 0 else (x,), first=index == 0)
        self._row, self._trainable = outer
        self._place(row.address, row.id, x)
        return x

    def _once(self, layer: Layer, row: Row, inputs: tuple[Feature, ...], *, first: bool) -> Feature:
        values = {name: self._resolve(value, row, inputs[0]) for name, value in row.values.items()}
        if not first and "s" in values:
            values["s"] = (1, 1)
        outer = self._block, self._block_type
        # The innermost table row or layer is the block, so that a network written from operators folds to its layers.
        self._block, self._block_type = self._prefix[:-1], layer.block.name
        try:
            x = layer.block.apply(self, *inputs, **values)
        except ShapeError as error:
            raise self.failed(str(error), error.help) from None
        self._block, self._block_type = outer
        return x._replace(printed=self._printed(row, inputs[0], x))

    def _resolve(self, value: Any, row: Row, x: Feature) -> Any:
        """Return a channel cell as a number, scaled by the width rule or times the input's, and a drop rate with the
        block's place."""
        if isinstance(value, Printed):
            if value.expanded and self._width is not None and self._width.expand == "ratio" and row.scale:
                return self._check_channels(self.divisible(x.channels * value.channels / x.printed))
            return self._check_channels(self.scaled(value.channels, row.scale, row.narrow))
        if isinstance(value, Relative):
            return self._check_channels(truncate(x.channels * value.factor))
        if isinstance(value, DropRate):
            self._droppable += 1
            return value._replace(block=self._droppable - 1)
        return value

    def _check_channels(self, channels: Dim) -> Dim:
        """Return a number of channels that is at least 1 and within the limit of a spec; a sweep checks its arrays by
        itself."""
        if not is_array(channels) and not 1 <= channels <= MAX_CHANNELS:
            raise self.failed(f"a feature map of {channels:,} channels", f"there can be 1 to {MAX_CHANNELS:,}")
        return channels

    def scaled(self, channels: Dim, scale: bool = True, narrow: bool = True) -> Dim:
        """Return a printed channel count at the network's width."""
        rule, width = self._width, self._multiplier
        if not narrow:
            width = maximum(width, 1.0)
        if rule is None or not scale or (not is_array(width) and width == 1):
            return channels
        result = rounded(channels * width, rule)
        if not is_array(width) or (not is_array(channels) and rounded(channels, rule) == channels):
            return result
        # A count that the rule would round even at width 1 stays as printed there.
        unscaled = width == 1
        return unscaled * channels + (1 - unscaled) * result

    def _printed(self, row: Row, before: Feature, after: Feature) -> Dim:
        """Return the output's channels as the table prints them."""
        cell = row.values.get("c")
        if isinstance(cell, Printed):
            return cell.channels
        if isinstance(cell, Relative):
            return truncate(before.printed * cell.factor)
        return after.printed

    def _repeats(self, count: int, deepen: bool) -> int:
        if self._depth == 1 or not deepen:
            return count
        scaled: int = ceil_div(count * self._depth, 1)
        return int(scaled)

    def _stated(self, row: Row, stated: tuple[int, int, int], x: Feature) -> Feature:
        """Return the row's input; where it is not the stated one, note that and go on with the stated, so that only the
        first row is blamed."""
        height, width, channels = stated
        shape = (channels, height, width)
        if x.shape == shape:
            return x
        computed = "x".join(map(str, (*x.shape[1:], x.shape[0])))
        message = f"the stated input is `{height}x{width}x{channels}`, the computed one is `{computed}`"
        self.problems.add(
            message, row.input_location, where=f"{row.address}.input", help="correct this cell, or the rows above it"
        )
        return x._replace(shape=shape)

    def find(self, place: str, location: Location, above: str = " above") -> Feature:
        """Return the feature map at an id or address; raises SpecError when there is none above."""
        if place in self.places:
            return self.places[place]
        head, *rest = parse_address(place, location)
        address = self.ids.get(str(head), str(head)) + format_address((head, *rest)).removeprefix(str(head))
        if address not in self.places:
            advice = suggest(place, self.ids, "ids") if self.ids else "name a layer by its `id`, or as `layers[3]`"
            raise problem(f"there is no layer `{place}`{above}", location, help=advice)
        return self.places[address]

    def _claim(self, path: str, op: Operator) -> None:
        first = self._first.get(path)
        if first is not None and not (self._shared and first.op == op):
            if self._shared:
                raise self.failed(
                    f"the shared weights of `{path}` do not fit where they are used again",
                    "shared layers keep their channels",
                )
            raise self.failed(f"two operators at the path `{path}`", "give every operator of a block its own name")
        if len(self.nodes) >= MAX_OPERATORS:
            raise self.failed(f"more than {MAX_OPERATORS:,} operators, the limit of a network")


def rounded(product: Any, rule: WidthRule) -> Dim:
    """Return channels times a width as the rule rounds them."""
    return maximum(truncate(product), 1) if rule.divisor is None else make_divisible(product, rule.divisor)
