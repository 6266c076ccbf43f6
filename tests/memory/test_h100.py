"""What an NVIDIA H100 was measured to hold in a step of training: the bytes that torch 2.11's caching allocator was
asked for, relative to those before the step, after a step to warm up. Momentum's and Adam's state is there before.

Of each network, at its own resolution, `h100.csv` and `h100_more.csv` tell the peak of inference, what is there behind
the forward and the backward pass, and the peaks of both. `h100_convolutions.csv` tells what single convolutions took
beside their tensors, forward and for each of their two gradients: workspace.
"""

import csv
from pathlib import Path

import pytest

import archprof
from archprof.ir.setup import Setup
from archprof.memory.report import analyze_memory
from archprof.memory.timeline import BACKWARD, FORWARD, STEP


def read(file):
    with Path(__file__).with_name(file).open() as lines:
        return {row["model"]: row for row in csv.DictReader(lines)}


MEASURED = read("h100.csv")
CATALOG = sorted(name for name in MEASURED if ":" not in name)
MORE = read("h100_more.csv")
# Where no convolution takes a workspace at the peak.
NO_WORKSPACE = [
    "convnext_tiny", "efficientnet_b0", "efficientnet_lite0", "mnasnet1_0", "mobilenet_v1", "mobilenet_v2",
    "mobilenet_v3_large", "mobilenet_v3_small", "shufflenet_v2_x1_0",
]  # fmt: skip


def memory(name, **setup):
    return analyze_memory(archprof.expand(name), Setup(**setup))


@pytest.mark.parametrize("batch", [8, 32, 64])
@pytest.mark.parametrize("name", CATALOG)
def test_what_is_saved_for_backward_is_what_the_gpu_held(name, batch):
    row = MEASURED[name]
    found = memory(name, batch=batch, train="momentum").timeline
    assert found.after(FORWARD) == int(row[f"sgd_b{batch}_after_forward"])
    assert found.after(BACKWARD) == int(row[f"sgd_b{batch}_after_backward"])


@pytest.mark.parametrize("name", sorted(MORE))
def test_what_is_saved_for_backward_is_what_the_gpu_held_of_the_rest_of_the_catalog(name):
    for batch in (8, 32):
        found = memory(name, batch=batch, train="momentum").timeline
        assert found.after(FORWARD) == int(MORE[name][f"sgd_b{batch}_after_forward"])
        assert found.after(BACKWARD) == int(MORE[name][f"sgd_b{batch}_after_backward"])


@pytest.mark.parametrize("name", CATALOG)
def test_autocast_saves_what_the_gpu_held(name):
    found = memory(name, batch=32, train="adamw", amp="bf16").timeline
    assert found.after(FORWARD) == int(MEASURED[name]["adamw_bf16_b32_after_forward"])
    assert found.after(BACKWARD) == int(MEASURED[name]["adamw_bf16_b32_after_backward"])


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("name", CATALOG)
def test_the_step_takes_what_it_took(name, optimizer):
    found = memory(name, batch=32, train=optimizer)
    assert found.phase(STEP) == int(MEASURED[name][f"{optimizer}_b32_step_peak"])


@pytest.mark.parametrize("batch", [1, 32])
@pytest.mark.parametrize("name", NO_WORKSPACE)
def test_the_peak_of_inference_is_the_gpus(name, batch):
    assert memory(name, batch=batch).peak == int(MEASURED[name][f"infer_fp32_b{batch}_peak"])
