"""EfficientNet, its Lite and its second version: the outputs of independent implementations, and counts where no table
prints any."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import archprof
from tests.reference.efficientnet import efficientnet, efficientnet_lite, efficientnet_v2_s
from tests.runtime.nets import graph_of
from tests.zoo.equality import outputs, twin


@pytest.mark.parametrize("number", [0, 1, 5])
def test_gives_the_outputs_of_an_independent_implementation(number):
    theirs, ours = outputs(efficientnet(number), f"efficientnet_b{number}", 64)
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("settings", ["norm=group_norm", "defaults.norm=group_norm"])
def test_group_norm_gives_the_outputs_of_an_independent_implementation(settings):
    """Eight channels a group, as in timm's efficientnet_b0_gn; it has the weights and biases of batch norm, no
    buffers."""
    reference = efficientnet(0, norm=lambda channels: nn.GroupNorm(channels // 8, channels))
    theirs, ours = outputs(reference, f"efficientnet_b0@{settings}", 64)
    assert torch.equal(ours, theirs)
    report = archprof.analyze(f"efficientnet_b0@{settings}")
    assert (report.totals.params, report.totals.macs, report.totals.buffers) == (5_288_548, 385_814_752, 0)


@pytest.mark.parametrize("number", [0, 1, 4])
def test_lite_gives_the_outputs_of_an_independent_implementation(number):
    theirs, ours = outputs(efficientnet_lite(number), f"efficientnet_lite{number}", 64)
    assert torch.equal(ours, theirs)


def test_the_second_version_gives_the_outputs_of_an_independent_implementation():
    theirs, ours = outputs(efficientnet_v2_s(), "efficientnet_v2_s", 64)
    assert torch.equal(ours, theirs)


def test_blocks_are_dropped_in_training_as_in_an_independent_implementation():
    reference = efficientnet(1)
    network, x = twin(reference, "efficientnet_b1", 64)
    found = []
    for module in (reference, network):
        torch.manual_seed(3)
        found.append(module.train()(x))
    assert torch.equal(*found)


@pytest.mark.few(2)
@pytest.mark.parametrize("number", range(5))
def test_lite_counts_what_the_independent_implementation_costs(number):
    name = f"efficientnet_lite{number}"
    with torch.device("meta"):
        reference = efficientnet_lite(number).eval()
        with FlopCounterMode(display=False) as flops:
            reference(torch.empty(1, *archprof.load(name).input))
    totals = archprof.analyze(name).totals
    assert totals.params == sum(parameter.numel() for parameter in reference.parameters())
    assert 2 * totals.macs == flops.get_total_flops()


def test_depth_repeats_the_first_and_last_stage_of_lite_no_oftener():
    blocks = {
        row.path.rsplit(".", 2)[0]
        for row in archprof.analyze("efficientnet_lite0", depth=3).rows
        if row.path.endswith("depthwise.conv")
    }
    assert [sum(block.startswith(f"1.{stage}.") for block in blocks) for stage in range(7)] == [1, 6, 6, 9, 9, 12, 1]


def test_a_fused_block_takes_a_gate_before_its_activation_as_any_other():
    graph = graph_of(
        "layers: [inverted_residual: {t: 4, c: 8, fused: true, se: {before_act: true}}]",
        defaults="{norm: batch_norm, act: relu}",
    )
    paths = [node.path.removeprefix("0.") for node in graph.nodes]
    assert [path for path in paths if not path.startswith("se.")] == [
        "expand.conv",
        "expand.norm",
        "act",
        "project.conv",
        "project.norm",
    ]
    assert paths.index("expand.norm") < paths.index("se.scale") < paths.index("act")
