"""The spaces of the catalog: how many networks they are by formulas written out, and what networks of theirs cost by
hand, each layer's product added up."""

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

import archprof
from archprof.space.build import space_of
from archprof.space.draws import draw
from archprof.space.grid import Grid
from archprof.space.grid_points import Points
from archprof.space.grid_rows import Rows, rows_of
from archprof.space.paths import sums_of
from archprof.spec.choices import option_text
from archprof.spec.nodes import Seq
from archprof.spec.ranks import rank_of
from tests.reference.arithmetic import Tape, divisible

NETWORKS = {
    "space_ofa_mbv3": (9**2 + 9**3 + 9**4) ** 5,
    "space_ofa_proxyless": (9**2 + 9**3 + 9**4) ** 5 * 9,
    "space_mcunet": (9**2 + 9**3 + 9**4) ** 5 * 9,
    "space_ofa_resnet50": 3**2 * 2 * 3**4 * (3**2 + 3**3 + 3**4) ** 3 * (3**4 + 3**5 + 3**6),
    "space_proxylessnas": 6**6 * 7**15,
    "space_fbnet": 9**22,
    "space_attentivenas": 2**7 * 3 * 4 * (2 * 3 * 4 * 4 * 6 * 6 * 2) * 2**7 * 3**4,
    "space_nas_bench_201": 5**6,
    "space_nats_size": 8**5,
    "space_darts": 1_037_664_180**2,
    "space_mnasnet": (4 * 2 * 2 * 3 * 3 * 3) ** 5 * (4 * 2 * 2 * 3 * 3 * 2) ** 2,
    "space_dna": (2 * 6**2 + 6**3) * (6**2 + 6**3 + 6**4) ** 2 * (6**3 + 2 * 6**4) * (6**4 + 2 * 6**5) * 6,
    "space_spos_shufflenet": 4**20,
    "space_regnet": 64**4 * 6 * 3,
}
# Depths and widths, kernels and expansions as the papers print them.
OFA_WIDTHS = ((24, 2, False), (40, 2, True), (80, 2, False), (112, 1, True), (160, 2, True))
SPOS_STAGES = ((64, 4), (160, 4), (320, 8), (640, 4))
FBNET_STAGES = ((16, 1, 1), (24, 4, 2), (32, 4, 2), (64, 4, 2), (112, 4, 1), (184, 4, 2), (352, 1, 1))

Layer = tuple[int, int]


def digits(rank: int, *radices: int) -> tuple[int, ...]:
    """Return the digits of a number to bases of their own, the last the least significant."""
    found: list[int] = []
    for radix in reversed(radices):
        rank, digit = divmod(rank, radix)
        found.append(digit)
    return tuple(reversed(found))


def ofa_stages(rank: int) -> Iterator[list[Layer]]:
    """Yield the layers of each stage of a network of Once-for-All: 2, 3 or 4, of nine each."""
    for form in digits(rank, *[9**2 + 9**3 + 9**4] * 5):
        depth, within = 2, form
        while within >= 9**depth:
            within -= 9**depth
            depth += 1
        layers = [digits(layer, 3, 3) for layer in digits(within, *[9] * depth)]
        yield [((3, 5, 7)[k], (3, 4, 6)[t]) for k, t in layers]


def ofa_mbv3(stages: Sequence[Sequence[Layer]], side: int, width: float = 1, classes: int = 1000) -> tuple[int, int]:
    """Return parameters and MACs of a network of Once-for-All on MobileNetV3."""
    tape = Tape(side)
    tape.conv(divisible(16 * width), 3, 2)
    tape.inverted_residual(3, 1, divisible(16 * width))
    for (channels, stride, gated), layers in zip(OFA_WIDTHS, stages, strict=True):
        for index, (k, t) in enumerate(layers):
            tape.inverted_residual(k, t, divisible(channels * width), 1 if index else stride, gated)
    tape.conv(divisible(960 * width))
    tape.side = 1
    tape.conv(divisible(1280 * width), norm=False)
    tape.linear(classes)
    return tape.params, tape.macs


