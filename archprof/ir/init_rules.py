"""How layers get their first weights: the names of the rules. `runtime.init` draws by them."""

from typing import NamedTuple

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


class InitRule(NamedTuple):
    """One of the rules of docs/reference/spec.md, with its standard deviation where it has one."""

    name: str
    deviation: float = 0.0
