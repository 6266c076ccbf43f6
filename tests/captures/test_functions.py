"""Derivatives that a forward takes of functions, by torch.func and by autograd, are counted as what they multiply."""

import pytest
import torch
from torch import nn

import archprof


class Derived(nn.Module):
    """Takes a derivative of its layer."""

    def __init__(self, derive):
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.derive = derive

    def forward(self, x):
        return self.derive(lambda z: self.layer(z).tanh(), x)


def summed(function):
    return lambda z: function(z).sum()


# One row of 8: a layer has 64 MACs, and 64 more for the gradient of its input, 8 times those for each output.
CASES = {
    "grad": (lambda f, x: torch.func.grad(summed(f))(x), 64 + 64),
    "vjp": (lambda f, x: torch.func.vjp(f, x)[1](x)[0], 64 + 64),
    "jacrev": (lambda f, x: torch.func.jacrev(f)(x[0]), 64 + 8 * 64),
    "vmap of grad": (lambda f, x: torch.func.vmap(torch.func.grad(summed(f)))(x), 64 + 64),
    "autograd.grad": (lambda f, x: torch.autograd.grad(summed(f)(x.requires_grad_()), x)[0], 64 + 64),
}


@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize(("derive", "macs"), CASES.values(), ids=CASES)
def test_a_derivative_is_counted(derive, macs, real):
    graph = archprof.capture(Derived(derive), (8,), real=real)
    assert archprof.analyze(graph).totals.macs == macs
