"""Feature pyramids: what the block adds to a body, in figures written out; the shapes of its levels; the order of its
parameters."""

import pytest

import archprof

CHANNELS = {2: 256, 3: 512, 4: 1024, 5: 2048}  # of C2 to C5
SIDES = {2: 56, 3: 28, 4: 14, 5: 7, 6: 4, 7: 2}  # of each level, at 224×224
# Per level a 1×1 convolution to 256 channels and a 3×3 one, both with bias (Lin et al. 2017, section 3).
LATERAL = {level: channels * 256 + 256 for level, channels in CHANNELS.items()}
OUTPUT = 3 * 3 * 256 * 256 + 256


def macs_of(level: int) -> int:
    return (CHANNELS[level] * 256 + 3 * 3 * 256 * 256) * SIDES[level] ** 2


@pytest.mark.parametrize("depth", ["50", "101"])
def test_p2_to_p6(depth):
    """P6 is P5 subsampled: it costs nothing."""
    body, pyramid = archprof.analyze(f"R-{depth}-FPN").totals, archprof.analyze(f"resnet{depth}_fpn").totals
    assert pyramid.params - body.params == sum(LATERAL.values()) + 4 * OUTPUT == 3_344_384
    assert pyramid.macs - body.macs == sum(macs_of(level) for level in (2, 3, 4, 5)) == 2_841_968_640


@pytest.mark.parametrize("depth", ["50", "101"])
def test_p3_to_p7_of_retinanet(depth):
    """P6 is a strided 3×3 convolution of C5, P7 one of P6 (Lin et al. 2017, RetinaNet, section 4)."""
    body, pyramid = (
        archprof.analyze(f"R-{depth}-FPN-RETINANET").totals,
        archprof.analyze(f"resnet{depth}_fpn_retinanet").totals,
    )
    sixth, seventh = 3 * 3 * 2048 * 256, 3 * 3 * 256 * 256
    assert (
        pyramid.params - body.params
        == LATERAL[3] + LATERAL[4] + LATERAL[5] + 3 * OUTPUT + sixth + 256 + seventh + 256
        == 7_997_440
    )
    assert (
        pyramid.macs - body.macs
        == sum(macs_of(level) for level in (3, 4, 5)) + sixth * 4 * 4 + seventh * 2 * 2
        == 864_616_448
    )


@pytest.mark.parametrize(("name", "levels"), [("resnet50_fpn", range(2, 7)), ("resnet50_fpn_retinanet", range(3, 8))])
def test_levels_halve(name, levels):
    graph = archprof.expand(name)
    assert list(graph.outputs) == [f"p{level}" for level in levels]
    assert [graph.value(node).shape for node in graph.outputs.values()] == [
        (256, SIDES[level], SIDES[level]) for level in levels
    ]


def test_an_odd_map_is_met_by_its_own_size():
    """25×25 stands above 13×13: twice that would be 26."""
    graph = archprof.expand("resnet50_fpn", resolution=200)
    assert [graph.value(graph.outputs[level]).space for level in ("p2", "p3", "p4", "p5", "p6")] == [
        (50, 50),
        (25, 25),
        (13, 13),
        (7, 7),
        (4, 4),
    ]


def test_the_convolutions_of_a_level_are_registered_together():
    names = [
        name
        for name, _ in archprof.build("resnet50_fpn").named_parameters()
        if name.startswith("fpn.") and name.endswith("weight")
    ]
    assert names == [f"fpn.{part}{level}.conv.weight" for level in (2, 3, 4, 5) for part in ("lateral", "p")]


# At 800×1280: the positions of P3 to P7.
POSITIONS = 100 * 160 + 50 * 80 + 25 * 40 + 13 * 20 + 7 * 10
TOWER = 4 * 3 * 3 * 256 * 256


def convolution(channels: int) -> int:
    """Return the weights of a 3×3 convolution of a pyramid's map."""
    return 3 * 3 * 256 * channels


def added(name: str, body: str, **knobs: object) -> tuple[int, int]:
    """Return (params, macs) that heads add to a pyramid."""
    heads, pyramid = (archprof.analyze(one, resolution="800x1280", **knobs).totals for one in (name, body))
    return heads.params - pyramid.params, heads.macs - pyramid.macs


@pytest.mark.parametrize("depth", ["50", "101"])
def test_heads_of_retinanet_have_one_set_of_weights_for_five_levels(depth):
    """Four convolutions, then nine anchors of 80 classes, or of 4 coordinates (Lin et al. 2017, RetinaNet, section
    4)."""
    weights = 2 * TOWER + convolution(9 * 80) + convolution(9 * 4)
    biases = 2 * 4 * 256 + 9 * 80 + 9 * 4
    found = added(f"retinanet_R-{depth}-FPN", f"resnet{depth}_fpn_retinanet")
    assert found == (weights + biases, weights * POSITIONS)


@pytest.mark.parametrize("depth", ["50", "101"])
def test_heads_of_fcos(depth):
    """80 classes and centre-ness behind one tower, 4 distances behind another, group norm in both (Tian et al. 2019,
    section 3.4). P6 reads 256 channels of P5 and not 2048 of C5."""
    weights = 2 * TOWER + convolution(80) + convolution(1) + convolution(4)
    others = 2 * 4 * 3 * 256 + 80 + 1 + 4
    sixth = 3 * 3 * (2048 - 256) * 256
    found = added(f"fcos_R-{depth}-FPN", f"resnet{depth}_fpn_retinanet")
    assert found == (weights + others - sixth, weights * POSITIONS - sixth * 13 * 20)
