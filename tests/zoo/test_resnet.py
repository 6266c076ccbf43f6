"""The ResNet family: the outputs of an independent implementation, and counts where no table prints any."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import archprof
from tests.reference.detection_resnet import FrozenBatchNorm
from tests.reference.resnet import Options, ResNet
from tests.zoo.twins import assert_same_outputs, built_with_weights_of, randomise

SHALLOW, DEEP = (2, 2, 2, 2), (3, 4, 6, 3)
# name with knobs: (repeats, bottlenecks, options)
CASES = {
    "resnet18": (SHALLOW, False, Options()),
    "resnet18@shortcut=A": (SHALLOW, False, Options(shortcut="A")),
    "resnet18@shortcut=C": (SHALLOW, False, Options(shortcut="C")),
    "resnet34@norm=group_norm": (DEEP, False, Options(norm=partial(nn.GroupNorm, 32))),
    "resnet50": (DEEP, True, Options()),
    "resnet50@stride_in_1x1=true": (DEEP, True, Options(stride_in_1x1=True)),
    "resnet50@shortcut=A": (DEEP, True, Options(shortcut="A")),
    "resnet50@shortcut=C": (DEEP, True, Options(shortcut="C")),
    "resnet50@shortcut=D": (DEEP, True, Options(shortcut="D")),
    "resnet50@norm=frozen_batch_norm": (DEEP, True, Options(norm=FrozenBatchNorm)),
    "resnext50_32x4d": (DEEP, True, Options(groups=32, width_per_group=4)),
    "wide_resnet50_2": (DEEP, True, Options(width_per_group=128)),
    "se_resnet18": (SHALLOW, False, Options(excited=True)),
    "se_resnet34": (DEEP, False, Options(excited=True)),
    "se_resnet50": (DEEP, True, Options(stride_in_1x1=True, excited=True)),
}
# Cardinality against width at one complexity (Xie et al. 2017, Table 2).
CARDINALITIES = [(1, 64), (2, 40), (4, 24), (8, 14), (32, 4)]


@pytest.mark.few(6)
@pytest.mark.parametrize("name", CASES)
def test_gives_the_outputs_of_an_independent_implementation(name):
    repeats, deep, options = CASES[name]
    torch.manual_seed(7)
    reference = ResNet(repeats, deep, options, classes=10)
    randomise(reference)
    network = built_with_weights_of(reference, name, classes=10)
    assert_same_outputs(reference, network, torch.rand(2, 3, 64, 48))


@pytest.mark.few(2)
@pytest.mark.parametrize(("groups", "width"), CARDINALITIES)
def test_counts_at_every_cardinality(groups, width):
    totals = archprof.analyze("resnet50", groups=groups, width_per_group=width).totals
    assert (totals.params, totals.macs) == counts(DEEP, Options(groups=groups, width_per_group=width))


@pytest.mark.parametrize(("name", "plain", "blocks"), [("se_resnet18", "resnet18", 2), ("se_resnet34", "resnet34", 3)])
@pytest.mark.parametrize(("settings", "first"), [({}, 4), ({"layers[2].se.divisor": 8}, 8)])
def test_counts_of_squeezed_basic_blocks(name, plain, blocks, settings, first):
    """Each block of C channels adds 2·C·S weights, and S + C biases, for the S squeezed ones: a 16th, which timm rounds
    up to 8."""
    repeats = (2, 2, 2, 2) if blocks == 2 else (3, 4, 6, 3)
    squeezes = [(64, first), (128, 8), (256, 16), (512, 32)]
    macs = sum(count * 2 * c * s for count, (c, s) in zip(repeats, squeezes, strict=True))
    biases = sum(count * (c + s) for count, (c, s) in zip(repeats, squeezes, strict=True))
    totals, before = archprof.analyze(archprof.load(name, settings)).totals, archprof.analyze(plain).totals
    assert (totals.params - before.params, totals.macs - before.macs) == (macs + biases, macs)


def test_counts_of_resnext101_32x4d():
    totals = archprof.analyze("resnext101_32x4d").totals
    assert (totals.params, totals.macs) == counts((3, 4, 23, 3), Options(groups=32, width_per_group=4))


def counts(repeats: tuple[int, int, int, int], options: Options) -> tuple[int, int]:
    """Return the parameters of the reference, and half of torch's FLOPs."""
    with torch.device("meta"):
        reference = ResNet(repeats, True, options).eval()
        with FlopCounterMode(display=False) as flops:
            reference(torch.empty(1, 3, 224, 224))
    return sum(parameter.numel() for parameter in reference.parameters()), flops.get_total_flops() // 2
