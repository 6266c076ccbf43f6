"""What tracing gives: a tree of rows applied to feature maps, each a function of its cells and of what goes in.

Whoever wants a graph, sums or something else of a network walks the tree; a row that is applied to the same shapes
again is the same fragment.
"""

from collections.abc import Iterable, Iterator, Mapping

from archprof.ir.dims import Dim, Shape
from archprof.ir.graph import Edge
from archprof.ir.operators.base import Operator
from archprof.ir.values import Value
from archprof.language.bound import BoundRow
from archprof.language.cells import DropRate
from archprof.named_tuple import NamedTuple


class Feature(NamedTuple):
    """A symbolic feature map: where it comes from inside the fragment that is being traced, its value, and its channels
    as the table prints them."""

    edge: Edge
    value: Value
    printed: Dim = 0

    @property
    def shape(self) -> Shape:
        """The shape without the batch."""
        return self.value.shape

    @property
    def channels(self) -> Dim:
        """Channels or features."""
        return self.value.channels


class Call(NamedTuple):
    """An operator that a row applies, under a name below the row's own path; *rate* is to be put into its operator. Its
    weight is that of the operator at another path where it is *tied* to one."""

    name: str
    op: Operator
    inputs: tuple[Edge, ...]
    outputs: tuple[Value, ...]
    kind: str
    rate: DropRate | None = None
    tied: str = ""


class Reservation(NamedTuple):
    """Names whose modules are registered here, before they are called; or those of layers that are *left_out*, below
    which there is nothing to register."""

    names: tuple[str, ...]
    left_out: bool = False


class Application(NamedTuple):
    """A row applied once, under a prefix of paths; its first output is the row's, the others are what it `exports`.
    *layer* is the id of its layer."""

    prefix: str
    layer: str | None
    row: BoundRow
    block: str
    fragment: "Fragment"
    inputs: tuple[Edge, ...]
    frozen: bool
    shared: bool  # whether its weights may be those of an application before it
    repeat: int


class Fragment(NamedTuple):
    """What a row, or the whole network, applies to its inputs. An edge leads to an output of one of its *parts*.

    *places* are features by the address of the layer or row that made them, *published* by a path below the row's own;
    *size* counts operators, *reads* the maps that go into them; *drops* tells that the row has a rate of stochastic
    depth, *sealed* that it is the body of a spec's own block: what is inside counts as the row's.
    """

    inputs: tuple[Feature, ...]
    parts: tuple[Call | Reservation | Application, ...]
    result: Feature
    places: Mapping[str, Feature]
    published: Mapping[str, Feature]
    size: int
    reads: int
    drops: bool = False
    sealed: bool = False

    @property
    def exports(self) -> tuple[Feature, ...]:
        """What others may refer to: the features at all places, then those that are published."""
        return (*self.places.values(), *self.published.values())


def operators_of(parts: Iterable[Call | Reservation | Application]) -> Iterator[Operator]:
    """Yield the operators that parts of a fragment apply, those of applications in them too."""
    for part in parts:
        if isinstance(part, Call):
            yield part.op
        elif isinstance(part, Application):
            yield from operators_of(part.fragment.parts)
