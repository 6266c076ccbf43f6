"""Models of other libraries, captured: exactly what torch's own counter finds, and row for row what our specs say."""

from importlib import import_module
from itertools import chain, zip_longest

import pytest
import torch

from archprof.analysis.diff import diff
from archprof.analysis.explain import explain
from archprof.captures.given import Given, batched
from archprof.captures.graph import NOT_RUN
from archprof.captures.lock import read_lock
from archprof.captures.lock_text import lock_text
from archprof.captures.source import capture, lock, make, parse
from archprof.costs.report import analyze_graph, total_cost
from archprof.costs.tools import find_conventions
from archprof.errors import UsageError
from archprof.ir.operators.batch_norm import BatchNorm2d
from archprof.language.expand import read_network
from archprof.spec import catalog
from tests.conventions.tools import TOOLS
from tests.libraries.counters import counted_on_meta

pytestmark = pytest.mark.filterwarnings("ignore")

# One of each family that torchvision's own list begins with, and of timm's that differ most.
TORCHVISION = (
    "alexnet", "convnext_tiny", "deeplabv3_resnet50", "densenet121", "efficientnet_b0", "efficientnet_v2_s",
    "googlenet", "inception_v3", "lraspp_mobilenet_v3_large", "maxvit_t", "mnasnet0_5", "mobilenet_v2",
    "mobilenet_v3_small", "mvit_v1_b", "r3d_18", "regnet_x_400mf", "resnet18", "resnext50_32x4d", "s3d",
    "shufflenet_v2_x0_5", "squeezenet1_1", "swin_t", "swin_v2_t", "swin3d_t", "vgg11", "vit_b_32",
    "vit_h_14", "wide_resnet50_2",
)  # fmt: skip
TIMM = (
    "beit_base_patch16_224", "cait_xxs24_224", "coat_tiny", "coatnet_0_rw_224", "convnext_tiny", "convnextv2_tiny",
    "crossvit_tiny_240", "cspresnet50", "davit_tiny", "deit3_small_patch16_224", "dpn68", "edgenext_small",
    "efficientformer_l1", "efficientvit_b0", "eva02_tiny_patch14_224", "fastvit_t8", "focalnet_tiny_srf",
    "gcvit_xxtiny", "ghostnetv2_100", "hrnet_w18_small", "inception_next_tiny", "levit_128s", "mambaout_femto",
    "maxvit_tiny_rw_224", "mixer_s32_224", "mobilenetv4_conv_small", "mobilenetv4_hybrid_medium", "mobileone_s0",
    "mvitv2_tiny", "nextvit_small", "nfnet_f0", "pit_ti_224", "poolformer_s12", "pvt_v2_b0", "rdnet_tiny",
    "regnetz_b16", "repghostnet_050", "repvgg_a0", "repvit_m0_9", "res2net50_14w_8s", "resnest14d", "resnetv2_50",
    "rexnet_100", "sequencer2d_s", "skresnet18", "swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256",
    "tiny_vit_5m_224", "tnt_s_patch16_224", "tresnet_m", "twins_svt_small", "vgg11", "visformer_tiny",
    "vit_tiny_patch16_224", "volo_d1_224", "xception41", "xcit_nano_12_p8_224",
)  # fmt: skip


@pytest.mark.few(30)
@pytest.mark.parametrize("name", [*(f"torchvision:{one}" for one in TORCHVISION), *(f"timm:{one}" for one in TIMM)])
def test_counts_are_those_of_torch(name):
    made = make(parse(name))
    assert made.shape is not None
    totals = analyze_graph(capture(name)).totals
    assert totals.params == sum(parameter.numel() for parameter in made.module.parameters())
    assert totals.macs == counted(made)


def counted(made, train=False):
    images = 2 if train else 1  # which norms that train ask for
    return counted_on_meta(made.module, batched([Given(shape=made.shape)]).at(images), train=train) // images


# What trains otherwise than it is evaluated.
TRAINED = (
    "torchvision:googlenet", "torchvision:inception_v3", "torchvision:efficientnet_b0", "torchvision:swin_t",
    "timm:levit_128s", "timm:repvgg_a0",
)  # fmt: skip


