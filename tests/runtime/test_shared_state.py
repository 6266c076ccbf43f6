"""What all of a process shares is as it was after `measure`, whatever a module does while it is measured."""

import random

import numpy as np
import pytest
import torch
from torch import nn

import archprof
from archprof.errors import UsageError


class Careless(nn.Module):
    """A module that changes what all of a process shares whenever it runs."""

    def __init__(self, fails):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.fails = fails

    def forward(self, x):
        torch.set_num_threads(torch.get_num_threads() + 1)
        torch.manual_seed(1)
        random.seed(1)
        np.random.seed(1)
        torch.set_default_dtype(torch.float64)
        if self.fails:
            raise ArithmeticError
        return self.conv(x)


def shared():
    """Return what a module may change that is not its own."""
    numbers = torch.get_rng_state().tolist(), random.getstate(), repr(np.random.get_state())
    return torch.get_default_dtype(), torch.get_num_threads(), numbers


@pytest.mark.parametrize("counter", ["fvcore", "torch", "both"])
def test_module_that_runs(counter):
    module = Careless(fails=False)
    before = shared()
    assert archprof.measure(module, (3, 8, 8), counter).macs == 3 * 8 * 9 * 6 * 6
    assert shared() == before


@pytest.mark.parametrize("counter", ["fvcore", "torch", "both"])
def test_module_that_fails(counter):
    module = Careless(fails=True)
    before = shared()
    with pytest.raises(UsageError, match="ArithmeticError"):
        archprof.measure(module, (3, 8, 8), counter)
    assert shared() == before
