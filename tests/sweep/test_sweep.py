"""A sweep's numbers are those of `summary`, integer for integer, however its variants are computed."""

import pickle
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from archprof.costs.report import analyze_graph
from archprof.errors import SpecError, UsageError
from archprof.language.expand import expand
from archprof.spec.axis import parse_axis
from archprof.sweep.compute import compute
from archprof.sweep.plan import CHANNEL, SPACE, STRUCTURE, CountLimit, Selection, plan_sweep
from archprof.sweep.run import Tally, digits, stretches, sweep
from archprof.sweep.sampling import ranks_of
from tests.by_day import core_by_day, widened


def plan_of(model, *axes, selection=None, **options):
    return plan_sweep(
        model, [parse_axis(tuple(axis.rsplit("=", 1))) for axis in axes], selection or Selection(), **options
    )


def swept(plan, start=0, stop=None):
    return compute(pickle.dumps(plan), start, plan.size if stop is None else stop)


def settings_of(plan, number):
    found = digits(plan, np.array([number]))
    return [(axis.name, axis.values[int(found[axis.name][0])]) for axis in plan.axes]


def one_by_one(plan, number):
    """The costs that `summary` prints; None where it prints an error."""
    try:
        return tuple(analyze_graph(expand(plan.spec(settings_of(plan, number)))).totals.values())
    except SpecError:
        return None


def check(plan, numbers, stretch):
    """Compare some variants with `summary`, and the count of those that cannot be with what is missing."""
    found = dict(zip(stretch.numbers.tolist(), map(tuple, stretch.costs.T.tolist()), strict=True))
    for number in numbers:
        assert found.get(number) == one_by_one(plan, number), settings_of(plan, number)
    assert len(found) + sum(one.variants for one in stretch.invalid) == stretch.stop - stretch.start


# Network, axes: channels and sizes that split batches, structures, what cannot be.
SWEEPS = {
    "widths": ("mobilenet_v3_large", "width=0.1:2:0.05", "resolution=33:300:7"),
    "plain products": ("mobilenet_v1", "width=0.05:1.5:0.01", "resolution=32:224:48"),
    "ratios": ("mobilenet_v3_large_paper", "width=0.1:2:0.05", "classes=10,1000"),
    "ratios of large counts": ("v3@width.expand=ratio", "width=0.3:1.4:0.1", "layers[1].rows[13].c=200:1040:120"),
    "own width": ("efficientnet_b3", "width=0.3:1.5:0.1", "depth=0.5,1,1.3", "resolution=40:48:1,96x128"),
    "cells": ("v3", "layers[1].rows[2].k=3,5,7", "layers[1].rows[4].exp=40:240:8", "width=0.5,1"),
    "groups": ("resnet18", "layers[0].g=1,3,4", "resolution=1:40:4"),
    "group width": ("regnet_x_400mf", "layers[1].rows[0].c=16:96:8", "layers[1].rows[0].g=8,16,12"),
    "too small": ("vgg11", "resolution=16:64:1", "layers[0].c=1:4:1"),
    "knob": ("densenet121", "growth_rate=1:48:5", "classes=1:3:1"),
    "kernels": ("mixnet_s", "width=0.25:1.5:0.05", "resolution=64,65,66"),
    "halves": ("shufflenet_v2_x1_0", "layers[0].c=1:48:1", "resolution=32:40:1"),
    "ghosts": ("ghostnet_100", "width=0.1:1.3:0.05", "resolution=64:224:20"),
    "heads on every level": ("retinanet_R-50-FPN", "resolution=64:160:8", "anchors=3,9", "classes=10,80"),
    "flags in cells": ("lraspp_mobilenet_v2", "width=0.3:1.4:0.1", "rf2=true,false", "filters=64:256:32"),
    "windows that are maps": ("efficientvit_m0", "resolution=64:320:16", "stage1.N=2,4"),
    "outputs": ("resnet50_fpn", "resolution=64:128:8", "layers[0].c=32,64"),
    "positions that are channels": ("mixer_s32_224", "resolution=64,32,96", "classes=10,100"),
    "functions in cells": ("v2", "layers[2].c=4x,make_divisible(64*4,8),max(8,16)", "width=0.5,1"),
    "divisors": ("v2", "width=0.3:1:0.1", "width.divisor=4,8"),
    "networks of a space": ("space_nats_size", "network=5,600,32767", "resolution=32,64"),
    "what cannot be computed": ("efficientnet_cc_b1_8e", "width=1:1.6:0.05", "resolution=32,64"),
}


