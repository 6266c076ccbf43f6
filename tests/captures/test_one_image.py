"""Where the batch stands when a module is recorded once: never on an axis that is another, and where several recordings
find it, as far as one image tells."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archprof.captures.given import Given, batched
from archprof.captures.graph import NOT_RUN
from archprof.captures.module import capture_module


class Of(nn.Module):
    """A module that is a function; it has a table of position embeddings and a layer."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.table = nn.Parameter(torch.zeros(1, 5, 4))
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.function(self, x)


def attention(module, x: Tensor):
    # As L, N, E, where N is the batch.
    return module.layer(x.transpose(0, 1)).relu().permute(1, 2, 0)


def batch_of(_, x: Tensor):
    # As code lays images of several sizes beside each other.
    filled = x.new_full((len(x), 6, 4), 0)
    filled[:, :5].copy_(x)
    return filled.relu()


def mask_of(_, x: Tensor):
    mask = torch.zeros(1, 5, 4)
    mask[0].fill_(1)
    return x * mask


def shapes(function, shape, *, once):
    inputs = batched([Given(shape=shape)])
    graph = capture_module(Of(function), inputs._replace(growing=not once))
    nodes = [node for node in graph.nodes if node.op.name != NOT_RUN]
    return [(node.op.name, value.shape, value.batch) for node in nodes for value in node.outputs]


# For each: what runs, on an input of (5, 4) without the batch, and the shape without the batch and its place in each
# tensor that comes out.
CASES: dict[str, tuple[Any, list[Any]]] = {
    "L, N, E": (attention, [((5, 4), 1), ((5, 4), 1), ((5, 4), 1), ((4, 5), 0)]),
    "an axis of 1 in front": (lambda _, x: x.unsqueeze(0).relu(), [((1, 5, 4), 1), ((1, 5, 4), 1)]),
    "an axis of 1 behind": (lambda _, x: x.unsqueeze(-1).relu(), [((5, 4, 1), 0), ((5, 4, 1), 0)]),
    "a mean over the batch": (lambda _, x: x.mean(0, keepdim=True).relu(), [((1, 5, 4), None), ((1, 5, 4), None)]),
    "a mean beside the batch": (lambda _, x: x.mean(1, keepdim=True).relu(), [((1, 4), 0), ((1, 4), 0)]),
    "one position": (lambda _, x: x[:, 0].relu(), [((4,), 0), ((4,), 0)]),
    "one image": (lambda _, x: x[0].relu(), [((5, 4), None), ((5, 4), None)]),
    "one head of L, N, E": (lambda _, x: x.transpose(0, 1)[0].relu(), [((5, 4), 1), ((4,), 0), ((4,), 0)]),
    "a stack": (lambda _, x: torch.stack([x, x]), [((2, 5, 4), 1)]),
    "an embedding": (lambda m, x: m.table.relu() + x, [((1, 5, 4), None), ((5, 4), 0)]),
    "what images are written over": (batch_of, [((6, 4), 0), ((5, 4), 0), ((5, 4), 0), ((6, 4), 0)]),
    "what a number is written over": (
        mask_of, [((1, 5, 4), None), ((5, 4), None), ((5, 4), None), ((5, 4), 0)],
    ),
    "the sum of all": (lambda _, x: x.sum().reshape(1, 1), [((), None), ((1, 1), None)]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_where_the_batch_stands(name):
    function, expected = CASES[name]
    assert [one[1:] for one in shapes(function, (5, 4), once=True)] == expected


@pytest.mark.parametrize("name", CASES)
def test_several_recordings_say_the_same(name):
    function, _ = CASES[name]
    for one, several in zip(*[shapes(function, (5, 4), once=once) for once in (True, False)], strict=True):
        assert one[:2] == several[:2]
        # What does not grow with the batch has none.
        assert one[2] == several[2] or (one[2] is None and not any(several[2] or ()))
