"""Each convention gives, from the graph of a captured module, what its tool gives for the module itself, whether it
runs layers as modules, as functions, by operators, or in classes of its own."""

import contextlib
import io
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import archprof
from archprof.analysis.explain import explain
from archprof.captures.lock import read_lock
from archprof.captures.lock_text import Captured, Lock, lock_text
from archprof.costs.report import analyze_graph
from archprof.costs.tools import CONVENTIONS
from tests.conventions.tools import TOOLS

pytestmark = pytest.mark.filterwarnings("ignore")

# What can stand here; torch's own counter sees attention on the meta device, where no fused kernel stands for it.
ASKED = ("fvcore", "torchprofile", "torchinfo", "thop", "ptflops", "ptflops-aten", "torch")


class Called(nn.Module):
    """Layers in a row, each called as *how* says."""

    def __init__(self, how, *layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.how = how

    def forward(self, x):
        return self.how(self.layers, x)


class OwnNorm(nn.LayerNorm):
    pass


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8))

    def forward(self, x):
        return x * self.weight


class Activation(nn.Module):
    """Holds a function, as transformers does, so that whoever puts another in its place is not asked."""

    def __init__(self):
        super().__init__()
        self.act = functional.gelu

    def forward(self, x):
        return self.act(x)


def attend(layers, x):
    queries, keys, values = layers[0](x).view(1, 6, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
    return functional.scaled_dot_product_attention(queries, keys, values)


def in_a_row(layers, x):
    for layer in layers:
        x = layer(x)
    return x


TOKENS, MAP = (1, 6, 8), (1, 8, 6, 6)
CASES: dict[str, Any] = {
    "linear layer": (TOKENS, in_a_row, nn.Linear(8, 5)),
    "linear layer without bias": (TOKENS, in_a_row, nn.Linear(8, 5, bias=False)),
    "linear layer, called": (TOKENS, lambda of, x: functional.linear(x, of[0].weight), nn.Linear(8, 5, bias=False)),
    "layer norm": (TOKENS, in_a_row, nn.LayerNorm(8)),
    "layer norm without affine": (TOKENS, in_a_row, nn.LayerNorm(8, elementwise_affine=False)),
    "layer norm of its own class": (TOKENS, in_a_row, OwnNorm(8)),
    "layer norm, called": (TOKENS, lambda of, x: functional.layer_norm(x, (8,))),
    "group norm": (MAP, in_a_row, nn.GroupNorm(2, 8)),
    "instance norm": (MAP, in_a_row, nn.InstanceNorm2d(8, affine=True)),
    "batch norm of features": ((1, 8), in_a_row, nn.BatchNorm1d(8)),
    "scale": (TOKENS, in_a_row, Scale()),
    "GELU": (TOKENS, in_a_row, nn.GELU()),
    "GELU, called": (TOKENS, lambda of, x: functional.gelu(x)),
    "GELU, held": (TOKENS, in_a_row, Activation()),
    "GELU by tanh": (TOKENS, in_a_row, nn.GELU("tanh")),
    "PReLU": (MAP, in_a_row, nn.PReLU(8)),
    "ELU": (MAP, in_a_row, nn.ELU()),
    "transposed convolution": (MAP, in_a_row, nn.ConvTranspose2d(8, 4, 3, stride=2, groups=2)),
    "SiLU": (TOKENS, in_a_row, nn.SiLU()),
    "ReLU": (TOKENS, lambda of, x: of[0](x).relu(), nn.ReLU()),
    "softmax": (TOKENS, in_a_row, nn.Softmax(-1)),
    "softmax, called": (TOKENS, lambda of, x: functional.softmax(x, -1)),
    "softmax, a method": (TOKENS, lambda of, x: x.softmax(-1)),
    "matrix product, called": (TOKENS, lambda of, x: torch.matmul(x, x.transpose(1, 2))),
    "matrix product, an operator": (TOKENS, lambda of, x: x @ x.transpose(1, 2)),
    "sum and product, called": (TOKENS, lambda of, x: torch.add(x, x).mul(x)),
    "sum and product, operators": (TOKENS, lambda of, x: (x + x) * x),
    "sum and product, in place": (TOKENS, lambda of, x: x.sigmoid().add_(x).mul_(x)),
    "mean": (TOKENS, lambda of, x: x.mean(1)),
    "attention": (TOKENS, attend, nn.Linear(8, 24, bias=False)),
    "embedding": (TOKENS, lambda of, x: of[0](x.new_zeros((1, 6), dtype=torch.long)), nn.Embedding(5, 8)),
    "convolution of a sound": ((1, 8, 9), in_a_row, nn.Conv1d(8, 4, 3)),
    "convolution of a clip": ((1, 8, 3, 4, 5), in_a_row, nn.Conv3d(8, 4, 3)),
    "average pool of a sound": ((1, 8, 9), in_a_row, nn.AvgPool1d(3)),
    "resizing": (MAP, lambda of, x: functional.interpolate(x, scale_factor=2)),
    "bilinear resizing": (MAP, lambda of, x: functional.interpolate(x, size=(9, 9), mode="bilinear")),
    "upsampling": (MAP, in_a_row, nn.Upsample(scale_factor=2)),
    "einsum": (TOKENS, lambda of, x: torch.einsum("bij,bkj->bik", x, x)),
    "windows": (MAP, lambda of, x: of[0](x.reshape(8, 4, 9)), nn.Linear(9, 5)),
    "sizes, multiplied": (TOKENS, lambda of, x: x.reshape(x.shape[1] * x.shape[2])),
}  # fmt: skip
# What a convention says nothing about, where it has a total for all else.
UNKNOWN = {
    ("thop", "PReLU"), ("ptflops", "PReLU"),  # torch takes it apart
    ("torchprofile", "windows"), ("torchprofile", "sizes, multiplied"),  # a product of sizes counts 1
}  # fmt: skip


def printed(tool, module, shape):
    if tool == "torch":
        module, x = module.to("meta"), torch.zeros(shape, device="meta")
    else:
        x = torch.zeros(shape)
    with contextlib.redirect_stdout(io.StringIO()):
        return TOOLS[tool](module, x)


@pytest.mark.parametrize("tool", ASKED)
@pytest.mark.parametrize("case", CASES)
def test_a_convention_is_what_its_tool_counts(case, tool):
    shape, how, *layers = CASES[case]
    module = Called(how, *layers).eval()
    report = analyze_graph(archprof.capture(module, args=(torch.zeros(shape),)))
    [found] = explain(report, [CONVENTIONS[tool]]).conventions
    number = printed(tool, module, shape)
    assert (found.not_priced is None) == ((tool, case) not in UNKNOWN)
    assert found.total == number if found.not_priced is None else found.total <= number


POOLS = (nn.AdaptiveAvgPool2d(4), nn.AdaptiveMaxPool2d(4), nn.AvgPool2d(3, 2, 1), nn.MaxPool2d(2))


@pytest.mark.parametrize("pool", POOLS, ids=str)
def test_pools_of_frames_cost_what_as_many_maps_do(pool):
    """Frames stand in front of channels, and the batch in front of frames."""
    image, clip = Called(in_a_row, pool), Called(lambda of, x: of[0](x.flatten(0, 1)), pool)
    graphs = archprof.capture(image, MAP[1:]), archprof.capture(clip, (3, *MAP[1:]))
    one, three = [explain(analyze_graph(graph), tuple(CONVENTIONS.values())).conventions for graph in graphs]
    assert [found.total for found in three] == [3 * found.total for found in one]


def test_a_lock_knows_what_tools_see(tmp_path):
    module = Called(in_a_row, nn.Linear(8, 8), OwnNorm(8), nn.GELU(), Scale(), nn.MultiheadAttention(8, 2))
    module.how = lambda of, x: of[4](*[of[3](of[2](of[1](of[0](x))))] * 3)[0]
    graph = archprof.capture(module.eval(), args=(torch.zeros(TOKENS),))
    path = tmp_path / "net.lock.json"
    path.write_text(lock_text(Lock(graph, Captured("net.py:Net", (), "eval", "1", "2", ""))), encoding="utf-8")
    again = read_lock(str(path)).graph
    assert again.modules == graph.modules
    tools = tuple(CONVENTIONS.values())
    assert explain(analyze_graph(again), tools).conventions == explain(analyze_graph(graph), tools).conventions