@pytest.mark.few(9)
@pytest.mark.parametrize("name", SWEEPS)
def test_products(name, variants):
    plan = plan_of(*SWEEPS[name])
    stretch = swept(plan)
    check(plan, random.Random(name).sample(range(plan.size), min(plan.size, variants)), stretch)


@pytest.mark.parametrize(
    ("shapes", "sizes", "own"),
    [
        ("1x24x32", "1x16x16,32x40", ["16", "32x40"]),
        ("4x50", "4x20,1x20,30", "a channel too many"),
        ("3x6x24x32", "16,3x6x8x9", ["16", "8x9"]),
        ("1x24x32,2x24x32", "1x16x16,2x16x16,20", ["1x16x16", "2x16x16", "20"]),
        ("3x24x32,3x60", "16,3x20,8x9", ["16", "3x20", "8x9"]),
    ],
)
def test_resolutions_are_those_of_the_input_that_is_set(tmp_path, shapes, sizes, own):
    """Whatever the network of the file takes, a variant is what `summary` says at its input and resolution."""
    path = tmp_path / "net.yaml"
    path.write_text("archprof: 1\ninput: 3x16x16\nlayers: [conv: {k: 3, c: 8}, avg_pool: , linear: 5]\n")
    if isinstance(own, str):
        with pytest.raises(SpecError, match="`1x20` has 1 channel, the network takes 4"):
            swept(plan_of(str(path), f"input={shapes}", f"resolution={sizes}"))
        return
    plan = plan_of(str(path), f"input={shapes}", f"resolution={sizes}")
    assert [list(axis.values) for axis in plan.axes if axis.name == "resolution"] == [own]
    check(plan, range(plan.size), swept(plan))


@pytest.mark.parametrize("places", [("layers[0].c", "layers[0].out"), ("layers[1].rows[2].t",) * 2])
def test_one_place_has_one_axis(places):
    """A place may be spelled in several ways; the same name stands where it was last."""
    axes = [f"{place}={values}" for place, values in zip(places, ("2,4", "6,8"), strict=True)]
    if len(set(places)) == 1:
        assert plan_of("v2", *axes).product == 2
        return
    with pytest.raises(UsageError) as raised:
        plan_of("v2", *axes)
    assert str(raised.value) == (f"another axis sets `{places[0]}` too\n  help: give all values of a place in one axis")


def test_classes_of_a_network_of_blocks_of_its_own():
    plan = plan_of("vit_tiny_patch16_224", "classes=10,100")
    check(plan, range(2), swept(plan))


NESTED = Path(__file__).parent / "nested.yaml"


# Choices in cells of rows: each is bound once, and a row is computed once for those that have it.
def cells(layers, rows, *settings):
    """Return an axis for each setting (`k=3,5`) of each of some rows."""
    return [f"{layers}.rows[{row}].{setting}" for setting in settings for row in rows]


CHOICES = {
    "kernels": ("v3", *cells("layers[1]", range(15), "k=3,5,7")),
    "kernels at widths": ("v3", *cells("layers[1]", range(15), "k=3,5,7"), "width=0.5:1:0.1", "resolution=96:224:32"),
    "gates and activations": ("v3", *cells("layers[1]", range(15), "se=-,✓,0.5", "act=RE,HS")),
    "two cells of a row": ("v3", *cells("layers[1]", range(15), "k=3,5"), *cells("layers[1]", range(3, 15), "s=1,2")),
    "beside channels": ("v3", *cells("layers[1]", range(3, 7), "k=3,5", "se=-,✓", "c=16:64:16"), "resolution=32,65"),
    "shapes": ("v2", *cells("layers[1]", range(7), "n=1,2,3", "t=1,3,6")),
    "what cannot be": ("v3", *cells("layers[1]", range(6, 15), "k=3,0,999,5"), "resolution=32,224"),
    "groups": ("resnet50", *cells("layers[2]", range(4), "groups=1,3,4,32"), "width_per_group=4,64"),
    "referred to": (
        "resnet50_fpn", "conv2_x.d=1,2", "conv3_x.d=1,2", "conv4_x.d=1,2", "conv5_x.s=1,2",
        "conv3_x.deform=-,plain,modulated",
    ),
    "group widths": ("regnet_x_400mf", *cells("layers[1]", range(4), "g=8,16,12"), "layers[1].rows[3].n=4,12"),
    "inside a layer": (
        str(NESTED), *cells("deep.body[0]", range(3), "k=3,5", "t=1,2,6"), "deep.body[1].paths[1][0].k=3,5",
        "again.layers[0].k=1,3,5", "wide=8:40:8", "width=0.5,1",
    ),
}  # fmt: skip


