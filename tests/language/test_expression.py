"""Expressions in cells, against Python's own arithmetic."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.errors import InputError
from archprof.ir.arrays import candidates
from archprof.ir.dims import Disagreement
from archprof.language.cells import knobs_of
from archprof.language.expression import evaluate, holds, is_expression
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
    "resolution": (224, 224),
}


def value(text, **limits):
    return evaluate(Scalar(text, "net.yaml", 1, 1), knobs_of(KNOBS), **limits)


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
        ("$stem // 10", 6),
        ("$stem % 10", 4),
        ("min($stem, 48) + max(1, 2)", 50),
        ("floor(7/2) + ceil(7/2)", 7),
        ("round(2.5)", 2),
        ("pow($x, 4)", 81),
        ("pow(2.25, $x - 1.5)", 3.375),
        ("pow(4, 0-1)", 0.25),
        ("make_divisible(0.35*32, 8)", 16),
        ("make_divisible(0.3*32, 8)", 16),
        ("make_divisible(10.5*8, 8, 0)", 88),
        ("make_divisible(11, 8)", 16),
        ("make_divisible(11, 8, 0)", 8),
        ("if($flag and $x > 2, 5, 7)", 5),
        ("$norm == batch_norm", True),
        ("$norm != batch_norm or $x == 3.0", True),
        ("not $flag", False),
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
        ("a+1", "net.yaml:1:1: `a+1` computes with a word"),
        ("$norm < 3", "net.yaml:1:1: `$norm < 3` asks which word is larger"),
        ("$x and $flag", "net.yaml:1:1: `$x and $flag` asks whether 3 holds"),
        (
            "least($x, 2)",
            "net.yaml:1:1: there is no function `least`\n  help: functions: min, max, floor, ceil, round, sqrt, "
            "pow, make_divisible, if, given",
        ),
        ("pow(0-$x, 0.5)", "net.yaml:1:1: `pow(0-$x, 0.5)` takes a power that is no number"),
        ("pow(0, 0-1)", "net.yaml:1:1: `pow(0, 0-1)` takes a power that is no number"),
        ("pow(10, 16)", "net.yaml:1:1: `pow(10, 16)` goes beyond 1,000,000,000,000,000"),
        ("pow(10, 99999)", "net.yaml:1:1: `pow(10, 99999)` goes beyond 1,000,000,000,000,000"),
        ("min($x)", "net.yaml:1:1: `min` takes 2 values, not 1"),
        (
            "99999999999999999*2",
            (
                "net.yaml:1:1: `99999999999999999*2` is not an expression\n  help: numbers and knobs with + - * / ( "
                "), as in `2*$stem`; compared by == != < <= > >=, joined by and, or, not"
            ),
        ),
    ],
)
def test_message(text, told):
    assert message(text) == told


@pytest.mark.parametrize(
    "text", ["", "*", "2*", "(2", "2)", "2 3", "$", "2**3", "2+", "()", "1,2", "((((" * 40, "1+" * 80 + "1"]
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


WIDTHS = candidates([16, 24, 32])


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$c * 2", [32, 48, 64]),
        ("$c / 2", [8, 12, 16]),
        ("make_divisible($c * 0.5, 8)", [8, 16, 16]),
        ("min($c, 20)", [16, 20, 20]),
        ("max($c, 20) // 4", [5, 6, 8]),
        ("$c * 1.5", [24, 36, 48]),
        ("round($c * 1.5 / 10)", [2, 4, 5]),
        ("pow($c / 8, 2)", [4, 9, 16]),
    ],
)
def test_arrays_are_computed_entry_by_entry(text, result):
    found = evaluate(Scalar(text), {"c": WIDTHS}, 1, 1000, whole=True)
    assert (found.tolist(), found.dtype.kind) == (result, "i")


def test_powers_of_arrays_are_those_of_their_entries():
    bases = [1.5 + place / 40 for place in range(64)]
    found = evaluate(Scalar("pow($m, 18.5)"), {"m": candidates(bases)})
    assert found.tolist() == [value(f"pow({base!r}, 18.5)") for base in bases]


def test_candidates_part_ways_at_a_condition():
    assert holds(Scalar("$c > 8"), {"c": WIDTHS})
    with pytest.raises(Disagreement):
        holds(Scalar("$c > 20"), {"c": WIDTHS})


def test_what_is_no_condition():
    with pytest.raises(InputError) as raised:
        holds(Scalar("$x", "net.yaml", 1, 1), {"x": 3})
    told = "net.yaml:1:1: `$x` is 3, not a condition\n  help: as in `$k > 0`, or a knob of `type: bool`"
    assert str(raised.value) == told
