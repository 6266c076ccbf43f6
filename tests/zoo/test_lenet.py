"""LeNet-5 is the network of its paper's figure, simplified as is usual: the same outputs as an independent
implementation."""

import torch

from tests.reference.lenet import LeNet5
from tests.zoo.equality import outputs


def test_gives_the_outputs_of_an_independent_implementation():
    theirs, ours = outputs(LeNet5(), "lenet5", 32)
    assert torch.equal(ours, theirs)