def attentivenas(rank: int, side: int) -> tuple[int, int]:
    """Return parameters and MACs of a network of AttentiveNAS, whose shortcuts are projected where channels change."""
    kernels, few, many = (3, 5), (4, 5, 6), (3, 4, 5, 6, 7, 8)
    stages = (
        ((16, 24), (1, 2), (1,), 1, False),
        ((24, 32), (3, 4, 5), few, 2, False),
        ((32, 40), (3, 4, 5, 6), few, 2, True),
        ((64, 72), (3, 4, 5, 6), few, 2, False),
        ((112, 120, 128), many, few, 1, True),
        ((192, 200, 208, 216), many, (6,), 2, True),
        ((216, 224), (1, 2), (6,), 1, True),
    )
    radices = [2, *(base for c, n, t, *_ in stages for base in (2, len(t), len(c), len(n))), 2]
    first, *drawn, last = digits(rank, *radices)
    tape = Tape(side)
    tape.conv((16, 24)[first], 3, 2)
    for number, (widths, depths, expansions, stride, gated) in enumerate(stages):
        k, t, c, n = drawn[4 * number : 4 * number + 4]
        for index in range(depths[n]):
            came = tape.channels
            tape.inverted_residual(kernels[k], expansions[t], widths[c], 1 if index else stride, gated)
            if came != widths[c]:
                tape.params += came * widths[c]
                tape.macs += came * widths[c] * tape.side**2
    tape.conv(6 * tape.channels)
    tape.side = 1
    tape.conv((1792, 1984)[last], norm=False)
    tape.linear(1000)
    return tape.params, tape.macs


