"""Video networks of torchvision: with its parameters in order our networks give what its modules give, to the bit."""

import pytest
import torch

from tests.libraries.test_dense import torchvision_module
from tests.zoo.twins import assert_same_outputs, built_with_weights_of


@pytest.mark.parametrize("name", ["r3d_18", "mc3_18", "r2plus1d_18"])
def test_video_networks_give_the_same(name):
    network = built_with_weights_of(torchvision_module(name), name, resolution=32)
    assert_same_outputs(torchvision_module(name), network, torch.randn(1, 3, 4, 32, 32))
