"""How weights are drawn, and when nothing is."""

from math import sqrt

import pytest
import torch
from torch import nn

import archprof
from archprof.errors import SpecError, UsageError
from archprof.ir.builder import GraphBuilder
from archprof.ir.operators.act import ReLU
from archprof.ir.values import Value
from archprof.language.expand import read_network
from archprof.runtime.build import build_network
from tests.runtime.nets import graph_of

LAYERS = "layers: [conv2d: {c: 64, k: 5, g: 4}, {batch_norm: , id: norm}, avg_pool, flatten, linear: 400]"
RULES = (
    "kaiming_normal",
    "kaiming_uniform",
    "kaiming_uniform_out",
    "he_normal",
    "he_uniform",
    "{normal: 0.3}",
    "{trunc_normal: 1.5}",
    "inverse_sqrt",
)
# Of a convolution 64 → 64, kernel 5, 4 groups, and of a linear layer 64 → 400: standard deviation, and the largest
# value where there is one.
NORMAL = {
    "conv": {"kaiming_normal": sqrt(2 / (5 * 5 * 64)), "he_normal": sqrt(2 / (5 * 5 * 64 / 4)), "{normal: 0.3}": 0.3},
    "linear": {"kaiming_normal": sqrt(2 / 400), "he_normal": sqrt(2 / 64), "{normal: 0.3}": 0.3},
}
UNIFORM = {
    "conv": {
        "kaiming_uniform": sqrt(3 / (5 * 5 * 64 / 4)),
        "kaiming_uniform_out": sqrt(3 / (5 * 5 * 64)),
        "he_uniform": sqrt(6 / (5 * 5 * 64 / 4)),
        "inverse_sqrt": 1 / sqrt(64),
    },
    "linear": {
        "kaiming_uniform": sqrt(3 / 64),
        "kaiming_uniform_out": sqrt(3 / 400),
        "he_uniform": sqrt(6 / 64),
        "inverse_sqrt": 1 / sqrt(400),
    },
}


def drawn(rule: str) -> dict[str, nn.Module]:
    """Return the layers of a network that is initialised by one rule."""
    torch.manual_seed(0)
    network = build_network(graph_of(LAYERS, input="64x8x8", init=f"{{conv: {rule}, linear: {rule}}}"))
    return {
        "conv": network.get_submodule("0"),
        "linear": network.get_submodule("4.linear"),
        "norm": network.get_submodule("norm"),
    }


@pytest.mark.parametrize("rule", RULES)
def test_rules_draw_what_the_reference_says(rule):
    """Mean, deviation and bounds of the weights are those of the distribution that the rule names, within what samples
    of this size vary."""
    layers = drawn(rule)
    for kind in ("conv", "linear"):
        layer = layers[kind]
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        weight = layer.weight.detach()
        assert weight.mean().abs() < 4 * weight.std() / sqrt(weight.numel())
        if rule in NORMAL[kind]:
            assert weight.std().item() == pytest.approx(NORMAL[kind][rule], rel=0.02)
            assert weight.abs().max() > 3 * weight.std()
        elif rule in UNIFORM[kind]:
            assert weight.abs().max().item() == pytest.approx(UNIFORM[kind][rule], rel=0.002)
            assert weight.std().item() == pytest.approx(UNIFORM[kind][rule] / sqrt(3), rel=0.02)
        else:  # cut at 2, where a normal distribution of 1.5 still has 18 % outside
            assert weight.abs().max().item() == pytest.approx(2, rel=0.002)
            assert (weight.abs() < 1).float().mean().item() == pytest.approx(0.606, abs=0.01)
        assert layer.bias is not None
        assert not layer.bias.any()


def test_defaults_are_kaiming_normal_and_a_hundredth():
    torch.manual_seed(0)
    network = build_network(graph_of(LAYERS, input="64x8x8"))
    conv, linear = network.get_submodule("0"), network.get_submodule("4.linear")
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(linear, nn.Linear)
    assert conv.weight.std().item() == pytest.approx(sqrt(2 / (5 * 5 * 64)), rel=0.02)
    assert linear.weight.std().item() == pytest.approx(0.01, rel=0.02)


