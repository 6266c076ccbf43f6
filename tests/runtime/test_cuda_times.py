"""Time on a CUDA device, on events and graphs that only write down what is asked of them."""

import weakref
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace

import pytest
import torch

from archprof.runtime.timing import cuda
from archprof.runtime.timing.torch_times import pinned


class Device:
    """What stands for torch.cuda: a run takes so many µs, and all calls are noted."""

    def __init__(self, us):
        self.us, self.now, self.calls = us, 0.0, []
        self.captured = 0
        self._capturing = False

    def run(self):
        if self._capturing:
            self.captured += 1
        else:
            self.calls.append("run")
            self.now += self.us

    def replay(self):
        self.calls.append("replay")
        self.now += self.us * self.captured

    def capture(self, graph):
        self._capturing = True
        device = self

        class Capture(nullcontext[None]):
            def __exit__(self, *_):
                device._capturing = False

        return Capture()

    def event(self, enable_timing):
        assert enable_timing
        found = SimpleNamespace(at=None, synchronize=lambda: self.calls.append("wait"))
        found.record = lambda: setattr(found, "at", self.now)
        found.elapsed_time = lambda end: (end.at - found.at) / 1000  # ms
        return found


@pytest.fixture
def device(monkeypatch):
    made = Device(us=10.0)
    stream = SimpleNamespace(wait_stream=lambda other: None)
    stands = {
        "CUDAGraph": lambda: SimpleNamespace(replay=made.replay), "graph": made.capture, "Event": made.event,
        "Stream": lambda: stream, "current_stream": lambda: stream, "stream": lambda _: nullcontext(),
    }  # fmt: skip
    for name, stand in stands.items():
        monkeypatch.setattr(torch.cuda, name, stand)
    return made


def test_a_graph_is_captured_behind_a_warm_up_and_replayed(device):
    sample = cuda.graph_sampler(device.run, 20)
    assert device.captured == 20
    # Three runs before; a first replay, and one that tells how many a sample takes: 500 µs hold two of 20·10 µs.
    assert device.calls == ["run"] * 3 + ["replay"] * 2 + ["wait"]
    device.calls.clear()
    assert sample().us == pytest.approx(10.0)
    # A replay that is not timed comes first.
    assert device.calls == ["replay"] * 3 + ["wait"]


def _run_with(weight, device):
    device.run()


def test_what_a_graph_runs_is_there_as_long_as_it_is_replayed(device):
    """Weights and inputs of an operator are nobody else's: a replay read memory that was given back."""
    weight = torch.empty(4)
    left = weakref.ref(weight)
    sample = cuda.graph_sampler(partial(_run_with, weight, device), 20)
    del weight
    assert left() is not None
    del sample
    assert left() is None


def test_called_from_python_every_run_is_launched(device):
    sample = cuda.eager_sampler(device.run)
    device.calls.clear()
    assert sample().us == pytest.approx(10.0)
    assert device.calls == ["run"] * 50 + ["wait"]
    assert device.captured == 0


def test_what_takes_long_is_replayed_once(device):
    device.us = 5000.0
    sample = cuda.graph_sampler(device.run, 3)
    device.calls.clear()
    assert sample().us == pytest.approx(5000.0)
    assert device.calls == ["replay"] * 2 + ["wait"]


def test_what_fails_on_a_device_is_told_though_that_answers_nothing_more(monkeypatch):
    def fails(*_):
        raise RuntimeError("CUDA error: out of order")

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: torch.get_rng_state())
    monkeypatch.setattr(torch.cuda, "set_rng_state", fails)
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), pinned(0):
        torch.rand(3 // 0)
    assert torch.equal(torch.get_rng_state(), before)
