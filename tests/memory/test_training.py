"""A step of training takes what torch holds: forward, behind it, backward, and the gradients that are left."""

import pytest

import archprof
from archprof.allocation.report import analyze_memory
from archprof.allocation.timeline import BACKWARD, FORWARD, STEP, WEIGHT_GRADIENT
from archprof.ir.setup import Setup

torch = pytest.importorskip("torch")

from archprof.runtime.build import build_network  # noqa: E402
from tests.memory.recorder import Step, optimizer_step, training_step  # noqa: E402

NETWORKS = [
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_b1", "efficientnet_lite0",
    "efficientnet_v2_s", "ghostnet_100", "googlenet", "inception_v3", "lenet5", "mixnet_m", "mixnet_s", "mnasnet1_0",
    "mnasnet_a1", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_large_paper",
    "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "replknet_31b", "resnet18", "resnet50",
    "resnext50_32x4d", "se_resnet18", "shufflenet_v2_x1_0", "squeezenet1_0", "squeezenet1_1", "vgg11_bn", "vgg16",
    "wide_resnet50_2",
]  # fmt: skip


@pytest.mark.few(5)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_takes_what_torch_holds_to_the_byte(name):
    graph = archprof.expand(name)
    (value,) = graph.inputs.values()
    images = torch.empty(8, *value.shape, device="meta")
    classes = torch.zeros(8, dtype=torch.long, device="meta")
    expected = training_step(build_network(graph, initialise=False, device="meta"), images, classes)
    # What lives only within a kernel of a GPU is nothing that a tensor without elements shows.
    found = analyze_memory(graph, Setup(batch=8, train="sgd", kernels="cpu"))
    timeline = found.timeline
    peaks = timeline.after(FORWARD), found.phase(BACKWARD), timeline.after(BACKWARD)
    assert Step(found.phase(FORWARD), *peaks) == expected


@pytest.mark.parametrize("name", ["convnext_tiny", "mobilenet_v2", "resnet18"])
def test_gradients_of_passes_before_are_there_from_the_start(name):
    graph = archprof.expand(name)
    (value,) = graph.inputs.values()
    module = build_network(graph, initialise=False, device="meta")
    for parameter in module.parameters():
        parameter.grad = torch.empty_like(parameter)
    images = torch.empty(8, *value.shape, device="meta")
    expected = training_step(module, images, torch.zeros(8, dtype=torch.long, device="meta"))
    found = analyze_memory(graph, Setup(batch=8, train="sgd", accumulate=4, kernels="cpu"))
    assert found.resident.gradients == sum(4 * one.numel() for one in module.parameters())
    timeline = found.timeline
    peaks = timeline.after(FORWARD), found.phase(BACKWARD), timeline.after(BACKWARD)
    assert Step(found.phase(FORWARD), *peaks) == expected


# On a GPU all tensors at once, which is what `foreach` asks for; there, the number of steps is in the CPU's memory.
@pytest.mark.few(12)
@pytest.mark.parametrize("kernels", ["cuda", "cpu"])
@pytest.mark.parametrize(
    ("optimizer", "made"),
    [
        ("sgd", lambda weights, **options: torch.optim.SGD(weights, lr=0.1, **options)),
        ("momentum", lambda weights, **options: torch.optim.SGD(weights, lr=0.1, momentum=0.9, **options)),
        ("adam", lambda weights, **options: torch.optim.Adam(weights, **options)),
        ("adamw", lambda weights, **options: torch.optim.AdamW(weights, **options)),
    ],
    ids=["sgd", "momentum", "adam", "adamw"],
)
@pytest.mark.parametrize("name", ["mobilenet_v3_small", "resnet18", "vgg11"])
def test_optimisers_keep_and_make_what_torchs_do(name, optimizer, made, kernels):
    graph = archprof.expand(name)
    module = build_network(graph, initialise=False, device="meta")
    state, step = optimizer_step(module, made(module.parameters(), foreach=kernels == "cuda"))
    if optimizer.startswith("adam") and kernels == "cuda":
        state -= 4 * len(list(module.parameters()))
    found = analyze_memory(graph, Setup(train=optimizer, kernels=kernels))
    assert found.resident.optimizer == state
    # The gradients are there, and what the network returned is gone.
    gradients = sum(4 * one.numel() for one in module.parameters())
    assert found.phase(STEP) == gradients + step


@pytest.mark.parametrize(
    "setup",
    [
        {"train": "sgd"}, {"train": "sgd", "checkpoint": "blocks"},
        {"train": "adam", "kernels": "cpu", "accumulate": 2},
        {"train": "adamw", "amp": "fp16", "checkpoint": "blocks"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["R-50-FPN", "densenet121", "inception_v3", "mobilenet_v3_small"])
def test_nothing_but_gradients_of_weights_outlives_a_step(name, setup):
    timeline = analyze_memory(archprof.expand(name), Setup(**setup)).timeline
    made, freed = ([index for step in timeline.steps for index in getattr(step, part)] for part in ("made", "freed"))
    assert sorted(made) == [*range(len(timeline.storages))]
    assert len(set(freed)) == len(freed)
    left = {timeline.storages[index].holds for index in {*made} - {*freed}}
    assert left == (set() if "accumulate" in setup else {WEIGHT_GRADIENT})  # those of passes before are there all along
