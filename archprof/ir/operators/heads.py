"""Attention over projected features, as networks of tokens and maps have it between two projections: the features are
shared out among heads, which the operator takes apart and puts together itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.columns import FLAG, SIZE, Column, count, one_of
from archprof.ir.dims import Dim, ceil_div, product, same, same_shape
from archprof.ir.footprint import INDEX, SINGLE, Footprint, Gradients, Run
from archprof.ir.operators.attention import Attention
from archprof.ir.operators.base import Operator, ShapeError, Word, feature_map, operator
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch

# Rows of a table of learned biases, by how the positions of a query and a key lie to each other: one for each
# difference (Liu et al. 2021), or for each of its amounts (Graham et al. 2021).
POSITIONS = ("relative", "distance")


class _Heads(Operator):
    """What attention of several heads is read from: (L, C), or a map whose channels come first or last, or windows of
    such a map (w, C, h, w)."""

    __slots__ = ()
    category: ClassVar[str] = "attention"
    autocast: ClassVar[str] = "half"
    heads: Dim
    key_dim: Dim
    value_dim: Dim
    channels_last: bool

    @property
    def across_windows(self) -> bool:
        return True

    def _positions(self, value: Value, channels: Dim, what: str) -> Dim:
        """Return how many positions the features of a value stand at; raises ShapeError where they are no such ones."""
        rank = len(value.shape)
        axis = rank - 1 if self.channels_last else int(value.in_windows)
        if rank < 2:
            message = f"attention needs {what} of positions and features, not {show_shape(value.shape)}"
            raise ShapeError(message, "a map is brought into a row with `tokens`, before a linear layer flattens it")
        if value.channel != axis or not same(value.channels, channels):
            raise ShapeError(f"attention needs {what} of {channels} features, not {show_shape(value.shape)}")
        return product(value.space)

    def _with_features(self, value: Value, features: Dim) -> Value:
        return value.with_channels(features)


def _shared_out(features: Dim, heads: Dim, key_dim: Dim | None) -> Dim:
    """Return how many features of the queries a head has; raises ShapeError where it should have another number."""
    if key_dim is not None and not same(heads * key_dim, features):
        help = "beside keys it is the queries that say so: leave `key_dim` out"
        raise ShapeError(
            f"queries of {features} features are not {heads} heads of {key_dim}", help, ("key_dim", "heads")
        )
    if key_dim is None and features % heads != 0:
        raise ShapeError(f"{features} features are not divisible by {heads} heads", columns=("heads",))
    return features // heads


@operator
class HeadAttention(_Heads):
    """softmax(Q·Kᵀ/√E)·V (Vaswani et al. 2017) of h heads, over queries of h·E features, keys and values.

    One input has all three, each for all heads, or, *interleaved*, each head's together; of two, the second has keys
    and values. Several heads share the keys and values of one of *kv_heads* (Shazeer 2019). Counted are the two
    products, h·L·S·(E + V), whatever is masked. A learned table of *position* biases is added to the scores, for a map
    of *size*, of which queries take every *every*-th row and column. In windows (w, L, C) or (w, C, h, w) each is by
    itself; where they were *shifted*, (rows of windows, columns, and by how much), what came around the edge is masked.
    """

    heads: Dim
    kv_heads: Dim
    key_dim: Dim
    value_dim: Dim
    channels_last: bool = True
    interleaved: bool = False
    causal: bool = False
    windowed: bool = False
    position: Word = ""
    size: tuple[Dim, Dim] = (1, 1)
    every: int = 1
    shifted: tuple[Dim, ...] = ()

    name: ClassVar[str] = "dot_product_attention"
    tried: ClassVar[str] = "installed"
    may_join: ClassVar[bool] = True
    takes: ClassVar[tuple[int, int]] = (1, 3)
    formula: ClassVar[str] = "h·L·S·(E + V)"
    params_formula: ClassVar[str] = "h·S"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("heads", count(), "heads", ("num_heads",), required=True),
        Column("kv_heads", count(), "heads of keys and values; as many unless given", ("num_kv_heads",)),
        Column(
            "key_dim",
            count(),
            "features of a query and a key: of one input a third of a head's unless given",
            ("head_dim",),
        ),
        Column("interleaved", FLAG, "whether each head's queries, keys and values lie together"),
        Column("causal", FLAG, "whether a position sees only those up to it"),
        Column("position", one_of(*POSITIONS), "a learned bias for each way that two positions lie to each other"),
        Column("window", SIZE, "of a map that was cut into windows of that size, each by itself"),
        Column("every", count(1, 64), "of a map's rows and columns, queries stand at every so many-th"),
    )

    @property
    def across_windows(self) -> bool:
        return not self.windowed

    @classmethod
    def of(cls, *inputs: Value, heads: Dim, kv_heads: Dim = None, key_dim: Dim = None, **options: Any) -> HeadAttention:
        kv_heads = heads if kv_heads is None else kv_heads
        if len(inputs) == 1:
            key_dim = inputs[0].channels // (heads + 2 * kv_heads) if key_dim is None else key_dim
            value_dim = (inputs[0].channels - (heads + kv_heads) * key_dim) // kv_heads
        else:
            key_dim = _shared_out(inputs[0].channels, heads, key_dim)
            value_dim = inputs[-1].channels // kv_heads - (key_dim if len(inputs) == 2 else 0)
        if key_dim < 1 or value_dim < 1:
            shapes = ", ".join(show_shape(value.shape) for value in inputs)
            message = f"no features are left for {heads} head{'s' if heads > 1 else ''} of {shapes}"
            raise ShapeError(message, "a linear layer in front makes more", ("heads", "key_dim"))
        window = options.pop("window", None)
        if inputs[0].in_windows:
            size = window or inputs[-1].space[1:]
            return cls(heads, kv_heads, key_dim, value_dim, False, size=size, windowed=True, **options)
        last = inputs[0].channel != 0
        size = window or (inputs[-1].space if len(inputs[0].shape) == 3 else (1, 1))
        return cls(heads, kv_heads, key_dim, value_dim, last, size=size, windowed=window is not None, **options)

    def output(self, *inputs: Value) -> Value:
        self._lengths(inputs)
        return inputs[0].with_channels(self.heads * self.value_dim)

    def _parts(self) -> tuple[Dim, Dim, Dim]:
        """Return the features of all queries, keys and values."""
        return self.heads * self.key_dim, self.kv_heads * self.key_dim, self.kv_heads * self.value_dim

    def _lengths(self, inputs: Sequence[Value]) -> tuple[Dim, Dim]:
        """Return how many queries and keys there are, all windows together; raises ShapeError where they do not fit."""
        if self.heads % self.kv_heads != 0:
            message = f"{self.heads} heads are not divisible among {self.kv_heads} of keys and values"
            raise ShapeError(message, columns=("kv_heads", "heads"))
        self._check_options(len(inputs))
        queries, keys, values = self._parts()
        wanted = ((queries + keys + values,), (queries, keys + values), (queries, keys, values))[len(inputs) - 1]
        names = (("queries, keys and values",), ("queries", "keys and values"), ("queries", "keys", "values"))
        named = zip(inputs, wanted, names[len(inputs) - 1], strict=True)
        lengths = [self._positions(value, features, what) for value, features, what in named]
        if not same(lengths[-1], lengths[1 if len(inputs) == 3 else -1]):
            raise ShapeError(f"{lengths[1]} keys and {lengths[-1]} values")
        self._check_table(inputs, lengths[0], lengths[-1])
        return lengths[0], lengths[-1]

    def _check_options(self, inputs: int) -> None:
        """Raise ShapeError for options that no kernel knows together."""
        if self.causal and (self.position or self.shifted):
            other = "shifted windows" if self.shifted else "a table of biases"
            raise ShapeError(f"causal attention with {other}", columns=("causal",))
        if self.interleaved and inputs == 1 and self.heads != self.kv_heads:
            message = f"{self.heads} heads and {self.kv_heads} of keys and values cannot lie together"
            raise ShapeError(message, "keep one of `interleaved` and `kv_heads`", ("interleaved", "kv_heads"))

    def _check_table(self, inputs: Sequence[Value], queries: Dim, keys: Dim) -> None:
        """Raise ShapeError unless positions lie in windows, or in the map that the table of biases is for."""
        if self.windowed:
            shapes = [value.shape for value in inputs if not self._in_windows(value)]
            if shapes:
                message = f"attention in windows needs windows of positions, not {show_shape(shapes[0])}"
                raise ShapeError(message, "place it behind `window_partition`", ("window",))
        elif self.position:
            if not same(product(self.size), keys):
                advice = "such a table is for maps, H×W×C or C×H×W"
                message = f"a table of biases for {show_shape(self.size)} on {keys} positions"
                raise ShapeError(message, advice, ("position",))
            wanted = product(tuple([ceil_div(side, self.every) for side in self.size]))
            if not same(wanted, queries):
                message = f"{queries} queries at every {self.every} of the rows and columns of {show_shape(self.size)}"
                advice = f"{wanted} of them stand there: `from` with a smaller map for the queries"
                raise ShapeError(message, advice, ("every",))

    def _in_windows(self, value: Value) -> bool:
        """Tell whether a value is windows, of positions or, where channels come first, of maps."""
        return (len(value.shape) == 3 and value.channel == 2) if self.channels_last else value.in_windows

    def _places(self, value: Value) -> tuple[Dim, ...]:
        """Return the axes of positions, of a window where there are windows."""
        return value.space[1:] if self.windowed else value.space

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(self.heads, self._table())} if self.position else {}

    def _table(self) -> tuple[Dim, ...]:
        """Return how many ways there are for two positions to lie to each other, along each axis."""
        return self.size if self.position == "distance" else tuple([2 * side - 1 for side in self.size])

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return self._products(inputs, self.key_dim + self.value_dim)

    def _products(self, inputs: Sequence[Value], features: Dim) -> Terms:
        return term(self.heads * features, (*inputs[0].space, *self._places(inputs[-1])))

    def backward_macs(
        self, inputs: Sequence[Value], outputs: Sequence[Value], wanted: Sequence[bool], learned: Collection[str]
    ) -> Terms:
        # As of `Attention`; the biases are added to the scores, whose gradient is on the way to queries and keys.
        queries, keys, values = wanted[0], wanted[-1 if len(wanted) < 3 else 1], wanted[-1]
        scores = queries or keys or bool(learned)
        return self._products(inputs, self.value_dim * (scores + values) + self.key_dim * (queries + keys))

    def footprint(self, run: Run) -> Footprint:
        queries, keys, values = self._headed(run)
        mask = self._mask(run)
        inputs = (queries, keys, values) if mask is None else (queries, keys, values, mask)
        result = queries.with_shape((*queries.shape[:-1], self.value_dim), 3 if self.windowed else 2)
        core = Attention(self.heads, self.kv_heads, self.causal)
        inner = run._replace(inputs=inputs, outputs=(result,))
        on_cpu = run.setup.kernels == "cpu"
        # A CPU's kernel takes no mask that learns.
        found = core.by_products(inner) if self.position and run.learns and on_cpu else core.footprint(inner)
        out = run.bytes(run.outputs[0])
        own, scratch = found.own or 0, found.scratch
        fused = bool(found.outputs)
        kept: tuple[int, ...] = tuple(range(len(run.inputs)))
        viewed = self.channels_last
        if not self.channels_last:
            # Queries, keys and values are copied, so that their features lie together, and so is the result; but of a
            # single head they do already, and of all where a GPU's kernel made them: then the map is a view of them.
            copied = sum(map(run.bytes, (queries, keys, values)))
            saved = copied if fused else run.bytes(values) if found.inputs else 0
            own, scratch, kept = own + saved, scratch + copied, ()
            viewed = self.heads == 1 or (fused and not on_cpu)
            own, scratch = own + out * (fused and not viewed), scratch + out * (not viewed)
        elif not fused:
            # Heads are put together in a copy; of what came in, the values are needed, or nothing.
            scratch, kept = scratch + out, (len(run.inputs) - 1,) if found.inputs else ()
        outputs = (0,) if fused and viewed else ()
        if mask is not None:
            size = run.elements(mask) * SINGLE
            index = product(mask.shape[-2:]) * INDEX * bool(self.position)
            # Of a mask with its rows in full, the copy is kept alone.
            own, scratch = own + index + size * bool(fused and not core.padded(inner)), scratch + size + index
        return Footprint(scratch=scratch, inputs=kept, outputs=outputs, own=own, known=mask is None)

    def _headed(self, run: Run) -> tuple[Value, Value, Value]:
        """Return queries, keys and values (heads, L, E) as they lie in what comes in."""
        wide = [value.channels for value in run.inputs]
        queries = self._as_heads(run.inputs[0], self.heads, self.key_dim, wide[0])
        keys = self._as_heads(
            run.inputs[min(1, len(wide) - 1)], self.kv_heads, self.key_dim, wide[min(1, len(wide) - 1)]
        )
        return queries, keys, self._as_heads(run.inputs[-1], self.kv_heads, self.value_dim, wide[-1])

    def _as_heads(self, value: Value, heads: Dim, features: Dim, wide: Dim) -> Value:
        if self.windowed:
            windows, length = value.shape[0], product(self._places(value))
            made = Value((windows, heads, length, features), 3, (windows, 0, 0, 0), value.dtype)
        else:
            length = product(value.space)
            made = Value((heads, length, features), 2, 0, value.dtype)
        if not self.channels_last:
            return made
        wide = value.channels
        apart = wide // self.heads if self.interleaved else features
        return made._replace(strides=(length * wide, apart, wide, 1))

    def _mask(self, run: Run) -> Value | None:
        if not self.position and not self.shifted:
            return None
        queries, keys = self._lengths(run.inputs)
        windows = run.inputs[0].shape[0] if self.windowed else 1
        heads = self.heads if self.position else 1
        shape = (heads, queries // windows, keys // windows)
        if self.shifted:
            return Value((windows, *shape), None, (windows, 0, 0, 0))
        return Value((1, *shape), None, (0, 0, 0, 0))

    def stride_factor(self, *inputs: Value) -> int | None:
        return 1

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules_attention import HeadAttention as Module

        return Module(
            self.heads, self.kv_heads, self.key_dim, self.value_dim, self.channels_last, self.interleaved,
            self.causal, self.windowed, self.position, self.size, self.every, self.shifted,
        )  # fmt: skip

    def describe(self) -> str:
        heads = "1 head" if self.heads == 1 else f"{self.heads} heads"
        return f"attention {heads}" if self.heads == self.kv_heads else f"attention {heads}, {self.kv_heads} shared"


@operator
class LinearAttention(_Heads):
    """φ(Q)·(φ(K)ᵀ·[V, 1]), the first columns divided by the last, φ = ReLU (Katharopoulos et al. 2020; Cai et al.
    2023): no product of two positions, so that costs grow with the map alone.

    Each head's queries, keys and values of E features lie together. Counted are the two products, 2·h·L·E·(E + 1).
    """

    heads: Dim
    key_dim: Dim
    channels_last: bool = False
    eps: float = 1e-5

    name: ClassVar[str] = "linear_attention"
    tried: ClassVar[str] = "installed"
    formula: ClassVar[str] = "2·h·L·E·(E + 1)"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("key_dim", count(), "features of a query, a key and a value", ("head_dim", "dim"), required=True),
    )

    @classmethod
    def of(cls, *inputs: Value, key_dim: Dim) -> LinearAttention:
        return cls(inputs[0].channels // (3 * key_dim), key_dim, inputs[0].channel != 0)

    def output(self, *inputs: Value) -> Value:
        self._positions(inputs[0], 3 * self.heads * self.key_dim, "queries, keys and values")
        return inputs[0].with_channels(self.heads * self.key_dim)

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(2 * self.heads * self.key_dim * (self.key_dim + 1), inputs[0].space)

    def backward_macs(
        self, inputs: Sequence[Value], outputs: Sequence[Value], wanted: Sequence[bool], learned: Collection[str]
    ) -> Terms:
        return self.macs(inputs, outputs) * 2 if any(wanted) else ()

    def footprint(self, run: Run) -> Footprint:
        # What ReLU returns of queries and keys, values with their column of ones, the product of keys and values, that
        # with queries, and its last column, which is divided by; not what comes in.
        heads, features, length = self.heads, self.key_dim, product(run.inputs[0].space)
        kept = 4 * heads * features * length + heads * features * (features + 1) + 3 * heads * length
        own = kept * run.setup.batch * run.width
        return Footprint(scratch=run.bytes(run.inputs[0]), own=own, known=False)

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules_attention import LinearAttention as Module

        return Module(self.heads, self.key_dim, self.channels_last, self.eps)


@operator
class _OneBehindTheOther(_Heads):
    """What reads queries, keys and values of h·E features, one behind the other."""

    heads: Dim
    key_dim: Dim
    channels_last: bool = True

    tried: ClassVar[str] = "installed"
    columns: ClassVar[tuple[Column, ...]] = (Column("heads", count(), "heads", ("num_heads",), required=True),)

    @classmethod
    def of(cls, *inputs: Value, heads: Dim) -> _OneBehindTheOther:
        return cls(heads, inputs[0].channels // (3 * heads), inputs[0].channel != 0)

    def output(self, *inputs: Value) -> Value:
        self._positions(inputs[0], 3 * self.heads * self.key_dim, "queries, keys and values")
        return inputs[0].with_channels(self.heads * self.key_dim)


@operator
class CrossCovarianceAttention(_OneBehindTheOther):
    """Attention between features instead of positions (El-Nouby et al. 2021): of queries and keys of length 1 along the
    positions, softmax(τ·K̂ᵀ·Q̂)·V with a learned τ for each head, so that costs grow with the positions alone.

    Queries, keys and values of h·E features lie one behind the other. Counted are the two products, 2·h·L·E².
    """

    name: ClassVar[str] = "cross_covariance_attention"
    formula: ClassVar[str] = "2·h·L·E²"
    params_formula: ClassVar[str] = "h"

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(self.heads)}

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(2 * self.heads * self.key_dim * self.key_dim, inputs[0].space)

    def backward_macs(
        self, inputs: Sequence[Value], outputs: Sequence[Value], wanted: Sequence[bool], learned: Collection[str]
    ) -> Terms:
        return self.macs(inputs, outputs) * 2 if any(wanted) else ()

    def footprint(self, run: Run) -> Footprint:
        # Copies of queries, keys and values, beside what comes in; scores and their softmax, of all pairs of features;
        # the lengths of queries and of keys, as they are and as they are divided by.
        features = self.heads * self.key_dim
        more = (2 * features * self.key_dim + 4 * features) * run.setup.batch * run.width
        copies = run.bytes(run.inputs[0])
        return Footprint(scratch=copies, inputs=(0,), own=copies + more, known=False)

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules_attention import CrossCovarianceAttention as Module

        return Module(self.heads, self.key_dim, self.channels_last)


@operator
class TalkingHeadsAttention(_OneBehindTheOther):
    """Attention whose scores are mixed among the heads by a linear layer, before the softmax and behind it (Shazeer et
    al. 2020): of queries, keys and values of h·E features, one behind the other.

    Counted are the two products and the two mixtures, 2·h·L²·E + 2·h²·L².
    """

    name: ClassVar[str] = "talking_heads_attention"
    formula: ClassVar[str] = "2·h·L²·(E + h)"
    params_formula: ClassVar[str] = "2·h² + 2·h"

    def parameters(self) -> Mapping[str, Terms]:
        weight, bias = term(self.heads * self.heads), term(self.heads)
        return {"before_weight": weight, "before_bias": bias, "behind_weight": weight, "behind_bias": bias}

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(2 * self.heads * (self.key_dim + self.heads), (*inputs[0].space, *inputs[0].space))

    def activations(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        # Of the two mixtures, which are linear layers.
        return term(2 * self.heads, (*inputs[0].space, *inputs[0].space))

    def backward_macs(
        self, inputs: Sequence[Value], outputs: Sequence[Value], wanted: Sequence[bool], learned: Collection[str]
    ) -> Terms:
        return self.macs(inputs, outputs) * 2 if any(wanted) else ()

    def footprint(self, run: Run) -> Footprint:
        # Of all pairs of positions scores, their softmax when mixed, and that mixed; of several images queries copied.
        length = product(run.inputs[0].space)
        scores = 3 * self.heads * length * length * run.setup.batch * run.width
        copied = run.bytes(run.outputs[0]) if run.setup.batch > 1 else 0
        return Footprint(scratch=scores + copied, inputs=(0,), own=scores, known=False)

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules_attention import TalkingHeadsAttention as Module

        return Module(self.heads, self.channels_last)


# Windows

_WINDOW = (
    Column("size", SIZE, "the sides of a window", ("window",), required=True),
    Column("shift", count(0, 1024), "by how much the map is rolled before it is cut"),
    Column("grid", FLAG, "whether a window's positions are as far apart as they can be"),
    Column("maps", FLAG, "whether windows are maps C×h×w, of a map whose channels are in front"),
)


@operator
class WindowPartition(Operator):
    """A map (H, W, C) cut into windows (w, h·w, C), zeros behind it where they do not fit (Liu et al. 2021); *shift*
    rolls it up and to the left before. Of a *grid* a window has positions as far apart as they can be (Tu et al.
    2022). As *maps*, (C, H, W) is cut into windows (w, C, h, w), which lie in the axis of the batch, so that layers of
    maps stand in each (Liu et al. 2023)."""

    size: tuple[Dim, Dim]
    shift: tuple[int, int] = (0, 0)
    grid: bool = False
    maps: bool = False

    name: ClassVar[str] = "window_partition"
    tried: ClassVar[str] = "installed"
    category: ClassVar[str] = "shape"
    keeps_channels: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = _WINDOW

    @classmethod
    def of(
        cls, *inputs: Value, size: tuple[Dim, Dim], shift: int = 0, grid: bool = False, maps: bool = False
    ) -> WindowPartition:
        return cls(size, (shift, shift), grid, maps)

    def output(self, *inputs: Value) -> Value:
        if self.maps:
            value = feature_map(inputs[0], "a cut into windows that are maps")
            windows = product(windows_of(value.space, self.size))
            return Value((windows, value.channels, *self.size), 1, (windows, 0, 0, 0), value.dtype)
        if len(inputs[0].shape) != 3 or inputs[0].channel != 2:
            advice = "place it behind `permute: channels_last`"
            raise ShapeError(f"windows need a map (H×W×C), not {show_shape(inputs[0].shape)}", advice)
        height, width, channels = inputs[0].shape
        rows, columns = windows_of((height, width), self.size)
        return inputs[0].with_shape((rows * columns, self.size[0] * self.size[1], channels), 2)

    def footprint(self, run: Run) -> Footprint:
        return _moved(run, run.inputs[0], self.size, self.shift, run.bytes(run.outputs[0]))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules_attention import WindowPartition as Module

        return Module(self.size, self.shift, self.grid, self.maps)


@operator
class WindowReverse(Operator):
    """Windows (w, h·w, C) put together to the map (H, W, C) that they were cut from, or windows (w, C, h, w) to (C, H,
    W); as a layer, to one as large as a second input."""

    height: Dim
    width: Dim
    size: tuple[Dim, Dim]
    shift: tuple[int, int] = (0, 0)
    grid: bool = False
    maps: bool = False

    name: ClassVar[str] = "window_reverse"
    tried: ClassVar[str] = "installed"
    category: ClassVar[str] = "shape"
    joins: ClassVar[bool] = True
    takes: ClassVar[tuple[int, int]] = (2, 2)
    keeps_channels: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = _WINDOW

    @classmethod
    def of(
        cls, *inputs: Value, size: tuple[Dim, Dim], shift: int = 0, grid: bool = False, maps: bool = False
    ) -> WindowReverse:
        space = inputs[1].space
        if len(space) != 2 or inputs[1].channel is None:
            message = f"windows of {show_shape(inputs[1].shape)}, which is no map"
            raise ShapeError(message, "the second input is the map that was parted: `from: [windows, map]`")
        return cls(*space, size, (shift, shift), grid, maps)

    def output(self, *inputs: Value) -> Value:
        value = inputs[0]
        windows = product(windows_of((self.height, self.width), self.size))
        inside = self.size if self.maps else (self.size[0] * self.size[1],)
        fits = value.in_windows if self.maps else len(value.shape) == 3 and value.channel == 2
        if not fits or not same_shape(value.space, (windows, *inside)):
            raise ShapeError(f"{show_shape(value.shape)} are no windows of {show_shape((self.height, self.width))}")
        if self.maps:
            return Value((value.channels, self.height, self.width), dtype=value.dtype)
        return value.with_shape((self.height, self.width, value.channels), 2)

    def footprint(self, run: Run) -> Footprint:
        return _moved(run, run.outputs[0], self.size, self.shift, run.bytes(run.inputs[0]))

    def gradients(self, run: Run) -> Gradients:
        return Gradients((False,) * len(run.inputs))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules_attention import WindowReverse as Module

        return Module(self.height, self.width, self.size, self.shift, self.grid, self.maps)


def windows_of(side: Sequence[Dim], size: Sequence[Dim]) -> tuple[Dim, Dim]:
    """Return how many rows and columns of windows a map has."""
    return ceil_div(side[0], size[0]), ceil_div(side[1], size[1])


def _moved(run: Run, whole: Value, size: Sequence[Dim], shift: tuple[int, ...], padded: Dim) -> Footprint:
    """Return what it takes to cut a map or to put it together: a copy each to roll it, to pad it, and to move it, the
    last of which comes out."""
    rows, columns = windows_of(whole.space, size)
    rolled = any(shift)
    moved = not (same(rows, 1) and same(columns, 1))
    if not rolled and not moved:
        return Footprint(shares=0)
    between = padded if rolled and moved else 0
    return Footprint(scratch=between)