def spos(places: Sequence[int]) -> tuple[int, int]:
    """Return parameters and MACs of a network of Single Path One-Shot: kernels of 3, 5, 7, or three of 3 each."""
    tape = Tape(224)
    tape.conv(16, 3, 2)
    drawn = iter(places)
    for channels, blocks in SPOS_STAGES:
        for index in range(blocks):
            k, came, side = next(drawn), tape.channels, tape.side
            stride = 1 if index else 2
            kept = came // 2 if index else came
            if not index:
                tape.depthwise((3, 5, 7, 3)[k], 2)
                tape.conv(came)
            tape.side, tape.channels = side, kept
            if k == 3:
                tape.depthwise(3, stride)
                for _ in range(2):
                    tape.conv(channels // 2)
                    tape.depthwise(3)
            else:
                tape.conv(channels // 2)
                tape.depthwise((3, 5, 7)[k], stride)
            tape.conv(channels - kept)
            tape.channels = channels
    tape.conv(1024)
    tape.linear(1000, bias=False)
    return tape.params, tape.macs


def ofa_resnet50(rank: int, side: int) -> tuple[int, int]:
    """Return parameters and MACs of a network of Once-for-All on ResNet-50D, first blocks with a projection."""
    stages = ((256, 2, 1), (512, 2, 2), (1024, 4, 2), (2048, 2, 2))
    scales, expansions = (0.65, 0.8, 1.0), (0.2, 0.25, 0.35)
    forms = [3 * (3**least + 3 ** (least + 1) + 3 ** (least + 2)) for _, least, _ in stages]
    narrow, deep, wide, *drawn = digits(rank, 3, 2, 3, *forms)
    tape = Tape(side)
    for stride in (2, 1) if deep else (2,):
        tape.conv(divisible(divisible(64 * scales[narrow]) // 2), 3, stride)
    tape.conv(divisible(64 * scales[wide]), 3)
    tape.pool(2)
    for (channels, depth, stride), form in zip(stages, drawn, strict=True):
        width, within = divmod(form, 3**depth + 3 ** (depth + 1) + 3 ** (depth + 2))
        while within >= 3**depth:
            within -= 3**depth
            depth += 1
        out = divisible(channels * scales[width])
        for index, expansion in enumerate(digits(within, *[3] * depth)):
            came, inner = tape.channels, divisible(round(out * expansions[expansion]))
            tape.conv(inner)
            tape.conv(inner, 3, 1 if index else stride)
            tape.conv(out)
            if not index:
                tape.params += came * out + 2 * out
                tape.macs += came * out * tape.side**2
    tape.linear(1000)
    return tape.params, tape.macs


def fbnet(places: Sequence[int]) -> tuple[int, int]:
    """Return parameters and MACs of a network of FBNet: 0 is nothing, then kernels of 3, kernels of 5."""
    tape = Tape(224)
    tape.conv(16, 3, 2)
    drawn = iter(places)
    for channels, blocks, first in FBNET_STAGES:
        for index in range(blocks):
            stride, place = 1 if index else first, next(drawn)
            if place:
                kernel, kind = divmod(place - 1, 4)
                if kind > 1:
                    tape.conv(tape.channels * (3, 6)[kind - 2])
                tape.depthwise((3, 5)[kernel], stride)
                tape.conv(channels, g=1 if kind else 2)
            elif stride > 1 or tape.channels != channels:
                tape.conv(channels, s=stride)
    tape.conv(1984)
    tape.linear(1000)
    return tape.params, tape.macs


DARTS_PAIRS = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3), (0, 4), (1, 4), (2, 4), (3, 4))


def darts(rank: int) -> tuple[int, int]:
    """Return parameters and MACs of a network of DARTS on CIFAR-10: 20 cells, the first of 36 channels."""
    nodes = [radix for wirings in (1, 3, 6, 10) * 2 for radix in (wirings, 7, 7)]
    drawn = digits(rank, *nodes)
    normal, reduction = (
        # Of a node, two maps before it with an operation on each
        [list(zip(DARTS_PAIRS[cell[at]], cell[at + 1 : at + 3], strict=True)) for at in (0, 3, 6, 9)]
        for cell in (drawn[:12], drawn[12:])
    )
    params, macs, side = 27 * 108 + 2 * 108, 27 * 108 * 32**2, 32
    older, last = 108, 108

    def add(weights: int, norms: int, positions: int) -> None:
        nonlocal params, macs
        params, macs = params + weights + 2 * norms, macs + weights * positions

    for number in range(20):
        c, reduces = 36 * 2 ** ((number >= 6) + (number >= 13)), number in (6, 13)
        add((older + last) * c, 2 * c, side**2)  # a map that is as large as it was is halved by its stride
        out = side // 2 if reduces else side
        for node in reduction if reduces else normal:
            for source, kind in node:
                halves = reduces and source < 2
                if kind == 2 and halves:
                    add(c * c, c, out**2)
                elif kind > 2:
                    k = (3, 5, 3, 5)[kind - 3]
                    for _ in range(2 if kind < 5 else 1):
                        add(k * k * c + c * c, c, out**2)
        older, last, side = last, 4 * c, out
    return params + 10 * last + 10, macs + 10 * last


def gated_layer(tape: Tape, k: int, t: int, c: int, s: int, gate: bool = True) -> None:
    """Add an inverted residual whose gate has a quarter of the channels that come in."""
    came = tape.channels
    if t != 1:
        tape.conv(came * t)
    tape.depthwise(k, s)
    if gate:
        tape.squeeze_excite(came // 4)
    tape.conv(c)


def dna(rank: int) -> tuple[int, int]:
    """Return parameters and MACs of a network of DNA: of each stage one of three cells, of six operations a layer."""
    stages = (
        (((24, 2), (24, 3), (32, 2)), 2),
        (((40, 2), (40, 3), (40, 4)), 2),
        (((80, 2), (80, 3), (80, 4)), 2),
        (((112, 3), (112, 4), (96, 4)), 1),
        (((192, 4), (192, 5), (160, 5)), 2),
    )
    radices = [sum(6**n for _, n in cells) for cells, _ in stages]
    *forms, last = digits(rank, *radices, 6)
    tape = Tape(224)
    tape.conv(32, 3, 2)
    gated_layer(tape, 3, 1, 16, 1)
    for (cells, stride), form in zip(stages, forms, strict=True):
        within, drawn = form, iter(cells)
        c, n = next(drawn)
        while within >= 6**n:
            within -= 6**n
            c, n = next(drawn)
        for index, layer in enumerate(digits(within, *[6] * n)):
            gated_layer(tape, (3, 5, 7)[layer // 2], (3, 6)[layer % 2], c, 1 if index else stride)
    gated_layer(tape, (3, 5, 7)[last // 2], (3, 6)[last % 2], 320, 1)
    tape.conv(1280)
    tape.linear(1000)
    return tape.params, tape.macs


def mnasnet(rank: int) -> tuple[int, int]:
    """Return parameters and MACs of a network of MnasNet's space: of each block its width, operation, kernel, gate and
    skip, then its depth."""
    blocks = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
    radices = [radix for _, n, _ in blocks for radix in (3, 4, 2, 2, 3, 2 if n == 1 else 3)]
    drawn = digits(rank, *radices)
    tape = Tape(224)
    tape.conv(32, 3, 2)
    for number, (channels, usual, stride) in enumerate(blocks):
        width, op, kernel, gate, _, depth = drawn[6 * number : 6 * number + 6]
        c, k = channels * (3, 4, 5)[width] // 4, (3, 5)[kernel]
        for index in range(depth + max(usual - 1, 1)):
            s = 1 if index else stride
            if op == 0:
                tape.conv(c, k, s)
                if gate:
                    tape.squeeze_excite(c // 4)
            else:
                gated_layer(tape, k, (0, 1, 3, 6)[op], c, s, bool(gate))
    tape.conv(1280)
    tape.linear(1000)
    return tape.params, tape.macs


def nas_bench_words(cell: Sequence[str]) -> str:
    """Return what the last node of a cell of NAS-Bench-201 is, of edges from 0 to 1, 0 and 1 to 2, and 0, 1, 2 to 3, in
    the words of its code: sums as lines in alphabetical order, in which a zero has a sign of its own."""

    def edge(kind: str, x: str) -> str:
        return "#" if kind == "none" or x == "#" else x if kind == "skip_connect" else f"({x})@{kind}"

    one = edge(cell[0], "0")
    two = "+".join(sorted((edge(cell[1], "0"), edge(cell[2], one))))
    return "+".join(sorted((edge(cell[3], "0"), edge(cell[4], one), edge(cell[5], two))))


def nas_bench_sums(cell: Sequence[str]) -> tuple[Any, ...]:
    """Return the same as the terms of sums, in no order; a zero is no term, nor is what is done to it."""

    def edge(kind: str, terms: tuple[Any, ...]) -> tuple[Any, ...]:
        return () if kind == "none" else terms if kind == "skip_connect" else ((kind, terms),) if terms else ()

    def node(*edges: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(sorted((term for terms in edges for term in terms), key=repr))

    one = edge(cell[0], ("x",))
    two = node(edge(cell[1], ("x",)), edge(cell[2], one))
    return node(edge(cell[3], ("x",)), edge(cell[4], one), edge(cell[5], two))


# What the knobs of RegNet's space are drawn from, in its order.
REGNET: dict[str, Sequence[Any]] = {
    "w_0": range(8, 513, 8),
    "w_m": [1.5 + place / 40 for place in range(64)],
    "w_a": range(4, 257, 4),
    "d": range(1, 65),
    "b": (1, 2, 4),
    "g": (1, 2, 4, 8, 16, 32),
}


def regnet_stages(w_0: int, w_m: float, w_a: int, d: int) -> list[tuple[int, int]]:
    """Return the width and the depth of each stage: each block's width is rounded to a power of w_m, as ratios go, and
    then to a multiple of 8; blocks of one width are one stage."""
    powers = [round(math.log((w_0 + w_a * block) / w_0) / math.log(w_m)) for block in range(d)]
    return sorted(Counter(round(w_0 * w_m**power / 8) * 8 for power in powers).items())


def regnet(w_0: int, w_m: float, w_a: int, d: int, b: int, g: int) -> tuple[int, int]:
    """Return parameters and MACs of a RegNet, whose widths inside are made multiples of the groups'."""
    tape = Tape(224)
    tape.conv(32, 3, 2)
    for width, depth in regnet_stages(w_0, w_m, w_a, d):
        group = min(g, width // b)
        inner = max(group, round(width / b / group) * group)
        for block in range(depth):
            came, side = tape.channels, tape.side
            tape.conv(inner)
            tape.conv(inner, 3, 1 if block else 2, inner // group)
            tape.conv(inner * b)
            if not block:
                shortcut = Tape(side, came)
                shortcut.conv(inner * b, 1, 2)
                tape.params, tape.macs = tape.params + shortcut.params, tape.macs + shortcut.macs
    tape.linear(1000)
    return tape.params, tape.macs


def regnets(number: int) -> Iterator[dict[str, Any]]:
    """Yield what knobs of RegNet's space may say: anything, and widths that round to one, or are as near to two."""
    source = random.Random(number)
    for fixed in ({}, {"w_0": 8}, {"w_m": 2.25}):
        for _ in range(number):
            drawn = {name: source.choice(values) for name, values in REGNET.items()}
            if fixed.get("w_0"):
                drawn["w_m"] = source.choice(REGNET["w_m"][:6])
            yield drawn | fixed


def costs(name: str, rank: int, **settings: object) -> tuple[int, int]:
    """Return parameters and MACs of a network of a space as archprof counts them."""
    totals = archprof.analyze(name, network=str(rank), **{key: str(value) for key, value in settings.items()}).totals
    return totals.params, totals.macs


def ranks(name: str, number: int) -> list[int]:
    """Return the first and the last rank of a space, and some in between."""
    return [0, NETWORKS[name] - 1, *(random.Random(name).randrange(NETWORKS[name]) for _ in range(number))]


@pytest.mark.parametrize("name", NETWORKS)
def test_has_as_many_networks_as_its_formula(name):
    space = archprof.load(name)
    assert space.open is not None
    assert space.open.choices.networks == NETWORKS[name]


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("space_ofa_mbv3", 21_758_655_492_572_485_851),
        ("space_ofa_resnet50", 2_458_914_796_962),
        ("space_attentivenas", 440_301_256_704 // 4),  # which counts its four resolutions
        ("space_nats_size", 32_768),
        ("space_nas_bench_201", 15_625),
        ("space_dna", 195_898_498_887_057_408),
        ("space_fbnet", 984_770_902_183_611_232_881),
        ("space_regnet", 301_989_888),
    ],
)
def test_has_as_many_networks_as_are_said_elsewhere(name, printed):
    assert NETWORKS[name] == printed


@pytest.mark.parametrize(("output", "number"), [(nas_bench_words, 6_466), (nas_bench_sums, 4_930)])
def test_cells_of_nas_bench_that_differ(output, number):
    space = archprof.load("space_nas_bench_201")
    assert space.open is not None
    cells = product(*[[option_text(option) for option in draw.options] for draw in space.open.choices.knobs])
    assert len(set(map(output, cells))) == number


def test_ofa_has_25_resolutions():
    rule = archprof.load("space_ofa_mbv3").space
    assert rule is not None
    assert rule.resolutions == tuple(map(str, range(128, 225, 4)))


@pytest.mark.parametrize("name", NETWORKS)
def test_fits_together_at_every_resolution_that_it_names(name):
    rule = archprof.load(name).space
    macs = [archprof.analyze(name, resolution=size).totals.macs for size in (rule.resolutions if rule else ())]
    assert macs == sorted(macs)


@pytest.mark.parametrize(("rank", "macs"), [(0, 121_278_672), (NETWORKS["space_ofa_mbv3"] - 1, 566_170_656)])
def test_the_first_and_the_last_of_ofa_are_the_known_ends_of_its_macs(rank, macs):
    assert costs("space_ofa_mbv3", rank)[1] == macs


def test_the_least_of_ofa_on_ten_classes_is_what_a_public_report_counts():
    """89,421,520 there, with h-swish and the scaling of gates, which are no multiply-accumulates here."""
    assert costs("space_ofa_mbv3", 0, resolution=192, classes=10)[1] == 88_574_144


@pytest.mark.parametrize("rank", ranks("space_ofa_mbv3", 6))
@pytest.mark.parametrize(("side", "width"), [(224, 1), (196, 1.2)])
def test_networks_of_ofa_cost_what_their_layers_do(rank, side, width):
    counted = costs("space_ofa_mbv3", rank, resolution=side, width=width)
    assert counted == ofa_mbv3(list(ofa_stages(rank)), side, width)


@pytest.mark.parametrize("rank", ranks("space_attentivenas", 6))
@pytest.mark.parametrize("side", [192, 288])
def test_networks_of_attentivenas_cost_what_their_layers_do(rank, side):
    assert costs("space_attentivenas", rank, resolution=side) == attentivenas(rank, side)


@pytest.mark.parametrize("rank", ranks("space_ofa_resnet50", 6))
@pytest.mark.parametrize("side", [128, 224])
def test_networks_of_ofa_on_resnets_cost_what_their_layers_do(rank, side):
    assert costs("space_ofa_resnet50", rank, resolution=side) == ofa_resnet50(rank, side)


@pytest.mark.parametrize("rank", ranks("space_spos_shufflenet", 4))
def test_networks_of_single_path_one_shot_cost_what_their_layers_do(rank):
    assert costs("space_spos_shufflenet", rank) == spos(digits(rank, *[4] * 20))


@pytest.mark.parametrize("number", [8, pytest.param(70, marks=pytest.mark.night)])
def test_regnets_cost_what_their_rule_says(number):
    for drawn in regnets(number):
        rank = 0
        for name, values in REGNET.items():
            rank = rank * len(values) + list(values).index(drawn[name])
        assert costs("space_regnet", rank) == regnet(**drawn), drawn


def test_stages_of_regnets_are_as_deep_as_their_rule_says():
    """Of 64 blocks, of which those of less are the first, at every 61st of w_0 and w_m."""
    spec = archprof.load("space_regnet")
    assert spec.open is not None
    points, rows = Points(spec, spec.open), Rows(spec, spec.open)
    layers = spec.open.root.get("layers")
    assert isinstance(layers, Seq)
    table = [row for row in rows_of(layers.items) if row.address]
    for point in range(0, points.both.size, 61):
        w_0, w_m = (list(REGNET[name])[digit] for name, digit in zip(("w_0", "w_m"), divmod(point, 64), strict=True))
        names = points.names_of_repeats(np.array([point]))
        found = [np.broadcast_to(rows.repeats(row, names), (1, 64, 64))[0, :, -1] for row in table]
        for place, w_a in enumerate(REGNET["w_a"]):
            depths = [int(line[place]) for line in found if line[place]]
            assert depths == [depth for _, depth in regnet_stages(w_0, w_m, w_a, 64)]


@pytest.mark.parametrize("w_m", ["1.5", "2.25", pytest.param("", marks=pytest.mark.night)])
def test_regnets_as_a_grid_cost_what_their_rule_says(w_m):
    spec = archprof.load("space_regnet", **({"w_m": w_m} if w_m else {}))
    assert spec.open is not None
    knobs = {**REGNET, **({"w_m": [float(w_m)]} if w_m else {})}
    grid, source = Grid(spec, spec.open, ("params", "macs")), random.Random(w_m)
    found: dict[int, Any] = {}
    wanted = set(source.sample(range(grid.points.blocks), 8))
    for block in grid.blocks(wanted=wanted.__contains__):
        sums = block.sums.reshape(2, -1)
        places = np.array(source.sample(range(sums.shape[1]), 40))
        found |= zip(block.ranks_at(places).tolist(), map(tuple, sums[:, places].T.tolist()), strict=True)
    assert len(found) == 8 * 40
    for rank, counted in found.items():
        drawn = digits(rank, *map(len, knobs.values()))
        assert counted == regnet(**{name: knobs[name][digit] for name, digit in zip(knobs, drawn, strict=True)})


@pytest.mark.parametrize(
    ("knobs", "published"),
    [
        ({"w_0": 24, "w_m": 2.5, "w_a": 36, "d": 13, "g": 8}, "regnetx_002"),
        ({"w_0": 24, "w_m": 2.55, "w_a": 24, "d": 22, "g": 16}, "regnetx_004"),
        ({"w_0": 56, "w_m": 2.275, "w_a": 36, "d": 16, "g": 16}, "regnet_x_800mf"),
    ],
)
def test_regnets_of_knobs_near_those_of_published_ones(knobs, published):
    """The knobs of the published ones are rounded to what is drawn, and groups to powers of two."""
    totals = archprof.analyze(
        "space_regnet", **{name: f"{value:g}" for name, value in (knobs | {"b": 1}).items()}
    ).totals
    assert (totals.params, totals.macs) == regnet(**knobs, b=1)
    assert totals.macs == pytest.approx(archprof.analyze(published).totals.macs, rel=0.1)


@pytest.mark.parametrize("rank", ranks("space_darts", 3))
def test_networks_of_darts_cost_what_their_cells_do(rank):
    assert costs("space_darts", rank) == darts(rank)


@pytest.mark.parametrize("rank", ranks("space_dna", 6))
def test_networks_of_dna_cost_what_their_layers_do(rank):
    assert costs("space_dna", rank) == dna(rank)


@pytest.mark.parametrize("rank", ranks("space_mnasnet", 8))
def test_networks_of_mnasnet_cost_what_their_layers_do(rank):
    assert costs("space_mnasnet", rank) == mnasnet(rank)


@pytest.mark.parametrize("name", ["space_darts", "space_nas_bench_201"])
def test_cells_taken_apart_cost_what_networks_do(name):
    found = space_of(archprof.load(name))
    places = [found.automaton.metrics.index(metric) for metric in ("params", "macs")]
    for path in draw(found.automaton, 3, random.Random(name)):
        sums = sums_of(found.automaton, path)
        assert tuple(sums[place] for place in places) == costs(name, rank_of(found.choices, found.pick(path)))


@pytest.mark.parametrize("rank", ranks("space_fbnet", 4))
def test_networks_of_fbnet_cost_what_their_layers_do(rank):
    assert costs("space_fbnet", rank) == fbnet(digits(rank, *[9] * 22))


def test_fbnet_b_is_a_network_of_its_space():
    places = (2, 4, 6, 2, 2, 8, 7, 4, 8, 8, 8, 0, 7, 8, 2, 6, 7, 8, 6, 8, 8, 4)
    rank = sum(place * 9 ** (21 - index) for index, place in enumerate(places))
    totals = archprof.analyze("fbnet_b").totals
    assert costs("space_fbnet", rank) == (totals.params, totals.macs)
