"""Expressions in cells: numbers, knobs and columns of blocks, with arithmetic, comparisons and a few functions."""

import math
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from archprof.errors import SpecError, problem, suggest
from archprof.ir.dims import Disagreement, is_array, make_divisible, maximum, minimum, round_half_even, same, truncate
from archprof.spec.nodes import Scalar, describe, shorten
from archprof.spec.values import FALSE, TRUE, limits, plain

# Compiled only for a text that computes.
_TOKEN = r"\s*(?:(\$[A-Za-z_][A-Za-z0-9_]*)|([0-9]+\.?[0-9]*)|(//|[<>=!]=|[-+*/%()<>,])|([A-Za-z_][A-Za-z0-9_]*))"
_NUMBER = r"[0-9.]+([eE][-+]?[0-9]+)?"
_CALL = r"[a-z_]+\("
# What an expression may start with, but for a knob, what it computes with, and what none without a knob has.
_FIRST, _SIGNS, _ENDS = tuple("0123456789("), tuple("-+*/%)<>="), tuple(":,;")
# Beyond this no intermediate value means anything, and floats would lose the integers.
_LIMIT = 10**15
_MAX_LENGTH = 200
_MAX_TOKENS = 64


def is_expression(text: str) -> bool:
    """Tell an expression (`$stem`, `3*64`, `max(8, 16)`) from a plain number or word."""
    if text.isdigit() or len(text) > _MAX_LENGTH:
        return False
    if "$" in text:
        return True
    if "(" in text and re.match(_CALL, text):
        return True
    computes = text[:1] in _FIRST and any(sign in text[1:] for sign in _SIGNS) and not any(one in text for one in _ENDS)
    return computes and not re.fullmatch(_NUMBER, text)


class PartlyOutOfRange(Disagreement):
    """An expression whose value is in range for some candidates alone; *why* says it of all of them."""

    def __init__(self, mask: Any, why: SpecError) -> None:
        self.why = why
        super().__init__(mask)


def evaluate(
    node: Scalar, names: Mapping[str, object], low: float = -math.inf, high: float = math.inf, *, whole: bool = False
) -> Any:
    """Return the value of `2*$stem`; a lone `$norm` may be a word or a flag.

    Raises SpecError for an unknown name, a division that does not come out even where a *whole* number is wanted, or a
    value outside low … high.
    """
    value = _Parser(node, names).parse()
    if is_array(value):
        return _within(node, _whole(node, value) if whole else value, low, high)
    if not isinstance(value, int | float) or isinstance(value, bool):
        if low == -math.inf:
            return value
        raise problem(f"{describe(node)} is {_said(value)}, not a number", node.location)
    if whole and value != int(value):
        raise _not_whole(node, plain(value))
    if not low <= value <= high:
        raise problem(
            f"{describe(node)} is {plain(value)}, out of range", node.location, help=f"a value{limits(low, high)}"
        )
    return int(value) if whole else value


def _within(node: Scalar, values: Any, low: float, high: float) -> Any:
    """Return an array whose entries have to be from *low* to *high*. Raises PartlyOutOfRange where some are not."""
    if (low, high) == (-math.inf, math.inf):
        return values
    try:
        if (values >= low) & (values <= high):
            return values
    except Disagreement as parting:
        raise PartlyOutOfRange(parting.mask, _out_of_range(node, values, low, high)) from None
    raise _out_of_range(node, values, low, high)


def _out_of_range(node: Scalar, values: Any, low: float, high: float) -> SpecError:
    said = f"{describe(node)} is {plain(values.min())} to {plain(values.max())}, out of range"
    return problem(said, node.location, help=f"a value{limits(low, high)}")


def _whole(node: Scalar, values: Any) -> Any:
    """Return an array as integers, which its entries have to be."""
    if values.dtype.kind != "f":
        return values
    if not same(whole := truncate(values), values):
        raise _not_whole(node, "a fraction")
    return whole


def _not_whole(node: Scalar, said: str) -> SpecError:
    advice = "a division must come out even here"
    return problem(f"{describe(node)} is {said}, not an integer", node.location, help=advice)