def test_torch_leaves_what_torch_draws():
    ours = drawn("torch")
    torch.manual_seed(0)
    theirs = {"conv": nn.Conv2d(64, 64, 5, groups=4, padding=2), "linear": nn.Linear(64, 400)}
    for kind, layer in theirs.items():
        for name in ("weight", "bias"):
            assert torch.equal(ours[kind].get_parameter(name), layer.get_parameter(name))


def test_biases_have_their_own_rule():
    """Torch draws them within 1/√(K²·M/g), and 1/√M of a linear layer, whatever draws the weights."""
    rules = "{conv: {normal: 0.3}, linear: torch, conv_bias: torch, linear_bias: zero}"
    torch.manual_seed(0)
    network = build_network(graph_of(LAYERS, input="64x8x8", init=rules))
    conv, linear = network.get_submodule("0"), network.get_submodule("4.linear")
    assert conv.get_parameter("weight").std().item() == pytest.approx(0.3, rel=0.02)
    bound = 1 / sqrt(5 * 5 * 64 / 4)
    assert 0.9 * bound < conv.get_parameter("bias").abs().max() <= bound
    bound = 1 / sqrt(64)
    assert 0.9 * bound < linear.get_parameter("weight").abs().max() <= bound
    assert not linear.get_parameter("bias").any()


def test_a_layer_or_row_has_its_own_rule():
    """By its id, with all that is inside; an inner one before the one around it."""
    layers = """
layers:
  - {id: plain, conv2d: {k: 1, c: 64}}
  - conv: {k: 1, columns: [id, c], rows: [[first, 64], [second, 64]]}
  - {id: outer, residual: {body: [conv2d: {k: 1, c: 64}, {id: inner, conv2d: {k: 1, c: 64}}]}}
"""
    rules = "{conv: {normal: 1}, layers: {second: {normal: 2}, outer: {normal: 3}, inner: {normal: 4}}}"
    torch.manual_seed(0)
    network = build_network(graph_of(layers, input="64x8x8", init=rules))
    found = {path: round(m.weight.std().item()) for path, m in network.named_modules() if isinstance(m, nn.Conv2d)}
    assert found == {
        "plain": 1,
        "1.first.conv": 1,
        "1.second.conv": 2,
        "outer.body.0": 3,
        "outer.body.inner": 4,
    }


# How torchvision draws what its networks do not draw like the rest: standard deviation of the weight, and the bound of
# the bias, 1/√(K²·M) where it leaves torch's. M is 512, 1024, 1024, 2048, and of the squeeze-excites 104 and 26.
@pytest.mark.parametrize(
    ("name", "path", "deviation", "bias"),
    [
        ("squeezenet1_0", "conv1.conv", sqrt(2 / (7 * 7 * 3)), 0),  # he_uniform
        ("squeezenet1_0", "conv10.conv", 0.01, 0),
        ("squeezenet1_1", "conv10.conv", 0.01, 0),
        ("densenet121", "12.linear", 1 / sqrt(3 * 1024), 0),  # uniform, bound 1/√M
        ("googlenet", "12.linear", 0.01, 1 / sqrt(1024)),
        ("inception_v3", "7.linear", 0.1, 1 / sqrt(2048)),
        ("regnet_y_400mf", "1.stage2.1.se.reduce", sqrt(2 / 26), 1 / sqrt(104)),
        ("regnet_y_400mf", "1.stage2.1.se.expand", sqrt(2 / 104), 1 / sqrt(26)),
        ("regnety_002", "1.stage4.1.se.expand", sqrt(2 / 368), 1 / sqrt(92)),
        ("regnet_y_400mf", "3.linear", 0.01, 0),
        ("efficientnet_b0", "1.2.0.se.expand", sqrt(2 / 144), 0),
    ],
)
def test_layers_are_drawn_as_torchvision_draws_them(name, path, deviation, bias):
    torch.manual_seed(0)
    layer = archprof.build(name).get_submodule(path)
    weight, drawn = layer.get_parameter("weight"), layer.get_parameter("bias")
    assert weight.std().item() == pytest.approx(deviation, rel=0.05)
    assert drawn.abs().max() <= bias
    assert drawn.abs().max() >= 0.8 * bias


