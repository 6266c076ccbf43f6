"""MnasNet: the outputs of an independent implementation, and counts where no table prints any."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import archprof
from tests.reference.mnasnet import MnasNet
from tests.zoo.equality import outputs


@pytest.mark.parametrize(
    ("name", "size", "width"),
    [
        ("mnasnet0_5", "b1", 0.5),
        ("mnasnet0_75", "b1", 0.75),
        ("mnasnet1_0", "b1", 1.0),
        ("mnasnet1_3", "b1", 1.3),
        ("mnasnet_a1@width=0.35", "a1", 0.35),
        ("mnasnet_a1", "a1", 1.0),
        ("mnasnet_small", "small", 1.0),
    ],
)
def test_gives_the_outputs_of_an_independent_implementation(name, size, width):
    theirs, ours = outputs(MnasNet(size, width), name, 64)
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize(("name", "size"), [("mnasnet_a1", "a1"), ("mnasnet_small", "small")])
def test_counts_what_the_independent_implementation_costs(name, size):
    with torch.device("meta"):
        reference = MnasNet(size).eval()
        with FlopCounterMode(display=False) as flops:
            reference(torch.empty(1, 3, 224, 224))
    totals = archprof.analyze(name).totals
    assert totals.params == sum(parameter.numel() for parameter in reference.parameters())
    assert 2 * totals.macs == flops.get_total_flops()
