"""Networks that a search put together: the outputs and the counts of an independent implementation."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import archprof
from tests.reference.searched import NETWORKS, Searched
from tests.zoo.equality import outputs


@pytest.mark.few(2)
@pytest.mark.parametrize("name", NETWORKS)
def test_gives_the_outputs_of_an_independent_implementation(name):
    theirs, ours = outputs(Searched(name), name, 64)
    assert torch.equal(ours, theirs)


@pytest.mark.few(2)
@pytest.mark.parametrize("name", NETWORKS)
def test_counts_what_the_independent_implementation_costs(name):
    with torch.device("meta"):
        reference = Searched(name).eval()
        with FlopCounterMode(display=False) as flops:
            reference(torch.empty(1, 3, 224, 224))
    totals = archprof.analyze(name).totals
    assert totals.params == sum(parameter.numel() for parameter in reference.parameters())
    assert 2 * totals.macs == flops.get_total_flops()
