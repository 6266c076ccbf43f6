"""ConvNeXt is the network of its paper's table: the same outputs as an independent implementation, in training too."""

import pytest
import torch

import archprof
from archprof.ir.operators.drop import StochasticDepth
from tests.reference.convnext import NETWORKS, ConvNeXt
from tests.zoo.equality import outputs
from tests.zoo.twins import built_with_weights_of


@pytest.mark.parametrize("name", ["convnext_tiny", "convnext_small"])
def test_gives_the_outputs_of_an_independent_implementation(name):
    theirs, ours = outputs(ConvNeXt(*NETWORKS[name]), name, 32)
    assert torch.equal(ours, theirs)


def test_training_drops_the_same_blocks():
    """Stochastic depth grows from 0 to the network's rate, so that each block draws as the reference's does."""
    torch.manual_seed(7)
    reference = ConvNeXt(*NETWORKS["convnext_tiny"], classes=10).train()
    network = built_with_weights_of(reference, "convnext_tiny", classes=10).train()
    x = torch.rand(8, 3, 32, 32)
    losses = []
    for module in (reference, network):
        torch.manual_seed(3)
        losses.append(module(x).square().sum())
        losses[-1].backward()
    assert torch.equal(*losses)
    for mine, theirs in zip(network.parameters(), reference.parameters(), strict=True):
        assert mine.grad is not None
        assert theirs.grad is not None
        assert torch.equal(mine.grad, theirs.grad)


@pytest.mark.parametrize("name", NETWORKS)
def test_rates_grow_evenly_to_that_of_the_last_block(name):
    _, blocks, rate = NETWORKS[name]
    rates = [node.op.p for node in archprof.expand(name).nodes if isinstance(node.op, StochasticDepth)]
    assert rates == [rate * block / (sum(blocks) - 1) for block in range(sum(blocks))]


def test_starts_as_the_paper_says():
    """Section A.1: layer scale starts at 1e-6, weights are cut normals of deviation 0.02, biases zero."""
    torch.manual_seed(0)
    network = archprof.build("convnext_tiny", classes=10)
    state = network.state_dict()
    scales = [tensor for name, tensor in state.items() if "layer_scale" in name]
    assert len(scales) == 18
    assert all((scale == 1e-6).all() for scale in scales)
    assert all((tensor == 0).all() for name, tensor in state.items() if name.endswith("bias"))
    weights = torch.cat(
        [tensor.flatten() for name, tensor in state.items() if name.endswith(("conv.weight", "linear.weight"))]
    )
    assert 0.0199 < weights.std() < 0.0201
