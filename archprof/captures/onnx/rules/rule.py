"""What a rule is: how an operator's outputs follow from what it reads, and what it multiplies."""

from collections.abc import Callable, Mapping

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.tensor import Tensor, Unknown
from archprof.named_tuple import NamedTuple

# Returns the outputs; raises Misfit where the operator does not fit, Unknown where it depends on what is not known.
Outputs = Callable[[Call], list[Tensor]]
# Returns the multiply-accumulates of a call that returned these outputs; raises Unknown likewise.
Macs = Callable[[Call, list[Tensor]], int]


class Rule(NamedTuple):
    """The rule of an operator: its outputs, its kind, its multiply-accumulates if it has any, and what its inputs are
    called that may be weights.

    *slots* are names by place; `""` is none of a weight: a scale, a zero point, a bound. *keeps* tells that the first
    output has just the elements of the first input.
    """

    outputs: Outputs
    kind: str = "other"
    macs: Macs | None = None
    slots: tuple[str, ...] = ()
    keeps: bool = False


def unknown_macs(call: Call, outputs: list[Tensor]) -> int:
    """Raise Unknown, for an operator that multiplies and has no rule: a transform, a decomposition, or where data says
    what meets what."""
    raise Unknown


Rules = Mapping[str, Rule]
