"""Small networks that users of other counters disagreed about in public: what they cost, by arithmetic."""

from collections.abc import Callable

import pytest

from archprof.language.expand import read_network
from tests.reference.mobilenet_v2 import nearest_eighth
from tests.spec.networks import costs

# Table 2 of Sandler et al. 2018: t, c, n
V2_ROWS = [(1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)]


def nearest_fourth(channels: float) -> int:
    """Return the multiple of 4 nearest to a width, at most a tenth below it."""
    rounded = max(4, int(channels + 2) // 4 * 4)
    return rounded + 4 if rounded < 0.9 * channels else rounded


def v2(
    scaled: Callable[[float], int] = nearest_eighth,
    width: float = 1.0,
    *,
    side: int = 224,
    classes: int = 1000,
    stem: int = 2,
    strides: tuple[int, ...] = (1, 2, 2, 2, 1, 2, 1),
    expands_by_one: bool = False,
) -> tuple[int, int]:
    """Return the parameters and MACs of V2: of each convolution its weights and two a channel of its batch norm, and
    its weights at every position of its output."""
    params = macs = 0

    def convolution(weights: int, out: int, positions: int) -> None:
        nonlocal params, macs
        params += weights + 2 * out
        macs += weights * positions

    channels = scaled(32 * width)
    side //= stem
    convolution(27 * channels, channels, side**2)
    for (t, c, n), stride in zip(V2_ROWS, strides, strict=True):
        for block in range(n):
            inner, out = t * channels, scaled(c * width)
            if t > 1 or expands_by_one:
                convolution(channels * inner, inner, side**2)
            side //= stride if block == 0 else 1
            convolution(9 * inner, inner, side**2)
            convolution(inner * out, out, side**2)
            channels = out
    head = max(1280, scaled(1280 * width))
    convolution(channels * head, head, side**2)
    return params + (head + 1) * classes, macs + head * classes


EXPANDED = """\
extends: mobilenet_v2
remove: ["layers[1].rows[0]"]
insert:
  - after: layers[0]
    layers: [conv: {c: 32, k: 1}, conv: {c: 32, k: 3, g: depthwise}, conv: {c: 16, k: 1, act: -}]
"""
V2_CASES = {
    "channels cut instead of rounded": (
        'extends: mobilenet_v2@width=1.4\nwidth: {divisor: "-"}\n',
        v2(int, 1.4),
        (6_082_580, 562_210_684),
    ),
    "an expansion by one that is a convolution": (
        EXPANDED,
        v2(expands_by_one=True),
        (3_504_872 + 32 * 32 + 2 * 32, 300_774_272 + 32 * 32 * 112 * 112),
    ),
    "and the stride of 64 channels one row later": (
        f"{EXPANDED}set: {{'layers[1].rows[3].s': 1, 'layers[1].rows[4].s': 2}}\n",
        v2(expands_by_one=True, strides=(1, 2, 2, 1, 2, 2, 1)),
        (3_505_960, 429_111_936),
    ),
    "multiples of 4 at a tenth of the width": (
        "extends: mobilenet_v2@width=0.1\nwidth: {divisor: 4}\n",
        v2(nearest_fourth, 0.1),
        (1_356_696, 12_918_088),
    ),
    "for CIFAR, without the first two strides": (
        "extends: mobilenet_v2@classes=10,resolution=32\nset: {'layers[0].s': 1, 'layers[1].rows[1].s': 1}\n",
        v2(side=32, classes=10, stem=1, strides=(1, 1, 2, 2, 1, 2, 1)),
        (2_236_682, 87_976_448),
    ),
}


def unit(c: int, first: bool) -> str:
    """Return a unit of ShuffleNet V1 with three groups that puts out *c* channels; the *first* of a stage halves the
    map and puts a pooled copy beside its own channels. The very first has no groups in front."""
    before = 24 if c == 240 else c // 2
    inner, own = c // 4, c - before if first else c
    grouped = "" if first and before == 24 else ", g: 3"
    body = (
        f"[conv: {{k: 1, c: {inner}{grouped}}}, channel_shuffle: 3, "
        f"conv: {{k: 3, c: {inner}, s: {1 + first}, g: depthwise, act: -}}, conv: {{k: 1, c: {own}, g: 3, act: -}}]"
    )
    if not first:
        return f"  - residual: {{act: relu, body: {body}}}\n"
    pooled = "[avg_pool: {k: 3, s: 2, p: 1}]"
    return f"  - branches: {{join: concat, paths: [{body}, {pooled}]}}\n  - relu\n"


def shufflenet_v1() -> tuple[int, int]:
    """Return the parameters and MACs of ShuffleNet V1 with three groups: grouped 1×1, depthwise, grouped 1×1."""
    params, macs = 27 * 24 + 2 * 24 + 961 * 1000, 27 * 24 * 112**2 + 960 * 1000
    channels = 24
    for c, repeats, side in ((240, 4, 28), (480, 8, 14), (960, 4, 7)):
        for number in range(repeats):
            inner, own = c // 4, c if number else c - channels
            before = side if number else 2 * side
            reduce, depthwise, expand = channels * inner // (1 if channels == 24 else 3), 9 * inner, inner * own // 3
            params += reduce + depthwise + expand + 2 * (inner + inner + own)
            macs += reduce * before**2 + (depthwise + expand) * side**2
            channels = c
    return params, macs


SHUFFLENET = (
    "input: 3x224x224\nclasses: 1000\ndefaults: {act: relu, norm: batch_norm}\n"
    "layers:\n  - conv: {c: 24, k: 3, s: 2}\n  - max_pool: {k: 3, s: 2, p: 1}\n"
    + "".join(unit(c, not number) for c, repeats in ((240, 4), (480, 8), (960, 4)) for number in range(repeats))
    + "  - avg_pool\n  - linear: classes\n"
)
# A subnet of Once-for-All's MobileNetV3 at 192: two blocks a stage, kernels of 3, expansions of 3.
SUBNET = """\
input: 3x192x192
classes: 10
defaults:
  {norm: batch_norm, act: HS, squeeze_excite: {ratio: 0.25, divisor: 8, act: relu, gate: hardsigmoid}}
layers:
  - conv: {c: 16, k: 3, s: 2}
  - conv: {c: 16, k: 3, g: depthwise, act: RE}
  - conv: {c: 16, k: 1, act: -}
  - inverted_residual:
      t: 3
      columns: [k, c, n, s, se, act]
      rows:
        - [3,  24, 2, 2, -, RE]
        - [3,  40, 2, 2, ✓, RE]
        - [3,  80, 2, 2, -, HS]
        - [3, 112, 2, 1, ✓, HS]
        - [3, 160, 2, 2, ✓, HS]
  - conv: {c: 960, k: 1}
  - avg_pool
  - conv2d: {c: 1280, k: 1, bias: false}
  - linear: classes
"""
OTHERS = {
    "a linear layer that is called twice": (
        "input: 10x1x1\nlayers: [repeat: {shared: true, n: 2, layers: [linear: 10]}]\n",
        (10 * 10 + 10, 2 * 10 * 10),
    ),
    "a convolution of one dimension": (
        "input: 32x1x128\nlayers: [conv2d: {c: 32, k: 1x3, p: 0x4, s: 1x2}]\n",
        (3 * 32 * 32 + 32, 3 * 32 * 32 * ((128 + 2 * 4 - 3) // 2 + 1)),
    ),
    "a window that would start in the padding": (  # 54 + … − 3 in steps of 2, 4 + 2 − 2 in steps of 3: 27×2
        "input: 3x54x4\nlayers: [max_pool: {k: 3x2, p: 0x1, s: 2x3, ceil: true}, conv2d: {c: 5, k: 1}]\n",
        (3 * 5 + 5, 3 * 5 * 27 * 2),
    ),
    "groups, a bias, strides, dilation": (  # 9×23 positions
        "input: 16x17x23\nlayers: [conv2d: {c: 24, g: 4, k: 3x5, s: 2x1, d: 1x2}]\n",
        (3 * 5 * 4 * 24 + 24, 3 * 5 * 4 * 24 * 9 * 23),
    ),
    "ShuffleNet V1, three groups": (SHUFFLENET, (1_865_728, 137_460_672)),
    # What was reported counts h-swish, the product and the mean of squeeze-excite as well.
    "a subnet of Once-for-All": (SUBNET, (2_142_602, 89_421_520 - 599_744 - 222_912 - 24_720)),
}


@pytest.mark.parametrize(("text", "expected"), OTHERS.values(), ids=OTHERS)
def test_counts(text, expected):
    assert costs(read_network("net.yaml", text=f"archprof: 1\n{text}")) == expected


@pytest.mark.parametrize(("text", "computed", "reported"), V2_CASES.values(), ids=V2_CASES)
def test_counts_of_mobilenet_v2_built_otherwise(text, computed, reported):
    assert costs(read_network("net.yaml", text=f"archprof: 1\n{text}")) == computed == reported


def test_arithmetic_of_shufflenet_v1():
    assert shufflenet_v1() == OTHERS["ShuffleNet V1, three groups"][1]
