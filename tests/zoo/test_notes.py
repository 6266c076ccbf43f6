"""Where a spec's note says how a printed number came to be, that arithmetic gives the printed number."""

from math import prod

import pytest

import archprof
from archprof.ir.operators.heads import HeadAttention
from archprof.ir.operators.join import Multiply
from archprof.ir.operators.mean import Mean


def millions(count: float, digits: int) -> float:
    return round(count / 10**6, digits)


def share(name: str, kind: str) -> float:
    """Return the percentage of a network's MACs that is of one kind."""
    report = archprof.analyze(name)
    return round(100 * sum(row.cost.macs for row in report.rows if row.kind == kind) / report.totals.macs, 2)


def test_v1_with_the_stride_of_its_table_taken_literally():
    assert archprof.analyze(archprof.load("mobilenet_v1", {"layers[1].rows[12].s": 2})).totals.macs == 533_833_216


def test_v1_shares_of_its_table_2():
    kinds = ("pointwise", "depthwise", "standard", "linear")
    assert [share("mobilenet_v1", kind) for kind in kinds] == [94.86, 3.06, 1.91, 0.18]
    totals = archprof.analyze("mobilenet_v1").totals
    batch_norm = totals.buffers  # as many statistics as learned numbers
    assert totals.params - batch_norm - 1000 == 4_209_088


@pytest.mark.parametrize(("width", "printed"), [("1.0", 4.24), ("0.75", 2.59), ("0.5", 1.34), ("0.25", 0.47)])
def test_slim_counts_three_numbers_a_batch_norm_channel_of_v1(width, printed):
    totals = archprof.analyze("mobilenet_v1", width=width).totals
    assert millions(totals.params + totals.buffers / 2, 2) == printed


@pytest.mark.parametrize(("resolution", "printed"), [(224, 317), (192, 233), (160, 162), (128, 104)])
def test_slim_leaves_the_first_convolution_of_thinner_v1_out(resolution, printed):
    report = archprof.analyze("mobilenet_v1", width=0.75, resolution=resolution)
    assert millions(report.totals.macs - report.rows[0].cost.macs, 0) == printed


def test_v1_counts_its_parameters_without_batch_norm_in_table_9():
    totals = archprof.analyze("mobilenet_v1", width=0.5).totals
    assert millions(totals.params - totals.buffers, 2) == 1.32


@pytest.mark.parametrize(
    ("width", "printed"), [(1.4, 6.06), (1.3, 5.34), (1.0, 3.47), (0.75, 2.61), (0.5, 1.95), (0.35, 1.66)]
)
def test_slim_counts_v2_without_batch_norm(width, printed):
    totals = archprof.analyze("mobilenet_v2", width=width).totals
    assert millions(totals.params - totals.buffers, 2) == printed


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("mobilenet_v3_large", 216.60),
        ("mobilenet_v3_large_075", 154.57),
        ("mobilenet_v3_small", 56.52),
        ("mobilenet_v3_small_075", 43.40),
    ],
)
def test_a_reimplementation_of_v3_counts_one_more_a_batch_norm_channel(name, printed):
    totals = archprof.analyze(name).totals
    assert millions(totals.macs + totals.buffers / 2, 2) == printed


def test_se_resnet_counts_an_operation_for_each_element_pooled_or_scaled():
    report = archprof.analyze("se_resnet50")
    elements = 0
    for row in report.rows:
        if row.path.endswith(("se.pool", "se.scale")):
            channels, height, width = row.inputs[0]
            elements += channels * height * width
    assert round((report.totals.macs + elements) / 10**9, 2) == 3.87


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("ssdlite_mobilenet_v3_large", 4.97),
        ("ssdlite_mobilenet_v3_large@tail=80", 3.22),
        ("ssdlite_mobilenet_v3_small", 2.49),
        ("ssdlite_mobilenet_v3_small@tail=48", 1.77),
    ],
)
def test_v3_counts_its_detectors_without_batch_norm(name, printed):
    totals = archprof.analyze(name).totals
    assert millions(totals.params - totals.buffers, 2) == printed


# In billions, as YOLOX's README prints them.
YOLOX = {"s": 26.8, "m": 73.8, "l": 155.6, "x": 281.9, "tiny": 6.45, "nano": 1.08}


