"""What the table says of every operator is what torch, fvcore and FlopCounterMode say of its module."""

from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from archprof.ir.operators.act import GELU, Hardsigmoid, Hardswish, LeakyReLU, ReLU, ReLU6, Sigmoid, SiLU, Tanh
from archprof.ir.operators.base import Operator, ShapeError
from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.drop import Dropout, StochasticDepth
from archprof.ir.operators.flatten import Flatten
from archprof.ir.operators.global_pool import AdaptiveAvgPool2d, AdaptiveMaxPool2d
from archprof.ir.operators.join import Add, Concat, Multiply, Subtract
from archprof.ir.operators.mean import Mean
from archprof.ir.operators.norm import LayerNorm, LayerScale, LearnedScale
from archprof.ir.operators.pad import Pad, PadShortcut
from archprof.ir.operators.pool import AvgPool2d, MaxPool2d
from archprof.ir.operators.shape import ChannelShuffle, ResizeLike, Split
from archprof.ir.operators.swish import Swish
from archprof.ir.terms import total
from archprof.ir.values import Value
from archprof.runtime.measure import measure_module
from tests.ir.operators_table import ROWS, label
from tests.runtime.nets import called


class Applied(nn.Module):
    """An operator as a network runs it: its module, or its function."""

    def __init__(self, op: Operator) -> None:
        super().__init__()
        self.op = op
        self.built = op.module()

    def forward(self, *inputs: Tensor) -> Tensor:
        output: Tensor = called(self.op, *inputs) if self.built is None else self.built(*inputs)
        return output


def drawn(row, images: int) -> tuple[Tensor, ...]:
    """Return inputs of an operator: numbers that it can learn from, or that name rows of a table."""
    if row.dtype == "int64":
        return tuple(torch.randint(10, sizes) for sizes in row.inputs_at(images))
    return tuple(torch.rand(sizes, requires_grad=True) for sizes in row.inputs_at(images))


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_the_module_is_what_the_table_says(row):
    applied = Applied(row.op).eval()
    assert (applied.built is None) == (row.op.form != "module")
    inputs = drawn(row, 1)
    assert applied(*inputs).shape == row.output_at(1)
    assert sum(parameter.numel() for parameter in applied.parameters()) == row.params
    kept = [buffer.numel() for name, buffer in applied.named_buffers() if not name.endswith("num_batches_tracked")]
    assert sum(kept) == row.buffers
    measured = measure_module(applied, inputs, "both")
    assert (measured.params, measured.macs, measured.macs_torch) == (row.params, row.macs, row.macs)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_the_module_trains_on_a_batch(row):
    applied = Applied(row.op)
    inputs = drawn(row, 3)
    output = applied(*inputs)
    assert output.shape == row.output_at(3)
    output.sum().backward()
    assert all(parameter.grad is not None for parameter in applied.parameters())


X = torch.linspace(-8, 8, 12 * 9 * 8).reshape(1, 12, 9, 8)


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (ReLU(), X.clamp(min=0)),
        (ReLU6(), X.clamp(0, 6)),
        (Hardsigmoid(), (X + 3).clamp(0, 6) / 6),
        (Hardswish(), X * (X + 3).clamp(0, 6) / 6),
        (Sigmoid(), 1 / (1 + (-X).exp())),
        (LeakyReLU(0.1), X.clamp(min=0) + 0.1 * X.clamp(max=0)),
        (SiLU(), X / (1 + (-X).exp())),
        (Swish(), X / (1 + (-X).exp())),
        (Tanh(), (X.exp() - (-X).exp()) / (X.exp() + (-X).exp())),
        (GELU(), X * (1 + torch.erf(X / 2**0.5)) / 2),
        (Dropout(0.5), X),
        (StochasticDepth(0.5), X),
        (Mean(), X.reshape(1, 12, 72).mean(2)),
        (AdaptiveAvgPool2d(), X.reshape(1, 12, 72, 1).mean(2, keepdim=True)),
        (AdaptiveAvgPool2d(form="function"), X.reshape(1, 12, 72, 1).mean(2, keepdim=True)),
        (AdaptiveMaxPool2d(), X.reshape(1, 12, 72, 1).amax(2, keepdim=True)),
        (AvgPool2d((1, 8), (1, 8)), X.mean(3, keepdim=True)),
        (Split(5, 7), X[:, 5:]),
        (ChannelShuffle(3), X[:, [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]]),
        (Pad((0, 1, 2, 3)), torch.cat([functional.pad(X, (2, 3)), torch.zeros(1, 12, 1, 13)], 2)),
        (PadShortcut((2, 2), 20), torch.cat([X[:, :, ::2, ::2], torch.zeros(1, 8, 5, 4)], 1)),
        (Flatten(), X.reshape(1, -1)),
        (LayerNorm(12), functional.layer_norm(X.permute(0, 2, 3, 1), (12,)).permute(0, 3, 1, 2)),
        (LayerScale(12, 0.1), 0.1 * X),
        (LearnedScale(0.3), 0.3 * X),
    ],
    ids=lambda value: repr(value) if isinstance(value, Operator) else "",
)
def test_the_module_computes_what_its_formula_says(op, expected):
    assert torch.allclose(Applied(op).eval()(X), expected, atol=1e-5)