@pytest.mark.few(2)
@pytest.mark.parametrize("name", CHOICES)
def test_choices_in_cells_of_rows(name, variants):
    model, *axes = CHOICES[name]
    product = plan_of(model, *axes).product
    plan = plan_of(model, *axes, sample=min(product, 20 * variants), seed=3)
    check(plan, random.Random(name).sample(range(plan.size), min(plan.size, variants)), swept(plan))


@pytest.mark.parametrize("model", core_by_day(widened()))
def test_random_variants_of_every_network_with_a_width(model, variants):
    """1,000 of each are computed side by side, and a sample of them alone."""
    plan = plan_of(model, "width=0.1:2:0.001", "resolution=32:256:1", sample=1000, seed=7)
    check(plan, random.Random(model).sample(range(1000), variants // 2), swept(plan))


def test_roles():
    plan = plan_of(
        "v3", "resolution=64:512:64", "layers[1].rows[2].k=3,5", "width=0.5,1", "layers[1].rows[4].exp=120,128"
    )
    assert dict(zip([axis.name for axis in plan.axes], plan.roles, strict=True)) == {
        "layers[1].rows[2].k": STRUCTURE, "width": CHANNEL, "layers[1].rows[4].exp": CHANNEL, "resolution": SPACE,
    }  # fmt: skip


@pytest.mark.parametrize(
    "axes",
    [
        ("mobilenet_v2", "width=0.3:1.4:0.1", "resolution=32:160:4", "layers[1].rows[2].k=3,5"),
        ("v3", *cells("layers[1]", (4, 8), "k=3,5", "se=-,✓", "c=40,112"), "resolution=32,64,96"),
    ],
    ids=["widths", "choices beside channels"],
)
def test_any_stretch_is_a_part_of_the_whole(axes):
    plan = plan_of(*axes)
    whole = swept(plan)
    generator = random.Random(5)
    for _ in range(20):
        start, stop = sorted(generator.sample(range(plan.size + 1), 2))
        part = swept(plan, start, stop)
        assert part.numbers.tolist() == whole.numbers[start:stop].tolist()
        assert (part.costs == whole.costs[:, start:stop]).all()


@pytest.mark.parametrize(("product", "size"), [(1, 1), (2, 1), (7, 5), (1751, 1000), (64, 64)])
def test_a_sample_holds_no_variant_twice(product, size):
    plan = plan_of(
        "mobilenet_v2", f"resolution={','.join(str(32 + side) for side in range(product))}", sample=size, seed=3
    )
    ranks = ranks_of(plan, np.arange(plan.size)).tolist()
    assert len(set(ranks)) == len(ranks) == size
    assert all(0 <= rank < product for rank in ranks)


def test_another_seed_is_another_sample():
    one, other = (
        ranks_of(plan_of("v2", "resolution=32:500:1", sample=50, seed=seed), np.arange(50)).tolist() for seed in (1, 2)
    )
    assert one != other


def test_limits_top_and_pareto_are_those_of_all():
    """What a selection keeps piece by piece is what plain Python chooses from the whole table."""
    axes = ("mobilenet_v2", "width=0.2:1.4:0.05", "resolution=64:256:8")
    everything = swept(plan_of(*axes))
    limits = (CountLimit("macs", 100_000_000, True), CountLimit("params", 2_000_000, False))
    rows = [
        (number, *cost) for number, cost in zip(everything.numbers.tolist(), everything.costs.T.tolist(), strict=True)
    ]
    within = [row for row in rows if row[4] <= 100_000_000 and row[1] >= 2_000_000]
    stretch = swept(plan_of(*axes, selection=Selection(limits)))
    assert stretch.numbers.tolist() == [row[0] for row in within]
    selection = Selection(limits, sort="-macs", top=9)
    tally = Tally([plan_of(*axes, selection=selection)])
    for piece in sweep(tally.plans):
        tally.hold(tally.add(piece), selection)
    assert tally.ordered(selection).numbers.tolist() == [
        row[0] for row in sorted(within, key=lambda row: (-row[4], row[0]))[:9]
    ]
    assert tally.fitting == len(within)
    front = swept(plan_of(*axes, selection=Selection(limits, ("params", "-macs"))))
    points = {(row[1], row[4]) for row in within}
    unbeaten = {
        (params, macs)
        for params, macs in points
        if not any(a <= params and b >= macs and (a, b) != (params, macs) for a, b in points)
    }
    assert {tuple(cost) for cost in front.costs[[0, 3]].T.tolist()} == unbeaten


def test_stretches_cover_everything_once():
    grid = plan_of("v2", "width=0.1:3:0.001", "resolution=32:500:1")
    for plan in (grid, grid._replace(sample=300_001)):
        pieces = list(stretches(plan))
        assert pieces[0][0] == 0
        assert pieces[-1][1] == plan.size
        assert all(stop == start for (_, stop), (start, _) in pairwise(pieces))
        assert list(stretches(plan, pieces[1][0])) == pieces[1:]


def test_totals_beyond_64_bits_are_an_error():
    with pytest.raises(UsageError, match="2\\^63"):
        swept(plan_of("vgg16", "conv1.c=1000000", "resolution=60000:65536:100"))


def test_totals_within_64_bits_but_beyond_floats_are_exact():
    plan = plan_of("vgg16", "conv1.c=4000:4001:1", "resolution=8192:8199:1")
    stretch = swept(plan)
    assert stretch.costs.max() > 1 << 53
    check(plan, range(plan.size), stretch)


def test_reasons_are_counted():
    plan = plan_of("regnet_x_400mf", "layers[1].rows[0].c=30:41:1", "layers[1].rows[0].g=16")
    (one,) = swept(plan).invalid
    assert (one.variants, one.reason) == (
        11,
        "layers[1].rows[0].g: 30 channels are not divisible by a group width of 16",
    )


def test_a_variant_that_cannot_be_is_counted_once(tmp_path):
    """Whichever of its rows' alternatives is tried, a layer that nobody reads is in all of 3·3·3 variants."""
    path = tmp_path / "net.yaml"
    path.write_text(
        "archprof: 1\ninput: 3x32x32\nlayers:\n  - {id: a, conv2d: {k: 3, c: 8}}\n"
        "  - {id: b, from: a, conv2d: {k: 1, c: 8}}\n  - {id: unread, conv2d: {k: 3, c: 8}}\n"
        "  - {from: [a, b], add: }\n"
    )
    (one,) = swept(plan_of(str(path), "b.n=1:3:1", "b.k=1,3,5", "unread.n=1:3:1")).invalid
    assert (one.variants, one.reason) == (27, "`layers[2]` leads to no output")


def test_inputs_that_a_table_states_are_those_of_its_own_cells():
    """Behind a row of 48 or 56 channels in place of 40 the next one has as many, whatever its own table says."""
    plan = plan_of("v3", "layers[1].rows[4].c=40,48,56")
    stretch = swept(plan)
    assert stretch.invalid == ()
    assert [tuple(costs) for costs in stretch.costs.T.tolist()] == [one_by_one(plan, number) for number in range(3)]


def test_the_first_value_may_be_one_that_cannot_be():
    plan = plan_of("resnet18", "layers[0].c=0:3:1", "resolution=32:64:32")
    stretch = swept(plan)
    assert [one.variants for one in stretch.invalid] == [2]
    check(plan, range(plan.size), stretch)