def test_norms_are_the_identity():
    norm = drawn("torch")["norm"]
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    for ones, zeros in ((norm.weight, norm.bias), (norm.running_var, norm.running_mean)):
        assert torch.equal(ones, torch.ones(64))
        assert torch.equal(zeros, torch.zeros(64))


def test_the_same_seed_builds_the_same_network():
    networks = []
    for _ in range(2):
        torch.manual_seed(5)
        networks.append(archprof.build("mobilenet_v3_small", width=0.35))
    assert all(map(torch.equal, *(network.parameters() for network in networks)))


def test_a_kernel_that_comes_in_is_not_drawn():
    """A dynamic convolution has no weights; each image is convolved by a kernel of its own."""
    text = (
        "archprof: 1\ninput: 8x8x8\nlayers:\n"
        "  - {id: kernel, from: input, sequence: [mean: , linear: 64]}\n"
        "  - {from: [input, kernel], dynamic_conv: {k: 1, c: 8}}\n"
    )
    network = build_network(read_network("net.yaml", text=text)).eval()
    linear = network.get_submodule("kernel.1.linear")
    images = torch.randn(2, 8, 8, 8)
    with torch.no_grad():
        made, kernels = network(images), linear(images.mean((2, 3))).reshape(2, 8, 8)
    assert torch.allclose(made, torch.einsum("bnm,bmhw->bnhw", kernels, images), atol=1e-5)


def test_without_initialisation_nothing_random_is_drawn():
    graph = archprof.expand("mobilenet_v3_small")
    before = torch.get_rng_state()
    network = build_network(graph, initialise=False)
    assert torch.equal(torch.get_rng_state(), before)
    assert sum(parameter.numel() for parameter in network.parameters()) == 2542856
    # Outside the building nothing has changed.
    assert nn.Linear(4, 4).weight.any()
    assert not torch.equal(torch.get_rng_state(), before)


def test_is_built_on_a_device():
    network = build_network(archprof.expand("mobilenet_v2"), device="meta")
    assert {tensor.device.type for tensor in (*network.parameters(), *network.buffers())} == {"meta"}
    assert network(torch.empty(2, 3, 224, 224, device="meta")).shape == (2, 1000)


def test_frozen_stages_are_not_trained():
    layers = (
        "layers: [{conv: {k: 3, c: 4, norm: batch_norm}, id: stem}, {conv: {k: 3, c: 4, norm: batch_norm}, id: body}]"
    )
    network = build_network(graph_of(layers, stages="[stem, body]", freeze="1"))
    frozen = {name: not parameter.requires_grad for name, parameter in network.named_parameters()}
    assert frozen == {
        f"{stage}.{name}": stage == "stem"
        for stage in ("stem", "body")
        for name in ("conv.weight", "norm.weight", "norm.bias")
    }


def test_details_of_torchvision():
    v2, v3 = archprof.build("mobilenet_v2"), archprof.build("mobilenet_v3_large")
    norms = {(m.eps, m.momentum) for m in v2.modules() if isinstance(m, nn.BatchNorm2d)}
    assert norms == {(1e-5, 0.1)}
    norms = {(m.eps, m.momentum) for m in v3.modules() if isinstance(m, nn.BatchNorm2d)}
    assert norms == {(0.001, 0.01)}
    assert [m.p for m in (*v2.modules(), *v3.modules()) if isinstance(m, nn.Dropout)] == [0.2, 0.2]
    assert all((m.bias is None) == (".se." not in path) for path, m in v3.named_modules() if isinstance(m, nn.Conv2d))
    assert v2.training


def test_a_rule_that_is_none_is_refused():
    with pytest.raises(SpecError, match="unknown initialisation `xavier`"):
        build_network(graph_of(LAYERS, init="{conv: xavier}"))


def test_a_graph_of_no_table_is_not_built():
    builder = GraphBuilder({"x": Value((3, 8, 8))})
    graph = builder.build("captured", {"y": builder.add("relu", ReLU(), builder.input)})
    with pytest.raises(UsageError) as error:
        build_network(graph)
    advice = "name a network of the catalog, or a `.yaml` file"
    assert str(error.value) == f"building a module needs a block table, and `captured` has none\n  help: {advice}"
