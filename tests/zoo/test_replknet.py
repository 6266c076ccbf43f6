"""RepLKNet: kernels up to 31×31 are ordinary; the same outputs and counts as an independent implementation."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import archprof
from tests.reference.replknet import RepLKNet
from tests.zoo.equality import outputs

# Channels of the first stage, and the small kernel.
SETTINGS = {"replknet_31b": (128, 5), "replknet_31b@layers[1].small_k=-": (128, 0), "replknet_31l": (192, 5)}


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["replknet_31b", "replknet_31b@layers[1].small_k=-"])
def test_gives_the_outputs_of_an_independent_implementation(name):
    theirs, ours = outputs(RepLKNet(*SETTINGS[name]), name, 32)
    assert torch.equal(ours, theirs)


@pytest.mark.few(1)
@pytest.mark.parametrize("name", SETTINGS)
def test_counts_are_those_of_an_independent_implementation(name):
    with torch.device("meta"), FlopCounterMode(display=False) as flops:
        reference = RepLKNet(*SETTINGS[name]).eval()
        reference(torch.empty(1, 3, 224, 224))
    totals = archprof.analyze(name).totals
    assert totals.params == sum(parameter.numel() for parameter in reference.parameters())
    assert 2 * totals.macs == flops.get_total_flops()


def test_a_large_kernel_is_counted_as_any_other():
    row = next(
        row
        for row in archprof.analyze("replknet_31b").rows
        if row.path == "1.stage1.0.large_kernel.depthwise.large.conv"
    )
    assert (row.kernel, row.output) == ((31, 31), (128, 56, 56))
    assert row.cost.params == 31 * 31 * 128
    assert row.cost.macs == 31 * 31 * 128 * 56 * 56
