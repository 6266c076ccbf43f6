"""The formulas that the reference prints are those that the code computes."""

import pytest

from archprof.ir.operators import all_operators
from archprof.ir.operators.batch_norm import BatchNorm2d, FrozenBatchNorm2d
from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.deform import DeformConv2d
from archprof.ir.operators.linear import Linear
from archprof.ir.operators.norm import GroupNorm, LayerNorm, LayerScale
from archprof.ir.operators.swish import Swish
from archprof.ir.terms import total
from archprof.ir.values import Value

# In the letters of the page: M inputs, N outputs, K kernel side, g groups, F output side.
LETTERS = {"M": 24, "N": 36, "K": 5, "g": 4, "F": 7}
WINDOW = ((5, 5), (2, 2), (2, 2), (1, 1))
SAMPLES = [
    (Conv2d(24, 36, *WINDOW, 4, bias=True), [(24, 13, 13)]),
    (DeformConv2d(24, 36, *WINDOW, 4), [(24, 13, 13), (50, 7, 7)]),
    (Linear(24, 36, bias=True), [(24,)]),
    (BatchNorm2d(36), [(36, 7, 7)]),
    (FrozenBatchNorm2d(36), [(36, 7, 7)]),
    (GroupNorm(36, 4), [(36, 7, 7)]),
    (LayerNorm(36), [(36, 7, 7)]),
    (LayerScale(36), [(36, 7, 7)]),
    (Swish(learnable=True), [(36, 7, 7)]),
]


def value(formula):
    """Return what a formula of the page gives for the sample's letters."""
    return eval(formula.replace("²", "**2").replace("·", "*").replace("/", "//"), {}, LETTERS)


@pytest.mark.parametrize(("op", "shapes"), SAMPLES, ids=lambda value: getattr(value, "name", ""))
def test_formulas_give_the_counts(op, shapes):
    values = tuple(map(Value, shapes))
    assert value(op.formula) == total(op.macs(values, op.outputs(*values)))
    assert value(op.params_formula) == sum(map(total, op.parameters().values()))
    assert value(op.buffers_formula) == sum(map(total, op.buffers().values()))


def test_every_formula_has_a_sample():
    stated = {op for op in all_operators() if (op.formula, op.params_formula, op.buffers_formula) != ("0", "0", "0")}
    assert stated <= {type(op) for op, _ in SAMPLES}