@pytest.mark.parametrize(("size", "printed"), YOLOX.items())
def test_thop_of_2021_counts_batch_norms_of_yolox(size, printed):
    report = archprof.analyze(f"yolox_{size}")
    normed = sum(prod(row.output) for row in report.rows if row.kind == "norm")
    assert round(2 * (report.totals.macs + 2 * normed) / 1e9, 1 if printed > 10 else 2) == printed


# Parameters in millions and operations in billions, as YOLOv5's README prints them.
YOLOV5 = {"n": (1.9, 4.5), "s": (7.2, 16.5), "m": (21.2, 49.0), "l": (46.5, 109.1), "x": (86.7, 205.7)}


@pytest.mark.parametrize(("size", "printed"), YOLOV5.items())
def test_yolov5_is_printed_with_batch_norm_folded_into_biases(size, printed):
    totals = archprof.analyze(f"yolov5{size}").totals
    folded = totals.params - totals.buffers // 2  # a norm has two statistics, and of two parameters a bias is left
    assert (round(folded / 1e6, 1), round(2 * (totals.macs + totals.activations) / 1e9, 1)) == printed


def test_mmdetection_counts_what_is_trained_of_retinanet():
    model = "retinanet_R-50-FPN@norm=batch_norm,freeze=2,stride_in_1x1=false"
    totals = archprof.analyze(model).totals
    assert (millions(totals.trainable, 2), round(totals.macs / 1e9, 2)) == (37.74, 238.54)


# Operations in millions, as LeViT's README prints them; its 1,120 for LeViT-256 is not what its code counts.
LEVIT = {"levit_128s": 305, "levit_128": 406, "levit_192": 658, "levit_384": 2353}


@pytest.mark.parametrize(("name", "printed"), LEVIT.items())
def test_levit_counts_one_for_each_score(name, printed):
    report = archprof.analyze(name)
    scores = 0
    for row in report.rows:
        if isinstance(op := row.node.op, HeadAttention):
            scores += op.heads * prod(op.size) * prod(row.output[-2:])
    assert millions(report.totals.macs + scores, 0) == printed


def layer_normed(name: str, kept: str) -> float:
    """Return the MACs in billions with five for each element of the layer norms whose path holds *kept*."""
    report = archprof.analyze(name)
    normed = sum(prod(row.output) for row in report.rows if row.kind == "norm" and kept in row.path)
    return (report.totals.macs + 5 * normed) / 1e9


# In billions, as the model zoo of ConvNeXt V2 prints them.
CONVNEXT_V2 = {"atto": 0.55, "femto": 0.78, "pico": 1.37, "nano": 2.45, "tiny": 4.47, "base": 15.4, "large": 34.4}


@pytest.mark.parametrize(("size", "printed"), CONVNEXT_V2.items())
def test_layer_norms_of_the_blocks_of_convnext_v2_are_counted(size, printed):
    assert round(layer_normed(f"convnextv2_{size}", "body.0.norm"), 1 if printed > 10 else 2) == printed


# In billions, as the model zoo of DeiT III prints them; its 17.5 of the base at 224 is cut off behind the digit.
DEIT_3 = {"small_patch16_384": 15.5, "base_patch16_384": 55.5, "large_patch16_224": 61.6, "large_patch16_384": 191.2}


@pytest.mark.parametrize(("name", "printed"), DEIT_3.items())
def test_layer_norms_of_deit_3_are_counted(name, printed):
    assert round(layer_normed(f"deit3_{name}", ""), 1) == printed


# How many weights less each first stage has, in which 64 channels go into the blocks, not 128; millions, and billions.
NARROW_STAGES = {"cspresnet50": (64 * 64 + 64 * 64, 21.57, 8.97), "cspresnext50": (64 * 64 + 64 * 128, 20.50, 7.93)}


@pytest.mark.parametrize(("name", "fewer", "params", "flops"), [(name, *row) for name, row in NARROW_STAGES.items()])
def test_first_stages_of_darknets_csp_networks_are_narrower(name, fewer, params, flops):
    totals = archprof.analyze(name).totals
    batch_norm = totals.buffers  # as many statistics as learned numbers
    assert millions(totals.params - batch_norm - fewer, 2) == params
    assert round(2 * (totals.macs - 64 * 64 * fewer) / 1e9, 2) == flops


def test_sknet_counts_an_operation_for_each_element_pooled_or_scaled():
    report = archprof.analyze("skresnext50_32x4d")
    elements = sum(prod(row.inputs[0]) for row in report.rows if isinstance(row.node.op, Mean | Multiply))
    assert round((report.totals.macs + elements) / 1e9, 2) == 4.47
