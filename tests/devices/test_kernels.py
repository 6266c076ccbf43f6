"""Which kernels calls run: kinds and sizes, of tables, and of modules that were captured."""

import pytest

from archprof import expand
from archprof.devices.calls import calls_of
from archprof.devices.kernels import Kernel, parts_of
from archprof.devices.profile import DeviceSetup
from archprof.language.expand import read_network

SETUP = DeviceSetup("fp16", "channels_last", "torch", "graph")
# Layers on 8 channels of 6×6, and the kernels of the last of them.
LAYERS = {
    "conv2d: {k: 3, c: 12}": [Kernel("standard", (8, 12, 3, 3, 1, 1, 1, 1, 6, 6, 6, 6))],
    "conv2d: {k: 1, s: 2, c: 12, bias: false}": [Kernel("pointwise", (8, 12, 1, 1, 2, 1, 1, 0, 6, 6, 3, 3))],
    "conv2d: {k: 5, c: 8, g: depthwise, bias: false}": [Kernel("depthwise", (8, 8, 5, 5, 1, 1, 8, 0, 6, 6, 6, 6))],
    "conv2d: {k: 3, c: 8, g: 2, bias: false}": [Kernel("grouped", (8, 8, 3, 3, 1, 1, 2, 0, 6, 6, 6, 6))],
    "batch_norm": [Kernel("batch_norm", (8, 36))],
    "relu": [Kernel("relu", (288,))],
    "max_pool: {k: 2, s: 2}": [Kernel("max_pool", (8, 2, 2, 2, 6, 6, 3, 3))],
    "avg_pool": [Kernel("global_avg_pool", (8, 36))],
    "avg_pool: {size: 3}": [Kernel("avg_pool", (8, 2, 2, 2, 6, 6, 3, 3))],
    "dropout: 0.2": [],
    # x·sigmoid(x)
    "swish": [Kernel("sigmoid", (288,)), Kernel("multiply", (288, 576))],
    # scale = w·(v + ε)^−½ and shift = b − m·scale of 8 channels, then x·scale + shift
    "frozen_batch_norm": [
        *[Kernel("multiply", (8, 16))] * 3,
        *[Kernel("add", (8, 16))] * 2,
        Kernel("multiply", (288, 296)),
        Kernel("add", (288, 296)),
    ],
    "leaky_relu": [Kernel("leaky_relu", (288,))],
    # Queries and keys of 2 features and values of 4, of 36 positions of a map; a bias for two heads of half of that.
    "dot_product_attention: {heads: 1}": [Kernel("attention", (288, 144, 1, 36, 36, 2, 4, 0, 0, 1))],
    "dot_product_attention: {heads: 2, key_dim: 1, position: distance}": [
        Kernel("attention", (288, 144, 2, 36, 36, 1, 2, 0, 1, 1))
    ],
    "group_norm: {groups: 2}": [Kernel("group_norm", (8, 36, 2))],
    # By their names: what is read, written, of weights, and multiply-accumulates.
    "rms_norm": [Kernel("rms_norm", (288, 288, 6, 0))],  # along the last axis
    "conv_transpose: {k: 2, s: 2, c: 4}": [Kernel("conv_transpose", (288, 4 * 144, 8 * 4 * 4 + 4, 36 * 8 * 4 * 4))],
    "avg_pool: {size: 4}": [Kernel("adaptive_pool", (288, 8 * 16, 0, 0))],  # of windows that are not all alike
    # 4 windows of 9 positions, each of which looks at its own.
    "\n  - ".join(
        (
            "permute: channels_last",
            "window_partition: {window: 3}",
            "linear: 24",
            "dot_product_attention: {heads: 2, window: 3}",
        )
    ): [Kernel("attention", (36 * 24, 36 * 8, 2, 36, 9, 4, 4, 0, 0, 0))],
}


def network(*layers):
    rows = "".join(f"  - {layer}\n" for layer in layers)
    return read_network("net.yaml", text=f"archprof: 1\ninput: 8x6x6\nlayers:\n{rows}")


@pytest.mark.parametrize(("layer", "expected"), LAYERS.items(), ids=LAYERS)
def test_kernels_of_layers(layer, expected):
    *_, call = calls_of(network(layer), SETUP, 1).calls
    assert call.known
    assert list(call.kernels) == expected


def test_a_linear_layer_after_a_pooling():
    *_, call = calls_of(network("avg_pool", "linear: 10"), SETUP, 1).calls
    assert call.kernels == (Kernel("linear", (8, 10, 1, 1)),)


# The units of stride 1 of ShuffleNetV2 0.5×, whose convolutions read half of 48, 96 and 192 channels.
HALVES = [24 * 28 * 28] * 3 + [48 * 14 * 14] * 7 + [96 * 7 * 7] * 3


@pytest.mark.parametrize(
    ("layout", "batch", "elements"),
    [("channels_last", 1, HALVES), ("channels_last", 4, [4 * one for one in HALVES]), ("channels_first", 1, [])],
)
def test_channels_that_a_convolution_reads_of_a_map_are_copied(layout, batch, elements):
    """Elements of two bytes, which are read and written."""
    calls = calls_of(expand("shufflenet_v2_x0_5"), SETUP._replace(layout=layout), batch).calls
    assert [call.copied for call in calls if call.copied is not None] == [2 * 2 * one for one in elements]


def test_a_kernel_of_its_own_has_no_parts():
    relu = Kernel("relu", (288,))
    assert parts_of(relu) == (relu,)
