"""How a spec says that weights are drawn, checked without torch."""

import pytest

from archprof.errors import SpecError
from archprof.ir.init_rules import BIASES, PLAIN, InitRule, Inits
from archprof.language.init import read_init
from archprof.language.spellings import spellings
from archprof.spec.load import load

DEFAULTS = {"conv": InitRule("kaiming_normal"), "linear": InitRule("normal", 0.01)}


def init_of(cells: str) -> Inits:
    text = f"archprof: 1\ninput: 3x8x8\nlayers: [avg_pool]\ninit: {cells}\n"
    return read_init(load("-", spellings=spellings, text=text), ("stem", "head"))


def test_defaults_are_those_of_the_reference():
    assert init_of("{}") == (DEFAULTS, {})


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
    assert init_of(f"{{conv: {cell}}}").rules == {**DEFAULTS, "conv": rule}
    assert init_of(f"{{linear: {cell}}}").rules == {**DEFAULTS, "linear": rule}
    assert init_of(f"{{layers: {{head: {cell}}}}}") == (DEFAULTS, {"head": {"conv": rule, "linear": rule}})


@pytest.mark.parametrize("bias", BIASES)
def test_biases_have_their_own_rule(bias):
    """It holds whatever the weight's is, also in a layer that has its own."""
    found = init_of(f"{{conv_bias: {bias}, linear: torch, layers: {{stem: he_normal}}}}")
    assert found.rules == {"conv": InitRule("kaiming_normal", bias=bias), "linear": InitRule("torch")}
    assert found.layers == {"stem": {"conv": InitRule("he_normal", bias=bias), "linear": InitRule("he_normal")}}


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


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            "{layers: {haed: torch}}",
            "<stdin>:4:17: there is no layer `haed`\n  in init.layers\n  help: did you mean `head`? ids: stem, head",
        ),
        (
            "{linear_bias: zeros}",
            (
                "<stdin>:4:21: unknown initialisation of biases `zeros`\n  in init.linear_bias\n"
                "  help: did you mean `zero`? allowed: zero, torch"
            ),
        ),
        (
            "{layers: [head]}",
            "<stdin>:4:16: expected a mapping for `layers`, not a list\n  in init.layers",
        ),
    ],
)
def test_a_layer_or_a_bias_that_is_none(cells, message):
    with pytest.raises(SpecError) as error:
        init_of(cells)
    assert str(error.value) == message


def test_both_cells_are_told_at_once():
    with pytest.raises(SpecError) as error:
        init_of("{conv: a, linear: b}")
    assert [problem.where for problem in error.value.problems] == ["init.conv", "init.linear"]
