"""Stochastic depth against torchvision's and timm's: what the module does to a batch, and how likely each block of a
network of the catalog is dropped."""

from importlib import import_module

import pytest
import torch

from archprof.ir.modules import StochasticDepth as Ours
from archprof.ir.operators.drop import StochasticDepth
from archprof.language.expand import read_network

SHAPES = [(64, 3), (64, 5, 3), (64, 3, 4, 4), (64, 3, 2, 4, 4)]


def pair(p: float) -> list[torch.nn.Module]:
    """Return our module and torchvision's, which drops each image of a batch for itself."""
    return [Ours(p), import_module("torchvision").ops.StochasticDepth(p, "row")]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("p", [0.0, 0.2, 0.75, 1.0])
def test_drops_what_torchvision_drops(p, shape):
    x, outputs = torch.rand(shape) + 1, []
    for module in pair(p):
        torch.manual_seed(3)
        outputs.append(module.train()(x))
    ours, theirs = outputs
    assert torch.equal(ours, theirs)
    kept = ours.flatten(1).amax(1) > 0
    assert torch.allclose(ours[kept], x[kept] / (1 - p if p < 1 else 1))  # so that the mean stays
    assert not ours[~kept].any()
    assert bool(kept.all()) == (p == 0)
    assert bool(kept.any()) == (p < 1)


def test_gradients_are_those_of_torchvision():
    gradients = []
    for module in pair(0.4):
        x = torch.ones(32, 3, 2, 2, requires_grad=True)
        torch.manual_seed(5)
        (module.train()(x) * torch.arange(32.0)[:, None, None, None]).sum().backward()
        assert x.grad is not None
        gradients.append(x.grad)
    ours, theirs = gradients
    assert torch.equal(ours, theirs)


def test_evaluation_hands_on_the_map_itself():
    x = torch.rand(4, 3, 2, 2)
    assert all(module.eval()(x) is x for module in pair(0.9))


def rates(name: str) -> list[float]:
    return [node.op.p for node in read_network(name).nodes if isinstance(node.op, StochasticDepth)]


# The probability that timm is told: that which is reached, or of MaxViT would be behind the last block.
TOLD = {
    "coatnet_0_224": 0.2,
    "convnextv2_atto": 0.1,
    "convnextv2_tiny": 0.2,
    "deit_tiny_distilled_patch16_224": 0.1,
    "efficientformerv2_l": 0.1,
    "efficientformerv2_s2": 0.02,
    "fastvit_ma36": 0.35,
    "fastvit_sa12": 0.1,
    "fastvit_sa36": 0.2,
    "poolformer_m48": 0.4,
    "poolformer_s12": 0.1,
    "pvt_v2_b0": 0.1,
    "pvt_v2_b5": 0.3,
    "swin_base_patch4_window7_224": 0.5,
    "swin_small_patch4_window7_224": 0.3,
    "swin_tiny_patch4_window7_224": 0.2,
}


@pytest.mark.parametrize("name", TOLD)
def test_blocks_are_as_likely_dropped_as_timms(name):
    with torch.device("meta"):
        reference = import_module("timm").create_model(name, drop_path_rate=TOLD[name])
    theirs = [getattr(module, "drop_prob", 0.0) for path, module in reference.named_modules() if _drops(path)]
    assert rates(name) == pytest.approx(theirs, abs=1e-6)


def _drops(path: str) -> bool:
    """Tell whether a module of timm's is one of stochastic depth, or stands in the place of one that drops nothing."""
    return "drop_path" in path.rpartition(".")[2]


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("swin_tiny_patch4_window7_224", "swin_t"),
        ("swin_small_patch4_window7_224", "swin_s"),
        ("swin_base_patch4_window7_224", "swin_b"),
        *((name, name) for name in ("maxvit_t", "convnext_tiny", "convnext_base")),
    ],
)
def test_steps_are_torchvisions(name, theirs):
    """Of torchvision one module may drop several bodies of a block: rates are compared step by step."""
    torchvision = import_module("torchvision")
    with torch.device("meta"):
        reference = torchvision.models.get_model(theirs)
    found = [module.p for module in reference.modules() if isinstance(module, torchvision.ops.StochasticDepth)]
    steps = [list(dict.fromkeys(p for p in one if p)) for one in (rates(name), found)]
    assert steps[0] == pytest.approx(steps[1], abs=1e-6)


def test_edgenext_drops_attention_as_likely_as_the_block_around_it():
    """Of timm one module drops both."""
    with torch.device("meta"):
        reference = import_module("timm").create_model("edgenext_small", drop_path_rate=0.1)
    theirs = [getattr(module, "drop_prob", 0.0) for path, module in reference.named_modules() if _drops(path)]
    encoders = {3 + 2, 3 + 3 + 8, 3 + 3 + 9 + 2}  # the last block of each stage but the first, counted from 0
    twice = [p for block, p in enumerate(theirs) for _ in range(2 if block in encoders else 1)]
    assert rates("edgenext_small") == pytest.approx(twice, abs=1e-6)


@pytest.mark.parametrize(("name", "p"), [("maxvit_tiny_tf_224", 0.2), ("maxvit_large_tf_224", 0.6)])
def test_maxvit_ends_below_its_rate(name, p):
    """The authors' code has the probability p·i/N in block i of N, which no block reaches, in all five bodies of it."""
    blocks = len(rates(name)) // 5
    assert rates(name) == pytest.approx([p * block / blocks for block in range(blocks) for _ in range(5)])


@pytest.mark.parametrize(
    ("name", "p", "bodies"),
    [
        ("deit3_base_patch16_224", 0.2, 2 * 12),
        ("deit3_large_patch16_384", 0.4, 2 * 24),
        ("xcit_small_12_p16_224", 0.05, 3 * 12),
    ],
)
def test_some_drop_every_block_alike(name, p, bodies):
    assert rates(name) == [p] * bodies


@pytest.mark.parametrize(
    "name", ["vit_base_patch16_224", "deit3_small_patch16_384", "xcit_tiny_12_p16_224", "fastvit_t8"]
)
def test_some_drop_nothing(name):
    assert rates(name) == []
