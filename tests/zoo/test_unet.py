"""U-Net: the sizes of its figure, and an implementation of its own with the same weights."""

import pytest
import torch

import archprof
from tests.reference.unet import UNet
from tests.zoo.twins import assert_same_outputs, built_with_weights_of, randomise


def test_maps_are_those_of_figure_1():
    """The sides in Figure 1, of the maps behind each pair of convolutions, down and up."""
    graph = archprof.expand("unet")
    sides = {node.path: node.output.shape[-1] for node in graph.nodes if node.path.endswith("1.act")}
    assert list(sides.values()) == [568, 280, 136, 64, 28, 52, 100, 196, 388]


# Channels of each level, and in Figure 1 the sides behind its two convolutions on the way down, and on the way up.
DOWN = {64: (570, 568), 128: (282, 280), 256: (138, 136), 512: (66, 64), 1024: (30, 28)}
UP = {512: (54, 52), 256: (102, 100), 128: (198, 196), 64: (390, 388)}


def test_products_of_figure_1():
    products, before = 0, 1
    for channels, (first, second) in DOWN.items():
        products += 9 * channels * (before * first**2 + channels * second**2)
        before = channels
    for channels, (first, second) in UP.items():
        below = (first + 2) // 2
        products += 4 * 2 * channels * channels * below**2  # four positions for each of the map below
        products += 9 * channels * (2 * channels * first**2 + channels * second**2)
    assert archprof.analyze("unet").totals.macs == products + 64 * 2 * 388**2


@pytest.mark.parametrize(("name", "channels", "side"), [("unet", 1, 188), ("unet_bn", 3, 64)])
def test_the_same_outputs(name, channels, side):
    torch.manual_seed(3)
    reference = UNet(channels, 2, padded=name == "unet_bn")
    randomise(reference)
    network = built_with_weights_of(reference, name, resolution=side)
    assert_same_outputs(reference, network, torch.randn(2, channels, side, side))
