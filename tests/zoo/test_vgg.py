"""VGG is the network of its paper's table: the same outputs as an independent implementation."""

import pytest
import torch

from tests.reference.vgg import VGG
from tests.zoo.equality import outputs


@pytest.mark.parametrize(
    ("name", "configuration", "batch_norm"),
    [("vgg11", "A", False), ("vgg13_bn", "B", True), ("vgg16", "D", False), ("vgg19_bn", "E", True)],
)
def test_gives_the_outputs_of_an_independent_implementation(name, configuration, batch_norm):
    theirs, ours = outputs(VGG(configuration, 32, batch_norm), f"{name}@fc6.c=32,fc7.c=32", 64)
    assert torch.equal(ours, theirs)
