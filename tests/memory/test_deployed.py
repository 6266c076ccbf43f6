"""Inference in int8 as microcontrollers run it, in numbers written out and against those that papers print."""

import json

import pytest

import archprof
from archprof.allocation.deployed import BEST, FOLDED, IN_PLACE, PATCHES, depthwise_in_place, folded, patched
from archprof.allocation.order import Order, best_order, reordered
from archprof.allocation.report import analyze_memory
from archprof.ir.builder import GraphBuilder
from archprof.ir.operators.act import Hardswish, ReLU, ReLU6
from archprof.ir.operators.batch_norm import BatchNorm2d
from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.join import Add
from archprof.ir.operators.pool import MaxPool2d
from archprof.ir.setup import Setup
from archprof.ir.values import Value
from tests.cli.console import archprof as run

INT8 = Setup(dtype="int8")
KIB = 1024


def conv(inputs, outputs, kernel=1, stride=1, groups=1):
    return Conv2d(inputs, outputs, (kernel,) * 2, (stride,) * 2, (kernel // 2,) * 2, (1, 1), groups, False)


def chain(*ops, size=8, channels=4):
    """Return a network of calls in a row, on so many channels of a square."""
    builder = GraphBuilder({"input": Value((channels, size, size))})
    edge = builder.input
    for index, op in enumerate(ops):
        edge = builder.add(f"op{index}", op, edge)
    return builder.build("chain", {"output": edge})


def left(graph):
    return [node.op.name for node in folded(graph).graph.nodes]


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        ((conv(4, 8), BatchNorm2d(8), ReLU()), ["conv2d"]),
        ((conv(4, 8), BatchNorm2d(8), ReLU6(), BatchNorm2d(8)), ["conv2d", "batch_norm"]),
        ((conv(4, 8), ReLU(), ReLU()), ["conv2d", "relu"]),
        ((conv(4, 8), BatchNorm2d(8), Hardswish()), ["conv2d", "hardswish"]),
        ((BatchNorm2d(4), ReLU(), conv(4, 8)), ["batch_norm", "relu", "conv2d"]),
    ],
)
def test_norms_and_bounds_fold_into_the_weights_before_them(ops, expected):
    assert left(chain(*ops)) == expected


def test_what_others_read_does_not_fold():
    builder = GraphBuilder({"input": Value((4, 8, 8))})
    x = builder.add("conv", conv(4, 4), builder.input)
    y = builder.add("norm", BatchNorm2d(4), x)
    z = builder.add("add", Add(), x, y)
    graph = builder.build("fork", {"output": builder.add("relu", ReLU(), z)})
    assert left(graph) == ["conv2d", "batch_norm", "add"]
    assert folded(graph).calls == ((0,), (1,), (2, 3))


def test_a_depthwise_convolution_needs_one_channel_more():
    """8 maps of 8×8, computed in place: (8 + 1)·64 bytes for (8 + 8)·64 (MCUNet, section 3.2); into a smaller map at
    stride 2 it needs one channel of that: 8·64 + 16 for 8·64 + 8·16."""
    for stride, whole, own in ((1, 16 * 64, 9 * 64), (2, 8 * 64 + 8 * 16, 8 * 64 + 16)):
        graph = chain(conv(4, 8), conv(8, 8, kernel=3, stride=stride, groups=8))
        assert analyze_memory(graph, INT8).peak == whole
        assert analyze_memory(depthwise_in_place(graph), INT8).peak == own


def test_the_networks_own_input_is_not_written_over():
    graph = chain(conv(4, 4, kernel=3, groups=4))
    assert analyze_memory(depthwise_in_place(graph), INT8).peak == 4 * 64


def test_patches_reach_beyond_themselves():
    """An output of 8×8 in 2 × 2 patches of 4×4: a window of 3 needs 6×6 of the map before it, one of 3 at stride 2 on
    8×8 outputs of 16×16 13×13 of the map before that. So 16 channels of 6×6 and 2 of 4×4, which are written into 2 of
    8×8, where 16 of 16×16 were there with 2 of 8×8."""
    graph = chain(conv(4, 16, kernel=3, stride=2), conv(16, 2, kernel=3), size=16)
    assert analyze_memory(graph, INT8).peak == 16 * 8 * 8 + 2 * 8 * 8
    found = patched(graph, 2, INT8)
    assert found.last == "op1"
    assert analyze_memory(found.graph, INT8).peak == 2 * 8 * 8 + 16 * 6 * 6
    nodes = {node.path: node.output.shape for node in found.graph.nodes}
    assert nodes == {"patches": (2, 8, 8), "op0": (16, 6, 6), "op1": (2, 4, 4)}


