"""A user's module is measured without being touched, also when its forward fails."""

import logging
import random
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from archprof.errors import UsageError
from archprof.runtime.isolate import isolated
from archprof.runtime.measure import MeasuredRow, measure_module

COUNTERS = ("fvcore", "torch", "both")


class Nosy(nn.Module):
    """Everything that a measurement could disturb: statistics, randomness, a counting buffer and attribute, a frozen
    parameter, hooks, a warning."""

    def __init__(self, *, fails: bool = False, locked: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)
        self.conv.weight.requires_grad_(False)
        self.register_buffer("calls", torch.zeros(1))
        self.shape: torch.Size | None = None
        self.kept = [torch.ones(3)]
        self.fails = fails
        if locked:
            self.lock = threading.Lock()  # which cannot be copied
        self.calls: Tensor

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.shape = x.shape
        warnings.warn("a user's own", stacklevel=1)
        x = self.drop(self.norm(self.conv(x))) + torch.rand(1)
        if self.fails:
            raise RuntimeError("too small")
        return x


def state_of(module: nn.Module) -> dict[str, object]:
    """Return all that a user could notice of a module."""
    parts = dict(module.named_modules())
    return {
        "training": {path: part.training for path, part in parts.items()},
        "hooks": [
            (path, name, list(value.items()))
            for path, part in parts.items()
            for name, value in vars(part).items()
            if name.endswith("_hooks")
        ],
        "tensors": {name: tensor.tolist() for name, tensor in module.state_dict().items()},
        "identity": [id(tensor) for tensor in (*module.parameters(), *module.buffers())],
        "gradients": [(parameter.requires_grad, parameter.grad) for parameter in module.parameters()],
        "versions": [tensor._version for tensor in (*module.parameters(), *module.buffers())],
        "attributes": {path: sorted(vars(part)) for path, part in parts.items()},
    }


@contextmanager
def untouched(module: Nosy) -> Iterator[None]:
    """Check that nothing of a module, of the random generators, the warnings or the loggers changes inside."""
    called: list[str] = []
    handles = [
        module.register_forward_hook(lambda *_: called.append("after the module")),
        module.norm.register_forward_pre_hook(lambda *_: called.append("before the norm")),
    ]
    module.norm.eval()
    before = state_of(module)
    drawn, python = torch.get_rng_state(), random.getstate()
    filters, level = list(warnings.filters), logging.getLogger("fvcore.nn.jit_analysis").level
    yield
    assert state_of(module) == before
    assert called == []
    assert torch.equal(torch.get_rng_state(), drawn)
    assert random.getstate() == python
    assert warnings.filters == filters
    assert logging.getLogger("fvcore.nn.jit_analysis").level == level
    assert torch.is_grad_enabled()
    assert torch.backends.mha.get_fastpath_enabled()
    for handle in handles:
        handle.remove()
    assert not module._forward_hooks
    assert not module.norm._forward_pre_hooks


@pytest.mark.filterwarnings("ignore:a user's own")
@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("counter", COUNTERS)
def test_a_measured_module_is_left_as_it_was(counter, locked):
    module = Nosy(locked=locked)
    with untouched(module):
        measured = measure_module(module, (3, 8, 8), counter)
    assert measured.rows["conv"].macs == 3 * 4 * 3 * 3 * 6 * 6
    assert module.shape is None


@pytest.mark.filterwarnings("ignore:a user's own")
@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("counter", COUNTERS)
def test_a_module_whose_forward_fails_is_left_as_it_was(counter, locked):
    module = Nosy(fails=True, locked=locked)
    with untouched(module), pytest.raises(UsageError, match=r"the module fails on \(1×3×8×8\): .*too small"):
        measure_module(module, (3, 8, 8), counter)
    assert module.shape is None
    # Nothing is left behind that a later measurement or trace would trip over.
    assert measure_module(nn.Conv2d(3, 4, 1), (3, 8, 8), counter).macs == 3 * 4 * 8 * 8


