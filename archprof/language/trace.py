"""Tracing: blocks applied to symbolic feature maps, row by row, make a tree of fragments."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from archprof.errors import Location, Problem, Problems, SpecError, problem
from archprof.ir.dims import Dim, Extremes, ceil_div, is_array, key, make_divisible, truncate
from archprof.ir.foreign import MEANT, Raised, Suspect, blamed, check_operator
from archprof.ir.graph import INPUT, Edge, first_output
from archprof.ir.operators.base import Operator, ShapeError
from archprof.ir.values import Value
from archprof.language.block import Block, check_inputs, column_spellings
from archprof.language.bound import BoundLayer, BoundRow, Layers
from archprof.language.cells import DropRate, PrintedChannels, RelativeChannels
from archprof.language.fragment import Application, Call, Feature, Fragment, Reservation, operators_of
from archprof.language.frame import ClosedBody, Frame, PathScope, Places, brought
from archprof.language.named_operator import NamedOperator
from archprof.language.widths import Scaling, scaled
from archprof.limits import MAX_CHANNELS, MAX_OPERATORS, MAX_READS
from archprof.named_tuple import NamedTuple
from archprof.spec.nodes import Scalar

_ONE_OUTPUT = Operator.outputs
_made = tuple.__new__


class Trace(NamedTuple):
    """A traced network: its fragment, where each id leads, what stated inputs are wrong, and what multipliers changed:
    the printed channel *counts* (with `narrow`) that the width scales, and the *repeats* that the depth scales."""

    fragment: Fragment
    places: Places
    problems: Problems
    counts: frozenset[tuple[int, bool]]
    repeats: frozenset[int]


def trace(layers: Layers, inputs: Mapping[str, Value], scaling: Scaling, frozen: tuple[str, ...] = ()) -> Trace:
    """Return the trace of a network that takes *inputs*, the first of them in its first layer; *frozen* are the ids of
    layers and rows whose parameters are not trained.

    Raises SpecError, at the row, where an operator does not fit its input.
    """
    tracer = Tracer(scaling, frozen)
    return tracer.whole(layers, inputs)


def features_of(inputs: Mapping[str, Value]) -> dict[str, Feature]:
    """Return the inputs of a network by name, as layers take them."""
    return {name: Feature(Edge(INPUT, k), value, value.channels) for k, (name, value) in enumerate(inputs.items())}


class Memo:
    """What tracers at the same multipliers know: printed counts at these, and the extremes of arrays.

    There is one array for one printed count, so that equal channels are the same object.
    """

    def __init__(self) -> None:
        self.scaled: dict[tuple[Any, ...], Dim] = {}
        self.extremes = Extremes()


class Tracer:
    """The network while it is traced. Blocks call `apply`, `scope`, `norm`, `act`, `drop`, `tie`, `reserve`,
    `layers`, `publish` and `divisible`."""

    def __init__(self, scaling: Scaling, frozen: tuple[str, ...] = (), memo: "Memo | None" = None) -> None:
        """*memo* is shared by several tracers at the same multipliers."""
        self.problems = Problems()
        self._scaling = scaling
        self._frozen = frozenset(frozen)
        self._frame = Frame((), None, Places({}, {}, {}))
        self._shared = False
        self._fragments: dict[tuple[Any, ...], Fragment] = {}
        self._blocks: list[Block] = []  # by whose places in memory fragments are known
        memo = memo or Memo()
        self._scaled, self._extremes = memo.scaled, memo.extremes
        self._counts: set[tuple[int, bool]] = set()
        self._repeated: set[int] = set()

    def whole(self, layers: Layers, inputs: Mapping[str, Value]) -> Trace:
        """Return the trace of a network's layers."""
        named = features_of(inputs)
        self._frame.inputs = [*named.values()]
        self._frame.places.by_address.update(named)
        x = self._frame.inputs[0]
        with self.problems:
            x = self.layers(layers, x)
        fragment, places = self._frame.fragment(x), self._frame.places
        return Trace(fragment, places, self.problems, frozenset(self._counts), frozenset(self._repeated))

    def row(self, layer: BoundLayer, row: BoundRow, inputs: tuple[Feature, ...], outer: Places) -> Fragment:
        """Return a row with all its repeats as a fragment of its own; *outer* are the places around it.

        Raises SpecError where it does not fit.
        """
        self._frame.places = outer
        around, frame = self._frame, self._enter(inputs, row)
        try:
            with self.scope(layer.segment):
                x = self._row(layer, row, frame.inner())
            return frame.fragment(x)
        finally:
            self._frame = around

    @property
    def traced_row(self) -> BoundRow | None:
        """The row that is being traced."""
        return self._frame.row

    # What blocks call

    def apply(self, name: str, op: Operator, *inputs: Feature) -> Feature:
        """Append *op* under *name* in the current scope (the scope's own path where *name* is empty) and return its
        first output.

        Raises SpecError, at the row, when the operator does not fit its inputs.
        """
        frame = self._frame
        parts = frame.parts
        edge = first_output(len(parts))
        if len(inputs) == 1:
            edge_in, given, _ = x = inputs[0]
            if given.dtype != "float32":
                _check_numbers(op, x)
            edges: tuple[Edge, ...] = (edge_in,)
            outputs = (op.output(given),) if type(op).outputs is _ONE_OUTPUT else op.outputs(given)
        else:
            for x in inputs:
                _check_numbers(op, x)
            edges = tuple([x.edge for x in inputs])
            outputs = op.outputs(*[x.value for x in inputs])
        if op.foreign:
            check_operator(op, tuple(x.value for x in inputs), outputs)
        value = outputs[0]
        path = frame.prefix + name if name else frame.prefix[:-1]
        # As `Call(…)` and `Feature(…)`, without the functions that name arguments: there is one for each operator.
        parts.append(_made(Call, (path, op, edges, outputs, frame.kind or op.kind, None, "")))
        frame.size += 1
        frame.reads += len(edges)
        # What passes a map on passes on what the table prints for it; a row with a count of its own says so later.
        if op.keeps_channels:
            kept = inputs[0] if len(inputs) == 1 else _as_wide(value, inputs)
            return _made(Feature, (edge, value, kept.printed))
        channels = value.channels
        if len(value.shape) > 1:
            self._check_channels(channels)
        printed = sum([x.printed for x in inputs]) if op.joins_channels else channels
        return _made(Feature, (edge, value, printed))

    def apply_all(self, name: str, op: Operator, *inputs: Feature) -> tuple[Feature, ...]:
        """Append *op* as `apply` does, and return all its outputs."""
        first = self.apply(name, op, *inputs)
        part = self._frame.parts[-1]
        assert isinstance(part, Call)
        node = first.edge.node
        others = [Feature(Edge(node, k), value, value.channels) for k, value in enumerate(part.outputs) if k]
        return (first, *others)

    def scope(self, name: str, kind: str = "") -> PathScope:
        """Put what is applied inside under *name*; *kind* ("se", "mixed") overrides the operators' own."""
        return PathScope(self._frame, name, kind)

    def norm(self, x: Feature, norm: NamedOperator | None) -> Feature:
        """Apply a norm, named `norm`, unless it is None."""
        return self.apply("norm", norm.make(x.value), x) if norm else x

    def act(self, x: Feature, act: NamedOperator | None) -> Feature:
        """Apply an activation, named `act`, unless it is None."""
        return self.apply("act", act.make(x.value), x) if act else x

    def drop(self, x: Feature, rate: DropRate | None) -> Feature:
        """Apply stochastic depth, named `stochastic_depth`, unless its rate is None."""
        if rate is None:
            return x
        from archprof.ir.operators.drop import StochasticDepth

        dropped = self.apply("stochastic_depth", StochasticDepth(), x)
        # How likely it is depends on how many blocks are still to come; who makes a graph of it knows.
        call = self._frame.parts[-1]
        assert isinstance(call, Call)
        self._frame.parts[-1] = call._replace(rate=rate)
        return dropped

    def tie(self, path: str) -> None:
        """Let the operator that was applied last have the weight of the one at another path of the network."""
        call = self._frame.parts[-1]
        assert isinstance(call, Call)
        self._frame.parts[-1] = call._replace(tied=path)

    def reserve(self, *names: str) -> None:
        """Register operators of the current scope before they are applied: their parameters are listed in the place of
        this call."""
        frame = self._frame
        frame.parts.append(Reservation(tuple(frame.prefix + name for name in names)))

    def layers(self, layers: Layers, x: Feature, *, shared: bool = False) -> Feature:
        """Apply a list of layers, each under its own name."""
        outer = self._shared
        self._shared = shared or outer
        for layer in layers:
            x = self._layer(layer, x)
        self._shared = outer
        return x

    def applied(self, since: int) -> Iterator[Operator]:
        """Yield the operators that the current fragment applies, those of its rows too, from one of its parts on."""
        return operators_of(self._frame.parts[since:])

    @property
    def parts(self) -> int:
        """How many parts the current fragment has."""
        return len(self._frame.parts)

    def named_inputs(self) -> tuple[str, ...]:
        """Return what a block of several inputs calls them: the last part of their places, `p3` of `fpn.p3`; their
        numbers where that is no name, or that of two."""
        names = [source.text.rpartition(".")[2] for source in self._frame.sources]
        count = len(self._frame.inputs)
        if len(set(names)) < count or not all(name.isidentifier() for name in names):
            return tuple(map(str, range(count)))
        return tuple(names)

    def closed(self, inputs: dict[str, tuple[Feature, ...]]) -> ClosedBody:
        """Let what is applied inside see nothing of the network around it but *inputs*, one or several under a name;
        and what is around see nothing of it but the result and what is published."""
        return ClosedBody(self._frame, inputs)

    def place(self, name: str, location: Location) -> Feature:
        """Return the feature map at an id or address of the fragment that is being traced."""
        return self._find(name, location)

    def publish(self, name: str, x: Feature) -> None:
        """Make one of several feature maps that a block returns a place of its own: `fpn.p2` for the layer `fpn`."""
        frame = self._frame
        frame.places.by_path[f"{frame.prefix}{name}"] = x

    def divisible(self, value: Any) -> Dim:
        """Return *value* rounded as the spec's width rule rounds."""
        rule = self._scaling.rule
        return truncate(value) if rule is None or rule.divisor is None else make_divisible(value, rule.divisor)

    def failed(self, message: str, help: str = "", columns: Iterable[str] = ()) -> SpecError:
        """Return an error at the row that is being traced: at its cell of the first of *columns* that it has, or takes
        from the defaults."""
        row = self._frame.row
        if row is None:
            return problem(message, help=help)
        for column in columns:
            if column in row.cells:
                return problem(message, row.cells[column].location, where=f"{row.address}.{column}", help=help)
            if column in row.defaults:
                location, where = row.defaults[column]
                return problem(message, location, where=where, help=help)
        return problem(message, row.location, where=row.address, help=help)

    # Layers and rows

    def _layer(self, layer: BoundLayer, x: Feature) -> Feature:
        inputs: tuple[Feature, ...] = (x,)
        if layer.inputs:
            inputs = tuple([y for source in layer.inputs for y in self._all(source)]) or inputs
        frame, outer = self._frame, self._frame.prefix
        if layer.registers:
            self.reserve(*layer.registers)
        if not layer.rows:  # left out by its condition
            frame.parts.append(Reservation((outer + layer.segment,), True))
        # As in a `scope`, without an object for it: there is a layer for every few operators.
        frame.prefix = f"{outer}{layer.segment}." if layer.segment else outer
        try:
            for row in layer.rows:
                inputs = (self._row(layer, row, inputs), *inputs[1:])
        finally:
            frame.prefix = outer
        self._place(layer.address, layer.id, inputs[0])
        return inputs[0]

    def _place(self, address: str, name: str | None, x: Feature) -> None:
        self._frame.places.by_address[address] = x
        if name:
            self._frame.places.ids[name] = address

    def _row(self, layer: BoundLayer, row: BoundRow, inputs: tuple[Feature, ...]) -> Feature:
        if row.input is not None:
            inputs = (self._stated(row, row.input, inputs[0]), *inputs[1:])
        frame, outer = self._frame, self._frame.prefix
        prefix = f"{outer}{row.segment}." if row.segment else outer
        try:
            frame.prefix = prefix
            if row.repeats is None:
                x = self._apply_row(layer, row, inputs, 0)
            else:
                x = inputs[0]
                for index in range(self._repeats(row.repeats, row.deepen)):
                    frame.prefix = f"{prefix}{index}."
                    x = self._apply_row(layer, row, inputs if index == 0 else (x, *inputs[1:]), index)
        finally:
            frame.prefix = outer
        self._place(row.address, row.id, x)
        return x

    def _apply_row(self, layer: BoundLayer, row: BoundRow, inputs: tuple[Feature, ...], repeat: int) -> Feature:
        """Apply a row once and return its output."""
        fragment = self._fragment(layer, row, inputs, repeat)
        frame = self._frame
        edges = tuple([x.edge for x in inputs])
        if len(fragment.inputs) > len(inputs):  # what an inner layer takes from outside is an input too
            edges += tuple([x.edge for x in fragment.inputs[len(inputs) :]])
        frozen = bool(self._frozen) and not self._frozen.isdisjoint((layer.id, row.id))
        block = layer.block.name
        frame.parts.append(
            _made(Application, (frame.prefix, layer.id, row, block, fragment, edges, frozen, self._shared, repeat))
        )
        frame.size += fragment.size
        frame.reads += fragment.reads
        self._check_size(row)
        if fragment.places or fragment.published:
            self._export(frame, fragment, (layer.address, row.address))
        printed = self._printed(layer, row, inputs[0], fragment.result)
        return _made(Feature, (first_output(len(frame.parts) - 1), fragment.result.value, printed))

    def _export(self, frame: Frame, fragment: Fragment, addresses: tuple[str, str]) -> None:
        """Make the places inside an application, the latest part, places of the fragment around it; those that it
        publishes itself stand behind its *addresses* too, of its layer and row, whose ids lead there."""
        part, places = len(frame.parts) - 1, frame.places
        output = 1
        for address, x in fragment.places.items():
            places.by_address[address] = _made(Feature, (Edge(part, output), x.value, x.printed))
            output += 1
        for path, x in fragment.published.items():
            published = places.by_path[f"{frame.prefix}{path}"] = x._replace(edge=Edge(part, output))
            if "." not in path:
                places.by_address.update((f"{address}.{path}", published) for address in addresses)
            output += 1

    def _fragment(self, layer: BoundLayer, row: BoundRow, inputs: tuple[Feature, ...], repeat: int) -> Fragment:
        """Return what a row applies to its inputs: known already where it has been applied to the same ones."""
        told = _content(layer.block, row) if layer.block.own else id(row)
        asked = (told, repeat if layer.block.counts else min(repeat, 1), self._shared, *[_key(x) for x in inputs])
        found = self._fragments.get(asked)
        if found is None:
            found = self._traced(layer, row, inputs, repeat)
            # What layers inside take from outside may be something else the next time.
            if len(found.inputs) == len(inputs):
                self._fragments[asked] = found
                if layer.block.own:
                    self._blocks.append(layer.block)
        return found

    def _traced(self, layer: BoundLayer, row: BoundRow, inputs: tuple[Feature, ...], repeat: int) -> Fragment:
        around, frame = self._frame, self._enter(inputs, row)
        frame.sources = layer.inputs
        try:
            check_inputs(layer.block, len(inputs))
            values, drops = dict(row.values), False
            for name, value in row.values.items():
                kind = type(value)
                if kind is PrintedChannels or kind is RelativeChannels:
                    values[name] = self._resolve(value, row, inputs[0], name)
                elif kind is DropRate:
                    drops = True
            if repeat and "s" in values:
                values["s"] = (1, 1)
            if layer.block.counts:
                values["repeat"] = repeat
            x = layer.block.apply(self, *frame.inner(), **values)
            if type(x) is not Feature:
                raise TypeError(f"it returns {type(x).__name__}, not a feature map")
            return frame.fragment(x, drops)
        except ShapeError as error:
            names = column_spellings(layer.block)
            raise self.failed(str(error), error.help, [names.get(name, name) for name in error.columns]) from None
        except MEANT:
            raise
        except Raised as error:
            failed = blamed(error, _suspects(layer.block, row))
            if failed is None:
                raise
            raise failed from error
        finally:
            self._frame = around

    def _enter(self, inputs: tuple[Feature, ...], row: BoundRow) -> Frame:
        """Start a fragment inside the current one."""
        self._frame = Frame(inputs, row, Places({}, {}, self._frame.places.ids), self._frame)
        return self._frame

    def _stated(self, row: BoundRow, stated: tuple[int, int, int], x: Feature) -> Feature:
        """Return the row's input; where it is not the stated one, note that and go on with the stated, so that only the
        first row is blamed."""
        height, width, channels = stated
        shape = (channels, height, width)
        if x.shape == shape:
            return x
        computed = "x".join(map(str, (*x.shape[1:], x.shape[0])))
        message = f"the stated input is `{height}x{width}x{channels}`, the computed one is `{computed}`"
        advice = "correct this cell, or the rows above it"
        self.problems.add(message, row.input_location, where=f"{row.address}.input", help=advice)
        return x._replace(value=x.value.with_shape(shape))

    def _all(self, source: Scalar) -> tuple[Feature, ...]:
        """Return the features that a layer reads by one name: one at a place; those of an input of the block that it is
        in, which may be several."""
        frames = [self._frame]
        while (found := frames[-1].places.inputs.get(source.text)) is None:
            around = frames[-1].around
            if around is None or frames[-1].sealed:
                return (self._find(source.text, source.location),)
            frames.append(around)
        return tuple([brought(x, frames) for x in found])

    def _find(self, place: str, location: Location) -> Feature:
        """Return the feature at an id or address above, as an input of the current fragment where it is outside."""
        frames = [self._frame]
        address = ""
        while (x := frames[-1].places.named(place)) is None:
            address = address or frames[-1].places.address(place, location)  # ids are known to all frames
            if (x := frames[-1].places.by_address.get(address)) is not None:
                break
            around = frames[-1].around
            if around is None or frames[-1].sealed:
                raise frames[-1].places.missing(place, location)
            frames.append(around)
        return brought(x, frames)

    # Channels and repeats

    def _resolve(self, value: PrintedChannels | RelativeChannels, row: BoundRow, x: Feature, column: str) -> Dim:
        """Return the channel cell of a column as a number, scaled by the width rule or times the input's."""
        if isinstance(value, RelativeChannels):
            return self._check_channels(truncate(x.channels * value.factor), column)
        self._check_channels(value.channels, column)
        rule = self._scaling.rule
        if value.expanded and rule is not None and rule.expand == "ratio" and row.scale:
            return self._check_channels(self.divisible(x.channels * value.channels / x.printed), column)
        return self._check_channels(self._at_width(value.channels, row.scale, row.narrow), column)

    def _check_channels(self, channels: Dim, *columns: str) -> Dim:
        """Return a number of channels that is at least 1 and within the limit of a spec."""
        if type(channels) is int and 1 <= channels <= MAX_CHANNELS:
            return channels
        low, high = self._extremes.smallest(channels), self._extremes.largest(channels)
        # Of candidates that disagree some are within: they part ways.
        if not 1 <= low <= high <= MAX_CHANNELS and not (channels >= 1) & (channels <= MAX_CHANNELS):
            shown = f"{low:,}" if low == high else "too few or too many"
            raise self.failed(f"a feature map of {shown} channels", f"there can be 1 to {MAX_CHANNELS:,}", columns)
        return channels

    def _at_width(self, channels: Dim, scale: bool, narrow: bool) -> Dim:
        """Return a printed channel count at the network's width."""
        asked = (key(channels), scale, narrow)
        if asked not in self._scaled or is_array(channels):
            self._scaled[asked] = scaled(channels, self._scaling, scale, narrow)
            if scale and not is_array(channels):
                self._counts.add((channels, narrow))
        return self._scaled[asked]

    def _printed(self, layer: BoundLayer, row: BoundRow, before: Feature, after: Feature) -> Dim:
        """Return the output's channels as the table prints them."""
        cell = row.values.get(layer.block.channels)
        if isinstance(cell, PrintedChannels):
            return cell.channels
        if isinstance(cell, RelativeChannels):
            return truncate(before.printed * cell.factor)
        return after.printed

    def _repeats(self, count: int, deepen: bool) -> int:
        if deepen:
            self._repeated.add(count)
        if self._scaling.depth == 1 or not deepen:
            return count
        return int(ceil_div(count * self._scaling.depth, 1))

    def _check_size(self, row: BoundRow) -> None:
        frame = self._frame
        size, reads = frame.before[0] + frame.size, frame.before[1] + frame.reads
        if size > MAX_OPERATORS:
            message = f"more than {MAX_OPERATORS:,} operators, the limit of a network"
            raise SpecError([Problem(message, row.location, row.address)])
        if reads > MAX_READS:
            message = f"operators that read more than {MAX_READS:,} maps, the limit of a network"
            raise SpecError([Problem(message, row.location, row.address)])


