"""TorchScript and torch.fx take every network as it is built, and give the same bits; they read plain Python."""

import gc
import inspect
import linecache
import pickle
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, fx, nn

import archprof
from archprof.ir.builder import GraphBuilder
from archprof.ir.operators.base import Elementwise
from archprof.ir.values import Value
from archprof.runtime.build import build_network
from archprof.runtime.network import network_class, network_of
from tests.by_day import these_by_day
from tests.runtime.nets import graph_of
from tests.runtime.test_network import JOINED

# TorchScript is deprecated, and complains of the annotations in torch's own batch norm.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning", "ignore:The TorchScript type system")

# The lightest of each family, and those with something that no other has.
CHOSEN = (
    *("alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "ghostnet_050", "googlenet", "googlenet_paper"),
    *("inception_v3", "lenet5", "mixnet_s", "mnasnet_a1", "mobilenet_v1", "mobilenet_v3_small", "R-50-C4", "R-50-FPN"),
    *("regnet_y_400mf", "replknet_31b", "resnet18", "shufflenet_v2_x0_5", "squeezenet1_1", "vgg11_bn", "repvgg_a0"),
    *("vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "xcit_nano_12_p16_224", "efficientvit_b0"),
    *("levit_128s", "tf_efficientnet_b0", "efficientvit_m0", "vit_small_patch16_rope_224"),
)
# Those whose scripts are made in a few seconds.
DAY = (
    *("lenet5", "mixnet_s", "mobilenet_v1", "mobilenet_v3_small", "R-50-C4", "resnet18", "shufflenet_v2_x0_5"),
    *("squeezenet1_1", "vit_tiny_patch16_224", "vit_small_patch16_rope_224"),
)
SMALLEST = {
    "alexnet": 63,
    "lenet5": 32,
    "inception_v3": 75,
    "vit_tiny_patch16_224": 224,
    "levit_128s": 224,
    "efficientvit_m0": 224,
    "vit_small_patch16_rope_224": 224,
}
SMALLEST |= {"swin_tiny_patch4_window7_224": 224, "xcit_nano_12_p16_224": 224}  # sides of inputs; others take 32


def equal(output: Tensor | Mapping[str, Tensor], other: Tensor | Mapping[str, Tensor]) -> bool:
    if isinstance(output, Tensor) or isinstance(other, Tensor):
        return isinstance(output, Tensor) and isinstance(other, Tensor) and torch.equal(output, other)
    return list(output) == list(other) and all(torch.equal(output[key], other[key]) for key in output)


def check(network: nn.Module, x: Tensor) -> None:
    """Compare a network with what TorchScript makes of it, what torch.fx makes of it, and TorchScript of that."""
    network.eval()
    with torch.no_grad():
        expected = network(x)
        assert equal(expected, torch.jit.script(network)(x))
        traced = fx.symbolic_trace(network)
        assert equal(expected, traced(x))
        assert equal(expected, torch.jit.script(traced)(x))
    fx.symbolic_trace(network.train())


@pytest.mark.few(4)
@pytest.mark.parametrize("network", these_by_day(CHOSEN, DAY))
def test_every_network_gives_the_same_bits(network):
    graph = archprof.expand(network)
    channels = graph.inputs["input"].shape[0]
    check(build_network(graph), torch.rand(1, channels, *[SMALLEST.get(network, 32)] * 2))


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("R-50-C5", {"deform_c5": "plain", "groups": 4}),
        ("R-50-C5", {"deform_c5": "modulated", "deformable_groups": 2}),
        ("R-50-C5", {"norm": "group_norm"}),
        ("R-50-FPN", {"freeze": 2}),
    ],
)
def test_so_does_one_with_what_the_catalog_has_by_setting_alone(name, settings):
    check(archprof.build(name, **settings), torch.rand(1, 3, 64, 64))


@pytest.mark.parametrize(
    "layers",
    [
        JOINED,
        "layers: [conv2d: {k: 1, c: 4}, {swish: {learnable: true}}, swish]",
        "layers: [conv2d: {k: 1, c: 4}, layer_norm, layer_scale]",
        "layers: [conv2d: {k: 1, c: 4}, avg_pool, flatten, linear: 4, frozen_batch_norm, batch_norm]",
        "layers: [conv2d: {k: 1, c: 4}, {stochastic_depth: 0.5}]",
        "layers: [conv2d: {k: 1, c: 4}, {avg_pool: {form: function}}, mean]",
        "layers: [basic_block: {c: 6, s: 2, shortcut: A, norm: batch_norm, act: relu}]",
    ],
)
def test_so_does_every_operator(layers):
    network = build_network(graph_of(layers))
    check(network, torch.rand(2, 3, 8, 8))
    check(pickle.loads(pickle.dumps(network)), torch.rand(2, 3, 8, 8))


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_so_does_every_recurrent_layer(kind):
    layers = (
        f"layers: [tokens, {{{kind}: {{c: 5, layers: 2, bidirectional: true}}}}, {{{kind}: {{c: 4, bias: false}}}}]"
    )
    check(build_network(graph_of(layers)), torch.rand(2, 3, 8, 8))


