"""A spec as typed values: what its file says, before anything is computed from it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archprof.errors import Problem
from archprof.ir.dims import Shape
from archprof.ir.origin import Origin, Source, require_table
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple
from archprof.spec.nodes import Map, Node, Scalar, Seq
from archprof.spec.variant import settings_text

if TYPE_CHECKING:
    from archprof.spec.budget import Budget
    from archprof.spec.choices import Choices, Pick
    from archprof.spec.own_blocks import OwnBlock


class WidthRule(NamedTuple):
    """How a width multiplier changes a printed channel count: to multiples of *divisor* (None: the plain product), and
    how expanded widths follow."""

    divisor: int | None = 8
    expand: str = "scale"


class Knob(NamedTuple):
    """A declared setting: its type, its default as typed, its range or its words; one that a space *draws* takes no
    other value."""

    name: str
    type: str
    default: Scalar
    low: float
    high: float
    choices: tuple[str, ...] = ()
    doc: str = ""
    draws: tuple[Scalar, ...] = ()


class Expected(NamedTuple):
    """Exact integers that the network has at some settings."""

    at: tuple[tuple[str, str], ...]
    counts: Mapping[str, int]
    node: Map


class Published(NamedTuple):
    """Numbers as a source prints them, kept as text; *checked* names the copy in which somebody read them again."""

    at: tuple[tuple[str, str], ...]
    numbers: Mapping[str, str]
    where: str
    source: str
    note: str
    checked: str
    node: Map


class Tree(NamedTuple):
    """A spec's nodes with its parents merged in, the knob settings that the chain of `extends` made its own, what is
    wrong with its keys, and whether it may leave something open to choose."""

    root: Map
    base: dict[str, Scalar]
    problems: tuple[Problem, ...] = ()
    leaves_open: bool = False


class SpaceRule(NamedTuple):
    """What a spec says of the space that it is: the resolutions that belong to it, and the version of the order in
    which its networks have ranks."""

    resolutions: tuple[str, ...] = ()
    version: int = 1


class OpenSpace(NamedTuple):
    """The space that a spec is one network of: its nodes in full form with the choices that are left, what was drawn,
    and whether a rank was *asked* for."""

    root: Map
    choices: "Choices"
    picked: "Pick"
    asked: bool


class Spec(NamedTuple):
    """One network at one choice of its knobs.

    `settings` holds every knob's value; `width` and `depth` there are the products of the spec's own multiplier and the
    asked one. `pristine` says that nothing was asked: the spec stands at its own settings.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    source: Source
    follows: str
    note: str
    file: str
    inputs: Mapping[str, Value]
    classes: int | None
    defaults: Mapping[str, tuple[Scalar, Node]]
    width: WidthRule | None
    depth: str | None
    knobs: Mapping[str, Knob]
    settings: Mapping[str, object]
    asked: tuple[tuple[str, str], ...]
    init: Mapping[str, Node]
    blocks: "Mapping[str, OwnBlock]"
    layers: Seq
    outputs: Node | None
    stages: tuple[Scalar, ...]
    freeze: Node | None
    expect: tuple[Expected, ...]
    published: tuple[Published, ...]
    budget: "tuple[Budget, ...]" = ()
    space: SpaceRule | None = None
    open: OpenSpace | None = None
    tree: Tree | None = None  # of which this is one variant

    @property
    def input(self) -> Shape:
        """The shape of the (first) input."""
        return next(iter(self.inputs.values())).shape

    @property
    def pristine(self) -> bool:
        return not self.asked

    @property
    def variant(self) -> str:
        """The name with what was asked: `mobilenet_v2@width=0.75`."""
        return f"{self.name}@{settings_text(self.asked)}" if self.asked else self.name

    @property
    def remarks(self) -> tuple[str, ...]:
        """A spec says everything in its table."""
        return ()

    @property
    def stored(self) -> Mapping[str, Any]:
        """A spec stores no weights."""
        return {}

    @property
    def is_table(self) -> bool:
        """A spec is a block table."""
        return True


def spec_of(origin: Origin, what: str) -> Spec:
    """Return the spec that a network comes from; raises UsageError, for *what* needs one, where it comes from none."""
    require_table(origin, what)
    assert isinstance(origin, Spec)
    return origin
