"""What a runtime makes one kernel of: calls that follow each other, and no others."""

import pytest

from archprof.allocation.forward import Forward
from archprof.allocation.timeline import Builder
from archprof.devices.calls import calls_of
from archprof.devices.fusion import RULES, fused
from archprof.devices.kernels import Kernel
from archprof.devices.profile import DeviceSetup, FusionRule
from archprof.ir.setup import Setup
from archprof.language.expand import read_network

CONV = "conv2d: {k: 3, c: 8, bias: false}"
SHORTCUT = 'residual:\n      body:\n        - conv2d: {k: 3, c: 8, bias: false}\n      act: "-"'
RULE = FusionRule(("standard", "pointwise"), (("batch_norm",), ("add",), ("relu",)))
# Layers behind which calls run within which kernel.
CASES = {
    "all steps": ([CONV, "batch_norm", "relu"], {1: 0, 2: 0}),
    "a step left out": ([CONV, "relu"], {1: 0}),
    "no step twice": ([CONV, "batch_norm", "relu", "relu"], {1: 0, 2: 0}),
    "no step back": ([CONV, "relu", "batch_norm"], {1: 0}),
    "nothing behind what no rule has": ([CONV, "sigmoid", "relu"], {}),
    "each kernel anew": ([CONV, "batch_norm", CONV, "relu"], {1: 0, 3: 2}),
    "a sum, with what the convolution puts out": ([SHORTCUT, "relu"], {1: 0, 2: 0}),
    "nothing where the convolution is read twice": ([CONV, SHORTCUT], {2: 1}),
}


def graph_of(layers):
    text = "".join(f"  - {layer}\n" for layer in layers)
    return read_network("net.yaml", text=f"archprof: 1\ninput: 8x16x16\nlayers:\n{text}")


def fusion_of(layers, rules):
    graph = graph_of(layers)
    forward = Forward(graph, Setup(), Builder())
    forward.run()
    return fused(graph, forward.passed, rules)


@pytest.mark.parametrize("name", CASES)
def test_calls_run_within_the_kernel_before_them(name):
    layers, within = CASES[name]
    found = fusion_of(layers, [RULE])
    assert found.within == within
    assert [place for place, kernel in enumerate(found.kernels) if kernel is None] == list(within)


def test_a_norm_gives_the_convolution_a_bias():
    sizes = (8, 8, 3, 3, 1, 1, 1, 16, 16, 16, 16)
    kernel, folded = (Kernel("standard", (*sizes[:6], 1, bias, *sizes[7:])) for bias in (0, 1))
    assert fusion_of([CONV, "relu"], [RULE]).kernels[0] == kernel
    assert fusion_of([CONV, "batch_norm"], [RULE]).kernels[0] == folded


def test_without_rules_every_call_has_its_kernel():
    found = fusion_of([CONV, "batch_norm", "relu"], [])
    assert ([kernel.kind for kernel in found.kernels], found.within) == (["standard", "batch_norm", "relu"], {})


def test_what_is_written_in_two_ways_is_one_kernel():
    """x·sigmoid(x), of SiLU and of swish."""
    one, other = (fusion_of([act], RULES["onnxruntime"]).kernels for act in ("silu", "swish"))
    assert one == other == (Kernel("silu", (8 * 16 * 16,)),)


def test_what_runs_within_another_kernel_takes_no_time_of_its_own():
    graph, layers = graph_of([CONV, "batch_norm", "relu"]), ("fp32", "channels_first", "onnxruntime", "session", 1)
    conv, norm, relu = calls_of(graph, DeviceSetup(*layers, RULES["onnxruntime"]), 1).calls
    assert [len(call.kernels) for call in (conv, norm, relu)] == [1, 0, 1]
    assert norm.known
    assert norm.traffic.bytes == 0
