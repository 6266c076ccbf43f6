"""What an NVIDIA H100 was measured to hold in a step of training: the bytes that torch 2.11's caching allocator was
asked for, relative to those before the step, after a step to warm up. Momentum's and Adam's state is there before.

Of each network, at its own resolution, `h100.csv` and `h100_more.csv` tell the peak of inference, what is there behind
the forward and the backward pass, and the peaks of both; `h100_catalog.csv` does so at 1 and 8 images, with plain
SGD. `h100_convolutions.csv` tells what single convolutions took beside their tensors, forward and for each of their
two gradients: workspace.
"""

import csv
from pathlib import Path
from typing import Any

import pytest

import archprof
from archprof.allocation.report import analyze_memory
from archprof.allocation.timeline import BACKWARD, FORWARD, STEP
from archprof.ir.footprint import Run
from archprof.ir.operators.conv import Conv2d
from archprof.ir.setup import Setup
from archprof.ir.values import Value


def read(file):
    with Path(__file__).with_name(file).open() as lines:
        return {row["model"]: row for row in csv.DictReader(lines)}


MEASURED = read("h100.csv")
CATALOG = sorted(name for name in MEASURED if ":" not in name)
MORE = read("h100_more.csv")
STEPS = read("h100_catalog.csv")
# Where no convolution takes a workspace at the peak.
NO_WORKSPACE = [
    "convnext_tiny", "efficientnet_b0", "efficientnet_lite0", "mnasnet1_0", "mobilenet_v1", "mobilenet_v2",
    "mobilenet_v3_large", "mobilenet_v3_small", "shufflenet_v2_x1_0",
]  # fmt: skip


# Networks that were measured without stochastic depth, which they have by their authors' configurations.
KEPT_WHOLE = {"convnextv2_atto", "edgenext_xx_small", "poolformer_s12", "swin_tiny_patch4_window7_224"}


def memory(name, **setup):
    knobs = {"defaults.stochastic_depth": "-"} if name in KEPT_WHOLE else {}
    return analyze_memory(archprof.expand(name, **knobs), Setup(**setup))


@pytest.mark.parametrize("batch", [8, 32, 64])
@pytest.mark.parametrize("name", CATALOG)
def test_what_is_saved_for_backward_is_what_the_gpu_held(name, batch):
    row = MEASURED[name]
    found = memory(name, batch=batch, train="momentum").timeline
    assert found.after(FORWARD) == int(row[f"sgd_b{batch}_after_forward"])
    assert found.after(BACKWARD) == int(row[f"sgd_b{batch}_after_backward"])


@pytest.mark.few(30)
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


@pytest.mark.few(15)
@pytest.mark.parametrize("name", sorted(STEPS))
def test_steps_of_attention_video_and_text_hold_what_the_gpu_held(name):
    row, found = STEPS[name], memory(name, batch=8, train="sgd")
    assert found.timeline.after(FORWARD) == int(row["sgd_b8_after_forward"])
    assert found.timeline.after(BACKWARD) == int(row["sgd_b8_after_backward"])
    assert found.phase(STEP) == int(row["sgd_b8_step_peak"])
    for phase, column in ((FORWARD, "sgd_b8_forward_peak"), (BACKWARD, "sgd_b8_backward_peak")):
        span = found.timeline.span((phase,))
        assert span.low <= int(row[column]) <= span.high
    for batch in (1, 8):
        span = memory(name, batch=batch).timeline.span((FORWARD,))
        assert span.low <= int(row[f"infer_fp32_b{batch}_peak"]) <= span.high


# Workspace: what no tensor shows

EVERYWHERE = {**{name: MEASURED[name] for name in CATALOG}, **MORE}
# Columns of the files, with what they measured: the setup, and the part of the pass.
PEAKS: dict[str, tuple[dict[str, Any], str]] = {
    "infer_fp32_b32_peak": ({"batch": 32}, FORWARD),
    "sgd_b8_forward_peak": ({"batch": 8, "train": "momentum"}, FORWARD),
    "sgd_b8_backward_peak": ({"batch": 8, "train": "momentum"}, BACKWARD),
    "sgd_b32_forward_peak": ({"batch": 32, "train": "momentum"}, FORWARD),
    "sgd_b32_backward_peak": ({"batch": 32, "train": "momentum"}, BACKWARD),
    "sgd_b64_forward_peak": ({"batch": 64, "train": "momentum"}, FORWARD),
    "sgd_b64_backward_peak": ({"batch": 64, "train": "momentum"}, BACKWARD),
    "adamw_bf16_b32_forward_peak": ({"batch": 32, "train": "adamw", "amp": "bf16"}, FORWARD),
    "adamw_bf16_b32_backward_peak": ({"batch": 32, "train": "adamw", "amp": "bf16"}, BACKWARD),
}
WIDE = 0.06  # of the measured peak of a backward pass at 32 images
# LeNet is so small that what one convolution may take is as much as the rest.
WIDER = {"lenet5"}


@pytest.mark.few(2)
@pytest.mark.parametrize("column", PEAKS)
def test_peaks_lie_between_tensors_and_workspace(column):
    setup, phase = PEAKS[column]
    measured = {name: int(row[column]) for name, row in EVERYWHERE.items() if row.get(column)}
    spans = {name: memory(name, **setup).timeline.span((phase,)) for name in measured}
    assert {
        name: spans[name] for name, peak in measured.items() if not spans[name].low <= peak <= spans[name].high
    } == {}
    if "b32" in column and phase == BACKWARD and "amp" not in setup:
        widths = {name: (spans[name].high - spans[name].low) / peak for name, peak in measured.items()}
        assert {name for name, width in widths.items() if width > WIDE} == WIDER


# One convolution in a hundred takes more than its likes: gradients of 48 to 64 channels, windows of 5×5, and others.
@pytest.mark.parametrize(
    ("setup", "outside"),
    [("b8", {"2048-448 8x8"}), ("b32", {"48-64 35x35"}), ("b64", {"48-64 35x35", "192-192 17x17", "2048-448 8x8"}),
     ("bf16_b32", {"32-32 149x149", "384-384 8x8", "16-48 14x14"})],
)  # fmt: skip
def test_a_convolutions_workspace_lies_within(setup, outside):
    found = set()
    with Path(__file__).with_name("h100_convolutions.csv").open() as lines:
        for row in csv.DictReader(lines):
            for span, key in zip(workspace(row, setup), ("forward", "of_input", "of_weight"), strict=True):
                taken = row[f"{setup}_{key}"]
                if taken and not span.low <= int(taken) <= span.high:
                    found.add(f"{row['in_channels']}-{row['out_channels']} {row['input']}")
    assert found == outside


def workspace(row, setup):
    def sizes(column):
        return tuple(map(int, row[column].split("x")))

    channels, groups = (int(row["in_channels"]), int(row["out_channels"])), int(row["groups"])
    kernel, stride, padding, dilation = map(sizes, ("kernel", "stride", "padding", "dilation"))
    conv = Conv2d(*channels, kernel, stride, padding, dilation, groups, row["bias"] == "1")
    value = Value((channels[0], *sizes("input")), dtype="bfloat16" if "bf16" in setup else "float32")
    return conv.workspace(Run((value,), (conv.output(value),), Setup(batch=int(setup.rpartition("b")[2]))))
