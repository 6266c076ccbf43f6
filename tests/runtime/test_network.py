"""The built module is the real network: the same outputs, gradients and statistics as independent implementations;
trained, exported and saved."""

import copy
import weakref
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import archprof
from archprof.errors import SpecError
from archprof.ir.graph import Graph
from archprof.runtime.build import build_network
from tests.reference.mobilenet_v1 import MobileNetV1
from tests.reference.mobilenet_v2 import MobileNetV2
from tests.reference.mobilenet_v3 import MobileNetV3
from tests.runtime.nets import graph_of

REFERENCES: dict[str, Callable[[float, int], nn.Module]] = {
    "mobilenet_v1": MobileNetV1,
    "mobilenet_v2": MobileNetV2,
    "mobilenet_v3_large": lambda width, classes: MobileNetV3("large", width, classes),
    "mobilenet_v3_small": lambda width, classes: MobileNetV3("small", width, classes),
}
JOINED = """
defaults: {norm: batch_norm, act: relu}
layers:
  - conv: {k: 3, c: 8}
    id: stem
  - residual: {body: [conv: {k: 3, c: 8, act: -}], act: relu}
  - branches: {split: true, join: concat, paths: [[], [conv: {k: 1, c: 4}]]}
    id: halves
  - repeat: {n: 3, shared: true, layers: [conv: {k: 3, c: 8}]}
  - squeeze_excite: 0.5
  - avg_pool
  - linear: 4
    id: head
outputs: {early: halves, logits: head}
"""


