"""How multipliers change the channels and repeats that a table prints."""

from typing import Any

from archprof.ir.dims import Dim, is_array, make_divisible, maximum, truncate
from archprof.named_tuple import NamedTuple
from archprof.spec.types import WidthRule


class Scaling(NamedTuple):
    """The multipliers of a network, and the rule by which its width changes printed channel counts."""

    rule: WidthRule | None = None
    width: Any = 1.0
    depth: Any = 1.0


def scaled(channels: Dim, scaling: Scaling, scale: bool = True, narrow: bool = True) -> Dim:
    """Return a printed channel count at a width; one that must not *narrow* is as printed below 1."""
    rule, width = scaling.rule, scaling.width
    if not narrow:
        width = maximum(width, 1.0)
    if rule is None or not scale or (not is_array(width) and width == 1):
        return channels
    result = rounded(channels * width, rule)
    if not is_array(width) or (not is_array(channels) and rounded(channels, rule) == channels):
        return result
    # A count that the rule would round even at width 1 stays as printed there.
    unscaled = width == 1
    return unscaled * channels + (1 - unscaled) * result


def rounded(product: Any, rule: WidthRule) -> Dim:
    """Return channels times a width as the rule rounds them."""
    return maximum(truncate(product), 1) if rule.divisor is None else make_divisible(product, rule.divisor)
