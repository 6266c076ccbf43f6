"""ShuffleNetV2 is the network of its paper's table: the same outputs as an independent implementation."""

import pytest
import torch

from tests.reference.shufflenet import NETWORKS, ShuffleNetV2
from tests.zoo.equality import outputs


@pytest.mark.parametrize("name", NETWORKS)
def test_gives_the_outputs_of_an_independent_implementation(name):
    theirs, ours = outputs(ShuffleNetV2(NETWORKS[name]), name, 64)
    assert torch.equal(ours, theirs)
