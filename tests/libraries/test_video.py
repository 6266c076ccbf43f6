"""Video networks of torchvision: with its parameters in order our networks give what its modules give, to the bit."""

from importlib import import_module

import pytest
import torch

from tests.zoo.twins import assert_same_outputs, built_with_weights_of, randomise


@pytest.mark.parametrize("name", ["r3d_18", "mc3_18", "r2plus1d_18"])
def test_video_networks_give_the_same(name):
    torch.manual_seed(3)
    reference = import_module("torchvision.models").get_model(name, weights=None)
    randomise(reference)
    network = built_with_weights_of(reference, name, resolution=32)
    assert_same_outputs(reference, network, torch.randn(1, 3, 4, 32, 32))
