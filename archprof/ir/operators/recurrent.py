"""Recurrent layers: LSTM, GRU and the plain one, of several layers, one way or both."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import CHANNELS, FLAG, Column, count
from archprof.ir.dims import Dim, Shape, maximum, same
from archprof.ir.footprint import SINGLE, Footprint, Run
from archprof.ir.operators.base import Operator, ShapeError, operator
from archprof.ir.terms import NOTHING, Terms, term
from archprof.ir.values import Value, show_shape
from archprof.limits import MAX_REPEATS

if TYPE_CHECKING:
    import torch

_ALIGNED = 1024  # bytes by which cuDNN may round up
# What oneDNN keeps of an LSTM on a CPU: gates and states of both directions of time, some 17 maps as wide as the widest
# of what goes in and comes out, each with room up to a cache line, in pages. What torch runs step by step keeps less.
_MAPS_OF_CPU, _CACHE_LINE, _PAGES_OF_CPU = 20, 64, 2**16


@operator
class Recurrent(Operator):
    """A recurrent layer on (L, M) features, or on (B, L, M) of several sequences with *batch_first*, (L, B, M) without.

    Each gate multiplies the input and the state of the step before by a matrix of its own at every position. The states
    that it starts from may come in too; it returns the output of the last layer and the last states.
    """

    input_size: Dim
    hidden_size: Dim
    layers: int = 1
    bias: bool = True
    bidirectional: bool = False
    batch_first: bool = True
    states: bool = True  # whether the last states are returned beside the output

    category: ClassVar[str] = "recurrent"
    autocast: ClassVar[str] = "half"
    tried: ClassVar[str] = "installed"
    drawn_as: ClassVar[str] = ""
    columns: ClassVar[tuple[Column, ...]] = (
        Column("c", CHANNELS, "features of the state, of each direction", ("out", "hidden_size"), required=True),
        Column("layers", count(1, MAX_REPEATS), "layers on top of each other; 1 unless given", ("num_layers",)),
        Column("bidirectional", FLAG, "whether a second one reads from the end", ("bi",)),
        Column("bias", FLAG, "whether biases are added; two a gate, as torch has them"),
        Column("each_row", FLAG, "along each row of a map whose channels are last"),
    )
    weighted: ClassVar[bool] = True
    gates: ClassVar[int] = 1

    @classmethod
    def of(
        cls,
        *inputs: Value,
        c: Dim,
        layers: int = 1,
        bidirectional: bool = False,
        bias: bool = True,
        each_row: bool = False,
    ) -> Recurrent:
        """Return a layer on a sequence whose features are the last axis, or on the rows of a map. Raises ShapeError for
        anything else."""
        value = inputs[0]
        if each_row:
            if len(value.shape) != 3 or value.channel != 2:
                message = f"a recurrent layer along rows needs a map (H×W×C), not {show_shape(value.shape)}"
                raise ShapeError(message, "place it behind `permute: channels_last`", ("each_row",))
        elif len(value.shape) != 2 or value.channel != 1:
            advice = "`tokens` makes a sequence of a map, `each_row` of its rows, `embedding` one of tokens"
            message = f"a recurrent layer needs a sequence (L×C), not {show_shape(value.shape)}"
            raise ShapeError(message, advice)
        return cls(value.channels, c, layers, bias, bidirectional, states=False)

    @property
    def projected(self) -> Dim:
        """The features of the state that goes around: the hidden ones, unless they are projected."""
        return self.hidden_size

    @property
    def _ways(self) -> int:
        return 2 if self.bidirectional else 1

    def _ends(self, layer: int) -> tuple[str, ...]:
        """Return how the names of a layer's tensors end, for each direction."""
        return (f"_l{layer}", f"_l{layer}_reverse")[: self._ways]

    def output(self, *inputs: Value) -> Value:
        *positions, features = inputs[0].shape
        if self.layers > MAX_REPEATS:
            raise ShapeError(f"{self.layers} recurrent layers: at most {MAX_REPEATS} are possible")
        if not positions or len(positions) > 2 or not same(features, self.input_size):
            raise ShapeError(f"a recurrent layer of {self.input_size} features on {show_shape(inputs[0].shape)}")
        return inputs[0].with_shape((*positions, self._ways * self.projected), len(positions))

    def outputs(self, *inputs: Value) -> tuple[Value, ...]:
        first = self.output(*inputs)
        states = (self._state(inputs[0], features) for features in self._states()) if self.states else ()
        return (first, *states)

    def _state(self, value: Value, features: Dim) -> Value:
        *positions, _ = value.shape
        sequences = positions[:-1] if self.batch_first else positions[1:]
        shape = (self._ways * self.layers, *sequences, features)
        return value.with_shape(shape, len(shape) - 1)

    def _states(self) -> tuple[Dim, ...]:
        return (self.projected,)

    def parameters(self) -> Mapping[str, Terms]:
        return {name: term(elements) for name, elements, _ in self._tensors()}

    def _tensors(self) -> Iterator[tuple[str, Dim, bool]]:
        """Yield each tensor's name and elements, and whether it is a matrix."""
        rows = self.gates * self.hidden_size
        for layer in range(self.layers):
            features = self.input_size if layer == 0 else self._ways * self.projected
            for behind in self._ends(layer):
                yield f"weight_ih{behind}", rows * features, True
                yield f"weight_hh{behind}", rows * self.projected, True
                if self.bias:
                    yield f"bias_ih{behind}", rows, False
                    yield f"bias_hh{behind}", rows, False
                if not same(self.projected, self.hidden_size):
                    yield f"weight_hr{behind}", self.projected * self.hidden_size, True

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        weights: Dim = 0
        for _, elements, multiplies in self._tensors():
            weights = weights + elements * multiplies
        return term(weights, inputs[0].shape[:-1])

    def footprint(self, run: Run) -> Footprint:
        # What cuDNN reserves for its backward pass, and what it takes meanwhile, it alone knows. The reserve of an LSTM
        # of one layer was measured as its gates and its cell at every position, and a few bytes.
        if run.setup.kernels == "cpu":
            return Footprint(inputs=(0,), outputs=(0,), known=False, most=self._most_on_cpu(run))
        features = run.bytes(run.outputs[0]) * self.hidden_size // self.projected
        rows = run.bytes(run.inputs[0]) if len(run.inputs[0].shape) > 2 else 0  # copied, perhaps, to lie in order
        most = self.layers * (self.gates + 2) * features + rows + _ALIGNED
        return Footprint(inputs=(0,), outputs=(0,), known=False, most=most)

    def _most_on_cpu(self, run: Run) -> Dim:
        length = run.inputs[0].shape[-2 if self.batch_first else 0]
        rows = run.elements(run.inputs[0]) // self.input_size // length * (length + 1)  # a state comes before the first
        read = self._ways * self.projected if self.layers > 1 else self.hidden_size
        widest = maximum(maximum(self.input_size, self.hidden_size), read)
        layer = _MAPS_OF_CPU * rows * (widest * SINGLE + _CACHE_LINE) + _PAGES_OF_CPU
        return self.layers * self._ways * layer

    def backward_macs(
        self, inputs: Sequence[Value], outputs: Sequence[Value], wanted: Sequence[bool], learned: Collection[str]
    ) -> Terms:
        hanging, terms = wanted[0], NOTHING
        for layer in range(self.layers):
            ends = self._ends(layer)
            for end in ends:
                own = frozenset([name for name in learned if name.endswith(end)])
                terms += self._backward(inputs[0].shape[:-1], end, hanging, wanted[1:], own)
            hanging = any(wanted) or hanging or any(name.endswith(ends) for name in learned)
        return terms

    def _backward(
        self, positions: Shape, end: str, hanging: bool, states: Sequence[bool], learned: frozenset[str]
    ) -> Terms:
        """Return what one direction of a layer costs, whose input hangs on something that learns or not: the first step
        needs no gradient of the state before it, unless that came in and is wanted."""
        at = len(positions) - 1 if self.batch_first else 0
        later = (*positions[:at], positions[at] - 1, *positions[at + 1 :])
        inside = hanging or any(states) or any(not name.startswith("weight_hr") for name in learned)
        around = later if inside or learned else None
        spaces = {
            f"weight_ih{end}": positions if hanging else None,
            f"weight_hh{end}": positions if any(states[:1]) else around,
            f"weight_hr{end}": positions if inside else around,
        }
        terms = NOTHING
        for name, elements, _ in self._tensors():
            if name in spaces:
                terms += term(elements, positions) * (name in learned)
                terms += term(elements, space) if (space := spaces[name]) is not None else NOTHING
        return terms

    def module(self) -> torch.nn.Module:
        from torch import nn

        sizes = (self.input_size, self.hidden_size, self.layers)
        how = {"bias": self.bias, "bidirectional": self.bidirectional, "batch_first": self.batch_first}
        if not self.states:
            from archprof.ir import modules

            return modules.sequence_of(type(self).__name__, *sizes, **how)
        built: torch.nn.Module = getattr(nn, type(self).__name__)(*sizes, **how)
        return built

    def describe(self) -> str:
        layers = f" {self.layers} layers" if self.layers > 1 else ""
        return f"{'bi' if self.bidirectional else ''}{self.name}{layers}"


