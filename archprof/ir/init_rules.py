"""How layers get their first weights: the names of the rules. `runtime.init` draws by them."""

from collections.abc import Mapping

from archprof.named_tuple import NamedTuple

PLAIN = (
    "kaiming_normal",
    "kaiming_uniform",
    "kaiming_uniform_out",
    "he_normal",
    "he_uniform",
    "inverse_sqrt",
    "torch",
)
# With a standard deviation: `{normal: 0.01}`.
WITH_DEVIATION = ("normal", "trunc_normal")
BIASES = ("zero", "torch")


class InitRule(NamedTuple):
    """One of the rules of docs/reference/spec.md, with its standard deviation where it has one, and how biases are
    drawn: one of `BIASES`, or where that is empty with `torch` as torch does, with other rules as zero."""

    name: str
    deviation: float = 0.0
    bias: str = ""


class Inits(NamedTuple):
    """The rules of a network, by what operators are `drawn_as`; and those of the layers that have their own, by id."""

    rules: Mapping[str, InitRule]
    layers: Mapping[str, Mapping[str, InitRule]]
