"""RegNets are what their parameters generate: the same outputs, and the same counts, as an independent
implementation."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import archprof
from tests.reference.regnet import NETWORKS, RegNet, stages
from tests.zoo.equality import outputs


@pytest.mark.parametrize("name", ["regnet_x_400mf", "regnet_y_400mf", "regnety_008"])
def test_gives_the_outputs_of_an_independent_implementation(name):
    theirs, ours = outputs(RegNet(NETWORKS[name]), name, 64)
    assert torch.equal(ours, theirs)


@pytest.mark.few(3)
@pytest.mark.parametrize("name", NETWORKS)
def test_tables_are_those_that_the_rule_generates(name):
    with torch.device("meta"), FlopCounterMode(display=False) as flops:
        reference = RegNet(NETWORKS[name]).eval()
        reference(torch.empty(1, 3, 224, 224))
    totals = archprof.analyze(name).totals
    assert totals.params == sum(parameter.numel() for parameter in reference.parameters())
    assert 2 * totals.macs == flops.get_total_flops()


def test_torchvision_and_pycls_round_to_groups_differently():
    """Ties go up in torchvision (24.5 groups of 16), to the even neighbour in pycls; 168 of 192 would lose more than 10
    %."""
    assert [stages(NETWORKS[name])[-1][1] for name in ("regnet_x_400mf", "regnetx_004")] == [400, 384]
    assert [stages(NETWORKS[name])[0][1] for name in ("regnet_y_8gf", "regnety_080")] == [224, 168]
