"""What a call of an operator keeps in memory, beside the tensors that go in and come out."""

from archprof.ir.dims import Dim, maximum, same_shape
from archprof.ir.setup import Setup
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple

# Bytes of a float32, in which sums and statistics are in every number format, and of a place in a map.
SINGLE = 4
INDEX = 8


class Run(NamedTuple):
    """A call as it runs: what goes in and comes out, the setup, whether it writes over its input, which of its inputs
    hang on something that learns, and whether parameters of its own do.

    *slots* are which of the tensors that its operator takes the inputs are, where those are not simply the first; who
    has none there only waits for it. *aliased* tells that it was seen to return its (first) input.
    """

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    setup: Setup
    in_place: bool = False
    wanted: tuple[bool, ...] = ()
    learns: bool = False
    slots: tuple[int, ...] | None = None
    aliased: bool = False

    @property
    def places(self) -> tuple[int, ...]:
        """Which of the operator's tensors each input is; those that the call only waits for are left out."""
        return tuple(range(len(self.inputs))) if self.slots is None else self.slots

    def bytes(self, value: Value) -> Dim:
        """Return the bytes of a tensor, at the setup's batch and number format."""
        return self.setup.bytes(value)

    def elements(self, value: Value) -> Dim:
        """Return the elements of a tensor at the setup's batch; raises SingleImageError where only those of one image
        are known."""
        return value.elements_at(self.setup.batch)

    def stretched(self) -> list[Value]:
        """Return the inputs that a call stretched to the shape of its output, and whose gradients are wanted."""
        whole, wanted = self.outputs[0].shape, zip(self.inputs, self.wanted, strict=False)
        return [value for value, one in wanted if one and not same_shape(value.shape, whole)]

    @property
    def width(self) -> int:
        """Bytes of an element of the output."""
        return self.setup.width(self.outputs[0].dtype)


class Footprint(NamedTuple):
    """The memory of one call.

    *shares* is the place of the input in whose storage the output lies, None where it has its own. *scratch* are the
    bytes of what lives only while the call runs. Of what the backward pass needs, *inputs* and *outputs* are the places
    of inputs and outputs, and *own* are the bytes of tensors that nobody else has, which are part of the scratch where
    there is no backward pass, in so many *pieces* of one size; so are those of a *divisor*, by which the output's
    gradient is divided before anything else. A *buffer* is what there is in int8 for scratch: no indices, statistics or
    copies, which are those of torch's kernels. It is not *known* where there is no rule: then it is at least that, and
    its own tensors have at *most* so many bytes.
    """

    shares: int | None = None
    scratch: Dim = 0
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    own: Dim | None = None
    known: bool = True
    most: Dim | None = None
    buffer: Dim = 0
    divisor: Dim | None = None
    pieces: int = 1

    def beside(self, recorded: bool) -> Dim:
        """Return the bytes of what lives only while the call runs, where its backward pass is *recorded* or not."""
        saved = (self.own or 0) + (self.divisor or 0)
        return maximum(self.scratch - saved, 0) if recorded and self.own is not None else self.scratch


class Gradients(NamedTuple):
    """How a call's backward pass makes the gradients of its inputs.

    *shared* tells which of them lie in the storage of the output's gradient, all of it or parts; *permuted*, whether
    they lie there in another order. *scratch* are the bytes of what lives only meanwhile, *strided* of what does where
    the output's gradient is not contiguous, None for as many; *contiguous* tells whether that is then copied before
    anything else, and let go of; *divided*, whether it always is, by what is kept last. *around* are the bytes of the
    gradient of the input with its padding, from which that of the input is cut out, None where there is no such thing.
    """

    shared: tuple[bool, ...]
    scratch: Dim = 0
    permuted: bool = False
    strided: Dim | None = None
    contiguous: bool = False
    divided: bool = False
    around: Dim | None = None


class Span(NamedTuple):
    """At least and at most so many bytes."""

    low: Dim = 0
    high: Dim = 0


NOTHING = Span()


class Workspace(NamedTuple):
    """The bytes that kernels take beside all tensors while they run: forward, for the gradients of inputs, and for
    those of weights. What is taken is for libraries to choose, and nobody's to count."""

    forward: Span = NOTHING
    of_inputs: Span = NOTHING
    of_weights: Span = NOTHING


NO_WORKSPACE = Workspace()
