"""MixNet: the outputs of an independent implementation, and what its widths mean."""

import pytest
import torch

import archprof
from tests.reference.mixnet import MixNet
from tests.zoo.twins import assert_same_outputs, built_with_weights_of, randomise


@pytest.mark.parametrize(("size", "width"), [("s", 0.45), ("s", 1.0), ("m", 1.0), ("l", 1.0)])
def test_gives_the_outputs_of_an_independent_implementation(size, width):
    torch.manual_seed(7)
    reference = MixNet(size, width, classes=10)
    randomise(reference)
    network = built_with_weights_of(reference, f"mixnet_{size}", width=width, classes=10)
    assert_same_outputs(reference, network, torch.rand(2, 3, 64, 48))


def test_large_is_medium_widened():
    assert archprof.analyze("mixnet_l").totals == archprof.analyze("mixnet_m", width=1.3).totals
    assert archprof.analyze("mixnet_l", width=0.5).totals == archprof.analyze("mixnet_m", width=0.65).totals


def test_a_split_leaves_the_remainder_to_the_first_part():
    # 120 · 0.45 becomes 56 channels, expanded to 336, for five kernels.
    rows = {row.path: row.output[0] for row in archprof.analyze("mixnet_s", width=0.45).rows}
    assert [rows[f"1.13.depthwise.conv.{part}"] for part in range(5)] == [68, 67, 67, 67, 67]
