"""Modules that torch lacks, against formulas written out."""

from itertools import product

import pytest
import torch

from archprof.graph.operators.deform import DeformConv2d as Deform
from archprof.runtime.modules import DeformConv2d, FrozenBatchNorm2d, Swish


def test_swish_is_a_product():
    x = torch.randn(2, 3, 4, 4)
    assert torch.equal(Swish()(x), x * torch.sigmoid(x))
    assert list(Swish().parameters()) == []


def test_learnable_swish_starts_at_one_and_learns():
    x = torch.randn(2, 3, 4, 4)
    swish = Swish(learnable=True)
    assert [(name, beta.tolist()) for name, beta in swish.named_parameters()] == [("beta", [1.0])]
    assert torch.equal(swish(x), x * torch.sigmoid(x))
    swish(x).sum().backward()
    (beta,) = swish.parameters()
    assert beta.grad is not None
    # d/dβ of x·σ(βx) is x²·σ(x)·(1 − σ(x)) at β = 1.
    assert beta.grad.item() == pytest.approx((x**2 * x.sigmoid() * (1 - x.sigmoid())).sum().item(), rel=1e-4)


def test_frozen_batch_norm_is_a_batch_norm_in_inference():
    frozen = FrozenBatchNorm2d(6, eps=0.001)
    usual = torch.nn.BatchNorm2d(6, eps=0.001).double().eval()
    state = {name: torch.rand(6) + 0.5 for name in ("weight", "bias", "running_mean", "running_var")}
    frozen.load_state_dict(state)
    usual.load_state_dict({**state, "num_batches_tracked": torch.tensor(0)})
    x = torch.randn(2, 6, 5, 5)
    assert torch.allclose(frozen.double()(x.double()), usual(x.double()), rtol=1e-12)
    assert list(frozen.parameters()) == []
    assert sum(buffer.numel() for buffer in frozen.buffers()) == 4 * 6


def test_a_new_frozen_batch_norm_is_the_identity():
    x = torch.randn(2, 6, 5, 5)
    assert torch.equal(FrozenBatchNorm2d(6)(x), x)


def sampled(image: torch.Tensor, y: float, x: float) -> float:
    """Return the bilinear sample of (H, W) at a place; zero outside."""
    height, width = image.shape
    total = 0.0
    for row, column in product((int(y // 1), int(y // 1) + 1), (int(x // 1), int(x // 1) + 1)):
        if 0 <= row < height and 0 <= column < width:
            total += (1 - abs(y - row)) * (1 - abs(x - column)) * image[row, column].item()
    return total


@pytest.mark.parametrize("modulated", [False, True])
def test_deformable_convolution_samples_where_the_offsets_say(modulated):
    torch.manual_seed(0)
    op = Deform(4, 6, (3, 2), (2, 1), (1, 1), (1, 2), 2, 2, modulated)
    module = DeformConv2d(op).double()
    image = torch.randn(1, 4, 5, 6, dtype=torch.double)
    channels, height, width = op.output((4, 5, 6), (2 * 6 * (3 if modulated else 2), 3, 6))
    offsets = torch.randn(1, 2 * 6 * (3 if modulated else 2), height, width, dtype=torch.double)
    expected = torch.zeros(1, channels, height, width, dtype=torch.double)
    for out, inner, tap, row, column in product(range(6), range(2), range(6), range(height), range(width)):
        source, share = out // 3 * 2 + inner, out // 3  # two groups of two channels, each its own deformable group
        dy, dx = offsets[0, share * 12 + 2 * tap : share * 12 + 2 * tap + 2, row, column].tolist()
        weight = offsets[0, 24 + share * 6 + tap, row, column].sigmoid().item() if modulated else 1.0
        value = sampled(image[0, source], 2 * row - 1 + tap // 2 + dy, column - 1 + 2 * (tap % 2) + dx)
        expected[0, out, row, column] += module.weight[out, inner, tap // 2, tap % 2].item() * weight * value
    assert torch.allclose(module(image, offsets), expected, rtol=1e-9)


def test_deformable_convolution_without_offsets_is_a_convolution():
    op = Deform(4, 6, (3, 3), (2, 2), (1, 1), (1, 1))
    module, x = DeformConv2d(op), torch.randn(2, 4, 9, 9)
    usual = torch.nn.functional.conv2d(x, module.weight, stride=2, padding=1)
    assert torch.allclose(module(x, torch.zeros(2, 18, 5, 5)), usual, atol=1e-5)
