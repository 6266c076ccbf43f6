"""archprof cost's numbers: products written out, closed forms against the operators over grids."""

import json
from fractions import Fraction
from itertools import product

import pytest

from archprof.analysis.cost import CONV_KINDS, Convolution, answer
from archprof.errors import UsageError
from tests.cli.console import archprof

# ask, weights, MACs, receptive field
CASES = [
    # MobileNetV1, Table 3: 512 → 512 at 14×14, as a standard and as a separable convolution
    (Convolution("std", ((3, 3),), 512, 512, (14, 14)), 9 * 512 * 512, 9 * 512 * 512 * 14 * 14, (3, 3)),
    (Convolution("dw", ((3, 3),), 512, 512, (14, 14)), 9 * 512 + 512 * 512, (9 * 512 + 512 * 512) * 14 * 14, (3, 3)),
    # the textbook's grouped convolution: 227×227×3, 11×11, 6 outputs of 55×55, 3 groups
    (
        Convolution("group", ((11, 11),), 3, 6, (227, 227), (4, 4), (0, 0), groups=3),
        121 * 6,
        121 * 6 * 55 * 55,
        (11, 11),
    ),
    (
        Convolution("mix", ((3, 3), (5, 5), (7, 7)), 120, 120, (14, 14)),
        40 * (9 + 25 + 49),
        40 * (9 + 25 + 49) * 14 * 14,
        (7, 7),
    ),
    # 100 channels over three kernels: the remainder goes to the first
    (
        Convolution("mix", ((3, 3), (5, 5), (7, 7)), 100, 100, (8, 8)),
        34 * 9 + 33 * 25 + 33 * 49,
        (34 * 9 + 33 * 25 + 33 * 49) * 64,
        (7, 7),
    ),
    (
        Convolution("mix", ((3, 3), (3, 3), (5, 5)), 7, 7, (8, 8)),
        3 * 9 + 2 * 9 + 2 * 25,
        (3 * 9 + 2 * 9 + 2 * 25) * 64,
        (5, 5),
    ),
    (
        Convolution("inverted", ((3, 3),), 24, 32, (56, 56), (2, 2)),
        24 * 144 + 9 * 144 + 144 * 32,
        24 * 144 * 56 * 56 + (9 * 144 + 144 * 32) * 28 * 28,
        (3, 3),
    ),
    (
        Convolution("bottleneck", ((3, 3),), 256, 256, (56, 56)),
        256 * 64 + 9 * 64 * 64 + 64 * 256,
        (256 * 64 + 9 * 64 * 64 + 64 * 256) * 56 * 56,
        (3, 3),
    ),
    (Convolution("std", ((3, 3),), 64, 64, (56, 56), times=2), 2 * 9 * 64 * 64, 2 * 9 * 64 * 64 * 56 * 56, (5, 5)),
    (
        Convolution("std", ((3, 3),), 64, 64, (56, 56), dilation=(2, 2), times=3),
        3 * 9 * 64 * 64,
        3 * 9 * 64 * 64 * 56 * 56,
        (13, 13),
    ),
    (Convolution("std", ((1, 7),), 8, 16, (9, 20), (1, 2)), 7 * 8 * 16, 7 * 8 * 16 * 9 * 10, (1, 7)),
    (Convolution("pw", in_channels=64, out_channels=128), 64 * 128, 64 * 128 * 56 * 56, (1, 1)),
    (Convolution("se", in_channels=64, out_channels=64), 64 * 16 + 16 * 64, 64 * 16 + 16 * 64, (1, 1)),
    (Convolution("linear", in_channels=1280, out_channels=1000), 1280 * 1000, 1280 * 1000, (1, 1)),
]


@pytest.mark.parametrize(
    ("ask", "weights", "macs", "field"), CASES, ids=lambda value: value.conv if isinstance(value, Convolution) else ""
)
def test_counts(ask, weights, macs, field):
    found = answer(ask)
    assert (found.totals.weights, found.totals.macs, found.receptive_field) == (weights, macs, field)


@pytest.mark.parametrize("conv", [conv for conv, kind in CONV_KINDS.items() if kind.value])
def test_closed_forms_are_the_ratio(conv):
    value = CONV_KINDS[conv].value
    assert value is not None
    kernels = ((3, 3), (5, 5)) if conv == "mix" else ((3, 3),)
    for k, m, n, stride in product((kernels, ((5, 5),), ((1, 7),)), (8, 24), (8, 16), ((1, 1), (2, 2))):
        if conv == "pw" and stride != (1, 1):
            k = ((3, 3),)
        ask = Convolution(conv, k, m, m if conv == "mix" else n, (16, 16), stride, groups=4)
        assert answer(ask).ratio == value(ask), ask


def test_separable_convolution_is_one_over_n_plus_one_over_k_squared():
    for k, n in product((3, 5, 7), (16, 64, 512)):
        assert answer(Convolution("dw", ((k, k),), 32, n, (14, 14))).ratio == Fraction(1, n) + Fraction(1, k * k)


def test_the_textbook_formula_with_bias():
    found = answer(Convolution("group", ((11, 11),), 3, 6, (227, 227), (4, 4), (0, 0), groups=3))
    assert found.totals.bias_flops == (2 * 11 * 11 * 3 // 3 + 1) * 55 * 55 * 6 == 4_410_450


def test_groups_that_do_not_divide():
    with pytest.raises(UsageError, match="64 input channels are not divisible by 3 groups"):
        answer(Convolution("group", groups=3))


def test_a_narrow_map_is_no_image_with_its_channels_behind():
    assert answer(Convolution("std", ((3, 3),), 16, 16, (16, 3))).totals.macs == 9 * 16 * 16 * 16 * 3


def test_short_names_say_what_they_are_made_of(capsys):
    out = archprof(capsys, "cost", "--conv", "depthwise,std,pw,inverted").out
    assert "\n\ndw: depthwise, then pointwise · inverted: expand t times, depthwise, project\n" in out


@pytest.mark.parametrize(
    ("arguments", "defaults"),
    [
        ("--conv std --size 7", {"in": "64", "out": "64", "k": "3", "stride": "1", "dilation": "1"}),
        (
            "--conv std --size 7 --versus std:k=5,stride=2,n=2",
            {"in": "64", "out": "64", "k": "3", "stride": "1", "dilation": "1"},
        ),
        ("--conv std --k 1 --size 7 --versus std:in=8", {"in": "64", "out": "64", "stride": "1", "dilation": "1"}),
        ("--conv std,mix --size 7 --out 8", {"in": "64", "k": "3 or 3+5+7", "stride": "1", "dilation": "1"}),
        ("--conv se --versus linear:in=8,out=2", {"in": "64", "size": "56", "ratio": "0.25"}),
    ],
)
def test_defaults_are_what_nobody_said(capsys, arguments, defaults):
    found = json.loads(archprof(capsys, "cost", *arguments.split(), "--format", "json").out)["defaults"]
    assert {name: value for name, value in found.items() if name != "padding"} == defaults
