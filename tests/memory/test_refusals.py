"""What memory cannot be told of, and operators of which nobody knows all."""

import pytest

import archprof
from archprof.allocation.report import analyze_memory
from archprof.allocation.timeline import FORWARD, STEP
from archprof.analysis.memory import describe_memory
from archprof.errors import UsageError
from archprof.ir.setup import Setup
from archprof.render.formats import Page
from archprof.render.memory import alive_view, memory_table
from archprof.render.table import to_text

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402


def test_training_is_refused_of_what_is_known_in_evaluation():
    graph = archprof.capture(nn.Linear(3, 4), (3,))
    with pytest.raises(UsageError) as raised:
        analyze_memory(graph, Setup(train="sgd"))
    assert str(raised.value) == (
        "`Linear` is known as it runs in evaluation, and nothing of how it trains\n"
        "  help: capture it in training mode: `--train`, in Python `train=True`, or a lock of `--modes eval,train`"
    )


def test_another_batch_is_refused_of_what_is_known_at_one():
    graph = archprof.capture(nn.Linear(3, 4), args=(torch.zeros(1, 3),))
    assert analyze_memory(graph, Setup()).peak == 4 * 4
    with pytest.raises(UsageError) as raised:
        describe_memory(graph, Setup(batch=2))
    assert str(raised.value) == (
        "shapes of `Linear` are known for one image alone\n  help: ask for one image, or of the code that it comes from"
    )


class Layer(nn.Module):
    """A recurrent layer of 3 positions of 4 features, of which cuDNN alone knows what it reserves."""

    def __init__(self):
        super().__init__()
        self.seen = nn.GRU(4, 5, batch_first=True)

    def forward(self, x):
        return self.seen(x)[0]


def test_an_operator_without_a_rule_makes_an_interval_and_is_named():
    found = analyze_memory(archprof.capture(Layer(), (3, 4)), Setup(batch=2))
    entering, returned = 2 * 3 * 4 * 4, 2 * 3 * 5 * 4
    state = 2 * 5 * 4  # zeros at first
    assert found.unknown == {"gru": 1}
    assert found.peak == state + returned + state
    reserve = 5 * returned + 1024  # three gates and two states at every position
    assert found.upper_peak == 2 * (state + returned + state) + entering + reserve
    trained = analyze_memory(archprof.capture(Layer(), (3, 4), train=True), Setup(batch=2, train="sgd"))
    loss = 4
    assert trained.timeline.after(FORWARD) == returned + loss
    assert trained.upper.after(FORWARD) == state + returned + state + reserve + loss


def test_an_operator_without_a_rule_is_named_where_the_peak_is_elsewhere():
    """The optimiser's step takes the gradients, and on a GPU as much again: of 3·H·(M + H) + 6·H parameters, here
    M = 4 and H = 40."""

    class Wide(Layer):
        def __init__(self):
            super().__init__()
            self.seen = nn.GRU(4, 40, batch_first=True)

    found = describe_memory(archprof.capture(Wide(), (3, 4), train=True), Setup(train="adam"))
    assert (found.peak_at.phase, found.peak_bytes) == (STEP, 2 * 4 * (3 * 40 * (4 + 40) + 6 * 40))
    ends = (found.estimates or {})["peak_bytes"]
    assert (ends.low, ends.high) == (found.peak_bytes, found.peak_bytes)
    text = to_text(memory_table(found, alive_view(found.alive)), Page(120))
    assert "no rule for the memory of gru ×1: even at its most there is less than at the peak" in text
    assert "with workspace" not in text
