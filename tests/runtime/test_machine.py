"""What identifies a run, and what of it tells machines apart."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from archprof.runtime.timing.machine import described_machine, differing

CPUINFO = """processor\t: 0
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC
stepping\t: 1
cpu MHz\t\t: 2596.097
cache size\t: 1024 KB

processor\t: 1
model name\t: another
"""


def test_a_processor_is_told_by_its_name_and_family(monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: CPUINFO)
    found = described_machine("cpu", "torch", 2)
    assert {name: found[name] for name in ("hardware", "threads", "clock", "cache")} == {
        "hardware": "AMD EPYC (cpu family 25, model 17, stepping 1)",
        "threads": "2",
        "clock": "2596 MHz",
        "cache": "1024 KB",
    }
    assert found["torch"] == torch.__version__
    assert "onnxruntime" not in found


def test_a_gpu_is_told_with_its_driver_and_clocks(monkeypatch):
    printed = SimpleNamespace(stdout="580.95.05, 1980 MHz, 2619 MHz, 700.00 W\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: printed)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100 80GB HBM3")
    found = described_machine("cuda", "torch", 0)
    assert {name: found[name] for name in ("hardware", "driver", "clock", "memory clock", "power limit")} == {
        "hardware": "NVIDIA H100 80GB HBM3",
        "driver": "580.95.05",
        "clock": "1980 MHz",
        "memory clock": "2619 MHz",
        "power limit": "700.00 W",
    }


KNOWN = {"hardware": "A", "driver": "1", "torch": "2.8", "clock": "1 GHz", "date": "then"}
# What is found now, and what of it is another.
FOUND = {
    "the same": ({}, {}),
    "another day, another clock": ({"clock": "2 GHz", "date": "now"}, {}),
    "another driver": ({"driver": "2"}, {"driver": ("1", "2")}),
    "another library and device": (
        {"torch": "2.9", "hardware": "B"},
        {"hardware": ("A", "B"), "torch": ("2.8", "2.9")},
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_machines_are_told_apart_by_hardware_driver_and_libraries(name):
    changed, others = FOUND[name]
    assert differing(KNOWN, {**KNOWN, **changed}) == others


def test_what_a_profile_does_not_say_tells_nothing():
    assert differing({}, KNOWN) == {}
