"""Operators alone have what they have in their network; networks and operators take times that fit together."""

import pytest
import torch

from archprof.devices.profile import DeviceSetup
from archprof.ir.graph import INPUT, Edge
from archprof.language.expand import read_network
from archprof.runtime.timing.alone import RunPlace, Store, operator_of
from archprof.runtime.timing.functions import function_of
from archprof.runtime.timing.laid_out import Laid, calls_of, laid
from archprof.runtime.timing.measure import How, built, ceilings, laid_calls, measure_alone, measure_network, measuring
from archprof.runtime.timing.torch_times import alone_key, subject_of

LAYOUTS = ("channels_first", "channels_last")
# With gates, permuted maps, slices and shuffles, branches, sums; convolutions by weights that are computed, those that
# are transposed, and those of a filter that is not learned.
NETWORKS = (
    "mobilenet_v3_small", "convnext_tiny", "shufflenet_v2_x0_5", "googlenet", "resnet18", "nf_resnet26", "unet_bn",
    "mobilenetv4_conv_blur_medium",
)  # fmt: skip
TINY = """archprof: 1
input: 3x32x32
classes: 10
defaults: {norm: batch_norm, act: relu}
layers:
  - conv: {k: 3, s: 2, c: 16}
  - inverted_residual: {t: 4, c: 16, k: 3, s: 1, se: 0.25}
  - avg_pool
  - linear: classes
"""


def tiny():
    return read_network("tiny.yaml", text=TINY)


def how(runtime="torch", layout="channels_first", rounds=4):
    return How("cpu", DeviceSetup("fp32", layout, runtime, "eager", 1), rounds)


def in_network(graph, layout, batch):
    """The inputs of each call as they lie in a run of the network's own module."""
    with torch.inference_mode():
        subject = subject_of(graph, RunPlace("cpu", "fp32", layout), batch)
        modules = dict(subject.module.named_modules())
        values = {Edge(INPUT): subject.arguments[0]}
        for index, node in enumerate(graph.nodes):
            given = [values[edge] for edge in node.inputs]
            yield node, [laid(one) for one in given]
            returned = (modules.get(node.path) or function_of(node))(*given)
            outputs = [returned] if isinstance(returned, torch.Tensor) else returned
            values.update((Edge(index, k), one) for k, one in enumerate(outputs))


def apart(one):
    """The strides along which there is a next element."""
    return one.shape, [step for size, step in zip(one.shape, one.strides, strict=True) if size > 1]


@pytest.mark.few(8)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_inputs_lie_as_they_do_in_the_network(name, layout):
    graph = read_network(name, [("resolution", "64")])
    calls = calls_of(graph, layout, 2, "cpu")
    for (node, real), call in zip(in_network(graph, layout, 2), calls, strict=True):
        assert list(map(apart, call.inputs)) == list(map(apart, real)), node.id


@pytest.mark.parametrize("layout", LAYOUTS)
def test_volumes_lie_as_they_do_whatever_the_layout_of_maps(layout):
    rows = ("conv3d: {k: 3, c: 4}", "batch_norm", "relu", "avg_pool", "linear: 10")
    text = f"archprof: 1\ninput: 3x4x8x8\nlayers: [{', '.join(f'{{{row}}}' if ':' in row else row for row in rows)}]\n"
    graph = read_network("volume.yaml", text=text)
    calls = calls_of(graph, layout, 2, "cpu")
    assert [list(map(apart, call.inputs)) for call in calls] == [
        list(map(apart, real)) for _, real in in_network(graph, layout, 2)
    ]


def test_maps_behind_a_layer_norm_have_their_channels_last_whatever_the_layout():
    """96×16×16, as the norm leaves them for the depthwise convolution; the norm's own input is as the layout has it."""
    graph = read_network("convnext_tiny", [("resolution", "64")])
    names = [node.id for node in graph.nodes]
    norm, conv = names.index("stem.norm"), names.index("1.res2.0.depthwise.conv")
    first, last = (calls_of(graph, layout, 1, "cpu") for layout in LAYOUTS)
    lies = {"first": (96 * 256, 256, 16, 1), "last": (96 * 256, 1, 16 * 96, 96)}
    assert (first[norm].inputs[0].strides, last[norm].inputs[0].strides) == (lies["first"], lies["last"])
    assert first[conv].inputs[0].strides == last[conv].inputs[0].strides == lies["last"]


@pytest.mark.parametrize(
    ("name", "channels", "size", "channels_beside"),
    [("levit_256", 256, 14, True), ("coatnet_0_rw_224", 192, 14, True), ("mobilenetv4_hybrid_medium", 256, 16, False)],
)
def test_maps_behind_attention_lie_as_cuda_has_them(name, channels, size, channels_beside):
    """Strides as an H100 had them with torch 2.11; heads that share keys are no one kernel there."""
    graph = read_network(name)
    calls = calls_of(graph, "channels_last", 2, "cuda")
    behind = next(
        one
        for node, call in zip(graph.nodes, calls, strict=True)
        for edge, one in zip(node.inputs, call.inputs, strict=True)
        if edge.node >= 0 and graph.nodes[edge.node].op.name == "dot_product_attention"
    )
    beside, above = (1, size * channels, channels), (size * size, size, 1)
    assert behind.shape == (2, channels, size, size)
    assert behind.strides == (channels * size * size, *(beside if channels_beside else above))


