"""`p: same` is TensorFlow's padding: around a side of i, with a kernel of k that covers k_eff = d·(k − 1) + 1, stand
max((⌈i/s⌉ − 1)·s + k_eff − i, 0) zeros, the odd one behind (tensorflow.org/api_docs/python/tf/nn, "Notes on
padding")."""

import json
from math import prod

import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional

from archprof.costs.report import analyze_graph
from archprof.language.expand import expand
from archprof.language.spellings import spellings
from archprof.runtime.build import build_network
from archprof.spec.load import load

CHANNELS, FILTERS = 2, 3
# A side, a kernel, a stride and a dilation, of one axis.
axes = st.tuples(st.integers(1, 23), st.integers(1, 7), st.integers(1, 4), st.integers(1, 3))


def zeros(i: int, k: int, s: int, d: int) -> tuple[int, int]:
    """Return the zeros in front of a side and behind it."""
    outputs = -(-i // s)
    total = max((outputs - 1) * s + d * (k - 1) + 1 - i, 0)
    return total // 2, total - total // 2


def made(block, vertical, horizontal):
    """Return the graph and the network of one convolution, without bias, norm and activation."""
    i, k, s, d = [f"{a}x{b}" for a, b in zip(vertical, horizontal, strict=True)]
    cells = {"k": k, "s": s, "d": d, "c": FILTERS, "p": "same"} | ({"bias": False} if block == "conv2d" else {})
    layer = {block: cells | ({"norm": "-", "bias": False} if block == "conv" else {})}
    text = json.dumps({"archprof": 1, "name": "net", "input": f"{CHANNELS}x{i}", "layers": [layer]})
    graph = expand(load("net.yaml", (), spellings=spellings, text=text))
    return graph, build_network(graph).eval()


def padded(x, vertical, horizontal):
    return functional.pad(x, (*zeros(*horizontal), *zeros(*vertical)))


@given(st.sampled_from(["conv2d", "conv"]), axes, axes, st.integers(0, 2**31))
def test_a_convolution_is_one_of_the_padded_map(block, vertical, horizontal, seed):
    graph, network = made(block, vertical, horizontal)
    (conv,) = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
    strides, dilations = (vertical[2], horizontal[2]), (vertical[3], horizontal[3])
    torch.manual_seed(seed)
    x = torch.randn(2, CHANNELS, vertical[0], horizontal[0])
    expected = functional.conv2d(padded(x, vertical, horizontal), conv.weight, None, strides, 0, dilations)
    output = network(x)
    assert output.shape == expected.shape
    assert torch.allclose(output, expected, atol=1e-5)
    # The output is as large as the graph says, and 1/stride as large as the input, rounded up.
    sides = tuple(-(-i // s) for i, _, s, _ in (vertical, horizontal))
    assert graph.value(graph.outputs["output"]).shape == (FILTERS, *sides) == output.shape[1:]
    assert analyze_graph(graph).totals.macs == prod(sides) * vertical[1] * horizontal[1] * CHANNELS * FILTERS


@given(axes, axes, st.integers(1, 23), st.integers(1, 23))
def test_the_padding_follows_the_map_that_comes(vertical, horizontal, height, width):
    """A module built for one size pads another one as that wants it."""
    assume((height, width) != (vertical[0], horizontal[0]))
    _, network = made("conv2d", vertical, horizontal)
    (conv,) = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
    strides, dilations = (vertical[2], horizontal[2]), (vertical[3], horizontal[3])
    x = torch.randn(1, CHANNELS, height, width)
    expected = functional.conv2d(
        padded(x, (height, *vertical[1:]), (width, *horizontal[1:])), conv.weight, None, strides, 0, dilations
    )
    assert torch.allclose(network(x), expected, atol=1e-5)


@given(st.integers(1, 500), st.integers(1, 31), st.integers(1, 9), st.integers(1, 8))
def test_the_formula_is_also_the_one_by_remainders(i, k, s, d):
    """TensorFlow documents it twice: by what is left over of i / s, too."""
    extent = d * (k - 1) + 1
    left = i % s
    assert sum(zeros(i, k, s, d)) == max(extent - (left or s), 0)
    before, behind = zeros(i, k, s, d)
    assert 0 <= behind - before <= 1
