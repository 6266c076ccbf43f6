"""What is counted of a network: one tuple of metrics, each a row with its name, unit and function. Budgets, baselines,
expected numbers, sweeps, reports and schemas have whatever stands there."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from archprof.ir.setup import Setup
from archprof.ir.terms import NOTHING, Terms
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.ir.operators.base import Operator


class SeenCall(NamedTuple):
    """A call of an operator as a metric sees it; the tensors of *parameters* and *buffers* that belong to another call
    are left out. *frozen* are those parameters that do not learn where others do."""

    op: "Operator"
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    parameters: Mapping[str, Terms]
    buffers: Mapping[str, Terms]
    trainable: bool = True
    frozen: frozenset[str] = frozenset()


class Metric(NamedTuple):
    """A count: its name, its unit, its label in tables, what it is in a few words, how rows make a total, and what it
    counts of a call.

    Rows *add* up as a `sum`, or their total is the largest (`max`). One that is *trained* counts only calls whose
    parameters are.
    """

    name: str
    unit: str
    label: str
    text: str
    adds: str
    of: Callable[[SeenCall, Setup], Terms]
    trained: bool = False

    def total(self, column: Sequence[int]) -> int:
        """Return what rows come to; nothing is 0."""
        return sum(column) if self.adds == "sum" else max(column, default=0)


def _parameters(call: SeenCall, setup: Setup) -> Terms:
    return sum(call.parameters.values(), NOTHING) if call.parameters else NOTHING


def _buffers(call: SeenCall, setup: Setup) -> Terms:
    return sum(call.buffers.values(), NOTHING) if call.buffers else NOTHING


def _macs(call: SeenCall, setup: Setup) -> Terms:
    return call.op.macs(call.inputs, call.outputs)


def _activations(call: SeenCall, setup: Setup) -> Terms:
    return call.op.activations(call.inputs, call.outputs)


METRICS: tuple[Metric, ...] = (
    Metric("params", "elements", "params", "Parameters", "sum", _parameters),
    Metric("trainable", "elements", "trainable", "Trainable parameters", "sum", _parameters, trained=True),
    Metric("buffers", "elements", "buffers", "Elements of buffers", "sum", _buffers),
    Metric("macs", "MACs", "MACs", "Multiply-accumulates of convolutions and linear layers", "sum", _macs),
    Metric("activations", "elements", "activations", "Elements put out by layers that multiply", "sum", _activations),
)
# What counts nothing of an operator that is `free`.
OF_WEIGHTS = frozenset((_parameters, _buffers, _macs, _activations))
_BY_NAME: Mapping[str, Metric] = {metric.name: metric for metric in METRICS}
NAMES = tuple(_BY_NAME)


class Derived(NamedTuple):
    """A metric that is another one times a constant."""

    name: str
    label: str
    text: str
    of: str
    factor: int


# FLOPs are 2 × MACs; sizes are the bytes of the parameters at 4, 2 and 1 bytes each.
DERIVED: Mapping[str, Derived] = {
    row.name: row
    for row in (
        Derived("flops", "FLOPs (2 × MACs)", "FLOPs, 2 per multiply-accumulate", "macs", 2),
        Derived("size", "bytes at fp32", "Bytes of parameters at fp32", "params", 4),
        Derived("size_fp16", "bytes at fp16", "Bytes of parameters at fp16", "params", 2),
        Derived("size_int8", "bytes at int8", "Bytes of parameters at int8", "params", 1),
    )
}


class OfNetwork(NamedTuple):
    """A number that a network has as a whole, and no row of it."""

    name: str
    label: str
    text: str


# Bytes, at a setup.
MEMORY: Mapping[str, OfNetwork] = {
    row.name: row
    for row in (
        OfNetwork("peak", "peak bytes", "The most bytes that come and go at once, in inference or a step of training"),
        OfNetwork("weights", "weight bytes", "Bytes of parameters in the number format asked for"),
    )
}
TRAINING: Mapping[str, OfNetwork] = {
    "train_macs": OfNetwork("train_macs", "train MACs", "Multiply-accumulates of training, forward and backward")
}
# Estimates, on a device, in nanoseconds wherever they are integers.
TIMES: Mapping[str, OfNetwork] = {
    "latency": OfNetwork("latency", "latency", "How long it takes on a device, predicted")
}
# A time and the ends of its interval, side by side.
TIME_LINES = ("latency", "latency_low", "latency_high")
OF_NETWORK: Mapping[str, OfNetwork] = {**MEMORY, **TRAINING}


def total_of(name: str, column: Callable[[str], Sequence[int]]) -> int:
    """Return what rows come to of a metric, or of a derived one; *column* gives what they have of a metric."""
    name, factor = (DERIVED[name].of, DERIVED[name].factor) if name in DERIVED else (name, 1)
    return factor * _BY_NAME[name].total(column(name))


def label_of(name: str) -> str:
    """Return what tables call a metric: MACs, params."""
    if name in DERIVED:
        return DERIVED[name].label
    if name in OF_NETWORK:
        return OF_NETWORK[name].label
    if name in TIMES:
        return TIMES[name].label
    return _BY_NAME[name].label if name in _BY_NAME else name


class Counts(Mapping[str, int]):
    """Exact counts by metric: `counts.macs`, `counts["macs"]`; a derived metric too can be asked for."""

    __slots__ = ("_counts",)

    def __init__(self, counts: Iterable[tuple[str, int]]) -> None:
        self._counts = dict(counts)

    def __getitem__(self, name: str) -> int:
        if name in DERIVED:
            return DERIVED[name].factor * self._counts[DERIVED[name].of]
        return self._counts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def __len__(self) -> int:
        return len(self._counts)

    def __getattr__(self, name: str) -> int:
        # Whoever copies an object asks for such names before it has any counts.
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"there is no count `{name}`: {', '.join(self._counts)}") from None

    def with_derived(self, name: str) -> "Counts":
        """Return the same counts and, among their keys, a derived metric."""
        return Counts([*self._counts.items(), (name, self[name])])

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts((name, count - other[name]) for name, count in self._counts.items())

    def __hash__(self) -> int:
        return hash(tuple(self._counts.items()))

    def __repr__(self) -> str:
        return f"Counts({', '.join(f'{name}={count}' for name, count in self._counts.items())})"


def totals_of(metrics: Iterable[Metric], columns: Mapping[str, Sequence[int]]) -> Counts:
    """Return what columns come to, each metric as it adds up; nothing is 0."""
    return Counts([(metric.name, metric.total(columns[metric.name])) for metric in metrics])


def together(costs: Iterable[Counts]) -> Counts:
    """Return what several costs come to, each metric as it adds up."""
    listed = list(costs)
    return totals_of(METRICS, {name: [cost[name] for cost in listed] for name in NAMES})


NO_COUNTS = Counts((name, 0) for name in NAMES)
