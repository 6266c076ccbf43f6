"""First weights: the rules of a spec's `init`, drawn with torch's generator."""

from collections.abc import Callable, Mapping
from math import sqrt

from torch import Tensor, nn

from archprof.ir.init_rules import InitRule
from archprof.ir.modules import DeformConv2d


def draw(layer: nn.Conv2d | DeformConv2d | nn.Linear, rule: InitRule) -> None:
    """Draw a layer's weight and bias by *rule*."""
    bias = rule.bias or ("torch" if rule.name == "torch" else "zero")
    if "torch" in (rule.name, bias):
        layer.reset_parameters()
    if rule.name != "torch":
        _RULES[rule.name](layer.weight, rule.deviation)
    if layer.bias is not None and bias == "zero":
        nn.init.zeros_(layer.bias)


def _kaiming_normal(weight: Tensor, deviation: float) -> None:
    """Variance 2/(K²·N) for N outputs (He et al. 2015, equation 14)."""
    nn.init.kaiming_normal_(weight, mode="fan_out")


def _kaiming_uniform(weight: Tensor, deviation: float) -> None:
    """Bound √(3/(K²·M/g)) for M inputs; a slope of 1 makes torch's gain 1."""
    nn.init.kaiming_uniform_(weight, a=1)


def _kaiming_uniform_out(weight: Tensor, deviation: float) -> None:
    """Bound √(3/(K²·N)) for N outputs; a slope of 1 makes torch's gain 1."""
    nn.init.kaiming_uniform_(weight, a=1, mode="fan_out")


def _he_normal(weight: Tensor, deviation: float) -> None:
    """Variance 2/(K²·M/g) for M inputs (He et al. 2015, equation 10)."""
    nn.init.kaiming_normal_(weight)


def _he_uniform(weight: Tensor, deviation: float) -> None:
    """The same variance: bound √(6/(K²·M/g))."""
    nn.init.kaiming_uniform_(weight)


def _normal(weight: Tensor, deviation: float) -> None:
    nn.init.normal_(weight, std=deviation)


def _trunc_normal(weight: Tensor, deviation: float) -> None:
    nn.init.trunc_normal_(weight, std=deviation)


def _inverse_sqrt(weight: Tensor, deviation: float) -> None:
    """Bound 1/√N for N outputs."""
    bound = 1 / sqrt(weight.shape[0])
    nn.init.uniform_(weight, -bound, bound)


_RULES: Mapping[str, Callable[[Tensor, float], None]] = {
    "kaiming_normal": _kaiming_normal,
    "kaiming_uniform": _kaiming_uniform,
    "kaiming_uniform_out": _kaiming_uniform_out,
    "he_normal": _he_normal,
    "he_uniform": _he_uniform,
    "normal": _normal,
    "trunc_normal": _trunc_normal,
    "inverse_sqrt": _inverse_sqrt,
}
