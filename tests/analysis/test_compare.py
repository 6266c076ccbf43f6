"""archprof compare: shares that papers print, ratios, accuracy at the very settings."""

from fractions import Fraction

import pytest

import archprof
from archprof.analysis.compare import compare
from archprof.errors import UsageError
from archprof.units import percent


def contenders(*models, **options):
    return compare([archprof.analyze(model) for model in models], **options)


def test_v1_shares_are_those_of_table_2():
    (v1,) = contenders("mobilenet_v1").models
    # Howard et al. 2017, Table 2; "Conv 3×3 1.19 %" there is a misprint of 1.91
    printed = {"pointwise": "94.86 %", "depthwise": "3.06 %", "standard": "1.91 %", "linear": "0.18 %"}
    assert {kind: percent(group.cost.macs, 568_740_352, 2) for kind, group in v1.kinds.items()} == printed
    # its 28 layers, "counting depthwise and pointwise convolutions as separate layers" (section 3.2)
    assert v1.weighted_layers == 28


@pytest.mark.parametrize(("model", "layers"), [("resnet18", 18 + 3), ("resnet50", 50 + 4), ("vgg16", 16)])
def test_weighted_layers(model, layers):
    # the papers' names, and ResNet's projections on shortcuts
    assert contenders(model).models[0].weighted_layers == layers


def test_parts_sum_to_the_whole():
    for contender in contenders("v1", "v2", "v3", "mixnet_s", "resnet50").models:
        macs = contender.totals.macs
        assert sum(group.cost.macs for group in contender.kinds.values()) == macs
        assert sum(group.cost.macs for group in contender.stages.values()) == macs
        assert sum(block.cost.macs for block in contender.blocks) == macs
        assert list(contender.stages)[-1] == "head"


def test_ratios():
    found = contenders("v1", "v2")
    assert found.models[1].ratios["macs"] == Fraction(300_774_272, 568_740_352)
    found = contenders("v1", "v2", relative_to="v2")
    assert contenders("v1", "v2", relative_to="mobilenet_v2@width=1.0") == found
    named = contenders("v1", "v2@width=1.0", relative_to="v2@width=1")
    assert (named.relative_to, named.models[0].ratios) == ("mobilenet_v2@width=1.0", found.models[0].ratios)
    assert found.models[0].ratios["params"] == Fraction(4_231_976, 3_504_872)


def test_accuracy_belongs_to_the_settings():
    found = contenders("v1", "v1@width=0.50", "v1@width=0.6", "v2@width=1.4")
    tops = [contender.accuracy.top1 if contender.accuracy else None for contender in found.models]
    assert tops == ["70.6", "63.7", None, "74.7"]


def test_order():
    assert [contender.model for contender in contenders("v1", "v3", "v2", sort="macs").models] == [
        "mobilenet_v3_large",
        "mobilenet_v2",
        "mobilenet_v1",
    ]
    assert [contender.model for contender in contenders("v1", "v3", "v2", sort="top1").models] == [
        "mobilenet_v3_large",
        "mobilenet_v2",
        "mobilenet_v1",
    ]


def test_unknown_names():
    with pytest.raises(UsageError, match="`v4` is not among the compared"):
        contenders("v1", "v2", relative_to="v4")
    with pytest.raises(UsageError, match="unknown sort key `mac`"):
        contenders("v1", "v2", sort="mac")
