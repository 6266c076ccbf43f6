"""Numbers as people write and read them. Counts stay exact integers; rounding happens here alone."""

from collections.abc import Mapping
from fractions import Fraction

# Profiles have µs, results ms; where times are held to limits, or stand beside counts in arrays, they are whole ns.
US_PER_MS, NS_PER_US, NS_PER_MS = 1000.0, 1000, 1_000_000

_STEPS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
_BINARY = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def exact(count: int) -> str:
    """Return *count* with thousands separators: `216,589,760`."""
    return f"{count:,}"


def signed(count: int) -> str:
    """Return `+1,204`, `−1,204`, or `0`."""
    return f"{count:+,}".replace("-", "−") if count else "0"


def short(count: int) -> str:
    """Return *count* rounded to four significant digits at most: `216.6M`, `5.483M`, `912`."""
    for scale, letter in _STEPS:
        # 999,950 would round to "1000.0k": it belongs to the next unit.
        if abs(count) >= scale - scale // 20_000:
            value = count / scale
            digits = 3 if abs(value) < 9.9995 else 2 if abs(value) < 99.995 else 1
            return f"{value:.{digits}f}{letter}"
    return str(count)


def binary(size: int) -> str:
    """Return bytes in the unit of memory that gives three or four digits: `10.5 MiB`, `912 B`, rounded half up."""
    if size < 1024:
        return f"{size} B"
    # What would round to "1024 KiB" belongs to the next unit.
    powers = range(1, len(_BINARY) + 1)
    power = next((power for power in powers if size < 1024 ** (power + 1) - 1024**power // 2), powers[-1])
    digits = 2 if size < 10 * 1024**power else 1 if size < 100 * 1024**power else 0
    steps = (Fraction(size * 10**digits, 1024**power) + Fraction(1, 2)).__floor__()
    whole, rest = divmod(steps, 10**digits)
    return f"{whole}{f'.{rest:0{digits}}' if digits else ''} {_BINARY[power - 1]}"


def in_bytes(size: int) -> str:
    """Return so many bytes in a sentence: `10,966,064 bytes (10.5 MiB)`, `912 bytes`."""
    return f"{exact(size)} bytes" + (f" ({binary(size)})" if size >= 1024 else "")


def in_ms(value: float) -> str:
    """Return ms with three digits behind the point, fewer of many: `0.412`, `12.35`, `104.2`."""
    return f"{value:.3f}" if value < 10 else f"{value:.2f}" if value < 100 else f"{value:.1f}"


def percent(part: int, whole: int, digits: int = 1) -> str:
    """Return part/whole as `12.3 %`, rounded half up from the exact fraction to so many decimals; an empty whole gives
    a dash."""
    if not whole:
        return "-"
    scale: int = 10**digits
    steps = (Fraction(part * 100 * scale, whole) + Fraction(1, 2)).__floor__()
    return f"{steps // scale}.{steps % scale:0{digits}} %"


def plural(count: int, noun: str) -> str:
    """Return `1 row`, `2 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(calls: Mapping[str, int] | None) -> str:
    """Return names with how often each: `fft_fft ×1, cdist ×3`; nothing of none."""
    return ", ".join(f"{name} ×{times}" for name, times in (calls or {}).items())


def without_norms(norms: int) -> str:
    """Return that a count lacks norms that are folded away: `52 norms folded into convolutions are not in it`."""
    folded = "a convolution is" if norms == 1 else "convolutions are"
    return f"{plural(norms, 'norm')} folded into {folded} not in it"


def in_training(macs: int, bound: str = "") -> str:
    """Return what training on an image costs, in words; a *bound* says in which way it is not exact."""
    said = " ".join(filter(None, ["MACs in training", bound, exact(macs)]))
    return f"{said} ({short(macs)}) an image, forward and backward"


def of_constants(calls: Mapping[str, int]) -> str:
    """Return how many of the MACs depend on no input, and which calls have them: `27,648 (27.65k) of the MACs depend on
    no input: cpb_mlp.0 and 23 more`."""
    first, *more = calls
    macs = sum(calls.values())
    named = f"`{first}`" + (f" and {len(more):,} more" if more else "")
    return f"{exact(macs)} ({short(macs)}) of the MACs depend on no input: {named}"


def extent(*, at_least: object, at_most: object) -> str:
    """Return what stands before a number that is not exact, since something is not counted or data decides on it."""
    if at_most:
        return "about" if at_least else "at most"
    return "at least" if at_least else ""


def lower_bound(model: str, macs: int, calls: Mapping[str, int]) -> str:
    """Return that a network's MACs are more than was counted, and what was not: `MACs of net.py:Net at least 64; not
    counted: aten._fft_r2c ×1`."""
    return f"MACs of {model} at least {exact(macs)}; not counted: {listed(calls)}"


def between(low: int, high: int) -> str:
    """Return so many bytes, at least and at most: `between 160 (160 B) and 2,048 bytes (2.00 KiB)`."""
    return f"between {exact(low)} ({binary(low)}) and {exact(high)} bytes ({binary(high)})"


def without_rule(calls: Mapping[str, int]) -> str:
    """Return of which operators nobody knows all memory: `no rule for the memory of gru ×1`."""
    return f"no rule for the memory of {listed(calls)}"


def upper_bound(model: str, macs: int, calls: Mapping[str, int]) -> str:
    """Return that a network's MACs may be fewer than was counted, and why: `MACs of net.py:Net at most 64:
    aten.nonzero ×1 may come to less`."""
    return f"MACs of {model} at most {exact(macs)}: {listed(calls)} may come to less"