def randomise(network: nn.Module) -> None:
    """Give every norm its own affine and statistics, so that a mistake in any of them shows."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 1.5)


def in_order(source: nn.Module, target: nn.Module) -> nn.Module:
    """Return *target* with the parameters and buffers of *source*, taken in order."""
    names, tensors = target.state_dict().keys(), source.state_dict().values()
    target.load_state_dict(dict(zip(names, tensors, strict=True)))
    return target


def pair(name: str, width: float) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(7)
    reference = REFERENCES[name](width, 10)
    randomise(reference)
    return reference, in_order(reference, archprof.build(name, width=width, classes=10))


@pytest.mark.parametrize("width", [0.35, 0.5, 0.75, 1.0, 1.4])
@pytest.mark.parametrize("name", REFERENCES)
def test_gives_the_outputs_of_an_independent_implementation(name, width):
    reference, ours = pair(name, width)
    x = torch.rand(2, 3, 65, 48)
    with torch.no_grad():
        assert torch.equal(ours.eval()(x), reference.eval()(x))


@pytest.mark.parametrize("name", REFERENCES)
def test_trains_like_an_independent_implementation(name):
    reference, ours = pair(name, 0.5)
    x = torch.rand(4, 3, 64, 64)
    losses = []
    for network in (reference, ours):
        torch.manual_seed(3)  # the dropout
        losses.append(network.train()(x).square().sum())
        losses[-1].backward()
    assert torch.equal(*losses)
    for mine, theirs in zip(ours.parameters(), reference.parameters(), strict=True):
        assert mine.grad is not None
        assert theirs.grad is not None
        assert torch.equal(mine.grad, theirs.grad)
    assert all(map(torch.equal, ours.buffers(), reference.buffers()))


def interleaved() -> Graph:
    """Return a graph whose blocks return to a container that they left: a.x, b.z, a.y."""
    graph = graph_of("layers: [conv2d: {c: 4, k: 1}, batch_norm, conv2d: {c: 2, k: 1}]")
    nodes = [node._replace(path=path) for node, path in zip(graph.nodes, ("a.x", "b.z", "a.y"), strict=True)]
    return graph._replace(nodes=tuple(nodes))


def test_order_of_registration_where_containers_interleave():
    """A container that a later layer enters again keeps modules, parameters and buffers in the order of the layers,
    alone, inside another module, and copied."""
    network = build_network(interleaved())
    assert [path for path, _ in network.named_modules()] == ["", "a", "a.x", "b", "b.z", "a.y"]
    names = ["a.x.weight", "a.x.bias", "b.z.weight", "b.z.bias", "a.y.weight", "a.y.bias"]
    assert [name for name, _ in network.named_parameters()] == names
    stored = ["b.z.running_mean", "b.z.running_var", "b.z.num_batches_tracked"]
    assert list(network.state_dict()) == [*names[:4], *stored, *names[4:]]
    outer = nn.Sequential(nn.Linear(1, 1), network, nn.Linear(1, 1))
    assert [name for name, _ in outer.named_parameters()] == [
        "0.weight",
        "0.bias",
        *(f"1.{name}" for name in names),
        "2.weight",
        "2.bias",
    ]
    assert list(outer.state_dict()) == [
        "0.weight",
        "0.bias",
        *(f"1.{name}" for name in [*names[:4], *stored, *names[4:]]),
        "2.weight",
        "2.bias",
    ]
    copied = copy.deepcopy(network)
    copied.load_state_dict(network.state_dict())
    assert torch.equal(copied.eval()(torch.ones(1, 3, 8, 8)), network.eval()(torch.ones(1, 3, 8, 8)))


def test_joins_splits_repeats_and_returns_several_outputs_by_name():
    network = build_network(graph_of(JOINED)).eval()
    assert isinstance(network, nn.Module)
    x = torch.rand(2, 3, 8, 8)
    with torch.no_grad():
        outputs = network(x)
        assert {name: tuple(output.shape) for name, output in outputs.items()} == {
            "early": (2, 8, 8, 8),
            "logits": (2, 4),
        }
        assert torch.equal(outputs["early"], early(dict(network.named_modules()), x))


def early(modules: dict[str, nn.Module], x: Tensor) -> Tensor:
    stem = modules["stem.act"](modules["stem.norm"](modules["stem.conv"](x))).clone()
    body = modules["1.body.0.norm"](modules["1.body.0.conv"](stem))
    summed = torch.relu(body + stem)
    first, second = summed.chunk(2, 1)
    second = modules["halves.1.0.norm"](modules["halves.1.0.conv"](second))
    return torch.cat([first, torch.relu(second)], 1)


def test_shared_weights_are_one_module():
    network = build_network(graph_of(JOINED))
    convolutions = [
        path for path, module in network.named_modules() if isinstance(module, nn.Conv2d) and path.startswith("3.")
    ]
    assert convolutions == ["3.0.conv"]


def test_an_id_that_no_module_can_have_is_an_error_of_the_spec():
    network = build_network(graph_of("layers: [conv2d: {c: 1, k: 1}]"))
    refused = []
    for name in {*dir(network), *vars(network), "stem", "T", "weight", "inplace"}:
        try:
            graph = graph_of(f"layers: [{{conv2d: {{c: 1, k: 1}}, id: {name}}}]")
        except SpecError:
            refused.append(name)
        else:
            assert isinstance(build_network(graph).get_submodule(name), nn.Conv2d)
    assert set(dir(nn.Module())) <= set(refused)
    assert not {"stem", "T", "weight", "inplace"} & set(refused)


def test_frees_what_nobody_reads_any_more():
    network = build_network(
        graph_of("layers: [conv2d: {c: 4, k: 1}, sigmoid, residual: [conv2d: {c: 4, k: 1}], sigmoid, identity]")
    )
    made: list[weakref.ref[Tensor]] = []
    alive: list[list[int]] = []

    def before(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        alive.append([index for index, output in enumerate(made) if output() is not None])

    def after(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        made.append(weakref.ref(output))

    for path in ("0", "1", "2.body.0", "3", "4"):
        network.get_submodule(path).register_forward_pre_hook(before)
        network.get_submodule(path).register_forward_hook(after)
    with torch.no_grad():
        network(torch.rand(1, 3, 8, 8))
    # The shortcut keeps the first activation until the sum; the last two see their own inputs alone.
    assert alive == [[], [0], [1], [], [3]]


def test_a_replaced_leaf_is_called():
    network = archprof.build("mobilenet_v3_small", classes=10)
    head = network.get_submodule("6")
    head.linear = nn.Linear(1024, 3)
    assert network.eval()(torch.rand(1, 3, 32, 32)).shape == (1, 3)
    assert [name for name, _ in network.named_parameters()][-2:] == ["6.linear.weight", "6.linear.bias"]
    head.linear = nn.Sequential(nn.Linear(1024, 8), nn.ReLU(), nn.Linear(8, 2))
    assert network(torch.rand(1, 3, 32, 32)).shape == (1, 2)
    assert [name for name, _ in network.named_parameters()][-4:] == [
        f"6.linear.{index}.{kind}" for index in (0, 2) for kind in ("weight", "bias")
    ]
    assert sum(parameter.numel() for parameter in network.parameters()) == 2542856 - 1025 * 1000 + 1025 * 8 + 9 * 2


def test_a_module_that_is_added_stands_last():
    network = build_network(graph_of("layers: [conv2d: {c: 4, k: 1}]"))
    network.extra = nn.Linear(1, 1)
    assert [name for name, _ in network.named_parameters()] == ["0.weight", "0.bias", "extra.weight", "extra.bias"]


def test_training_steps_lower_the_loss():
    torch.manual_seed(0)
    network = archprof.build("mobilenet_v2", width=0.35, classes=2)
    labels = torch.arange(12) % 2
    x = torch.rand(12, 3, 64, 64) * labels[:, None, None, None]
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    losses = []
    for _ in range(4):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)


def test_is_copied_saved_and_loaded(tmp_path):
    network = build_network(graph_of(JOINED)).eval()
    x = torch.rand(1, 3, 8, 8)
    expected = network(x)["logits"]
    torch.save(network, tmp_path / "network.pt")
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    again = build_network(graph_of(JOINED)).eval()
    again.load_state_dict(torch.load(tmp_path / "weights.pt"))
    for other in (copy.deepcopy(network), torch.load(tmp_path / "network.pt", weights_only=False), again):
        assert torch.equal(other(x)["logits"], expected)
    changed = copy.deepcopy(network)
    nn.init.zeros_(changed.get_parameter("head.linear.weight"))
    assert torch.equal(network(x)["logits"], expected)


def test_moves_between_types():
    network = archprof.build("mobilenet_v3_small", width=0.35, classes=10).to(torch.float64)
    assert network(torch.rand(2, 3, 32, 32, dtype=torch.float64)).dtype == torch.float64


@pytest.mark.night
def test_is_exported():
    network = archprof.build("mobilenet_v3_small", width=0.35, classes=10).eval()
    x = torch.rand(1, 3, 64, 64)
    program = torch.export.export(network, (x,))
    assert torch.equal(program.module()(x), network(x))
    assert list(program.graph_signature.parameters) == [name for name, _ in network.named_parameters()]


def test_is_exported_with_named_outputs():
    network = build_network(graph_of(JOINED)).eval()
    x = torch.rand(1, 3, 8, 8)
    outputs = torch.export.export(network, (x,)).module()(x)
    assert set(outputs) == {"early", "logits"}
    assert torch.equal(outputs["logits"], network(x)["logits"])


@pytest.mark.night
def test_is_compiled():
    network = build_network(graph_of(JOINED))
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    x = torch.rand(2, 3, 8, 8)
    compiled(x)["logits"].sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    network.eval()
    assert torch.equal(compiled(x)["logits"], network(x)["logits"])