def mobilenet_v2():
    return depthwise_in_place(folded(archprof.expand("mobilenet_v2")).graph)


def test_mobilenet_v2_layer_by_layer():
    """MCUNetV2 (Lin et al. 2021, Figure 1) prints 1,372 kB in int8: the second block's expansion, from 16 to 96 maps of
    112×112, in KiB."""
    expansion = (16 + 96) * 112 * 112
    assert expansion == 1372 * KIB
    assert analyze_memory(mobilenet_v2(), INT8).peak == 1372 * KIB


def test_mobilenet_v2_patch_by_patch():
    """In 4 × 4 patches the paper prints 172 kB: the expansion from 32 to 192 maps of 28×28, 171.5 KiB. There the input
    of a block is there once; where it comes back as a shortcut it is there until the sum, while the projection reads
    192 maps and makes 32: 196 KiB, which is counted here."""
    expansion = (32 + 192) * 28 * 28
    assert expansion == 171.5 * KIB
    found = patched(mobilenet_v2(), 4, INT8)
    assert found.last == "1.2.0.project.conv"
    assert analyze_memory(found.graph, INT8).peak == (32 + 192 + 32) * 28 * 28 == 196 * KIB


@pytest.mark.parametrize(
    ("options", "peak", "rules"),
    [
        ((), 1470 * KIB, [FOLDED]),  # the depthwise convolution of 96 maps, 112×112 to 56×56
        (("--in-place", "depthwise"), 1372 * KIB, [FOLDED, IN_PLACE]),
        (("--in-place", "depthwise", "--patches", "4"), 196 * KIB,
         [FOLDED, IN_PLACE, PATCHES.format(place="1.2.0.project.conv", patches=4)]),
        (("--order", "best"), 1470 * KIB, [FOLDED, BEST]),
    ],
)  # fmt: skip
def test_the_command_says_by_which_rules(capsys, options, peak, rules):
    found = json.loads(run(capsys, "memory", "v2", "--dtype", "int8", *options, "--format", "json").out)
    assert (found["peak_bytes"], found["rules"]) == (peak, rules)
    assert "estimates" not in found  # kernels of a GPU, and their workspace, are none of this


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--order", "worst"), "`--order` is no `worst`\n  help: there are: own, best\n"),
        (("--in-place", "conv"), "unknown kind of convolution `conv`\n  help: there are: depthwise\n"),
        (
            ("--in-place", "depthwise"),
            "`--in-place` without `--dtype int8`\n  help: it is how microcontrollers run int8\n",
        ),
        (("--patches", "3"), "`--patches` without `--dtype int8`\n  help: it is how microcontrollers run int8\n"),
        (
            ("--order", "best", "--train", "sgd"),
            "`--order best` and `--train` at once\n  help: the backward pass goes by the order of the forward pass\n",
        ),
    ],
)
def test_options_that_do_not_go_together(capsys, options, said):
    assert run(capsys, "memory", "v2", *options) == (2, "", said)


def test_no_patches_where_none_help():
    graph = chain(conv(4, 4), conv(4, 4))
    assert patched(graph, 1, INT8) == (graph, "")


def test_pools_of_microcontrollers_have_no_indices():
    """Four maps of 8×8, and their largest in windows of 2×2: torch has the place of each of the latter too."""
    pool = chain(MaxPool2d((2, 2), (2, 2)), conv(4, 4))
    assert analyze_memory(pool, INT8).peak == 4 * 4 * 4 + 4 * 4 * 4
    assert analyze_memory(pool, Setup()).peak == 4 * (4 * 4 * 4) + 8 * (4 * 4 * 4)


def test_an_output_has_no_more_patches_than_rows():
    """Of a map of 8×8, behind which is most, 8 × 8 patches are a place each."""
    graph = chain(conv(4, 64), conv(64, 4), conv(4, 4))
    assert patched(graph, 8, INT8).last
    assert patched(graph, 9, INT8) == (graph, "")


def test_the_best_order_is_one_of_what_is_left_when_all_is_folded():
    """In the first block of RegNetX-16GF a convolution makes 256 maps of 56×56 of 256 of 112×112, beside the shortcut's
    256 of 56×56, or, where that is convolved behind it, beside the 32 of 112×112 that go into both."""
    graph = folded(archprof.expand("regnet_x_16gf")).graph
    convolution = 256 * 112 * 112 + 256 * 56 * 56
    assert analyze_memory(graph, INT8).peak == convolution + 256 * 56 * 56
    assert analyze_memory(reordered(graph, best_order(graph, INT8)), INT8).peak == convolution + 32 * 112 * 112
    own = folded(archprof.expand("mobilenet_v2")).graph
    assert best_order(own, INT8) == Order(tuple(range(len(own.nodes))), True)