@pytest.mark.parametrize("name", TRAINED)
def test_counts_in_training_are_those_of_torch(name):
    made = make(parse(name))
    totals = analyze_graph(capture(name, train=True)).totals
    assert totals.params == sum(parameter.numel() for parameter in made.module.parameters())
    assert totals.macs == counted(made, train=True)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("torchvision:resnet18(weights='DEFAULT')", "`weights` would load weights"),
        ("torchvision:fcn_resnet50(weights_backbone='DEFAULT')", "`weights_backbone` would load weights"),
        ("torchvision:resnet18(True)", "torchvision takes arguments by name"),
        ("timm:resnet18(pretrained=True)", "`pretrained` would load weights"),
        ("timm:resnet18(checkpoint_path='x.pth')", "`checkpoint_path` would load weights"),
        ("timm:resnet18(True)", "timm takes arguments by name"),
    ],
)
def test_no_weights_are_loaded(typed, message):
    with pytest.raises(UsageError) as raised:
        capture(typed)
    assert str(raised.value).splitlines()[0] == message


@pytest.mark.parametrize(
    "typed", ["timm:resnet18(pretrained=False, num_classes=5)", "torchvision:resnet18(weights=None, num_classes=5)"]
)
def test_arguments_that_load_none_are_taken(typed):
    graph = capture(typed)
    assert [graph.value(edge).shape[-1] for edge in graph.outputs.values()] == [5]


def test_auxiliary_heads_run_in_training():
    graphs = [capture("torchvision:googlenet", ["3x299x299"], train=train) for train in (False, True)]
    assert [analyze_graph(graph).totals.macs for graph in graphs] == [2_579_479_808, 2_587_852_032]


def test_a_norm_trains_on_a_single_place():  # which torch refuses to: the pooled branch of a segmentation head
    evaluated, trained = [capture("torchvision:deeplabv3_resnet50", train=train) for train in (False, True)]
    assert analyze_graph(trained).totals.macs == analyze_graph(evaluated).totals.macs


def test_a_lock_of_resnet50(tmp_path):
    found = lock("torchvision:resnet50", (), "0.1.0", training=True)
    file = tmp_path / "resnet50.lock.json"
    file.write_text(lock_text(found))
    assert file.stat().st_size <= 500_000
    read = read_lock(str(file))
    assert (read.graph.nodes, read.captured) == (found.graph.nodes, found.captured)
    assert read.training is not None
    assert found.training is not None
    assert read.training.nodes == found.training.nodes


# What runs quickly for real, of operators that all have a price.
PRICED = (
    "alexnet", "densenet121", "googlenet", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf",
    "resnet18", "shufflenet_v2_x0_5", "squeezenet1_1", "vgg11_bn",
)  # fmt: skip


# Those that leave nothing behind, but for buffers that thop adds at last.
ASKED = ("fvcore", "torchprofile", "torchinfo", "thop")


@pytest.mark.parametrize("name", PRICED)
def test_a_convention_is_what_its_tool_prints(name):
    made = make(parse(f"torchvision:{name}"))
    assert made.shape is not None
    found = explain(analyze_graph(capture(f"torchvision:{name}")), find_conventions(ASKED)).conventions
    # To torchprofile a product of sizes in what a shuffle reshapes to would be a product.
    assert all(one.not_priced is None or (one.name, name) == ("torchprofile", "shufflenet_v2_x0_5") for one in found)
    module, example = made.module.to_empty(device="cpu").eval(), torch.zeros(1, *made.shape)
    assert [one.total for one in found] == [TOOLS[tool](module, example) for tool in ASKED]


OWN_TESTS = ("detection", "maxvit")


def ours():
    """Return the networks that are torchvision's, but for detection, which goes on where ours end (test_dense.py), and
    MaxViT, whose attention it takes apart into products (test_followed.py)."""
    theirs = set(import_module("torchvision").models.list_models())
    return [name for name, file in catalog.files().items() if name in theirs and file.parent.name not in OWN_TESTS]


