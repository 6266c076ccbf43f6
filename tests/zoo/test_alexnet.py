"""AlexNet is what its paper and torchvision describe: the same outputs as an independent implementation."""

import torch

from tests.reference.alexnet import AlexNet
from tests.zoo.equality import outputs


def test_gives_the_outputs_of_an_independent_implementation():
    theirs, ours = outputs(AlexNet(32), "alexnet@fc6.c=32,fc7.c=32", 96)
    assert torch.equal(ours, theirs)
