"""An axis of a sweep as typed, `0.35:1.4:0.05`, `64:512:log:16`, `3,5,7`, → its values as text, exact decimals
throughout."""

import re
from decimal import Decimal, localcontext

from archprof.errors import SpecError, problem
from archprof.named_tuple import NamedTuple
from archprof.spec.nodes import shorten
from archprof.spec.variant import Setting, split_values

MAX_VALUES = 1_000_000
# A longer number is no value of any knob, and a decimal of more digits than these loses some.
_LONGEST = 15
# So many significant digits has a value between the ends of a logarithmic range.
_DIGITS = 6
_NUMBER = r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+"
_RANGE = re.compile(rf"({_NUMBER}):({_NUMBER}):({_NUMBER})", re.ASCII)
_LOG = re.compile(rf"({_NUMBER}):({_NUMBER}):log:([0-9]{{1,7}})", re.ASCII)
_NUMBERS = re.compile("[0-9.]*:[0-9.:]*(?:log:[0-9]*)?", re.ASCII)
# Knobs whose values need not be integers even where both ends of a range are.
_FRACTIONAL = ("width", "depth")


class Axis(NamedTuple):
    """One setting of a sweep, a knob or the address of a cell, and the values that it takes, as typed."""

    name: str
    values: tuple[str, ...]


def parse_axis(setting: Setting) -> Axis:
    """Return the axis of a setting: a value, a list, `a:b:step`, `a:b:log:n`, or a list of those.

    `a:b:step` counts in decimals and includes *b* where a step lands on it; `a:b:log:n` are *n* values in equal ratios,
    both ends included, rounded to integers where both ends are (and the knob is no multiplier). A value that comes
    twice, be it as `0.5` and `0.50`, counts once. Raises SpecError for a range that has no values, or too many.
    """
    name, text = setting
    values: dict[object, str] = {}
    for part in split_values(text):
        for value in _values(name, part.strip()):
            values.setdefault(Decimal(value) if re.fullmatch(_NUMBER, value, re.ASCII) else value, value)
    if len(values) > MAX_VALUES:
        raise _failed(name, text, f"has more than {MAX_VALUES:,} values", "take a larger step")
    return Axis(name, tuple(values.values()))


def _values(name: str, text: str) -> tuple[str, ...]:
    if _NUMBERS.fullmatch(text) and re.search(f"[0-9]{{{_LONGEST + 1}}}", text):
        raise _failed(name, text, f"has a number of more than {_LONGEST} digits", "take smaller or rounder ones")
    if match := _LOG.fullmatch(text):
        return _logarithmic(name, text, Decimal(match[1]), Decimal(match[2]), int(match[3]))
    if match := _RANGE.fullmatch(text):
        return _stepped(name, text, *map(Decimal, match.groups()))
    if ":" in text and re.fullmatch(r"[-+0-9.:]*|.*:log:.*", text):
        raise _failed(
            name, text, "is not a range", "`0.35:1.4:0.05` (from:to:step), or `64:512:log:16` (so many in equal ratios)"
        )
    if not text:
        raise _failed(name, text, "has an empty value", "as in `3,5,7`")
    return (text,)


def _stepped(name: str, text: str, start: Decimal, end: Decimal, step: Decimal) -> tuple[str, ...]:
    if step == 0 or end < start:
        raise _failed(name, text, "has no values", "a step above 0, from the smaller to the larger")
    count = int((end - start) / step) + 1
    if count > MAX_VALUES:
        raise _failed(name, text, f"has more than {MAX_VALUES:,} values", "take a larger step")
    return tuple(_plain(start + index * step) for index in range(count))


def _logarithmic(name: str, text: str, start: Decimal, end: Decimal, count: int) -> tuple[str, ...]:
    if not 2 <= count <= MAX_VALUES or start <= 0 or end < start:
        raise _failed(
            name, text, "has no values", f"2 to {MAX_VALUES:,} of them, from the smaller to the larger, above 0"
        )
    whole = name not in _FRACTIONAL and start == int(start) and end == int(end)
    with localcontext(prec=28):
        ratio = (end / start).ln() / (count - 1)
        inner = [start * (ratio * index).exp() for index in range(1, count - 1)]
        rounded = [
            value.quantize(Decimal(1)) if whole else +value.normalize().quantize(_unit(value)) for value in inner
        ]
    return tuple(dict.fromkeys(map(_plain, (start, *rounded, end))))


def _unit(value: Decimal) -> Decimal:
    """Return a 1 in the last of the digits that a value keeps."""
    return Decimal(1).scaleb(value.adjusted() - _DIGITS + 1)


def _plain(value: Decimal) -> str:
    """Return a decimal as people write it: `1.4`, not `1.40`; `100`, not `1E+2`."""
    return f"{value.normalize():f}"


def _failed(name: str, text: str, message: str, help: str) -> SpecError:
    return problem(f"`{shorten(f'{name}={text}')}` {message}", help=help)