def holds(node: Scalar, names: Mapping[str, object]) -> bool:
    """Tell whether a condition holds. Raises SpecError where it is none, Disagreement where candidates part ways."""
    if node.text in TRUE or node.text in FALSE:
        return node.text in TRUE
    value = _Parser(node, names).parse()
    if isinstance(value, bool) or is_array(value):
        return bool(value)
    advice = "as in `$k > 0`, or a knob of `type: bool`"
    raise problem(f"{describe(node)} is {_said(value)}, not a condition", node.location, help=advice)


def _said(value: object) -> str:
    """Return a value in words."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the word `{shorten(value)}`"
    return plain(value) if isinstance(value, int | float) else "a size"


def _is_fraction(value: Any) -> bool:
    """Tell an array of floats, of whose quotients none has to come out even."""
    return is_array(value) and value.dtype.kind == "f"


def _power(base: Any, exponent: Any) -> Any:
    """Return a power: of integers an integer where it is one that a float holds, else a float; each entry of an array
    as it is alone, which a vectorised power is not to the last bit."""
    if is_array(base) or is_array(exponent):
        from archprof.ir.arrays import entry_by_entry

        return entry_by_entry(math.pow, base, exponent)
    value = math.pow(base, exponent)
    return int(value) if type(base) is type(exponent) is int and value.is_integer() else value


def _chosen(condition: Any, first: Any, second: Any) -> Any:
    return first if condition else second


# With how many arguments, at least and at most, each is called.
_FUNCTIONS: Mapping[str, tuple[int, int, Callable[..., Any]]] = {
    "min": (2, 2, minimum),
    "max": (2, 2, maximum),
    "floor": (1, 1, lambda value: truncate(value // 1) if is_array(value) else math.floor(value)),
    "ceil": (1, 1, lambda value: truncate(-(-value // 1)) if is_array(value) else math.ceil(value)),
    "round": (1, 1, round_half_even),
    "sqrt": (1, 1, lambda value: value**0.5),
    "pow": (2, 2, _power),
    "make_divisible": (2, 3, make_divisible),
    "if": (3, 3, _chosen),
    "given": (1, 1, lambda value: value is not None),
}
_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": same,
    "!=": lambda left, right: not same(left, right),
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
}
_WORDS = ("and", "or", "not")


# The bodies of blocks ask the same at each of their rows.
@lru_cache(maxsize=1024)
def _tokens(text: str) -> tuple[str, ...]:
    """Return the parts of an expression; none of what is no expression, or is too long for one."""
    tokens: list[str] = []
    token, position, end = re.compile(_TOKEN, re.ASCII), 0, len(text.rstrip())
    while position < end:
        match = token.match(text, position)
        if not match or len(tokens) >= _MAX_TOKENS:
            return ()
        tokens.append(match[0].strip())
        position = match.end()
    return tuple(tokens)


class _Parser:
    """Recursive descent: conditions of comparisons of sums of products of numbers, names and calls."""

    def __init__(self, node: Scalar, names: Mapping[str, object]) -> None:
        self.node = node
        self.names = names
        self.tokens = _tokens(node.text)
        self.position = 0
        if not self.tokens:
            raise self._failed()

    def parse(self) -> Any:
        if len(self.tokens) == 1 and self.tokens[0][0] == "$":  # most cells that name anything
            return self._named(self.tokens[0][1:])
        value = self._either()
        if self.position < len(self.tokens):
            raise self._failed()
        return value

    def _take(self, *wanted: str) -> str:
        if self.position < len(self.tokens) and self.tokens[self.position] in wanted:
            self.position += 1
            return self.tokens[self.position - 1]
        return ""

    # Conditions

    def _either(self) -> Any:
        value = self._both()
        while self._take("or"):
            other = self._both()
            value = self._flag(value) or self._flag(other)
        return value

    def _both(self) -> Any:
        value = self._negated()
        while self._take("and"):
            other = self._negated()
            value = self._flag(value) and self._flag(other)
        return value

    def _negated(self) -> Any:
        return not self._flag(self._negated()) if self._take("not") else self._compared()

    def _flag(self, value: Any) -> bool:
        if not isinstance(value, bool) and not is_array(value):
            raise problem(f"{describe(self.node)} asks whether {_said(value)} holds", self.node.location)
        return bool(value)

    def _compared(self) -> Any:
        value = self._sum()
        sign = self._take(*_COMPARED)
        if not sign:
            return value
        other = self._sum()
        if (isinstance(value, str) or isinstance(other, str)) and sign not in ("==", "!="):
            raise problem(f"{describe(self.node)} asks which word is larger", self.node.location)
        if isinstance(value, str) != isinstance(other, str) and value is not None and other is not None:
            message = f"{describe(self.node)} compares {_said(value)} with {_said(other)}"
            raise problem(message, self.node.location, help="they are never the same")
        found = _COMPARED[sign](value, other)
        return found if is_array(found) else bool(found)

    # Numbers

    def _sum(self) -> Any:
        value = self._product()
        while sign := self._take("+", "-"):
            other = self._product()
            value = self._combine(sign, value, other)
        return value

    def _product(self) -> Any:
        value = self._atom()
        while sign := self._take("*", "/", "//", "%"):
            value = self._combine(sign, value, self._atom())
        return value

    def _combine(self, sign: str, left: Any, right: Any) -> Any:
        left, right = self._number(left), self._number(right)
        if sign in ("/", "//", "%") and not is_array(right) and right == 0:
            raise problem(f"{describe(self.node)} divides by zero", self.node.location)
        if sign == "/":
            if _is_fraction(left) or _is_fraction(right):
                return left / right
            whole = left // right
            return whole if same(whole * right, left) else left / right
        value = _ARITHMETIC[sign](left, right)
        if not is_array(value) and abs(value) > _LIMIT:
            raise self._beyond()
        return value

    def _beyond(self) -> SpecError:
        return problem(f"{describe(self.node)} goes beyond {_LIMIT:,}", self.node.location)

    def _number(self, value: Any) -> Any:
        if is_array(value) or isinstance(value, int | float):
            return value
        what = "a word" if isinstance(value, str) else _said(value)
        raise problem(f"{describe(self.node)} computes with {what}", self.node.location)

    def _atom(self) -> Any:
        if self._take("("):
            value = self._either()
            self._close()
            return value
        if self.position >= len(self.tokens):
            raise self._failed()
        token = self.tokens[self.position]
        self.position += 1
        if token.startswith("$"):
            return self._named(token[1:])
        if token[0].isdigit() and len(token) <= 16:
            return float(token) if "." in token else int(token)
        if not token.isidentifier() or token in _WORDS:
            raise self._failed()
        return self._call(token) if self._take("(") else token in TRUE if token in (*TRUE, *FALSE) else token

    def _close(self) -> None:
        if not self._take(")"):
            raise self._failed()

    def _call(self, name: str) -> Any:
        if name not in _FUNCTIONS:
            advice = suggest(name, _FUNCTIONS, "functions")
            raise problem(f"there is no function `{shorten(name)}`", self.node.location, help=advice)
        arguments = [self._either()]
        while self._take(","):
            arguments.append(self._either())
        self._close()
        least, most, function = _FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            wanted = str(least) if least == most else f"{least} or {most}"
            raise problem(f"`{name}` takes {wanted} values, not {len(arguments)}", self.node.location)
        if name not in ("given", "if"):
            arguments = [self._number(value) for value in arguments]
        if name == "sqrt" and not is_array(arguments[0]) and arguments[0] < 0:
            raise problem(f"{describe(self.node)} takes the root of less than 0", self.node.location)
        return self._power(*arguments) if name == "pow" else function(*arguments)

    def _power(self, base: Any, exponent: Any) -> Any:
        try:
            value = _power(base, exponent)
        except ValueError:
            message = f"{describe(self.node)} takes a power that is no number"
            raise problem(message, self.node.location) from None
        except OverflowError:
            value = math.inf
        if not is_array(value) and abs(value) > _LIMIT:
            raise self._beyond()
        return value

    def _named(self, name: str) -> Any:
        if name not in self.names:
            advice = suggest(name, self.names, "knobs")
            raise problem(f"there is no knob `{shorten(name)}`", self.node.location, help=advice)
        value = self.names[name]
        # Of a square the side; a lone name is handed on as it is.
        if isinstance(value, tuple) and len(self.tokens) > 1 and len(value) == 2 and value[0] == value[1]:
            return value[0]
        return value

    def _failed(self) -> SpecError:
        advice = (
            "numbers and knobs with + - * / ( ), as in `2*$stem`; compared by == != < <= > >=, joined by and, or, not"
        )
        return problem(f"{describe(self.node)} is not an expression", self.node.location, help=advice)
