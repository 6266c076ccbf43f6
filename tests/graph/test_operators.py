"""What every operator says of itself is what the table says of it."""

import pytest

from archprof.graph.operators import OPERATORS, act, conv, deform, norm, pool, shape
from archprof.graph.operators.base import KINDS, Operator, ShapeError
from tests.graph.operators_table import CONVOLUTIONS, LINEAR, MAP, ROWS, label


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_counts_are_those_of_the_table(row):
    output = row.op.output(*row.inputs)
    assert output == row.output
    assert row.op.macs(output) == row.macs
    assert (row.op.params, row.op.buffers) == (row.params, row.buffers)
    assert row.op.kind in KINDS
    if row.kind:
        assert row.op.kind == row.kind


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_activations_are_the_outputs_of_convolutions_and_linear_layers(row):
    elements = 1
    for size in row.output:
        elements *= size
    counted = row in (*CONVOLUTIONS, *LINEAR)
    assert row.op.activations(row.output) == (elements if counted else 0)


def test_every_operator_is_in_the_table():
    assert {type(row.op) for row in ROWS} == set(OPERATORS)


@pytest.mark.parametrize(
    ("op", "inputs", "message"),
    [
        (conv.Conv2d(12, 8), ((3, 9, 8),), "a convolution of 12 channels on 3"),
        (conv.Conv2d(12, 8), ((12,),), "a convolution needs a feature map (C×H×W), not 12"),
        (conv.Conv2d(12, 8, groups=5), (MAP,), "12 input channels are not divisible by 5 groups"),
        (conv.Conv2d(12, 8, groups=3), (MAP,), "8 output channels are not divisible by 3 groups"),
        (conv.Conv2d(12, 8, (3, 9)), (MAP,), "a window of 9 is larger than the padded input of 8"),
        (
            conv.Conv2d(12, 8, (3, 3), (1, 1), (1, 1), (6, 6)),
            (MAP,),
            "a window of 13 is larger than the padded input of 11",
        ),
        (conv.Linear(12, 5), ((13,),), "a linear layer of 12 features on 13"),
        (conv.Linear(12, 5), (MAP,), "a linear layer of 12 features on 12×9×8"),
        (
            deform.DeformConv2d(12, 8, (3, 3), (1, 1), (1, 1), (1, 1)),
            (MAP, (27, 9, 8)),
            "a deformable convolution needs offsets of 18×9×8",
        ),
        (norm.BatchNorm2d(8), (MAP,), "batch norm of 8 channels on 12"),
        (norm.FrozenBatchNorm2d(8), (MAP,), "frozen batch norm of 8 channels on 12"),
        (norm.GroupNorm(12, 5), (MAP,), "12 channels are not divisible by 5 groups of group norm"),
        (pool.MaxPool2d((3, 3), (2, 2), (2, 2)), (MAP,), "a padding of 2 is more than half the window of 3"),
        (pool.AvgPool2d((10, 10), (1, 1)), (MAP,), "a window of 10 is larger than the padded input of 9"),
        (pool.Mean(), ((12,),), "the mean over a map needs a feature map (C×H×W), not 12"),
        (shape.Add(), (MAP, (11, 9, 8)), "12×9×8 and 11×9×8 cannot be added"),
        (shape.Multiply(), (MAP, (12, 9, 7)), "12×9×8 and 12×9×7 cannot be multiplied"),
        (shape.Concat(), (MAP, (12, 9, 7)), "12×9×7 cannot be concatenated to 12×9×8"),
        (shape.Split(8, 5), (MAP,), "channels 8 to 12 of 12"),
        (shape.ChannelShuffle(5), (MAP,), "12 channels are not divisible by the 5 groups of a shuffle"),
        (shape.PadShortcut((2, 2), 8), (MAP,), "a shortcut of kind A from 12 to 8 channels"),
    ],
)
def test_an_operator_that_does_not_fit_says_why(op: Operator, inputs, message):
    with pytest.raises(ShapeError) as error:
        op.output(*inputs)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("op", "inputs", "factor"),
    [
        (conv.Conv2d(12, 8, (3, 3), (2, 1), (1, 1)), (MAP,), 2),
        (pool.MaxPool2d((3, 3), (3, 3)), (MAP,), 3),
        (pool.AdaptiveAvgPool2d(), (MAP,), None),
        (pool.AdaptiveAvgPool2d((3, 3)), (MAP,), 3),
        (pool.Mean(), (MAP,), None),
        (shape.Flatten(), (MAP,), None),
        (shape.PadShortcut((2, 2), 12), (MAP,), 2),
        (act.ReLU(), (MAP,), 1),
    ],
)
def test_by_how_much_an_operator_divides_the_resolution(op: Operator, inputs, factor):
    assert op.stride_factor(*inputs) == factor


def test_operators_are_values():
    first, second = conv.Conv2d(3, 8, (3, 3)), conv.Conv2d(3, 8, (3, 3))
    assert first == second
    assert hash(first) == hash(second)
    assert first != conv.Conv2d(3, 8, (1, 1))
    assert act.ReLU() == act.ReLU() != act.ReLU6()
    assert repr(act.Swish(learnable=True)) == "Swish(learnable=True)"
