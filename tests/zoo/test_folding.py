"""Networks in two forms: with the weights that those of the form for training fold to, the form in which they are run
gives the same outputs. The smallest of each folder by day, all of them by night."""

import pytest
import torch

import archprof
from archprof.runtime.build import build_network
from tests.by_day import in_two_forms, smallest_by_day
from tests.zoo.folding import fold, set_folded
from tests.zoo.twins import randomise


def settle(network, x):
    """Let norms take the statistics of what they see, and give back half: where maps grow row by row, as in fifty rows
    of RepVGG, gates are so steep that the last bit of an input changes all of the output."""
    for norm in network.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.momentum = 1.0
            norm.train()
    with torch.no_grad():
        network(x)
        for name, tensor in network.state_dict().items():
            if name.endswith("norm.weight"):
                tensor *= 0.5
    network.eval()


@pytest.mark.few(4)
@pytest.mark.parametrize("name", smallest_by_day(in_two_forms()))
def test_both_forms_are_the_same_function(name):
    torch.manual_seed(7)
    graphs = [archprof.expand(name, resolution=64, deploy=deploy) for deploy in (False, True)]
    trained, deployed = (build_network(graph).double().eval() for graph in graphs)
    x = torch.randn(2, 3, 64, 64).double()
    randomise(trained)
    settle(trained, x)
    set_folded(fold(graphs[1], deployed), fold(graphs[0], trained))
    with torch.no_grad():
        expected, found = trained(x), deployed(x)
    assert (found - expected).abs().max() <= 1e-9 * expected.abs().max()
