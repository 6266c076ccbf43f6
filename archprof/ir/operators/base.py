"""What an operator states about itself: its output, its counts, the facts that others go by, and its torch module."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.dims import Dim, is_array, same
from archprof.ir.footprint import NO_WORKSPACE, Footprint, Gradients, Run, Workspace
from archprof.ir.operators.made import operator as operator
from archprof.ir.terms import NOTHING, Terms, term
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from archprof.ir.columns import Column
    from archprof.ir.strides import Stride

CONVOLUTIONS = ("standard", "pointwise", "depthwise", "grouped")
# What an operator is, for shares and filters; `mixed` and `se` come from the block that it stands in.
KINDS = (
    *CONVOLUTIONS, "mixed", "se", "linear", "attention", "matmul", "recurrent",
    "norm", "act", "pool", "join", "shape", "dropout", "other",
)  # fmt: skip

# Types of fields, by which locks are read: a text without meaning of ours, and a size for each of one to three axes.
Word = str
Sizes = tuple[int, ...]


class ShapeError(ValueError):
    """An operator that does not fit its input; says what does not fit, and *help* what to change; *columns* are the
    options to blame, the likeliest first."""

    def __init__(self, message: str, help: str = "", columns: tuple[str, ...] = ()) -> None:
        self.help = help
        self.columns = columns
        super().__init__(message)


def is_foreign(thing: object) -> bool:
    """Tell whether a class or function is none of ours."""
    return not thing.__module__.startswith("archprof.")


@operator
class Operator:
    """One operator of a network: a dataclass, or a plain subclass where it has no fields; nothing changes it.

    Counts are those of one image in inference, each a sum of *channel term × space term* (`Terms`). MACs are
    multiply-accumulates of convolutions and matrix products; everything else costs 0 by the convention of
    docs/explanation/counting.md.
    """

    name: ClassVar[str] = ""
    # Whether another package made it: what it gives is then checked.
    foreign: ClassVar[bool] = False
    # The operator's options in a spec, when it is used as a layer, an activation or a norm.
    columns: ClassVar[tuple[Column, ...]] = ()
    # The MACs in the letters of the literature: M inputs, N outputs, K kernel side, g groups, F output side.
    formula: ClassVar[str] = "0"
    # Likewise the learnable parameters, with all that can be asked for (bias, affine, β), and what is kept but not
    # learned.
    params_formula: ClassVar[str] = "0"
    buffers_formula: ClassVar[str] = "0"
    # One of KINDS, where it does not depend on the fields.
    category: ClassVar[str] = "other"
    # Whether several feature maps go in; and whether they may, where one can hold them all.
    joins: ClassVar[bool] = False
    may_join: ClassVar[bool] = False
    # How many inputs it takes as a layer, at least and at most, where one that joins does not take any number.
    takes: ClassVar[tuple[int, int] | None] = None
    # Whether a spec can name it as a layer; some only make sense inside the block that measures them out.
    as_layer: ClassVar[bool] = True
    # Whether it multiplies by learned weights: it counts as a layer, and its output as activations.
    weighted: ClassVar[bool] = False
    # Which rule of a spec's `init` draws its weights, "conv" or "linear"; empty where its module draws them.
    drawn_as: ClassVar[str] = ""
    # Whether its output has the channels of its (first) input, one for one, or those of all its inputs in a row: what
    # a table prints for them, it prints for the output too.
    keeps_channels: ClassVar[bool] = False
    joins_channels: ClassVar[bool] = False
    # Whether its output is a tensor of its own that its backward pass does not need, so that who alone reads it may
    # write over it; and whether its module can write over its input.
    overwritable: ClassVar[bool] = False
    inplace: ClassVar[bool] = False
    # Whether its output lies in the storage of its (first) input, as another view of it.
    view: ClassVar[bool] = False
    # What its backward pass needs: its "inputs", its "output", or neither.
    saves: ClassVar[str] = ""
    # Whether the gradients of its inputs lie in that of its output: the same, or parts of it.
    hands_on_gradient: ClassVar[bool] = False
    # Parameters whose gradients are views of what is computed: torch adds none to them in place.
    viewed_gradients: ClassVar[frozenset[str]] = frozenset()
    # Whether it cuts its output off: no gradient goes back through it.
    detaches: ClassVar[bool] = False
    # Whether it takes no more than the size of all inputs but the first: no gradient goes back to those.
    sized_by_others: ClassVar[bool] = False
    # The numbers that it takes as a layer: "floats", or "any", of which it says itself what it needs.
    numbers: ClassVar[str] = "floats"
    # What autocast makes of it: "half" computes in the lower precision, "full" in float32, "wide" reads the lower and
    # returns float32, "promote" takes the widest that comes; others take what comes.
    autocast: ClassVar[str] = ""
    # Which other tools' conventions have been held against what those count for its module: those of "all", of those
    # that are "installed" where the tests run, or of "none".
    tried: ClassVar[str] = "all"
    # Whether it has no parameters, no buffers, no products and no layer's output, whatever its fields: it overrides
    # nothing that is counted.
    free: ClassVar[bool] = True
    # Fields of which a smaller value costs more.
    decreasing: ClassVar[tuple[str, ...]] = ()

    # The names of its fields, in their order, as `dataclass` writes them down.
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls.foreign = is_foreign(cls)
        counted = ("parameters", "buffers", "macs", "activations")
        cls.free = not cls.weighted and all(getattr(cls, name) is getattr(Operator, name) for name in counted)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
        return f"{type(self).__name__}({shown})"

    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.__match_args__])

    @property
    def macs_formula(self) -> str:
        """The MACs in letters, without what this operator does not have: a depthwise convolution's are K²·M·F²."""
        return self.formula

    @property
    def kind(self) -> str:
        """What sort of operator this is, one of KINDS."""
        return self.category

    @property
    def form(self) -> str:
        """How the built module runs it: a `module`, or a `function` or `method` called in forward; counters price
        them apart."""
        return "module"

    @property
    def across_windows(self) -> bool:
        """Whether it takes windows of positions, (w, L, C), for rows of a map, and looks at all of them at once."""
        return False

    @classmethod
    def of(cls, *inputs: Any, **options: Any) -> Operator:
        """Return the operator for some inputs (`Value`s), with the options of its columns."""
        return cls(**options)

    def output(self, *inputs: Value) -> Value:
        """Return the output; raises ShapeError when the operator does not fit."""
        return inputs[0]

    def outputs(self, *inputs: Value) -> tuple[Value, ...]:
        """Return all outputs, of an operator that has several; raises ShapeError when the operator does not fit."""
        return (self.output(*inputs),)

    def parameters(self) -> Mapping[str, Terms]:
        """Return the elements of each learnable tensor, by the name that it has in the module."""
        return _NONE

    def buffers(self) -> Mapping[str, Terms]:
        """Return the elements of each tensor that is kept but not learned; the count of batches is left out."""
        return _NONE

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        """Return the multiply-accumulates."""
        return NOTHING

    def backward_macs(
        self, inputs: Sequence[Value], outputs: Sequence[Value], wanted: Sequence[bool], learned: Collection[str]
    ) -> Terms:
        """Return the multiply-accumulates of the backward pass, where the gradients of some inputs are *wanted* and
        those of parameters that are *learned*.

        A product costs for the gradient of each factor what it costs forward: dX = dY·Wᵀ and dW = Xᵀ·dY have the three
        sizes of Y = X·W.
        """
        return self.macs(inputs, outputs) * (sum(wanted) + ("weight" in learned))

    def activations(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        """Return the output elements, where the convention counts them: of operators with weights that multiply."""
        return term(outputs[0].channels, outputs[0].space) if self.weighted else NOTHING

    def footprint(self, run: Run) -> Footprint:
        """Return what a call keeps in memory beside its inputs and outputs."""
        shares = 0 if self.view or run.in_place else None
        if self.saves == "output":
            return Footprint(shares, outputs=(0,))
        if self.saves != "inputs":
            return Footprint(shares)
        if run.in_place:  # what it needs it writes over: a copy is kept
            return Footprint(shares, own=run.bytes(run.inputs[0]))
        return Footprint(shares, inputs=tuple(range(len(run.inputs))))

    def rows_read(self, run: Run) -> Dim | None:
        """Return the bytes of weights that a call reads, each row of a table as often as it is asked for; None: all."""
        return None

    def gradients(self, run: Run) -> Gradients:
        """Return how a call's backward pass makes the gradients of its inputs."""
        return Gradients((self.view or self.hands_on_gradient,) * len(run.inputs))

    def workspace(self, run: Run) -> Workspace:
        """Return what a call's kernels take beside its tensors while they run."""
        return NO_WORKSPACE

    def stride_factor(self, *inputs: Value) -> Stride | None:
        """By how much the operator divides the resolution, 1/2 where it doubles it; None when it ends the map (global
        pooling, flatten)."""
        return 1

    def at_most(self, largest: Callable[[Dim], int], smallest: Callable[[Dim], int]) -> Operator:
        """Return an operator of plain integers that costs at least as much as that of any candidate."""
        values = self._values()
        if not any(map(_holds_array, values)):
            return self
        bounds = [
            _at_end(value, smallest if name in self.decreasing else largest)
            for name, value in zip(self.__match_args__, values, strict=True)
        ]
        return type(self)(*bounds)

    def module(self) -> torch.nn.Module | None:
        """Return the torch module, or None for an operator that is called as a function."""
        return None

    def expression(self, *tensors: str) -> str:
        """Return the Python expression of an operator that is called as a function, over the names of its inputs,
        which have the batch first; `torch` and `functional` are at hand. Empty for one that `call` runs."""
        return ""

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Run an operator that is called as a function and has no `expression`; the batch comes first."""
        raise TypeError(f"{type(self).__name__} is a module, or an expression")

    def describe(self) -> str:
        """Return the operator in a word or two, for tables."""
        return self.name.replace("_", " ")


_NONE: Mapping[str, Terms] = {}


class Elementwise(Operator):
    """An operator that hands on its input's shape, channel for channel."""

    __slots__ = ()
    keeps_channels: ClassVar[bool] = True


# What to do about a value of so many axes, with the channels at one, where an image is wanted.
_FOR_IMAGES: Mapping[tuple[int, int | None], str] = {
    (3, 2): "place it behind `permute: channels_first`",
    (2, 0): "on a sequence stand `conv`, `conv1d` and pools; attention stands behind `tokens`",
}


def feature_map(value: Value, what: str) -> Value:
    """Return *value* if it is (C, H, W); raises ShapeError otherwise."""
    if len(value.shape) != 3 or value.channel != 0:
        advice = _FOR_IMAGES.get((len(value.shape), value.channel), "place it before pooling and flattening")
        raise ShapeError(f"{what} needs a feature map (C×H×W), not {show_shape(value.shape)}", advice)
    return value


def map_of_rank(value: Value, rank: int, what: str) -> Value:
    """Return *value* if it is channels in front and a map of so many dimensions; raises ShapeError otherwise."""
    if rank == 2:
        return feature_map(value, what)
    if len(value.shape) != rank + 1 or value.channel != 0:
        raise _no_map(value, rank, what)
    return value


def _no_map(value: Value, rank: int, what: str) -> ShapeError:
    wanted = "a sequence (C×L)" if rank == 1 else "a video or volume (C×T×H×W)"
    return ShapeError(f"{what} needs {wanted}, not {show_shape(value.shape)}")


def rank_of_map(value: Value) -> int:
    """Return the dimensions of a map whose channels are in front, 1 to 3; 2, which says what is wrong, of others."""
    rank = len(value.shape) - 1
    return rank if rank in (1, 3) and value.channel == 0 else 2


def map_axis(value: Value, rank: int, what: str) -> int:
    """Return the axis of channels of a map of so many dimensions: the first, or the second of one that has frames or
    windows in front. Raises ShapeError for what is no such map."""
    axis = len(value.shape) - rank - 1
    if axis not in (0, 1) or value.channel != axis:
        if rank == 2:
            feature_map(value, what)
        raise _no_map(value, rank, what)
    return axis


def channel_axis(value: Value) -> int:
    """Return the axis of channels behind that of the batch, in which windows may lie; 0 where no axis is one."""
    return 0 if value.in_windows else value.channel or 0


def no_windows(value: Value, what: str) -> Value:
    """Return *value* unless it is maps with windows in the axis of the batch; raises ShapeError for those."""
    if value.in_windows:
        message = f"{what} cannot stand in windows that are maps, {show_shape(value.shape)}"
        raise ShapeError(message, "place it outside of `windows`")
    return value


def channels_first(value: Value, what: str) -> Value:
    """Return *value* if its channels are its first axis, or all that it has; raises ShapeError otherwise."""
    if value.channel != 0:
        advice = f"place it {'behind `permute: channels_first`' if len(value.shape) == 3 else 'before `tokens`'}"
        raise ShapeError(f"{what} needs channels in front, not {show_shape(value.shape)}", advice)
    return value


def check_channels(channels: Dim, value: Value, what: str) -> Value:
    """Return *value* if its channels are as many as the operator has."""
    if not same(value.channels, channels):
        raise ShapeError(f"{what} of {channels} channels on {value.channels}")
    return value


def _holds_array(value: Any) -> bool:
    """Tell whether a field, or one of its sizes, is an array of candidates."""
    return any(map(is_array, value)) if isinstance(value, tuple) else is_array(value)


def _at_end(value: Any, end: Callable[[Dim], int]) -> Any:
    """Return a field with the *end* of each array in place of it."""
    if isinstance(value, tuple):
        return tuple([_at_end(one, end) for one in value])
    return end(value) if is_array(value) else value
