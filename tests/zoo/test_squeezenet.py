"""SqueezeNet is the network of its paper's table: the same outputs as an independent implementation."""

import pytest
import torch

from tests.reference.squeezenet import SqueezeNet
from tests.zoo.equality import outputs


@pytest.mark.parametrize(("name", "version"), [("squeezenet1_0", "1.0"), ("squeezenet1_1", "1.1")])
def test_gives_the_outputs_of_an_independent_implementation(name, version):
    theirs, ours = outputs(SqueezeNet(version), name, 67)
    assert torch.equal(ours, theirs)
