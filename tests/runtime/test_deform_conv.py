"""Deformable convolution from `grid_sample` and an ordinary product is what sampling by hand gives, to the bit where
sums are exact."""

import pytest
import torch
from torch import Tensor, nn

import archprof
from archprof.ir.operators.deform import DeformConv2d
from archprof.ir.terms import total
from archprof.ir.values import Value
from archprof.runtime.measure import measure_module
from tests.reference.deform_conv import Window, deform_conv

# Kernel, stride, padding, dilation, groups, deformable groups.
CASES = {
    "plain": ((3, 3), (1, 1), (1, 1), (1, 1), 1, 1),
    "stride": ((3, 3), (2, 2), (1, 1), (1, 1), 1, 1),
    "dilation": ((3, 3), (1, 1), (2, 2), (2, 2), 1, 1),
    "groups": ((3, 3), (1, 1), (1, 1), (1, 1), 2, 1),
    "depthwise": ((3, 3), (1, 1), (1, 1), (1, 1), 8, 2),
    "deformable groups": ((3, 3), (1, 1), (1, 1), (1, 1), 1, 4),
    "both": ((3, 3), (2, 1), (1, 1), (1, 1), 4, 4),
    "lopsided": ((1, 5), (1, 2), (2, 0), (1, 3), 2, 4),
    "pointwise": ((1, 1), (1, 1), (0, 0), (1, 1), 1, 2),
}


def operator(case: str, modulated: bool) -> DeformConv2d:
    return DeformConv2d(8, 16, *CASES[case], modulated=modulated)


def shapes_of(*tensors: Tensor) -> tuple[Value, ...]:
    return tuple(Value(tuple(tensor.shape[1:])) for tensor in tensors)


def offsets_for(op: DeformConv2d, x: Tensor) -> Tensor:
    """Return shifts of quarters up to three positions, and weights of 1/2 where modulated: numbers with few bits."""
    taps = op.kernel_size[0] * op.kernel_size[1]
    windows = nn.functional.unfold(x[:1, :1], op.kernel_size, op.dilation, op.padding, op.stride).shape[-1]
    height = (x.shape[2] + 2 * op.padding[0] - op.dilation[0] * (op.kernel_size[0] - 1) - 1) // op.stride[0] + 1
    shape = (len(x), op.deformable_groups * taps, height, windows // height)
    shifts = torch.randint(-12, 13, (shape[0], 2 * shape[1], *shape[2:])) / 4
    return torch.cat([shifts, torch.zeros(shape)], 1) if op.modulated else shifts


def by_hand(op: DeformConv2d, module: nn.Module, x: Tensor, offsets: Tensor) -> Tensor:
    groups, size = op.deformable_groups, offsets.shape[2:]
    split = 2 * groups * op.kernel_size[0] * op.kernel_size[1]
    shifts = offsets[:, :split].reshape(len(x), groups, *op.kernel_size, 2, *size)
    masks = offsets[:, split:].sigmoid() if op.modulated else torch.ones_like(offsets[:, : split // 2])
    window = Window(op.stride, op.padding, op.dilation, op.groups)
    return deform_conv(
        x, module.get_parameter("weight"), shifts, masks.reshape(len(x), groups, *op.kernel_size, *size), window
    )


@pytest.mark.few(9)
@pytest.mark.parametrize("modulated", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_samples_where_the_offsets_say(case, modulated):
    """Small integers on sides that are powers of two: every product and sum is exact, in whatever order it is taken."""
    torch.manual_seed(1)
    op = operator(case, modulated)
    module = op.module()
    with torch.no_grad():
        module.get_parameter("weight").copy_(torch.randint(-3, 4, module.get_parameter("weight").shape))
        x = torch.randint(-4, 5, (2, 8, 8, 16)).float()
        offsets = offsets_for(op, x)
        found = module(x, offsets)
        assert found.shape[1:] == op.output(*shapes_of(x, offsets)).shape
        assert found.abs().max() > 0
        assert torch.equal(found, by_hand(op, module, x, offsets))


@pytest.mark.parametrize("modulated", [False, True])
def test_samples_on_any_size(modulated):
    torch.manual_seed(1)
    op = operator("both", modulated)
    module = op.module().double()
    x = torch.randn(2, 8, 7, 9, dtype=torch.float64)
    offsets = 2 * torch.randn(offsets_for(op, x).shape, dtype=torch.float64)
    torch.testing.assert_close(module(x, offsets), by_hand(op, module, x, offsets), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_without_offsets_is_an_ordinary_convolution(case):
    torch.manual_seed(1)
    op = operator(case, modulated=False)
    module = op.module()
    with torch.no_grad():
        weight = module.get_parameter("weight").copy_(torch.randint(-3, 4, module.get_parameter("weight").shape))
        x = torch.randint(-4, 5, (2, 8, 8, 16)).float()
        expected = nn.functional.conv2d(x, weight, None, op.stride, op.padding, op.dilation, op.groups)
        assert torch.equal(module(x, torch.zeros_like(offsets_for(op, x))), expected)


@pytest.mark.few(1)
@pytest.mark.parametrize("modulated", [False, True])
def test_learns_where_to_sample(modulated):
    torch.manual_seed(1)
    op = operator("deformable groups", modulated)
    module = op.module().double()
    x = torch.randn(1, 8, 4, 5, dtype=torch.float64, requires_grad=True)
    # Away from whole positions, where the bilinear value has a kink.
    offsets = (offsets_for(op, x).double() + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(module, (x, offsets))


@pytest.mark.parametrize("case", CASES)
def test_costs_the_convolution_that_it_replaces(case):
    op = operator(case, modulated=True)
    x = torch.rand(1, 8, 8, 16)
    offsets = offsets_for(op, x)
    found = measure_module(op.module(), (x, offsets), "both")
    kernel = op.kernel_size[0] * op.kernel_size[1]
    macs = kernel * 8 // op.groups * 16 * offsets.shape[2] * offsets.shape[3]
    assert (found.params, found.macs, found.macs_torch) == (kernel * 8 // op.groups * 16, macs, macs)
    values = shapes_of(x, offsets)
    assert total(op.macs(values, op.outputs(*values))) == macs


def test_is_initialised_as_its_spec_says():
    network = archprof.build("R-50-C5", deform_c5="plain", groups=4)
    weight = network.get_parameter("2.conv5_x.0.conv2.conv.weight")
    assert weight.shape == (2048, 512, 3, 3)
    bound = (3 / (9 * 512)) ** 0.5
    assert 0.99 * bound < weight.abs().max() <= bound
    assert not network.get_parameter("2.conv5_x.0.conv2.offset.bias").any()
