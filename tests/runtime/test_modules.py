"""Modules that torch lacks, against formulas written out."""

import pytest
import torch

from archprof.ir.modules import FrozenBatchNorm2d, StochasticDepth, Swish


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


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_frozen_batch_norm_is_a_batch_norm_in_inference(rank):
    frozen = FrozenBatchNorm2d(6, eps=0.001, rank=rank)
    usual = getattr(torch.nn, f"BatchNorm{rank}d")(6, eps=0.001).double().eval()
    state = {name: torch.rand(6) + 0.5 for name in ("weight", "bias", "running_mean", "running_var")}
    frozen.load_state_dict(state)
    usual.load_state_dict({**state, "num_batches_tracked": torch.tensor(0)})
    x = torch.randn(2, 6, *range(4, 4 + rank))
    assert torch.allclose(frozen.double()(x.double()), usual(x.double()), rtol=1e-12)
    assert list(frozen.parameters()) == []
    assert sum(buffer.numel() for buffer in frozen.buffers()) == 4 * 6


def test_a_new_frozen_batch_norm_is_the_identity():
    x = torch.randn(2, 6, 5, 5)
    assert torch.equal(FrozenBatchNorm2d(6)(x), x)


def test_frozen_batch_norm_behind_a_linear_layer():
    frozen = FrozenBatchNorm2d(3, rank=0)
    frozen.load_state_dict({name: torch.tensor(value) for name, value in STATE.items()})
    x = torch.tensor([[1.0, 2.0, 3.0]])
    assert frozen(x).tolist() == [[1 * (1 - 1) + 0, 3 * (2 - 0) / 2 + 1, 5 * (3 - 1) + 2]]


STATE = {
    "weight": [1.0, 3.0, 5.0],
    "bias": [0.0, 1.0, 2.0],
    "running_mean": [1.0, 0.0, 1.0],
    "running_var": [1.0, 4.0, 1.0],
}


def test_stochastic_depth_keeps_or_drops_whole_maps():
    torch.manual_seed(0)
    depth, x = StochasticDepth(0.25), torch.ones(400, 2, 3, 3)
    y = depth.train()(x)
    kept = y.flatten(1).amax(1) > 0
    assert torch.equal(y, x * kept[:, None, None, None] / 0.75)
    assert 0.7 < kept.float().mean() < 0.8
    assert torch.equal(depth.eval()(x), x)
    assert not StochasticDepth(1.0).train()(x).any()
