"""How a spec says that weights are drawn, checked without torch."""

from collections.abc import Mapping

import pytest

from archprof.errors import SpecError
from archprof.ir.init_rules import PLAIN, InitRule
from archprof.language.init import read_init
from archprof.language.registry import spellings
from archprof.spec.load import load

DEFAULTS = {"conv": InitRule("kaiming_normal"), "linear": InitRule("normal", 0.01)}


def init_of(cells: str) -> Mapping[str, InitRule]:
    text = f"archprof: 1\ninput: 3x8x8\nlayers: [avg_pool]\ninit: {cells}\n"
    return read_init(load("-", spellings=spellings, text=text))


def test_defaults_are_those_of_the_reference():
    assert init_of("{}") == DEFAULTS


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        *((word, InitRule(word)) for word in PLAIN),
        ("{normal: 0.02}", InitRule("normal", 0.02)),
        ("{normal: 1e-3}", InitRule("normal", 0.001)),
        ("{trunc_normal: 0.02}", InitRule("trunc_normal", 0.02)),
    ],
)
def test_every_rule_is_read_for_both_kinds_of_layer(cell, rule):
    assert init_of(f"{{conv: {cell}}}") == {**DEFAULTS, "conv": rule}
    assert init_of(f"{{linear: {cell}}}") == {**DEFAULTS, "linear": rule}


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (
            "kaimin_normal",
            (
                "<stdin>:4:14: unknown initialisation `kaimin_normal`\n  in init.conv\n"
                "  help: did you mean `kaiming_normal`?"
            ),
        ),
        ("normal", "<stdin>:4:14: `normal` without its deviation\n  in init.conv\n  help: as in `{normal: 0.01}`"),
        ("{torch: 1}", "<stdin>:4:15: `torch` takes no value\n  in init.conv\n  help: write `torch`"),
        (
            "{normal: -1}",
            "<stdin>:4:23: `-1` is out of range\n  in init.conv\n  help: a standard deviation from 0 to 100",
        ),
        (
            "{normal: wide}",
            "<stdin>:4:23: expected a standard deviation, not `wide`\n  in init.conv\n  help: a number from 0 to 100",
        ),
        (
            "{normal: 1, torch: 1}",
            (
                "<stdin>:4:14: expected one rule with its deviation, not a mapping\n"
                "  in init.conv\n  help: as in `{normal: 0.01}`"
            ),
        ),
        ("[torch]", "<stdin>:4:14: expected an initialisation, not a list\n  in init.conv"),
    ],
)
def test_a_cell_that_is_no_rule_is_an_error_at_its_place(cell, message):
    with pytest.raises(SpecError) as error:
        init_of(f"{{conv: {cell}}}")
    assert str(error.value) == message


def test_both_cells_are_told_at_once():
    with pytest.raises(SpecError) as error:
        init_of("{conv: a, linear: b}")
    assert [problem.where for problem in error.value.problems] == ["init.conv", "init.linear"]
