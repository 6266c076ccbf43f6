"""What every operator says of itself is what the table says of it."""

from math import prod

import pytest

from archprof.costs.metrics import OF_WEIGHTS, SeenCall
from archprof.ir.operators import all_operators
from archprof.ir.operators.act import ReLU, ReLU6
from archprof.ir.operators.base import KINDS, Operator, ShapeError
from archprof.ir.operators.batch_norm import BatchNorm2d
from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.deform import DeformConv2d
from archprof.ir.operators.flatten import Flatten
from archprof.ir.operators.frozen_batch_norm import FrozenBatchNorm2d
from archprof.ir.operators.global_pool import AdaptiveAvgPool2d
from archprof.ir.operators.heads import TalkingHeadsAttention
from archprof.ir.operators.join import Add, Concat, Multiply, Subtract
from archprof.ir.operators.linear import Linear
from archprof.ir.operators.mean import Mean
from archprof.ir.operators.norm import GroupNorm
from archprof.ir.operators.pad import PadShortcut
from archprof.ir.operators.pool import AvgPool2d, MaxPool2d
from archprof.ir.operators.shape import ChannelShuffle, Split
from archprof.ir.operators.swish import Swish
from archprof.ir.operators.tokens import FourierPositions
from archprof.ir.setup import INFERENCE
from archprof.ir.terms import total
from archprof.ir.values import Value
from tests.ir.operators_table import CONVOLUTIONS, LINEAR, MAP, RANKED, ROWS, elements, label


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_counts_are_those_of_the_table(row):
    outputs = row.op.outputs(*row.values)
    assert [output.shape for output in outputs] == [row.output]
    assert total(row.op.macs(row.values, outputs)) == row.macs
    assert elements(row.op.parameters()) == row.params
    assert elements(row.op.buffers()) == row.buffers
    assert row.op.kind in KINDS
    if row.kind:
        assert row.op.kind == row.kind


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_activations_are_the_outputs_of_convolutions_and_linear_layers(row):
    counted = prod(row.output) if row in (*CONVOLUTIONS, *LINEAR, *RANKED) else 0
    # What holds a convolution, or two linear layers, among other things.
    if isinstance(row.op, FourierPositions):
        counted = prod(row.output)
    if isinstance(row.op, TalkingHeadsAttention):
        counted = 2 * row.op.heads * (prod(row.output) // (row.op.heads * row.op.key_dim)) ** 2
    assert total(row.op.activations(row.values, row.op.outputs(*row.values))) == counted


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_of_what_is_free_nothing_is_counted(row):
    outputs = row.op.outputs(*row.values)
    counted = [
        count(SeenCall(row.op, row.values, outputs, row.op.parameters(), row.op.buffers()), INFERENCE)
        for count in OF_WEIGHTS
    ]
    assert not row.op.free or not any(counted)


def test_what_is_free_is_known_by_what_it_overrides():
    free = {type(row.op) for row in ROWS if row.op.free}
    assert {ReLU, Add, Flatten, MaxPool2d, ChannelShuffle} <= free
    assert free.isdisjoint((Conv2d, Linear, BatchNorm2d, FrozenBatchNorm2d, GroupNorm))


def test_every_operator_is_in_the_table():
    assert {type(row.op) for row in ROWS} == set(all_operators())


@pytest.mark.parametrize(
    ("op", "inputs", "message"),
    [
        (Conv2d(12, 8), ((3, 9, 8),), "a convolution of 12 channels on 3"),
        (Conv2d(12, 8), ((12,),), "a convolution needs a feature map (C×H×W), not 12"),
        (Conv2d(12, 8, groups=5), (MAP,), "12 input channels are not divisible by 5 groups"),
        (Conv2d(12, 8, groups=3), (MAP,), "8 output channels are not divisible by 3 groups"),
        (Conv2d(12, 8, (3, 9)), (MAP,), "a window of 9 is larger than the padded input of 8"),
        (
            Conv2d(12, 8, (3, 3), (1, 1), (1, 1), (6, 6)),
            (MAP,),
            "a window of 13 is larger than the padded input of 11",
        ),
        (Linear(12, 5), ((13,),), "a linear layer of 12 features on 13"),
        (Linear(12, 5), (MAP,), "a linear layer of 12 features on 12×9×8"),
        (
            DeformConv2d(12, 8, (3, 3), (1, 1), (1, 1), (1, 1)),
            (MAP, (27, 9, 8)),
            "a deformable convolution needs offsets of 18×9×8",
        ),
        (BatchNorm2d(8), (MAP,), "batch norm of 8 channels on 12"),
        (FrozenBatchNorm2d(8), (MAP,), "frozen batch norm of 8 channels on 12"),
        (GroupNorm(12, 5), (MAP,), "12 channels are not divisible by 5 groups of group norm"),
        (MaxPool2d((3, 3), (2, 2), (2, 2)), (MAP,), "a padding of 2 is more than half the window of 3"),
        (MaxPool2d((3, 3), (2, 2), (0, 3, 0, 0)), (MAP,), "a padding of 3 is no smaller than the window of 3"),
        (Conv2d(12, 8, (9, 9), padding=(1, 0, 0, 0)), (MAP,), "a window of 9 is larger than the padded input of 8"),
        (AvgPool2d((10, 10), (1, 1)), (MAP,), "a window of 10 is larger than the padded input of 9"),
        (Mean(), ((12,),), "the mean over a map needs a feature map (C×H×W), not 12"),
        (Add(), (MAP, (11, 9, 8)), "12×9×8 and 11×9×8 cannot be added"),
        (Subtract(), (MAP, MAP, MAP), "3 maps in a difference"),
        (Multiply(), (MAP, (12, 9, 7)), "12×9×8 and 12×9×7 cannot be multiplied"),
        (Concat(), (MAP, (12, 9, 7)), "12×9×7 cannot be concatenated to 12×9×8"),
        (Split(8, 5), (MAP,), "channels 8 to 12 of 12"),
        (ChannelShuffle(5), (MAP,), "12 channels are not divisible by the 5 groups of a shuffle"),
        (PadShortcut((2, 2), 8), (MAP,), "a shortcut of kind A from 12 to 8 channels"),
    ],
)
def test_an_operator_that_does_not_fit_says_why(op: Operator, inputs, message):
    with pytest.raises(ShapeError) as error:
        op.output(*map(Value, inputs))
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("op", "inputs", "factor"),
    [
        (Conv2d(12, 8, (3, 3), (2, 1), (1, 1)), (MAP,), 2),
        (MaxPool2d((3, 3), (3, 3)), (MAP,), 3),
        (AdaptiveAvgPool2d(), (MAP,), None),
        (AdaptiveAvgPool2d((3, 3)), (MAP,), 3),
        (Mean(), (MAP,), None),
        (Flatten(), (MAP,), None),
        (PadShortcut((2, 2), 12), (MAP,), 2),
        (ReLU(), (MAP,), 1),
    ],
)
def test_by_how_much_an_operator_divides_the_resolution(op: Operator, inputs, factor):
    assert op.stride_factor(*map(Value, inputs)) == factor


def test_operators_are_values():
    first, second = Conv2d(3, 8, (3, 3)), Conv2d(3, 8, (3, 3))
    assert first == second
    assert hash(first) == hash(second)
    assert first != Conv2d(3, 8, (1, 1))
    assert ReLU() == ReLU() != ReLU6()
    assert repr(Swish(learnable=True)) == "Swish(learnable=True)"
