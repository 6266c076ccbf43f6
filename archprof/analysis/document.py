"""What results are made of. A result of a command is a tree of records, whose fields are the keys of its JSON.

Nothing in it is told twice or told in sentences that others would have to take apart; tables, CSV and JSON are views of
it. Two rules make JSON of records: a field whose default is empty is left out while it is empty, and the fields `head`
and `cost` stand for their own keys.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archprof.costs.convention import ARCHPROF, Convention
from archprof.costs.metrics import Counts
from archprof.errors import Location
from archprof.ir.dims import Shape
from archprof.ir.origin import Source
from archprof.ir.values import Value, show_shape
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.costs.report import Report

# The version of the form: it grows when a key changes its meaning or goes, not when one is added.
SCHEMA = 2
# Larger integers are decimal strings: what reads numbers as doubles would round them.
LARGEST = 1 << 53
# Fields that stand for the keys inside them.
MERGED = ("head", "cost")


class Estimate(NamedTuple):
    """What is not exact: between *low* and *high*, in a unit; *value* is the middle."""

    value: int
    low: int
    high: int
    unit: str


def bytes_between(low: int, high: int) -> Estimate:
    """Return so many bytes, at least and at most, as results have them."""
    return Estimate((low + high) // 2, low, high, "bytes")


class Tensor(NamedTuple):
    """A tensor: its shape without the batch, and the type of its elements."""

    shape: tuple[int, ...]
    dtype: str


class ConventionText(NamedTuple):
    """A convention of counting: its name, its version, and what it counts."""

    name: str
    version: int | str
    text: str


class ConventionTotal(NamedTuple):
    """What a convention counts in all, in its unit; where operators are *not_priced*, by name with how often they run,
    it counts at least so much. So many *folded_norms* that it would count are part of convolutions."""

    name: str
    version: int | str
    unit: str
    text: str
    total: int
    not_priced: Mapping[str, int] | None = None
    folded_norms: int | None = None


class Head(NamedTuple):
    """What every result about a single network starts with: the network, the settings that were asked for, what goes in
    and comes out, what it costs in all, and its *mode* where that is not evaluation."""

    model: str
    title: str
    settings: Mapping[str, str]
    source: Source
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    convention: ConventionText
    totals: Counts
    mode: str = ""
    captured: str = ""  # of a module how: on "meta" or "fake" tensors, or in a "real" run

    @property
    def input(self) -> Shape:
        """The shape of the first input."""
        return next(iter(self.inputs.values())).shape

    @property
    def caption(self) -> str:
        """What stands above the network: its title, or else what it was asked for by."""
        return self.title or self.model


def tensor(value: Value) -> Tensor:
    """Return a value as results have it."""
    return Tensor(value.shape, value.dtype)


def tensors(values: Mapping[str, Value]) -> dict[str, Tensor]:
    """Return named values as results have them."""
    return {name: tensor(value) for name, value in values.items()}


def inputs_text(inputs: Mapping[str, Tensor]) -> str:
    """Return inputs in words: `3×224×224`, or, of several, each with its name, of a single number the name alone."""
    if len(inputs) == 1:
        return show_shape(next(iter(inputs.values())).shape)
    return ", ".join(f"{name} {show_shape(one.shape)}".rstrip() for name, one in inputs.items())


def convention_text(convention: Convention = ARCHPROF, *, training: bool = False) -> ConventionText:
    """Return a convention as results have it, of *training* mode where it says inference."""
    text = convention.text.replace("inference", "forward pass in training mode") if training else convention.text
    return ConventionText(convention.name, convention.version, text)


def mode_of(report: "Report") -> str:
    """Return `train` where a network is shown in training mode."""
    return "train" if report.graph.training else ""


def total_by(report: "Report", convention: Convention) -> ConventionTotal:
    """Return what a convention counts of a network."""
    name, version, text, unit, *_ = convention
    from archprof.costs.priced import folded_norms, priced  # most results have no other convention

    found = priced(report, convention)
    folded = folded_norms(report, convention)
    return ConventionTotal(name, version, unit, text, found.total(convention), found.not_priced(), folded)


def head(report: "Report") -> Head:
    """Return what every result about a network starts with."""
    origin = report.origin
    return Head(
        origin.variant,
        origin.title,
        dict(origin.asked),
        origin.source,
        tensors(report.inputs),
        tensors(report.outputs),
        convention_text(report.convention, training=report.graph.training),
        report.totals,
        mode_of(report),
        report.graph.captured,
    )


def with_derived(value: Any, name: str) -> Any:
    """Return a result with a derived metric beside the counts, wherever they stand."""
    if isinstance(value, Counts):
        return value.with_derived(name)
    if isinstance(value, Mapping):
        return {key: with_derived(inner, name) for key, inner in value.items()}
    if hasattr(value, "_fields"):
        return value._make([with_derived(item, name) for item in value])
    return tuple([with_derived(item, name) for item in value]) if isinstance(value, tuple) else value


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: records as objects, places as `file:line:column`, fractions as numbers."""
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return value if -LARGEST <= value <= LARGEST else str(value)
    if isinstance(value, Location):
        return str(value)
    if isinstance(value, Fraction):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if hasattr(value, "_fields"):
        return {name: plain(inner) for name, inner in entries(value)}
    return [plain(item) for item in value]


def as_object(document: Any) -> dict[str, Any]:
    """Return a result as the object that its JSON is."""
    return {"schema": SCHEMA, **{name: plain(value) for name, value in entries(document)}}


_EMPTY = (None, "", ())


def entries(record: Any) -> Iterator[tuple[str, Any]]:
    """Yield the keys of a record's object, and what stands there, not yet as JSON knows it."""
    defaults = record._field_defaults
    for name, value in zip(record._fields, record, strict=True):
        if name in MERGED:
            yield from value.items() if isinstance(value, Mapping) else entries(value)
        elif name not in defaults or value not in _EMPTY or defaults[name] not in _EMPTY:
            yield name, value


def is_object(value: Any) -> bool:
    """Tell whether a value is an object in JSON."""
    return isinstance(value, Mapping) or (hasattr(value, "_fields") and not isinstance(value, Location))


def omitted(record: Any) -> frozenset[str]:
    """Return the fields of a sort of record that are left out while they are empty: those whose default is."""
    return frozenset(name for name, default in record._field_defaults.items() if default in _EMPTY)
