"""Where a multiplier changes a network: rounding makes it a step function, whose steps are few."""

import math
from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal, localcontext

import numpy as np
from numpy.typing import NDArray

from archprof.language.widths import rounded
from archprof.spec.types import WidthRule

# A step that arithmetic in floats moves lies within so many neighbours of where it should be.
_NEIGHBOURS = 4


def width_steps(counts: Iterable[tuple[int, bool]], rule: WidthRule, low: float, high: float) -> list[float]:
    """Return the widths in low … high, ascending from *low*, at each of which at least one printed channel count
    becomes another.

    Between two of them the network is one and the same. The rule (`make_divisible`, or the plain product) can only step
    where a product passes the middle between two multiples of the divisor, or what loses a tenth by rounding down, so
    that looking there misses nothing, whether the rule is monotone or not. *counts* come with whether they may become
    narrower than printed.
    """
    known = sorted(counts)
    # A width of exactly 1 leaves every count as printed, and below it nothing narrows that must not.
    steps = [np.array([low, 1.0, math.nextafter(1.0, 2.0)])]
    for channels, narrow in known:
        steps.append(
            _flips(
                channels,
                rule,
                _thresholds(rule, channels * (low if narrow else max(low, 1.0)), channels * high) / channels,
            )
        )
    found = np.unique(np.concatenate(steps))
    found = found[(found >= low) & (found <= high)]
    networks = np.array([_counts_at(channels, narrow, rule, found) for channels, narrow in known])
    networks = networks.reshape(len(known), len(found))  # of no counts too: nothing changes
    changed = np.concatenate([[True], (np.diff(networks, axis=1) != 0).any(axis=0)])
    return [float(step) for step in found[changed]]


def most_steps(counts: Iterable[tuple[int, bool]], rule: WidthRule, low: float, high: float) -> int:
    """Return how many widths in low … high are looked at for steps, about."""
    return math.ceil(sum(channels for channels, _ in counts) * (high - low) / (rule.divisor or 1))


def _thresholds(rule: WidthRule, low: float, high: float) -> NDArray[np.float64]:
    """Return the products in low … high, and one to either side, where rounding changes."""
    divisor = rule.divisor or 1
    multiples = divisor * np.arange(math.floor(low / divisor), math.ceil(high / divisor) + 2, dtype=np.float64)
    return multiples if rule.divisor is None else np.concatenate([multiples - divisor / 2, multiples / 0.9])


def _flips(channels: int, rule: WidthRule, widths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the neighbours of widths at which the rounded count is another than just below."""
    near = [widths[widths > 0]]
    for _ in range(_NEIGHBOURS):
        near = [np.nextafter(near[0], 0.0), *near, np.nextafter(near[-1], math.inf)]
    neighbours = np.stack(near, axis=1)
    flipped: NDArray[np.float64] = neighbours[:, 1:][np.diff(rounded(channels * neighbours, rule), axis=1) != 0]
    return flipped


def _counts_at(channels: int, narrow: bool, rule: WidthRule, widths: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return a printed count at each width."""
    its = widths if narrow else np.maximum(widths, 1.0)
    counts: NDArray[np.int64] = np.where(its == 1, channels, rounded(channels * its, rule))
    return counts


def depth_steps(repeats: Iterable[int], low: float, high: float) -> list[float]:
    """Return the depths in low … high behind which a row repeats once more: where n · depth passes an integer."""
    steps = {low}
    for count in repeats:
        steps.update(
            number / count
            for number in range(math.floor(low * count), math.ceil(high * count) + 1)
            if low < number / count <= high
        )
    return sorted(steps)


def shortest(low: float, high: float, base: Decimal = Decimal(1)) -> str | None:
    """Return the decimal of the fewest digits that, times *base*, lies in low ≤ · < high as a float; None where 18
    digits do not do."""
    with localcontext(prec=40):
        start = Decimal(low) / base
        for digits in range(max(-math.floor(math.log10(high - low)) - 2, 0), 19):
            # A float may stand a hair above the decimal that it came from.
            below = start.quantize(Decimal(1).scaleb(-digits), ROUND_FLOOR)
            for value in (below, below + Decimal(1).scaleb(-digits)):
                if value > 0 and low <= float(base * value) < high:
                    return f"{value.normalize():f}"
    return None
