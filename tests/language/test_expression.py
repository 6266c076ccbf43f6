"""Expressions in cells, against Python's own arithmetic."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.errors import InputError
from archprof.language.expression import evaluate, is_expression
from archprof.spec.nodes import Scalar

KNOBS = {
    "stem": 64,
    "groups": 32,
    "width_per_group": 4,
    "ratio": 0.25,
    "norm": "batch_norm",
    "flag": True,
    "x": 3,
    "unset": None,
}


def value(text, **limits):
    return evaluate(Scalar(text, "net.yaml", 1, 1), KNOBS, **limits)


def message(text, **limits):
    with pytest.raises(InputError) as raised:
        value(text, **limits)
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$stem", 64),
        ("2*$stem", 128),
        ("$groups*$width_per_group", 128),
        ("($stem + 2) * 3 - 1", 197),
        ("2+3*4", 14),
        ("(2+3)*4", 20),
        ("8-4-2", 2),
        ("64/4/2", 8),
        ("$stem/3*3", 64),
        ("1/4", 0.25),
        ("$ratio*4", 1.0),
        ("1+$flag", 2),
        ("$norm", "batch_norm"),
        ("$flag", True),
        (" ( 3 ) ", 3),
    ],
)
def test_value(text, result):
    assert value(text) == result


NUMBERS = st.integers(1, 99).map(str)
EXPRESSIONS = st.recursive(
    NUMBERS,
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(
        lambda parts: f"({parts[0]}{parts[1]}{parts[2]})"
    ),
    max_leaves=6,
)


@given(EXPRESSIONS)
def test_whole_numbers_are_exact(text):
    assert value(text) == eval(text)


@given(st.integers(1, 10_000), st.integers(1, 100))
def test_division_comes_out_even_or_is_refused(dividend, divisor):
    exact = Fraction(dividend, divisor)
    if exact.denominator == 1:
        assert value(f"{dividend}/{divisor}", whole=True) == exact
    else:
        assert "not an integer" in message(f"{dividend}/{divisor}", whole=True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "$stm",
            (
                "net.yaml:1:1: there is no knob `stm`\n  help: did you mean `stem`? knobs: stem, groups, "
                "width_per_group, ratio, norm, flag, x"
            ),
        ),
        (
            "$unset",
            (
                "net.yaml:1:1: there is no knob `unset`\n  help: knobs: stem, groups, width_per_group, ratio, norm, "
                "flag, x"
            ),
        ),
        ("$stem/0", "net.yaml:1:1: `$stem/0` divides by zero"),
        ("$norm+1", "net.yaml:1:1: `$norm+1` computes with a word"),
        (
            "99999999999999999*2",
            (
                "net.yaml:1:1: `99999999999999999*2` is not an expression\n  help: numbers and knobs with + - * / ( "
                "), as in `2*$stem`"
            ),
        ),
    ],
)
def test_message(text, told):
    assert message(text) == told


@pytest.mark.parametrize(
    "text", ["", "*", "2*", "(2", "2)", "2 3", "$", "2**3", "a+b", "2+", "()", "1,2", "((((" * 40, "1+" * 80 + "1"]
)
def test_no_expression(text):
    assert "is not an expression" in message(text)


@pytest.mark.parametrize(("low", "high"), [(1, 63), (65, 100)])
def test_range(low, high):
    assert (
        message("$stem", low=low, high=high, whole=True)
        == f"net.yaml:1:1: `$stem` is 64, out of range\n  help: a value from {low} to {high}"
    )


@pytest.mark.parametrize("text", ["$stem", "2*3", "(4)", "3+4", "64/4", "12-2", "$norm"])
def test_expressions_are_recognised(text):
    assert is_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "0.25",
        "1e-3",
        "1e+3",
        "relu",
        "h-swish",
        "batch-norm",
        "1:30",
        "3x3",
        "-",
        "-5",
        "no",
        "6x",
        "1+" * 200,
    ],
)
def test_plain_cells_are_not(text):
    assert not is_expression(text)
