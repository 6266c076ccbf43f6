"""Sizes of an exported program: expressions of symbols, as sympy writes them, in a grammar of integers that ends."""

import re
from collections.abc import Callable, Iterator, Mapping
from math import ceil, floor, prod
from typing import TYPE_CHECKING, Any

from archprof.json_fields import MOST_COUNT, Refused, shown
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from fractions import Fraction

_MOST_TEXT = 10_000
_MOST_DEPTH = 60
_MOST_POWER = 64
# Names, with those in quotes; integers; signs.
_TOKENS = re.compile(r"\s*(?:([A-Za-z_]\w*)|('[A-Za-z_]\w*')|([0-9]{1,20})|(\*\*|//|[-+*/%(),=]))")


class FunctionCall(NamedTuple):
    """A function of expressions, so many levels deep."""

    function: str
    operands: tuple["Expression", ...]
    depth: int


# A symbol by its name, a number, or a call.
Expression = str | int | FunctionCall


def parse(text: str) -> Expression:
    """Return an expression: `s0`, `2*s0 + 1`, `(s0 - 1)//2`, `Max(1, s0)`, or as sympy writes it for machines,
    `Add(Mul(Integer(2), Symbol('s0', positive=True)), Integer(1))`. Raises Refused for any other text."""
    if len(text) > _MOST_TEXT:
        raise Refused(f"an expression of more than {_MOST_TEXT:,} characters")
    return _SizeParser(text).parse()


def symbols(expression: Expression) -> Iterator[str]:
    """Yield the symbols of an expression, as often as they stand there."""
    if isinstance(expression, str):
        yield expression
    elif isinstance(expression, FunctionCall):
        for operand in expression.operands:
            yield from symbols(operand)


def evaluate(expression: Expression, values: Mapping[str, int]) -> int:
    """Return what an expression is where its symbols have values. Raises Refused where that is no integer, is out of
    bounds or a symbol has no value."""
    found = _evaluate(expression, values)
    if found != int(found):
        raise Refused(f"a size of {found}")
    return int(found)


def _evaluate(expression: Expression, values: Mapping[str, int]) -> "int | Fraction":
    if isinstance(expression, int):
        return expression
    if isinstance(expression, str):
        if expression not in values:
            raise Refused(f"`{expression}` has no value")
        return values[expression]
    operands = [_evaluate(one, values) for one in expression.operands]
    try:
        found: int | Fraction = _FUNCTIONS[expression.function](*operands)
    except ZeroDivisionError:
        raise Refused("a division by zero") from None
    if not -MOST_COUNT <= found <= MOST_COUNT or found.denominator > MOST_COUNT:
        raise Refused("a size out of bounds")
    return found


def _power(base: "int | Fraction", exponent: "int | Fraction") -> "int | Fraction":
    if exponent != int(exponent) or not -_MOST_POWER <= exponent <= _MOST_POWER:
        raise Refused(f"a power of {exponent}")
    return _ratio(1, _power(base, -exponent)) if exponent < 0 else base ** int(exponent)