# What a network of theirs does in evaluation without an operator of its own, or with others; there, rows that cost
# nothing are not compared.
OTHERWISE = {
    "stochastic_depth": "it is left out",
    "channel_shuffle": "views and a copy",
    "split": "one call for both parts",
    "layer_scale": "a product with a parameter",
    "resize": "to a size, and not to that of a map",
}
# Of which rows that cost nothing are not compared, and why.
ONLY_COSTS = {
    "densenet": "the first layer of a block concatenates a single map",
    "convnext": "a layer norm stands between two permutes",
    "alexnet": "flattens before its dropout",
    "mobilenet_v2": "flattens before its dropout",
    "googlenet": "pools of stride 1 round up, to the same size",
}


@pytest.mark.few(15)
@pytest.mark.parametrize("name", ours())
def test_a_network_of_the_catalog_is_torchvisions(name):
    spec = read_network(name)
    shape = "x".join(map(str, spec.inputs["input"].shape))
    mine, theirs = analyze_graph(spec), analyze_graph(capture(f"torchvision:{name}", [shape]))
    used = [row for row in theirs.rows if row.op != NOT_RUN]  # without auxiliary heads, which our specs leave out
    assert total_cost(used) == mine.totals
    assert _counted(mine.rows) == _counted(used)
    if name.startswith(tuple(ONLY_COSTS)) or any(node.op.name in OTHERWISE for node in spec.nodes):
        return
    for row, other in zip_longest(mine.rows, used):
        same = (_rounded(row.operator), row.output, row.cost) == (_rounded(other.operator), other.output, other.cost)
        assert same, (row.path, other.path)
        assert sorted(row.inputs) == sorted(other.inputs)  # x·y or y·x
    assert {block.after for block in diff(mine, theirs).blocks} == {
        row.path for row in theirs.rows if row.op == NOT_RUN
    }


def _counted(rows):
    """Return, of each row that anything is counted of, what that is, and how large its output is; a norm may see its
    channels in another place."""
    return [(row.cost, sorted(row.output)) for row in rows if any(row.cost.values())]


def _rounded(op):
    """Return an operator whose momentum is no longer 1 − 0.9997 in binary."""
    if not isinstance(op, BatchNorm2d):
        return op
    return BatchNorm2d(op.num_features, op.eps, round(op.momentum, 12), op.affine, op.flat, op.volume)


# Of convolutions, attention and norms on channels that lie last, transposed, in parts.
LAID_OUT = (
    "torchvision:convnext_tiny", "torchvision:vit_b_32", "torchvision:shufflenet_v2_x0_5", "torchvision:swin_t",
    "timm:focalnet_tiny_srf", "timm:levit_128s", "timm:twins_svt_small", "timm:vit_tiny_patch16_224",
)  # fmt: skip


@pytest.mark.parametrize("name", LAID_OUT)
def test_what_a_network_returns_inside_lies_as_in_a_real_run(name):
    made = make(parse(name))
    assert made.shape is not None
    graph = capture(name)
    found: dict[str, torch.Tensor] = {}
    module: torch.nn.Module = made.module.to_empty(device="cpu").eval()
    for tensor in chain(module.parameters(), module.buffers()):
        tensor.data.zero_()
    for path, part in module.named_modules():
        if type(part).__module__.startswith("torch.nn."):
            part.register_forward_hook(lambda own, args, made, path=path: found.setdefault(path, made))
    with torch.no_grad():
        module(torch.zeros(1, *made.shape))
    compared = [node for node in graph.nodes if node.call == 1 and isinstance(found.get(node.path), torch.Tensor)]
    assert len(compared) > 20
    for node in compared:
        real = found[node.path]
        assert _places(node.output.at_batch(1), node.output.strides) == _places(real.shape, real.stride()), node.path


def _places(shape, strides):
    strides = torch.empty(shape, device="meta").stride() if strides is None else strides
    return [stride for size, stride in zip(shape, strides, strict=True) if size > 1]