def test_weights_are_not_copied():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    with isolated(module) as subject:
        assert subject is not module
        assert list(map(id, subject.parameters())) == list(map(id, module.parameters()))
        assert all(mine is not theirs for mine, theirs in zip(subject.buffers(), module.buffers(), strict=True))
        assert not subject.training
    assert module.training


def test_tensors_that_are_no_parameters_are_shared_too():
    module = Nosy()
    module.computed = module.conv.weight * 2  # not a leaf: torch refuses to copy it
    module.norm.weight.requires_grad_(True)
    module.product = module.norm.weight * 2
    with isolated(module) as subject:
        assert subject is not module
        assert subject.computed is module.computed
        assert subject.product is module.product
        assert isinstance(subject.kept, list)
        assert subject.kept is not module.kept
        assert subject.kept[0] is module.kept[0]


def test_modules_held_in_a_list_are_those_of_the_copy():
    module = nn.Sequential(nn.BatchNorm2d(3))
    module.blocks = [module[0]]  # type: ignore[assignment]
    with isolated(module) as subject:
        assert isinstance(subject, nn.Sequential)
        assert subject.blocks[0] is subject[0]  # type: ignore[index]
        assert subject[0] is not module[0]


def test_gradients_on_their_way_survive():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    loss = module(torch.rand(2, 3, 8, 8)).square().sum()
    measure_module(module, (3, 8, 8), "both")
    loss.backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_an_input_that_is_written_over_is_a_copy():
    x = torch.linspace(-1, 1, 3 * 8 * 8, requires_grad=True).reshape(1, 3, 8, 8)
    before = x.detach().clone()
    measure_module(nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 4, 1)), (x,), "both")
    assert torch.equal(x, before)


def pruned() -> nn.Module:
    module = nn.Conv2d(3, 4, 3)
    prune.l1_unstructured(module, "weight", 0.5)
    prune.random_unstructured(module, "weight", 0.5)  # two of them make a container
    return module


REWEIGHTED = {
    "pruned": pruned,
    "weight norm": lambda: nn.utils.weight_norm(nn.Conv2d(3, 4, 3)),
    "weight norm, parametrised": lambda: nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)),
}


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("make", REWEIGHTED.values(), ids=REWEIGHTED.keys())
def test_a_module_that_makes_its_weights_before_it_runs(make, locked):
    module = nn.Sequential(make(), nn.ReLU())
    if locked:
        module.lock = threading.Lock()  # type: ignore[assignment]
    before, weight = state_of(module), module[0].weight.detach().clone()  # type: ignore[operator]
    found = measure_module(module, (3, 8, 8), "both")
    assert (found.macs, found.macs_torch) == (3 * 4 * 3 * 3 * 6 * 6,) * 2
    assert state_of(module) == before
    assert torch.equal(module[0].weight, weight)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:.*spectral_norm.* is deprecated")
@pytest.mark.parametrize("norm", [nn.utils.spectral_norm, nn.utils.parametrizations.spectral_norm])
def test_what_makes_a_weight_counts_where_it_runs(norm):
    # The largest singular value is uᵀ·W·v, of the weight as a matrix of 4 × 27.
    macs = 3 * 4 * 3 * 3 * 6 * 6 + 4 * 27 + 4
    found = measure_module(norm(nn.Conv2d(3, 4, 3)), (3, 8, 8), "both")
    assert (found.macs, found.macs_torch) == (macs, macs)


def test_what_is_compiled_is_counted_as_it_was_written():
    inner, outer = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 1)
    inner.compile(backend="eager")
    module = nn.Sequential(inner, cast(nn.Module, torch.compile(outer, backend="eager")))
    compiled: Any = torch.compile(module, backend="eager")
    found = measure_module(compiled, (3, 8, 8), "both")
    assert {path: (row.macs, row.macs_torch) for path, row in found.rows.items()} == {
        "0": (3 * 4 * 3 * 3 * 6 * 6,) * 2,
        "1._orig_mod": (4 * 5 * 6 * 6,) * 2,
    }
    assert inner._compiled_call_impl is not None


def test_a_wrapper_for_several_devices_is_unwrapped():
    assert measure_module(nn.DataParallel(nn.Linear(3, 4)), (3,)).rows == {"": MeasuredRow(16, 12)}
