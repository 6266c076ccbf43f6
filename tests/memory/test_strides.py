"""Gradients that are summed up or copied before they are used: peaks of a step of training that an NVIDIA H100 was
traced to have, by the events of torch's allocator, of single blocks at 32 images."""

import pytest

import archprof
from archprof.allocation.report import analyze_memory
from archprof.ir.setup import Setup

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402


class Normed(nn.Module):
    """ConvNeXt V2's normalisation of responses, between two linear layers: two factors that are stretched."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 3072), nn.Linear(3072, 8)
        self.bias, self.weight = nn.Parameter(torch.ones(3072)), nn.Parameter(torch.ones(3072))

    def forward(self, x):
        x = self.a(x)
        g = x.norm(p=2, dim=(1, 2), keepdim=True)
        n = g / (g.mean(dim=-1, keepdim=True) + 1e-6)
        return self.b(x + torch.addcmul(self.bias.view(1, 1, 1, -1), self.weight.view(1, 1, 1, -1), x * n))


class Gated(nn.Module):
    """gMLP's gate: a norm of half a tensor, and a linear layer along positions."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 1536), nn.Linear(768, 8)
        self.norm, self.along = nn.LayerNorm(768), nn.Linear(196, 196)

    def forward(self, x):
        u, v = F.gelu(self.a(x)).chunk(2, dim=-1)
        v = self.along(self.norm(v).transpose(-1, -2))
        return self.b(u * v.transpose(-1, -2))


@pytest.mark.parametrize(
    ("module", "shape", "peak"), [(Normed, (7, 7, 8), 136_619_272), (Gated, (196, 8), 173_844_344)]
)
def test_the_peak_of_a_step_is_the_gpus(module, shape, peak):
    graph = archprof.capture(module(), shape, train=True)
    assert analyze_memory(graph, Setup(32, train="sgd")).peak == peak
