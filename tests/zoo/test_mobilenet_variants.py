"""Variants of the MobileNets: the outputs of independent implementations, and counts where no table prints any."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import archprof
from tests.reference import mobilenet_variants as variants
from tests.zoo.twins import assert_same_outputs, built_with_weights_of, randomise

CASES: dict[str, Callable[[int], nn.Module]] = {
    "mobilenet_v1_full_conv": variants.mobilenet_v1_full,
    "mobilenet_v1_shallow": variants.mobilenet_v1_shallow,
    "mobilenet_v3_large_reduced_tail": lambda classes: variants.reduced_tail("large", classes),
    "mobilenet_v3_small_reduced_tail": lambda classes: variants.reduced_tail("small", classes),
    "mobilenet_v3_large_075": lambda classes: variants.paper_widths("large", 0.75, classes),
    "mobilenet_v3_large_125": lambda classes: variants.paper_widths("large", 1.25, classes),
    "mobilenet_v3_small_075": lambda classes: variants.paper_widths("small", 0.75, classes),
    "mobilenet_v3_small_125": lambda classes: variants.paper_widths("small", 1.25, classes),
    **{
        f"mobilenet_v3_{size}_paper@width={width}": partial(variants.paper_widths, size, width)
        for size in ("large", "small")
        for width in (0.33, 0.35, 1.4)
    },
    "mobilenet_v3_small_paper@width=0.35,stem_scale=false": partial(variants.paper_widths, "small", 0.35, stem=16),
    "mobilenet_v3_large_14rows": variants.FourteenRows,
    "mobilenet_v3_large_original_last_stage": variants.original_last_stage,
    "mobilenet_v3_large_minimalistic": lambda classes: variants.minimalistic("large", classes),
    "mobilenet_v3_small_minimalistic": lambda classes: variants.minimalistic("small", classes),
}


@pytest.mark.few(6)
@pytest.mark.parametrize("name", CASES)
def test_gives_the_outputs_of_an_independent_implementation(name):
    torch.manual_seed(7)
    reference = CASES[name](10)
    randomise(reference)
    network = built_with_weights_of(reference, name, classes=10)
    assert_same_outputs(reference, network, torch.rand(2, 3, 64, 48))


@pytest.mark.few(6)
@pytest.mark.parametrize("name", CASES)
def test_counts_what_the_independent_implementation_costs(name):
    with torch.device("meta"):
        reference = CASES[name](1000).eval()
        with FlopCounterMode(display=False) as flops:
            reference(torch.empty(1, 3, 224, 224))
    totals = archprof.analyze(name).totals
    assert totals.params == sum(parameter.numel() for parameter in reference.parameters())
    assert 2 * totals.macs == flops.get_total_flops()


@pytest.mark.parametrize("size", ["large", "small"])
def test_a_backbone_returns_the_maps_that_detectors_are_built_on(size):
    torch.manual_seed(7)
    reference = variants.Backbone(size)
    randomise(reference)
    network = built_with_weights_of(reference, f"mobilenet_v3_{size}_backbone")
    assert_same_outputs(reference, network, torch.rand(2, 3, 64, 48))
    assert list(archprof.analyze(f"mobilenet_v3_{size}_backbone").outputs) == ["c1", "c2", "c3", "c4", "c5"]


@pytest.mark.parametrize("size", ["large", "small"])
def test_at_width_1_both_rules_of_width_build_one_network(size):
    assert archprof.analyze(f"mobilenet_v3_{size}_paper").totals == archprof.analyze(f"mobilenet_v3_{size}").totals
