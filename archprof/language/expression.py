"""Expressions in cells: numbers and knobs with + - * / and parentheses."""

import math
import re
from collections.abc import Mapping
from typing import Any

from archprof.errors import SpecError, problem, suggest
from archprof.ir.dims import is_array
from archprof.spec.nodes import Scalar, describe, shorten
from archprof.spec.values import limits, plain

# Compiled only for a text that computes.
_TOKEN = r"\s*(?:(\$[A-Za-z_][A-Za-z0-9_]*)|([0-9]+\.?[0-9]*)|([-+*/()]))"
_NUMBER = r"[0-9.]+([eE][-+]?[0-9]+)?"
# What an expression may start with, but for a knob, what it computes with, and what no expression has.
_FIRST, _SIGNS, _ENDS = tuple("0123456789("), tuple("-+*/)"), tuple(":,;")
# Beyond this no intermediate value means anything, and floats would lose the integers.
_LIMIT = 10**15
_MAX_LENGTH = 200


def is_expression(text: str) -> bool:
    """Tell an expression (`$stem`, `3*64`) from a plain number or word."""
    if text.isdigit() or len(text) > _MAX_LENGTH:
        return False
    if "$" in text:
        return True
    computes = text[:1] in _FIRST and any(sign in text[1:] for sign in _SIGNS) and not any(one in text for one in _ENDS)
    return computes and not re.fullmatch(_NUMBER, text)


def evaluate(
    node: Scalar, knobs: Mapping[str, object], low: float = -math.inf, high: float = math.inf, *, whole: bool = False
) -> Any:
    """Return the value of `2*$stem`; a lone `$norm` may be a word or a flag.

    Raises SpecError for an unknown knob, a division that does not come out even where a *whole* number is wanted, or a
    value outside low … high.
    """
    value = _Parser(node, knobs).parse()
    if is_array(value):
        return value
    if isinstance(value, str):
        if low == -math.inf:
            return value
        raise problem(f"{describe(node)} is the word `{shorten(value)}`, not a number", node.location)
    if whole and value != int(value):
        raise problem(
            f"{describe(node)} is {plain(value)}, not an integer",
            node.location,
            help="a division must come out even here",
        )
    if not low <= value <= high:
        raise problem(
            f"{describe(node)} is {plain(value)}, out of range", node.location, help=f"a value{limits(low, high)}"
        )
    return int(value) if whole else value


class _Parser:
    """Recursive descent: a sum of products of numbers, knobs and parentheses."""

    def __init__(self, node: Scalar, knobs: Mapping[str, object]) -> None:
        self.node = node
        self.knobs = knobs
        self.tokens = self._split(node.text)
        self.position = 0

    def parse(self) -> Any:
        value = self._sum()
        if self.position < len(self.tokens):
            raise self._failed()
        return value

    def _split(self, text: str) -> list[str]:
        tokens: list[str] = []
        token, position = re.compile(_TOKEN, re.ASCII), 0
        while position < len(text.rstrip()):
            match = token.match(text, position)
            if not match or len(tokens) >= 64:
                raise self._failed()
            tokens.append(match[0].strip())
            position = match.end()
        return tokens

    def _take(self, *wanted: str) -> str:
        if self.position < len(self.tokens) and self.tokens[self.position] in wanted:
            self.position += 1
            return self.tokens[self.position - 1]
        return ""

    def _sum(self) -> Any:
        value = self._product()
        while sign := self._take("+", "-"):
            other = self._product()
            value = self._combine(sign, value, other)
        return value

    def _product(self) -> Any:
        value = self._atom()
        while sign := self._take("*", "/"):
            value = self._combine(sign, value, self._atom())
        return value

    def _combine(self, sign: str, left: Any, right: Any) -> Any:
        if isinstance(left, str) or isinstance(right, str):
            raise problem(f"{describe(self.node)} computes with a word", self.node.location)
        if sign == "/":
            if not is_array(right) and right == 0:
                raise problem(f"{describe(self.node)} divides by zero", self.node.location)
            whole = left // right
            return whole if not is_array(left) and not is_array(right) and whole * right == left else left / right
        value = left + right if sign == "+" else left - right if sign == "-" else left * right
        if not is_array(value) and abs(value) > _LIMIT:
            raise problem(f"{describe(self.node)} goes beyond {_LIMIT:,}", self.node.location)
        return value

    def _atom(self) -> Any:
        if self._take("("):
            value = self._sum()
            if not self._take(")"):
                raise self._failed()
            return value
        if self.position >= len(self.tokens):
            raise self._failed()
        token = self.tokens[self.position]
        self.position += 1
        if token.startswith("$"):
            return self._knob(token[1:])
        if not token[0].isdigit() or len(token) > 16:
            raise self._failed()
        return float(token) if "." in token else int(token)

    def _knob(self, name: str) -> Any:
        # The resolution is a size, which nothing is computed with.
        known = {knob: value for knob, value in self.knobs.items() if value is not None and type(value) is not tuple}
        if name not in known:
            advice = suggest(name, known, "knobs")
            raise problem(f"there is no knob `{shorten(name)}`", self.node.location, help=advice)
        return known[name]

    def _failed(self) -> SpecError:
        return problem(
            f"{describe(self.node)} is not an expression",
            self.node.location,
            help="numbers and knobs with + - * / ( ), as in `2*$stem`",
        )