def test_stochastic_depth_draws_the_same_in_training():
    network = build_network(graph_of("layers: [conv2d: {k: 1, c: 4}, {stochastic_depth: 0.5}]"))
    x = torch.rand(16, 3, 8, 8)
    outputs = []
    for made in (network, torch.jit.script(network), fx.symbolic_trace(network)):
        torch.manual_seed(0)
        outputs.append(made(x))
    assert equal(outputs[0], outputs[1])
    assert equal(outputs[0], outputs[2])
    assert 0 < (outputs[0].flatten(1).abs().amax(1) > 0).sum() < 16


class Doubled(Elementwise):
    """An operator of another package, called as a function."""

    name = "doubled"

    @property
    def form(self) -> str:
        return "function"

    def call(self, *tensors: Tensor) -> Tensor:
        return 2 * tensors[0]


def test_a_function_of_another_package_is_called():
    """TorchScript calls it in Python, so that it runs, but cannot be saved."""
    builder = GraphBuilder({"input": Value((3, 8, 8))})
    graph = builder.build("small", {"output": builder.add("doubled", Doubled(), builder.input)})
    network = network_of(graph, {})
    x = torch.rand(1, 3, 8, 8)
    for made in (network, fx.symbolic_trace(network), pickle.loads(pickle.dumps(network)), torch.jit.script(network)):
        assert torch.equal(made(x), 2 * x)


FORWARD = """\
def forward(self, x: Tensor) -> dict[str, Tensor]:
    block = self.stem
    x = block.conv(x)
    x = block.norm(x)
    x = block.act(x)
    block = getattr(getattr(self, '1').body, '0')
    x1 = block.conv(x)
    x1 = block.norm(x1)
    x = x1 + x
    del x1
    block = getattr(self, '1')
    x = block.act(x)
    x1 = x.narrow(1, 0, 4)
    x = x.narrow(1, 4, 4)
"""
PRINTED = """\
Network(
  (stem): Conv(
    (conv): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
    (norm): BatchNorm2d(8, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    (act): ReLU(inplace=True)
  )
  (1): Residual(
    (body): ModuleDict(
      (0): Conv(
"""


def test_the_forward_is_what_a_person_would_write():
    """A name goes to the next value as soon as nobody reads what it had; containers are looked up once in a row."""
    network = build_network(graph_of(JOINED))
    assert inspect.getsource(network.forward).startswith(FORWARD)
    assert inspect.getsource(network.forward).endswith("    return {'early': x, 'logits': x1}\n")


def test_is_printed_by_the_names_that_people_know():
    """Leaves are torch's; containers have the names of their blocks."""
    assert str(build_network(graph_of(JOINED))).startswith(PRINTED)
    lines = str(archprof.build("mobilenet_v3_small")).splitlines()
    assert {"  (0): Conv(", "    (0): InvertedResidual(", "      (se): SqueezeExcite("} < set(lines)


def test_a_source_is_kept_as_long_as_its_class():
    network = build_network(graph_of("layers: [conv2d: {k: 1, c: 4}, {split: {start: 1, channels: 3}}]"))
    file = network.forward.__code__.co_filename
    linecache.checkcache()
    assert linecache.getlines(file)[1] == "    x = getattr(self, '0')(x)\n"
    assert type(build_network(graph_of("layers: [conv2d: {k: 1, c: 8}, {split: {start: 1, channels: 3}}]"))) is type(
        network
    )
    network_class.cache_clear()
    del network
    gc.collect()
    assert file not in linecache.cache


@pytest.mark.parametrize("path", ["'); raise SystemExit('", "class", "x", "0", "a-b.é"])
def test_a_path_is_data_and_never_code(path):
    builder = GraphBuilder({"input": Value((3, 8, 8))})
    graph = builder.build("small", {"output'": builder.add(path, Doubled(), builder.input)}, named=True)
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(network_of(graph, {path: nn.Identity()})(x)["output'"], x)