def _ratio(left: "int | Fraction", right: "int | Fraction") -> "Fraction":
    from fractions import Fraction

    return Fraction(left) / Fraction(right)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "Add": lambda *terms: sum(terms),
    "Mul": lambda *factors: prod(factors),
    "Pow": _power,
    "PowByNatural": _power,
    **dict.fromkeys(("FloorDiv", "CleanDiv"), lambda left, right: left // right),
    "CeilDiv": lambda left, right: -(-left // right),
    **dict.fromkeys(("Mod", "PythonMod"), lambda left, right: left % right),
    **dict.fromkeys(("Max", "max"), lambda *terms: max(terms)),
    **dict.fromkeys(("Min", "min"), lambda *terms: min(terms)),
    "Abs": abs,
    **dict.fromkeys(("Rational", "IntTrueDiv"), _ratio),
    **dict.fromkeys(("FloorToInt", "floor"), floor),
    **dict.fromkeys(("CeilToInt", "ceiling"), ceil),
    "TruncToInt": int,
    **dict.fromkeys(("Integer", "ToFloat"), lambda number: number),
}
# How many operands a function takes; others take any number but none.
_OPERANDS = {
    **dict.fromkeys(("Pow", "PowByNatural", "FloorDiv", "CleanDiv", "CeilDiv", "Mod", "PythonMod"), 2),
    **dict.fromkeys(("Rational", "IntTrueDiv"), 2),
    **dict.fromkeys(("Abs", "FloorToInt", "floor", "CeilToInt", "ceiling", "TruncToInt", "Integer", "ToFloat"), 1),
}
_PRODUCTS = {"*": "Mul", "//": "FloorDiv", "%": "Mod", "/": "IntTrueDiv"}


class _SizeParser:
    """An expression while it is read, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self._at = 0
        self._depth = 0

    def parse(self) -> Expression:
        found = self._sum()
        if self._at < len(self._tokens):
            raise self._wrong()
        return found

    def _split(self) -> list[str]:
        tokens, at, text = [], 0, self._text.rstrip()
        while at < len(text):
            found = _TOKENS.match(text, at)
            if found is None:
                raise self._wrong()
            tokens.append(found[0].strip())
            at = found.end()
        return tokens

    def _wrong(self) -> Refused:
        return Refused(f"{shown(self._text)} is no expression of sizes")

    def _next(self) -> str:
        if self._at == len(self._tokens):
            raise self._wrong()
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _expect(self, sign: str) -> None:
        if self._next() != sign:
            raise self._wrong()

    def _sum(self) -> Expression:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise _too_deep()
        terms = [self._product()]
        while self._peek() in ("+", "-"):
            sign, right = self._next(), self._product()
            terms.append(right if sign == "+" else _negative(right))
        self._depth -= 1
        return _call("Add", *terms) if len(terms) > 1 else terms[0]

    def _product(self) -> Expression:
        found = self._signed()
        while self._peek() in _PRODUCTS:
            function = _PRODUCTS[self._next()]
            found = _call(function, found, self._signed())
        return found

    def _signed(self) -> Expression:
        negative = False
        while self._peek() == "-":
            self._next()
            negative = not negative
        found = self._atom()
        if self._peek() == "**":
            self._next()
            found = _call("Pow", found, self._exponent())
        return _negative(found) if negative else found

    def _exponent(self) -> Expression:
        negative = self._peek() == "-" and bool(self._next())
        found = self._atom()
        return _negative(found) if negative else found

    def _atom(self) -> Expression:
        token = self._next()
        if token == "(":
            found = self._sum()
            self._expect(")")
            return found
        if token.isdecimal():
            return int(token)
        if not token.isidentifier():
            raise self._wrong()
        if self._peek() != "(":
            return token
        self._next()
        return self._symbol() if token == "Symbol" else self._call(token)

    def _symbol(self) -> Expression:
        """Return the name of `Symbol('s0', positive=True, integer=True)`; what is assumed of it is nobody's size."""
        name = self._next()
        while self._peek() == ",":
            self._next()
            assumed = self._next(), self._next(), self._next()
            if assumed[1] != "=" or assumed[2] not in ("True", "False"):
                raise self._wrong()
        self._expect(")")
        if name[0] != "'":
            raise self._wrong()
        return name[1:-1]

    def _call(self, function: str) -> Expression:
        operands = [self._sum()]
        while self._peek() == ",":
            self._next()
            operands.append(self._sum())
        self._expect(")")
        if function not in _FUNCTIONS:
            raise Refused(f"{shown(self._text)} has `{function}`, which is not known here")
        if len(operands) != _OPERANDS.get(function, len(operands)):
            raise self._wrong()
        return _call(function, *operands)


def _call(function: str, *operands: Expression) -> FunctionCall:
    depth = 1 + max([one.depth for one in operands if isinstance(one, FunctionCall)], default=0)
    if depth > _MOST_DEPTH:
        raise _too_deep()
    return FunctionCall(function, operands, depth)


def _too_deep() -> Refused:
    return Refused(f"an expression of more than {_MOST_DEPTH} levels")


def _negative(expression: Expression) -> Expression:
    return -expression if isinstance(expression, int) else _call("Mul", -1, expression)