def test_joins_compute_what_they_say():
    y, gate = X.flip(1), torch.rand(1, 12, 1, 1)
    assert torch.equal(Applied(Add())(X, y, gate), X + y + gate)
    assert torch.equal(Applied(Subtract())(X, gate), X - gate)
    assert torch.equal(Applied(Multiply())(X, gate), X * gate)
    assert torch.equal(Applied(Concat())(X, y), torch.cat([X, y], 1))
    small = torch.arange(4.0).reshape(1, 1, 2, 2)
    assert (
        Applied(ResizeLike())(small, torch.empty(1, 1, 4, 4))[0, 0].tolist() == [[0, 0, 1, 1]] * 2 + [[2, 2, 3, 3]] * 2
    )


def test_padding_takes_part_in_a_mean_or_not():
    ones = torch.ones(1, 1, 2, 2)
    assert Applied(AvgPool2d((2, 2), (2, 2), (1, 1)))(ones)[0, 0, 0, 0] == 1 / 4
    assert Applied(AvgPool2d((2, 2), (2, 2), (1, 1), count_padding=False))(ones)[0, 0, 0, 0] == 1


SIDES = [(1, 2, 0, 3), (0, 1, 0, 0), (2, 0, 1, 1)]


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_four_paddings_are_those_of_an_explicit_pad(sides, stride):
    window, around = ((4, 4), (stride, stride), sides), (*sides[2:], *sides[:2])
    padded, low = functional.pad(X, around), functional.pad(X, around, value=-torch.inf)
    conv = Applied(Conv2d(12, 6, *window, groups=2, bias=True))
    weight, bias = conv.parameters()
    assert torch.equal(conv(X), functional.conv2d(padded, weight, bias, stride, groups=2))
    assert torch.equal(Applied(MaxPool2d(*window))(X), functional.max_pool2d(low, 4, stride))
    mean = functional.avg_pool2d(padded, 4, stride)
    assert torch.equal(Applied(AvgPool2d(*window))(X), mean)
    real = functional.avg_pool2d(functional.pad(torch.ones_like(X), around), 4, stride)
    assert torch.allclose(Applied(AvgPool2d(*window, count_padding=False))(X), mean / real)


@pytest.mark.parametrize(("kernel", "ceil"), [*product(range(1, 5), (False, True))])
def test_pooling_with_four_paddings_has_a_real_element_in_every_window(kernel, ceil):
    for before, behind, stride, size in product(range(kernel), range(kernel), range(1, 4), range(1, 9)):
        for op in (MaxPool2d, AvgPool2d):
            options: dict[str, Any] = {"count_padding": False} if op is AvgPool2d else {}
            pool = op((kernel, 1), (stride, 1), (before, behind, 0, 0), ceil, **options)
            if (fits := ours(pool, (1, size, 1))) is not None:
                found = pool.module()(torch.ones(1, 1, size, 1))
                assert (tuple(found.shape[1:]), found.min(), found.max()) == (fits, 1, 1)


WINDOWS = [
    (kernel, stride, padding, ceil)
    for kernel, stride in product(range(1, 6), repeat=2)
    for padding in range(kernel)
    for ceil in (False, True)
]


@pytest.mark.parametrize("op", [MaxPool2d, AvgPool2d])
def test_windows_of_every_small_size_fit_where_torch_says(op):
    for kernel, stride, padding, ceil in product(range(1, 6), range(1, 6), range(4), (False, True)):
        pooling = op((kernel, kernel), (stride, stride), (padding, padding), ceil)
        module = pooling.module()
        for size in range(1, 12):
            assert ours(pooling, (1, size, size)) == theirs(module, (1, 1, size, size))


side = st.integers(1, 20)
window = st.tuples(st.integers(1, 5), st.integers(1, 5))


@given(
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    window,
    window,
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    window,
    side,
    side,
)
def test_convolutions_have_the_shape_weights_and_cost_that_torch_says(
    groups, inner, outer, kernel, stride, padding, dilation, height, width
):
    op = Conv2d(groups * inner, groups * outer, kernel, stride, padding, dilation, groups)
    with torch.device("meta"):
        module = op.module()
    assert isinstance(module, nn.Conv2d)
    output = ours(op, (groups * inner, height, width))
    assert output == theirs(module, (1, groups * inner, height, width))
    assert total(op.parameters()["weight"]) == module.weight.numel()
    if output:
        # The definition: one product for each element of the output, tap and input channel of its group.
        macs = total(op.macs((), (Value(output),)))
        assert macs == output[0] * output[1] * output[2] * kernel[0] * kernel[1] * inner


def ours(op: Operator, sizes: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return op.output(Value(sizes)).shape
    except ShapeError:
        return None


def theirs(module: nn.Module, sizes: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return tuple(module(torch.empty(sizes, device="meta")).shape[1:])
    except RuntimeError:
        return None