def test_views_run_nothing():
    graph = read_network("shufflenet_v2_x0_5")
    calls = zip(graph.nodes, calls_of(graph, "channels_first", 1, "cpu"), strict=True)
    assert {node.op.name for node, call in calls if not call.runs} == {"split"}


def test_memory_of_operators_is_shared_and_holds_the_largest():
    store = Store(RunPlace("cpu", "fp32", "channels_first"))
    [large] = store.inputs([Laid((2, 8), (8, 1))])
    [small] = store.inputs([Laid((4,), (2,))])
    assert large.data_ptr() == small.data_ptr()
    assert (small.shape, small.stride()) == ((4,), (2,))
    assert bool((large.abs() <= 0.5).all())
    [ids] = store.inputs([Laid((4,), (1,), "int64")])
    assert ids.dtype == torch.int64


@pytest.mark.parametrize("dtype", ["fp32", "fp16", "bf16"])
@pytest.mark.parametrize("name", ["silu", "hardswish", "relu", "relu6", "hardsigmoid"])
def test_what_is_written_over_again_and_again_stays_far_from_0(name, dtype):
    """silu(x) is about x / 2 near 0: a hundred runs end in numbers that take longer, or in zeros."""
    graph = read_network("net.yaml", text=f"archprof: 1\ninput: 4x8x8\nlayers: [batch_norm, {name}]\n")
    (node,), place = [one for one in graph.nodes if one.op.name == name], RunPlace("cpu", dtype, "channels_first")
    run = operator_of(node, place, inplace=True)
    assert run is not None
    store = Store(place)
    [given] = store.inputs([Laid((4, 8, 8), (64, 8, 1))], name)
    for _ in range(300):
        run(given)
    assert bool((given > 0.5).all())
    [other] = store.inputs([Laid((4, 8, 8), (64, 8, 1))])
    assert bool((other.abs() <= 0.5).all())


def test_an_operator_alone_has_the_format_and_the_layout():
    node = read_network("resnet18").nodes[0]
    module = operator_of(node, RunPlace("cpu", "bf16", "channels_last"))
    assert isinstance(module, torch.nn.Conv2d)
    assert module.weight.dtype == torch.bfloat16
    assert module.weight.is_contiguous(memory_format=torch.channels_last)
    assert not module.training


@pytest.mark.parametrize("layout", LAYOUTS)
def test_times_of_a_network_and_its_operators_fit_together(layout):
    graph = tiny()
    with measuring(how(layout=layout)):
        times = measure_network(built(graph, how(layout=layout), 1), laid_calls(graph, how(layout=layout), 1), how())
    ran = [node.op.name for node, time in zip(graph.nodes, times.calls, strict=True) if time]
    assert ran.count("conv2d") == 6
    assert "multiply" in ran  # functions too
    assert "add" in ran
    assert all(time.us > 0 for time in times.calls if time)
    together = sum(time.us for time in times.calls if time)
    assert 0.2 < together / times.whole.us < 5


def test_onnxruntime_tells_its_nodes():
    graph = tiny()
    run = how("onnxruntime")
    with measuring(run):
        times = measure_network(built(graph, run, 1), [], run)
    operators = [node.operator for node in times.nodes]
    assert operators.count("Conv") == 6
    assert times.fused["BatchNormalization"] == 4
    assert sum(times.inserted.values()) == sum(name.startswith("Reorder") for name in operators)
    # 16 filters of 3×3×3 at 16×16 places, from the shapes that the profile tells.
    assert times.nodes[0].macs == 16 * 16 * 16 * 27
    # A map of 3×32×32, the filters and their biases, a map of 16×16×16.
    assert times.nodes[0].bytes == 4 * (3 * 32 * 32 + 16 * 27 + 16 + 16 * 16 * 16)
    assert 0.1 < sum(node.timing.us for node in times.nodes) / times.whole.us < 5


@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
def test_operators_are_measured_alone_each_once(runtime):
    graph = tiny()
    pairs = [pair for pair in zip(graph.nodes, laid_calls(graph, how(), 1), strict=True) if pair[1].runs]
    with measuring(how(runtime)):
        times = measure_alone([*pairs, *pairs], how(runtime))
    assert set(times) == {alone_key(*pair) for pair in pairs}
    assert all(time.us > 0 for time in times.values())


@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
def test_ceilings_are_of_this_world(runtime):
    with measuring(how(runtime)):
        found = ceilings(how(runtime))
    assert 100 < found.bytes_per_us < 1e6  # 0.1 GB/s to 1 TB/s
    assert 100 < found.macs_per_us < 1e7
    assert 0.05 < found.kernel_us < 1000


def test_measuring_leaves_torch_as_it_was():
    before, state = torch.get_num_threads(), torch.random.get_rng_state()
    with measuring(how()):
        assert torch.get_num_threads() == 1
        assert not torch.is_grad_enabled()
        torch.rand(3)
    assert torch.get_num_threads() == before
    assert torch.is_grad_enabled()
    assert torch.equal(torch.random.get_rng_state(), state)
