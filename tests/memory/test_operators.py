"""Each operator of a spec takes, forward and backward and in inference, what torch holds."""

import pytest

import archprof
from archprof.allocation.report import analyze_memory
from archprof.allocation.timeline import BACKWARD, FORWARD
from archprof.ir.setup import Setup

torch = pytest.importorskip("torch")

from archprof.runtime.build import build_network  # noqa: E402
from tests.memory.recorder import Step, inference_peak, training_step  # noqa: E402

SPEC = """
archprof: 1
name: small
input: 3x32x32
classes: 10
layers:
  - conv: {{k: 3, c: 16, norm: batch_norm, act: relu}}
  - conv2d: {{k: 3, c: 16}}
{rows}
  - avg_pool
  - linear: classes
"""
NORM_ACT = "norm: batch_norm, act: relu"
# What stands on a map of 16 channels, 32×32.
ROWS = {
    "padded convolution": "  - conv2d: {k: 3, s: 2, c: 32, p: [0, 1, 0, 1]}",
    "padded max pool": "  - max_pool: {k: 3, s: 2, p: [0, 1, 0, 1]}",
    "padded average pool": "  - avg_pool: {k: 3, s: 2, p: [0, 1, 0, 1]}",
    "padded average pool of what is there": "  - avg_pool: {k: 3, s: 2, p: [0, 1, 0, 1], count_padding: false}",
    "average pool of what is there": "  - avg_pool: {k: 3, s: 2, p: 1, count_padding: false}",
    "max pool": "  - max_pool: {k: 3, s: 2, p: 1}",
    "average pool": "  - avg_pool: {k: 2, s: 2}",
    "adaptive average pool": "  - avg_pool: {size: 4}",
    "adaptive max pool": "  - adaptive_max_pool: {size: 4}",
    "convolution padded as in TensorFlow": "  - conv2d: {k: 3, s: 2, c: 32, p: same}",
    "transposed convolution": "  - conv_transpose: {k: 2, s: 2, c: 8}",
    "dilated max pool": "  - max_pool: {k: 3, s: 2, p: 1, d: 2}",
    "instance norm": "  - instance_norm: {affine: true}\n  - conv2d: {k: 1, c: 8}",
    "nearest": "  - upsample: 2\n  - conv2d: {k: 1, c: 8}",
    "bilinear": "  - upsample: {size: 48, mode: bilinear}\n  - conv2d: {k: 1, c: 8}",
    "pixel shuffle": "  - pixel_shuffle: 2\n  - conv2d: {k: 1, c: 8}",
    "prelu": "  - prelu\n  - conv2d: {k: 1, c: 8}",
    "abs": "  - abs\n  - conv2d: {k: 1, c: 8}",
    "exp": "  - exp\n  - conv2d: {k: 1, c: 8}",
    "softplus": "  - softplus\n  - conv2d: {k: 1, c: 8}",
    "prelu, shared": "  - prelu: {shared: true}\n  - conv2d: {k: 1, c: 8}",
    "elu": "  - elu\n  - conv2d: {k: 1, c: 8}",
    "gelu by tanh": "  - gelu_tanh\n  - conv2d: {k: 1, c: 8}",
    "star relu": "  - star_relu\n  - conv2d: {k: 1, c: 8}",
    "quick gelu": "  - quick_gelu\n  - conv2d: {k: 1, c: 8}",
    "mean": "  - mean: {keep: true}\n  - conv2d: {k: 1, c: 8}",
    "pad": "  - pad: {p: [1, 1, 1, 1]}\n  - conv2d: {k: 3, c: 16, p: 0}",
    "group norm": "  - conv: {k: 3, c: 32, norm: {group_norm: {groups: 8}}, act: relu}",
    "layer norm": "  - conv: {k: 3, c: 32, norm: layer_norm, act: relu}",
    "frozen batch norm": "  - conv: {k: 3, c: 32, norm: frozen_batch_norm, act: relu}",
    **{
        act: f"  - conv: {{k: 3, c: 32, norm: batch_norm, act: {act}}}"
        for act in ("relu6", "silu", "gelu", "tanh", "hardswish", "hardsigmoid", "sigmoid", "swish")
    },
    "swish with a slope": "  - conv: {k: 3, c: 32, norm: batch_norm, act: {swish: {learnable: true}}}",
    "relu that others see": "  - relu\n  - conv2d: {k: 3, c: 16}",
    "dropout": "  - dropout: 0.2",
    "channel shuffle": "  - channel_shuffle: {g: 4}",
    "split": "  - split: {start: 0, channels: 8}\n  - conv2d: {k: 3, c: 16}",
    "layer scale": "  - layer_scale",
    "leaky relu": "  - conv: {k: 3, c: 32, norm: batch_norm, act: leaky_relu}",
    "efficient channel attention": "  - eca",
    "standardised weights": "  - conv2d: {k: 3, c: 32, weights: standard}",
    "a choice among parts": "  - branches:\n      join: multiply\n"
    "      paths: [[], [avg_pool, conv2d: {k: 1, c: 16}, part_softmax: 2]]",
    "pixels as channels": "  - space_to_channels: 2\n  - conv2d: {k: 1, c: 16}",
    "learned scale": "  - learned_scale: {init: 1, bias: true}",
    "global response norm": "  - global_response_norm",
    "l2 norm": "  - l2_norm",
    "causal convolutions": (
        "  - tokens\n  - {id: row, linear: 16}\n  - {from: [row, row], tokens_to_map: }\n  - conv1d: {k: 3, c: 16}\n"
        "  - conv1d: {k: 3, d: 4, c: 16, p: causal}\n"
        "  - conv: {k: 2, s: 2, c: 16, g: 4, p: causal, norm: batch_norm, act: relu}"
    ),
    "turned rows and columns": (
        "  - permute: channels_last\n  - rotary_positions: {heads: 2}\n  - permute: channels_first\n"
        "  - conv2d: {k: 1, c: 8}"
    ),
    "turned tokens but some": (
        "  - {id: map, conv2d: {k: 1, c: 16}}\n  - tokens\n"
        "  - rotary_positions: {heads: 4, skip: 24, pairs: neighbours}\n"
        "  - {id: row, linear: 16}\n  - {from: [row, map], tokens_to_map: }\n  - conv2d: {k: 1, c: 8}"
    ),
    "one head on two maps": (
        "  - {id: p, conv2d: {k: 3, c: 16}}\n  - {id: q, max_pool: {k: 3, s: 1, p: 1}}\n"
        "  - {from: [p, q], each: {shared: true, join: add, layers: [conv: {k: 3, c: 16, " + NORM_ACT + "}]}}"
    ),
    "heads on two maps": (
        "  - {id: p, conv2d: {k: 3, c: 16}}\n  - {id: q, max_pool: 2}\n"
        "  - {id: h, from: [p, q], each: [conv: {k: 3, c: 16, act: relu}]}\n"
        "  - {id: r, from: [h.q, p], resize: }\n  - {from: [h.p, r], concat: }"
    ),
    "crop": (
        '  - {id: a, max_pool: {k: 5, s: 1, p: 0}}\n  - {id: b, from: ["layers[1]", a], crop: }\n'
        "  - {from: [a, b], concat: }"
    ),
    "resize": "  - {id: a, max_pool: 2}\n  - {from: [a, \"layers[1]\"], resize: bilinear}",
    "depthwise": "  - conv2d: {k: 3, c: 16, g: depthwise}",
    "grouped": "  - conv2d: {k: 3, c: 32, g: 4, bias: true}",
    "residual": "  - residual:\n      - conv2d: {k: 3, c: 16}\n      - relu\n      - conv2d: {k: 3, c: 16}",
    "branches": "  - branches:\n      join: concat\n      paths: [[conv2d: {k: 3, c: 16}], [conv2d: {k: 1, c: 8}]]",
    "squeeze-excite": "  - squeeze_excite: {ratio: 0.25}",
    "ghost bottleneck": "  - ghost_bottleneck: {k: 3, exp: 48, c: 16, s: 1, se: 0.25, " + NORM_ACT + "}",
    "shortcut of kind A": "  - basic_block: {c: 32, s: 2, shortcut: A, " + NORM_ACT + "}",
    "bottleneck": "  - bottleneck: {c: 16, s: 2, " + NORM_ACT + "}",
    "dense layers": "  - dense_layer: {growth_rate: 16, " + NORM_ACT + "}\n"
    "  - dense_layer: {growth_rate: 16, " + NORM_ACT + "}\n  - transition: {compression: 0.5, " + NORM_ACT + "}",
}  # fmt: skip


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_an_operator_takes_what_torch_holds(tmp_path, rows):
    (tmp_path / "small.yaml").write_text(SPEC.format(rows=rows).lstrip())
    graph = archprof.expand(str(tmp_path / "small.yaml"))
    module = build_network(graph, initialise=False, device="meta")
    images = torch.empty(4, 3, 32, 32, device="meta")
    inference = inference_peak(module, images)
    training = training_step(module, images, torch.zeros(4, dtype=torch.long, device="meta"))
    assert analyze_memory(graph, Setup(batch=4, kernels="cpu")).peak == inference
    found = analyze_memory(graph, Setup(batch=4, train="sgd", kernels="cpu"))
    timeline = found.timeline
    peaks = timeline.after(FORWARD), found.phase(BACKWARD), timeline.after(BACKWARD)
    assert Step(found.phase(FORWARD), *peaks) == training
