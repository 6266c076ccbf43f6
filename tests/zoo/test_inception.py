"""GoogLeNet and Inception v3 are the networks of their papers' tables: the same outputs as independent
implementations."""

import pytest
import torch

from archprof.errors import SpecError
from tests.reference.googlenet import GoogLeNet
from tests.reference.inception_v3 import InceptionV3
from tests.runtime.nets import graph_of
from tests.zoo.equality import outputs

REFERENCES = {
    "googlenet": lambda: GoogLeNet(as_in_the_paper=False),
    "googlenet_paper": lambda: GoogLeNet(as_in_the_paper=True),
    "inception_v3": InceptionV3,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_gives_the_outputs_of_an_independent_implementation(name):
    theirs, ours = outputs(REFERENCES[name](), name, 107)
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("cells", "message"),
    [("{module: A}", "module A without `filters`"), ("{module: B, filters: 64}", "module B with `filters`")],
)
def test_two_modules_of_inception_v3_have_filters(cells, message):
    with pytest.raises(SpecError) as raised:
        graph_of(f"layers: [inception_v3: {cells}]", input="192x35x35")
    assert [(found.message, found.help) for found in raised.value.problems] == [
        (message, "modules A and C have them, the others do not")
    ]
