"""Numbers as people print them, `3.4M`, `569 million`, `5.4 MiB`, and whether an exact count is what was printed."""

import re
from collections.abc import Mapping
from fractions import Fraction

from archprof.costs.metrics import MEMORY, TIMES
from archprof.errors import Location, problem
from archprof.limits import MAX_DIGITS
from archprof.named_tuple import NamedTuple
from archprof.spec.nodes import shorten

COUNTS = {
    "": 1,
    "k": 10**3,
    "K": 10**3,
    "M": 10**6,
    "million": 10**6,
    "G": 10**9,
    "B": 10**9,
    "billion": 10**9,
    "T": 10**12,
}
BYTES = {
    "": 1, "B": 1, "byte": 1, "k": 10**3, "kB": 10**3, "KB": 10**3, "M": 10**6, "MB": 10**6, "G": 10**9, "GB": 10**9,
    "T": 10**12, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
# In nanoseconds.
DURATIONS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9}
_FORM = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?(?:[eE]\+?(\d{1,2}))? ?([A-Za-zµμ]*)\Z", re.ASCII)
# What may stand behind a number, by the metric that it counts.
_NOUNS = r"(?i) ?(?:(?P<params>param(?:eter)?s?)|(?P<macs>macs?|(?:m|mult|multi)-?adds?)|(?P<flops>flops?))\Z"
_LABELS = {"params": "params", "macs": "MACs", "flops": "FLOPs"}


_NO_NUMBER = "not a number as papers print them", "such as `3.4M`, `0.219G`, `569 million`, `4,209,088`"
_FAULTS = {
    id(BYTES): ("no size in bytes", "such as `24GiB`, `5.4 MiB`, `22 MB`, `21,932,128`"),
    id(DURATIONS): ("no time", "such as `2ms`, `0.4 ms`, `850us`"),
}


class PrintedNumber(NamedTuple):
    """A printed number: so many steps of the last printed digit."""

    steps: int
    step: Fraction

    @property
    def value(self) -> Fraction:
        return self.steps * self.step


def parse_printed(text: str, location: Location | None = None, units: Mapping[str, int] = COUNTS) -> PrintedNumber:
    """Return the number that `3.4M`, `0.219G`, `569 million`, `4.1e9` or `4,209,088` prints, with the worth of its last
    digit.

    Raises SpecError for a text that is no number.
    """
    match = _FORM.match(text.strip()) if len(text) <= MAX_DIGITS else None
    unit = match[4] if match and match[4] in units else match[4].removesuffix("s") if match else ""
    if not match or unit not in units:
        fault, advice = _FAULTS.get(id(units), _NO_NUMBER)
        raise problem(f"`{shorten(text)}` is {fault}", location, help=advice)
    whole, decimals = match[1].replace(",", ""), match[2] or ""
    step = Fraction(units[unit] * 10 ** int(match[3] or 0), 10 ** len(decimals))
    return PrintedNumber(int(whole + decimals), step)


def parse_count(text: str, metric: str, location: Location | None = None) -> PrintedNumber:
    """Return how much of a *metric* is meant by `300M`, `4.1e9`, `4GMACs` or `5M params`.

    Raises SpecError for a text that is no number, and for one of something else: FLOPs where MACs are limited.
    """
    return parse_printed(without_noun(text.strip(), metric, location), location)


def parse_limit(text: str, metric: str, location: Location | None = None) -> PrintedNumber:
    """Return how much of a *metric* is meant: bytes, of one that is of bytes, ns, of one that is a time, or a count.
    Raises SpecError as `parse_count` does."""
    if (units := units_of(metric)) is not COUNTS:
        return parse_printed(text, location, units)
    return parse_count(text, metric, location)


def units_of(metric: str) -> Mapping[str, int]:
    """Return the units in which limits on a metric are stated."""
    return DURATIONS if metric in TIMES else BYTES if is_of_bytes(metric) else COUNTS


def is_of_bytes(metric: str) -> bool:
    """Tell whether a metric is one of bytes."""
    return metric.startswith("size") or metric in MEMORY


def decimal_note(text: str, metric: str) -> str:
    """Return what to know of a limit on memory in `KB`, which are not those that memory has; empty for others."""
    match = _FORM.match(text.strip())
    unit = match[4] if match and metric in MEMORY else ""
    if unit not in _DECIMAL:
        return ""
    binary = f"{text.strip().removesuffix(unit).rstrip()}{_DECIMAL[unit]}"
    bytes, more = (int(parse_printed(one, None, BYTES).value) for one in (text, binary))
    return f"`{text.strip()}` is {bytes:,} bytes, as KB = 1000; `{binary}` is {more:,}"


# Units of memory as they are often written, and those that are meant.
_DECIMAL = {
    "k": "KiB", "kB": "KiB", "KB": "KiB", "M": "MiB", "MB": "MiB", "G": "GiB", "GB": "GiB", "T": "TiB", "TB": "TiB",
}  # fmt: skip


def without_noun(text: str, metric: str, location: Location | None = None) -> str:
    """Return a number without the word behind it. Raises SpecError where that is not the *metric*."""
    noun = re.search(_NOUNS, text)
    if noun is None:
        return text
    meant = str(noun.lastgroup)
    if meant != metric and (meant, metric) not in (("params", "trainable"), ("macs", "train_macs")):
        advice = {
            ("flops", "macs"): f"a MAC is two FLOPs: write half, or `{text[: noun.start()]}` where it is one there",
            ("macs", "flops"): "a MAC is two FLOPs: write twice as much",
        }
        message = f"`{shorten(text)}` counts {_LABELS[meant]}, the limit {_LABELS.get(metric, metric)}"
        raise problem(message, location, help=advice.get((meant, metric), ""))
    return text[: noun.start()]


def verdict(count: int, printed: PrintedNumber, noted: bool) -> str:
    """Return how an exact count stands to a printed number, at the precision of the print.

    `equal`: rounding the count gives it; `truncated`: the source cut instead of rounding; otherwise `noted` where a
    note says why, or `differs`.
    """
    exact = count / printed.step
    if abs(exact - printed.steps) <= Fraction(1, 2):
        return "equal"
    if exact.__floor__() == printed.steps:
        return "truncated"
    return "noted" if noted else "differs"
