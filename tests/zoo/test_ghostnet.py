"""GhostNet: the outputs and the counts of an independent implementation."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import archprof
from tests.reference.ghostnet import GhostNet
from tests.runtime.nets import graph_of
from tests.zoo.equality import outputs

WIDTHS = {"ghostnet_050": 0.5, "ghostnet_100": 1.0, "ghostnet_130": 1.3}


@pytest.mark.parametrize("name", WIDTHS)
def test_gives_the_outputs_of_an_independent_implementation(name):
    theirs, ours = outputs(GhostNet(WIDTHS[name]), name, 64)
    assert torch.equal(ours, theirs)


@pytest.mark.few(1)
@pytest.mark.parametrize("name", WIDTHS)
def test_counts_what_the_independent_implementation_costs(name):
    with torch.device("meta"):
        reference = GhostNet(WIDTHS[name]).eval()
        with FlopCounterMode(display=False) as flops:
            reference(torch.empty(1, 3, 224, 224))
    totals = archprof.analyze(name).totals
    assert totals.params == sum(parameter.numel() for parameter in reference.parameters())
    assert 2 * totals.macs == flops.get_total_flops()


def test_of_an_odd_number_of_channels_the_last_ghost_is_cut():
    graph = graph_of("layers: [ghost_bottleneck: {exp: 10, c: 7}]")
    shapes = {node.path: node.output.shape for node in graph.nodes}
    assert shapes["0.project.cheap.conv"] == (4, 8, 8)
    assert shapes["0.project.split"] == (7, 8, 8)
