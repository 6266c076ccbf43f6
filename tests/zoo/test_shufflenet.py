"""ShuffleNets are the networks of their papers' tables: the same outputs, and the same counts, as independent
implementations."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import archprof
from tests.reference.shufflenet import NETWORKS, ShuffleNetV2
from tests.reference.shufflenet_v1 import ShuffleNetV1
from tests.zoo.equality import outputs

# The first convolution's channels, those of the first stage, and groups.
FIRST = {
    "shufflenet_v1_x0_5": (12, 120, 3),
    "shufflenet_v1_x1_0": (24, 240, 3),
    "shufflenet_v1_x1_5": (24, 360, 3),
    "shufflenet_v1_x2_0": (48, 480, 3),
    "shufflenet_v1_g1": (24, 144, 1),
    "shufflenet_v1_g2": (24, 200, 2),
    "shufflenet_v1_g4": (24, 272, 4),
    "shufflenet_v1_g8": (24, 384, 8),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_second_gives_the_outputs_of_an_independent_implementation(name):
    theirs, ours = outputs(ShuffleNetV2(NETWORKS[name]), name, 64)
    assert torch.equal(ours, theirs)


@pytest.mark.few(3)
@pytest.mark.parametrize("name", FIRST)
def test_the_first_gives_the_outputs_of_an_independent_implementation(name):
    theirs, ours = outputs(ShuffleNetV1(*FIRST[name]), name, 64)
    assert torch.equal(ours, theirs)


@pytest.mark.few(3)
@pytest.mark.parametrize("name", FIRST)
def test_the_first_counts_what_the_independent_implementation_costs(name):
    with torch.device("meta"):
        reference = ShuffleNetV1(*FIRST[name]).eval()
        with FlopCounterMode(display=False) as flops:
            reference(torch.empty(1, 3, 224, 224))
    totals = archprof.analyze(name).totals
    assert totals.params == sum(parameter.numel() for parameter in reference.parameters())
    assert 2 * totals.macs == flops.get_total_flops()
