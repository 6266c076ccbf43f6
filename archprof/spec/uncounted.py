"""Operators whose MACs nobody knows and that a check lets pass: all of them, or some by name."""

from collections.abc import Iterable, Mapping

from archprof.errors import Location
from archprof.named_tuple import NamedTuple
from archprof.spec.nodes import Node, Scalar, Seq
from archprof.spec.values import FALSE, TRUE, scalar
from archprof.spec.variant import split_values

# What `--allow-uncounted` is without a value.
EVERY = "all"


class Allowed(NamedTuple):
    """Operators that may stay uncounted: *every* one, or those of some names."""

    every: bool = False
    names: tuple[Scalar, ...] = ()

    def refused(self, calls: Mapping[str, int]) -> dict[str, int]:
        """Return what is not let pass of operators that are not counted, by name with how often they run."""
        if self.every:
            return {}
        return {name: times for name, times in calls.items() if not any(is_called(name, one) for one in self.names)}

    def __or__(self, other: "Allowed") -> "Allowed":
        return Allowed(self.every or other.every, (*self.names, *other.names))


def is_called(operator: str, typed: Scalar) -> bool:
    """Tell whether an operator is called so: `aten.fft_rfft`, also with an overload behind it, or without a library."""
    own, named = operator.split(".")[:2], typed.text.split(".")[:2]
    return own == named if len(own) == len(named) else own[-1] == named[-1]


def read_allowed(node: Node) -> Allowed:
    """Return what a budget's `allow_uncounted` lets pass: `true`, a name or a list of names. Raises SpecError for what
    is neither."""
    if isinstance(node, Seq):
        return Allowed(names=tuple([scalar(item, "the name of an operator") for item in node.items]))
    typed = scalar(node, "true, or names of operators")
    return Allowed(typed.text in TRUE) if typed.text in TRUE + FALSE else Allowed(names=(typed,))


def allowed_of(options: Iterable[str]) -> Allowed:
    """Return what the values of `--allow-uncounted` let pass: names, a comma lists, or `all`."""
    typed = [Scalar(one, f"--allow-uncounted={given}") for given in options for one in split_values(given)]
    return Allowed(any(one.text == EVERY for one in typed), tuple(one for one in typed if one.text != EVERY))


def allowed_by(given: "bool | str | Iterable[str]", place: Location) -> Allowed:
    """Return what Python's `allow_uncounted`, at a *place*, lets pass: `True`, or names, a comma lists."""
    if isinstance(given, bool):
        return Allowed(given)
    names = split_values(given) if isinstance(given, str) else given
    return Allowed(names=tuple([Scalar(name, *place) for name in names]))