@operator
class RNN(Recurrent):
    """A recurrent layer without gates (Elman 1990): H·(M + H) multiply-accumulates a step."""

    name: ClassVar[str] = "rnn"
    formula: ClassVar[str] = "L·H·(M + H)"
    params_formula: ClassVar[str] = "H·(M + H) + 2·H"


@operator
class GRU(Recurrent):
    """Gated recurrent units (Cho et al. 2014): 3·H·(M + H) multiply-accumulates a step."""

    name: ClassVar[str] = "gru"
    formula: ClassVar[str] = "L·3·H·(M + H)"
    params_formula: ClassVar[str] = "3·H·(M + H) + 6·H"
    gates: ClassVar[int] = 3


@operator
class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997): 4·H·(M + H) multiply-accumulates a step; with a
    *projection* to P features (Sak et al. 2014) 4·H·(M + P) + H·P."""

    projection: Dim = 0

    name: ClassVar[str] = "lstm"
    formula: ClassVar[str] = "L·4·H·(M + H)"
    params_formula: ClassVar[str] = "4·H·(M + H) + 8·H"
    gates: ClassVar[int] = 4

    @property
    def projected(self) -> Dim:
        return self.hidden_size if same(self.projection, 0) else self.projection

    def _states(self) -> tuple[Dim, ...]:
        return (self.projected, self.hidden_size)

    def module(self) -> torch.nn.Module:
        if not self.states:
            return Recurrent.module(self)
        from torch import nn

        how = {"bias": self.bias, "bidirectional": self.bidirectional, "batch_first": self.batch_first}
        return nn.LSTM(self.input_size, self.hidden_size, self.layers, **how, proj_size=self.projection)
