"""What a module is measured on: shapes, tensors, keywords; and every wrong one answered in plain words."""

import pytest
import torch
from torch import Tensor, nn

import archprof
from archprof.errors import UsageError
from archprof.runtime.measure import MeasuredRow
from tests.runtime.modules import Function

SHAPE = "a shape without the batch, as in `(3, 224, 224)`, or the tensors themselves"
SIZES = f"sizes are whole numbers from 1: {SHAPE}"
FAILED = f'give what its forward takes: {SHAPE}; a module that no trace can follow is counted by `counter="torch"`'
CONV = nn.Conv2d(3, 4, 3)
SCRIPTED = "pass the module as it was before `torch.jit.script` or `torch.jit.trace`"
EITHER = '`measure("mobilenet_v2")`, or `measure(module, (3, 224, 224))`'
LAZY = "run the module once on an input: `module(torch.zeros(1, 3, 224, 224))`"
REFUSED: dict[str, tuple[object, object, str, str]] = {
    "nothing": (None, (3, 8, 8), "`measure` takes a network or a torch module, not None", EITHER),
    "dict": ({}, (3, 8, 8), "`measure` takes a network or a torch module, not dict `{}`", EITHER),
    "number": (5, (3, 8, 8), "`measure` takes a network or a torch module, not int `5`", EITHER),
    "class": (nn.Conv2d, (3, 8, 8), "`Conv2d` is a class, not a module", "make one: `Conv2d(…)`"),
    "lazy": (nn.LazyLinear(4), (3,), "this LazyLinear has no parameters yet", LAZY),
    "lazy inside": (nn.Sequential(nn.LazyConv2d(4, 3)), (3, 8, 8), "`0` (LazyConv2d) has no parameters yet", LAZY),
    "no input": (CONV, None, "a module needs the shape of its input", SHAPE),
    "text": (CONV, "3x8x8", "expected the shape of an input, not str `3x8x8`", SHAPE),
    "a number alone": (CONV, 224, "expected the shape of an input, not int `224`", SHAPE),
    "boolean": (CONV, (3, True, 8), "`True` is no size of an input", SIZES),
    "float": (CONV, (3, 8.0, 8), "`8.0` is no size of an input", SIZES),
    "negative": (CONV, (3, -8, 8), "`-8` is no size of an input", SIZES),
    "zero": (CONV, (3, 0, 8), "`0` is no size of an input", SIZES),
    "none inside": (CONV, (3, None, 8), "`None` is no size of an input", SIZES),
    "network with an input": (
        "mobilenet_v2@width=0.5",
        (3, 96, 96),
        "`mobilenet_v2@width=0.5` has an input of its own",
        '`resolution="192x256"` changes it',
    ),
    "too few axes": (
        CONV,
        (8, 8, 8, 8),
        "the module fails on (1×8×8×8×8): RuntimeError: Expected 3D (unbatched) or 4D (batched) input to conv2d, but "
        "got input of size: [1, 8, 8, 8, 8]",
        FAILED,
    ),
    "too large": (CONV, (3, 10**9, 10**9), "an input of 1×3×1000000000×1000000000 takes more memory than there is", ""),
}  # fmt: skip


def message(error: pytest.ExceptionInfo[UsageError]) -> tuple[str, str]:
    text, _, help = str(error.value).partition("\n  help: ")
    return text, help


@pytest.mark.parametrize(("module", "given", "text", "help"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_measured(module, given, text, help):
    with pytest.raises(UsageError) as error:
        archprof.measure(module, given)
    assert message(error) == (text, help)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: torch.jit.script(nn.Linear(3, 4)), "a module"),
        (lambda: torch.jit.trace(nn.Linear(3, 4), torch.ones(1, 3)), "a module"),
        (lambda: nn.Sequential(nn.ReLU(), torch.jit.script(nn.Linear(3, 4))), "`1`"),
        (lambda: torch.jit.script(doubled), "a function"),
    ],
)
def test_a_module_of_torchscript(make, what):
    with pytest.raises(UsageError) as error:
        archprof.measure(make(), (3,))
    assert message(error) == (f"{what} of TorchScript cannot be measured", SCRIPTED)


def doubled(x: Tensor) -> Tensor:
    return x * 2


OF_A_GRAPH = "as in `archprof.{}(archprof.capture(module, (3, 224, 224)))`"
OF_A_MODULE = "as in `archprof.measure(module, (3, 224, 224))`"


@pytest.mark.parametrize(
    ("function", "help"),
    [
        (archprof.analyze, OF_A_GRAPH),
        (archprof.expand, OF_A_GRAPH),
        (archprof.check, OF_A_GRAPH),
        (archprof.compare, OF_A_GRAPH),
        (archprof.build, OF_A_MODULE),
    ],
)
def test_a_module_where_a_network_is_meant(function, help):
    with pytest.raises(UsageError) as error:
        function(nn.ReLU())
    name = function.__name__
    assert message(error) == (f"`{name}` takes the name of a network, not ReLU `ReLU()`", help.format(name))


@pytest.mark.parametrize("counter", [None, 5])
def test_a_counter_that_is_none(counter):
    with pytest.raises(UsageError, match=f"^unknown counter `{counter}`"):
        archprof.measure("mobilenet_v2", counter=counter)


def test_what_a_failing_forward_raised_is_kept():
    with pytest.raises(UsageError, match=r"the module fails on \(1×3, flag=True\): ValueError: no") as error:
        archprof.measure(Refusing(), (3,), flag=True)
    assert isinstance(error.value.__cause__, ValueError)


class Refusing(nn.Module):
    def forward(self, x: Tensor, flag: bool) -> Tensor:
        raise ValueError("no")


class Looked(nn.Module):
    """As many products as the largest index that it is given says, unless a keyword tells it otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(9, 4)
        self.project = nn.Linear(4, 5)

    def forward(self, ids: Tensor, mask: Tensor | None = None, *, times: int = 1) -> dict[str, object]:
        x = self.table(ids)
        for _ in range(int(ids.max()) if mask is None else times):
            self.project(x if mask is None else x * mask)
        return {"found": self.project(x), "ids": [ids], "none": None}


IDS = torch.tensor([[1, 2, 8]])


@pytest.mark.parametrize(
    ("given", "keywords", "times"),
    [
        (IDS, {}, 8 + 1),
        ((IDS,), {}, 8 + 1),
        ([IDS, None], {}, 8 + 1),
        ((IDS, torch.ones(1)), {"times": 2}, 2 + 1),
        (IDS, {"mask": torch.ones(1), "times": 3}, 3 + 1),
        (None, {"ids": IDS, "mask": torch.ones(1)}, 1 + 1),
    ],
)
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_a_module_gets_what_was_given(given, keywords, times):
    found = archprof.measure(Looked(), given, "both", **keywords)
    assert found.rows["project"] == MeasuredRow(4 * 5 + 5, times * 3 * 4 * 5, times * 3 * 4 * 5)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_arguments_may_be_nested_and_stay_as_they_are():
    def written(pair: tuple[Tensor, Tensor], scale: float) -> Tensor:
        assert bool((pair[0] == 1).all())
        return pair[0].mul_(scale) @ pair[1]

    left, right = torch.ones(2, 3), torch.ones(3, 4)
    found = archprof.measure(Function(written), ((left, right), 2.0), "both")
    assert (found.macs, found.macs_torch) == (2 * 3 * 4,) * 2
    assert torch.equal(left, torch.ones(2, 3))
