"""Forward hooks take part in a module's forward, unless they can return nothing; who put them there hears nothing."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

import archprof

HEARD: list[object] = []


def two() -> Any:
    return nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))


def adapted() -> Any:
    """Return a layer beside which two narrow ones run."""
    module = two()
    module[0].down, module[0].up = nn.Linear(8, 2, bias=False), nn.Linear(2, 8, bias=False)
    module[0].register_forward_hook(lambda layer, given, output: output + layer.up(layer.down(given[0])))
    return module


def times(layer, given, output, *, factor):
    return output @ factor


def multiplied() -> Any:
    module = two()
    module[1].register_forward_hook(partial(times, factor=torch.ones(8, 8)))
    return module


def multiplied_before() -> Any:
    module = two()

    def hook(layer, given, named):
        return ((given[0] @ torch.ones(8, 8),), named) if given else None

    module[1].register_forward_pre_hook(hook, with_kwargs=True)
    return module


class Scaled:
    """A hook that is an object, and holds on to what it saw."""

    def __init__(self):
        self.seen = []

    def __call__(self, layer, given, output):
        self.seen.append(output)
        return output @ torch.ones(8, 8)


def scaled() -> Any:
    module = two()
    module.hook = Scaled()
    module[0].register_forward_hook(module.hook)
    return module


def collected() -> Any:
    module = two()
    module.held = []
    module[0].register_forward_hook(lambda _, __, output: module.held.append(output))
    module[1].register_forward_hook(lambda _, __, output: HEARD.append(output))
    return module


# MACs of an image: two layers of 64, and what hooks multiply.
CASES = {
    adapted: 128 + 2 * 16,
    multiplied: 128 + 64,
    multiplied_before: 128 + 64,
    scaled: 128 + 64,
    collected: 128,
}


@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize(("made", "macs"), CASES.items(), ids=lambda case: getattr(case, "__name__", ""))
def test_hooks_that_return_something_are_run(made, macs, real):
    module = made()
    assert archprof.analyze(archprof.capture(module, (8,), real=real)).totals.macs == macs
    assert archprof.measure(module, (8,), counter="torch").macs == macs
    assert not HEARD
    assert not getattr(module, "held", None)
    assert not getattr(getattr(module, "hook", None), "seen", None)


def test_hooks_that_return_nothing_are_told():
    module = two()
    for layer in module:
        layer.register_forward_hook(lambda *_: None)
    module.register_forward_pre_hook(lambda *_: None)
    remarks = archprof.capture(module, (8,)).origin.remarks
    assert remarks == ("3 forward hooks that return nothing are not run: of the network, `0`, `1`",)


def test_a_hook_of_a_module_that_cannot_be_copied_hears_nothing():
    module: Any = two()
    held: list[object] = []
    module.lock = (one for one in range(1))  # which cannot be copied
    module[0].register_forward_hook(lambda _, __, output: held.append(output))
    assert archprof.measure(module, (8,), counter="torch").macs == 128
    assert not held