def _as_wide(value: Value, inputs: tuple[Feature, ...]) -> Feature:
    """Return the first input with the channels of the output: a map of one channel stretches over others."""
    return next((x for x in inputs if x.channels is value.channels), inputs[0])


def _check_numbers(op: Operator, x: Feature) -> None:
    """Raise ShapeError where an operator takes floats and gets others."""
    value = x.value
    if op.numbers == "floats" and not value.is_float and not op.foreign:
        advice = "place it behind an `embedding`, which makes floats"
        raise ShapeError(f"`{op.name}` of {value.dtype} numbers", advice)


def _suspects(block: Block, row: BoundRow) -> Iterator[Suspect]:
    """Yield whose code runs in a row: its block's, and that of the operators in its cells."""
    place = row.location, row.address
    yield Suspect(block.name, block.apply, *place)
    values = [*row.values.values()]
    while values:
        value = values.pop()
        if isinstance(value, NamedOperator):
            yield Suspect(value.operator.name, value.operator, *place)
        elif isinstance(value, tuple) and not isinstance(value, BoundLayer):
            values += value


def _content(block: Block, row: BoundRow) -> object:
    """Return what tells what a row applies, of a block of the spec, which sees nothing around it: its cells, so that
    rows of the same ones apply the same; or the row, where they are no plain values."""
    kinds = map(type, row.values.values())  # 1 and 1.0 are equal
    told = (id(block), row.scale, row.narrow, *row.values.items(), *kinds)
    try:
        hash(told)
    except TypeError:
        return id(row)
    return told


def _key(x: Feature) -> tuple[Any, ...]:
    """Return what a row can tell of its input."""
    value = x.value
    if type(value.batch) is int and type(x.printed) is int and {*map(type, value.shape)} == _INTEGERS:
        return (value, x.printed)
    return (*map(_told, value), key(x.printed))


def _told(amount: Any) -> Any:
    """Return what tells amounts in tuples from others: arrays by which objects they are."""
    return tuple(map(_told, amount)) if isinstance(amount, tuple) else key(amount)


_INTEGERS = {int}
