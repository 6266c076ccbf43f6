"""`solve` finds the best there is: nothing that trying widths one by one turns up is better, and what it names stands
at the edge of its interval."""

import json
import math
import random
from itertools import pairwise

import pytest

from archprof.costs.report import analyze_graph
from archprof.language.expand import read_network
from archprof.language.widths import rounded
from archprof.spec.types import WidthRule
from archprof.sweep.breakpoints import shortest, width_steps
from archprof.sweep.plan import CountLimit
from archprof.sweep.solve import Goal, solve
from tests.cli.console import archprof


def totals(model, **settings):
    return analyze_graph(read_network(model, [(key, str(value)) for key, value in settings.items()])).totals


@pytest.mark.parametrize("rule", [WidthRule(8), WidthRule(4), WidthRule(1), WidthRule(None)])
def test_between_two_steps_nothing_changes(rule):
    """At random widths the counts are those at the step below, and each step changes one of them."""
    counts = [(16, True), (24, True), (960, True), (1280, False), (30, True)]

    def at(width):
        its = [(channels, width if narrow else max(width, 1.0)) for channels, narrow in counts]
        return [channels if its_width == 1 else rounded(channels * its_width, rule) for channels, its_width in its]

    steps = width_steps(counts, rule, 0.1, 2.0)
    generator = random.Random(1)
    for width in (generator.uniform(0.1, 2.0) for _ in range(1000)):
        assert at(width) == at(max(step for step in steps if step <= width))
    for before, step in pairwise(steps):
        assert at(math.nextafter(step, 0)) == at(before) != at(step)


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.7421875, 0.7578125, "0.75"),
        (0.1, 0.10058, "0.1"),
        (1.0, math.nextafter(1.0, 2.0), "1"),
        (0.23441, 0.2346, "0.2345"),
    ],
)
def test_the_shortest_decimal(low, high, wanted):
    assert shortest(low, high) == wanted


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "model", ["mobilenet_v1", "mobilenet_v2", "v3", "mobilenet_v3_small_paper", "efficientnet_b2", "mixnet_s"]
)
def test_nothing_tried_is_better(model):
    budget = totals(model, resolution=64).macs * 7 // 10
    goal = Goal((CountLimit("macs", budget, True),))
    found = solve(model, goal, [("resolution", "64")], (0.1, 2.0), (), False)
    assert found.fits
    assert found.above
    assert totals(model, resolution=64, **dict(found.best.settings)) == found.best.totals
    assert totals(model, resolution=64, **dict(found.above.settings)) == found.above.totals
    tried = [totals(model, resolution=64, width=f"{thousandth / 1000:g}").macs for thousandth in range(100, 2001, 25)]
    assert max(macs for macs in tried if macs <= budget) <= found.best.totals.macs <= budget
    assert budget < found.above.totals.macs <= min(macs for macs in tried if macs > budget)


def test_sizes_to_choose_from():
    limits = (CountLimit("macs", 100_000_000, True), CountLimit("params", 4_000_000, True))
    sizes = ("128", "160", "192", "224")
    found = solve("v3", Goal(limits, "params"), (), (0.25, 2.0), sizes, False)
    tried = [totals("v3", width=f"{width / 100:g}", resolution=size) for width in range(25, 201, 25) for size in sizes]
    best = max(cost.params for cost in tried if cost.macs <= 100_000_000 and cost.params <= 4_000_000)
    assert best <= found.best.totals.params <= 4_000_000
    assert [limit.metric for limit in found.limits if limit.binds] == ["params"]


def test_the_compound_rule():
    """φ = 0 is B0; at φ = 1 the rule of the paper gives 1.2, 1.1 and 1.15 times its depth, width and resolution."""
    own = totals("efficientnet_b0")
    found = solve("efficientnet_b0", Goal((), target=own.macs), (), (0.1, 4.0), (), True)
    assert found.best.totals == own
    scaled = totals("efficientnet_b0", depth=1.2, width=1.1, resolution=round(224 * 1.15))
    found = solve("efficientnet_b0", Goal((), target=scaled.macs), (), (0.1, 4.0), (), True)
    assert found.best.totals == scaled
    _, low, high = found.best.interval or ("", 0, 0)
    assert low <= 1 <= high


@pytest.mark.parametrize(
    ("shape", "resolution", "scaled"),
    [("3x64x128", "64x128", "74x147"), ("3x4x64x96", "64x96", "74x110"), ("8x400", "400", "460")],
    ids=["image", "video", "sequence"],
)
def test_the_compound_rule_scales_each_side(tmp_path, shape, resolution, scaled):
    """φ = 0 is the network itself whatever its sides, and φ = 1 has 1.15 times each of them."""
    path = tmp_path / "net.yaml"
    path.write_text(
        f"archprof: 1\ninput: {shape}\nclasses: 10\nwidth: {{divisor: 8}}\ndepth: {{round: ceil}}\n"
        "layers: [conv: {k: 3, c: 32}, conv: {k: 3, c: 64, n: 5}, avg_pool: , linear: classes]\n"
    )
    for settings in ({"resolution": resolution}, {"depth": 1.2, "width": 1.1, "resolution": scaled}):
        wanted = totals(str(path), **settings)
        found = solve(str(path), Goal((), target=wanted.macs), (), (0.1, 4.0), (), True).best
        assert (found.totals, found.settings["resolution"]) == (wanted, settings["resolution"])


def test_the_command(capsys, tmp_path):
    path = tmp_path / "small.yaml"
    result = archprof(
        capsys, "solve", "mobilenet_v2", "--max-macs", "150M", "--format", "json", "--write-spec", str(path)
    )
    assert (result.code, result.err) == (0, "")
    document = json.loads(result.out)
    assert document["limits"] == [
        {"metric": "macs", "max": 150_000_000, "left": 150_000_000 - document["best"]["totals"]["macs"], "binds": True}
    ]
    summary = archprof(capsys, "summary", str(path), "--format", "json")
    assert json.loads(summary.out)["totals"] == document["best"]["totals"]


def test_an_impossible_budget(capsys):
    result = archprof(capsys, "solve", "v2", "--max-params", "1k")
    assert (result.code, result.err) == (1, "no network of the range is within the budget\n")
    assert "nearest" in result.out


@pytest.mark.parametrize(
    ("arguments", "width"),
    [
        ("--target-macs 1T", "4"),
        ("--max-macs 1T --max-params 1", "0.1"),
        ("--max-params 1T --target-macs 100M", "0.53"),
    ],
)
def test_numbers_beyond_64_bits(capsys, arguments, width):
    """A budget that no machine integer holds is answered as one that does."""
    beyond = arguments.replace("1T", "1000000000000000000T")
    answers = [
        json.loads(archprof(capsys, "solve", "v2", *its.split(), "--format", "json").out) for its in (arguments, beyond)
    ]
    assert [answer["best"]["settings"]["width"] for answer in answers] == [width, width]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "solve v2",
            "no budget to solve for\n  help: `--max-macs 150M`, `--max-peak 512KiB` or `--target-macs 600M`\n",
        ),
        (
            "solve resnet18 --max-macs 1G",
            (
                "`resnet18` has no width multiplier to solve for\n  help: name input sizes to choose from: "
                "`--resolution 128:288:32`\n"
            ),
        ),
        (
            "solve v2 --max-macs 1G --scale compound",
            (
                "`mobilenet_v2` cannot be scaled by the compound rule\n  help: it takes a spec that says `width:` "
                "and `depth:`, of an input that has a resolution\n"
            ),
        ),
        (
            "solve v2 --max-macs 1G --width 2:1",
            "`--width 2:1` is an empty range\n  help: from the smaller to the larger: `0.25:2`\n",
        ),
        (
            "solve v2 --max-macs 1G --maximize size",
            "`--maximize` names no count: `size`\n  help: counts: macs, params, activations, train_macs\n",
        ),
        (
            "solve v2 --target-macs 1G --maximize params",
            "`--target-macs` and `--maximize` at once\n  help: the nearest, or the most: leave one out\n",
        ),
        (
            "solve v2@width=0.5 --max-macs 1G",
            (
                "`width=0.5` is given, and `solve` chooses it\n  help: leave it out, or choose from it alone: "
                "`--width 0.5`\n"
            ),
        ),
        (
            "solve v2 --max-macs 1G --set resolution=96 --resolution 128,160",
            (
                "`resolution=96` is given, and `solve` chooses it\n  help: leave it out, or choose from it alone: "
                "`--resolution 96`\n"
            ),
        ),
        (
            "solve efficientnet_b0@depth=2 --max-macs 1G --scale compound",
            "`depth=2` is given, and `solve` chooses it\n  help: leave it out\n",
        ),
        (
            "solve v2 --max-macs 1G --width wide",
            "width=wide: expected a width multiplier, not `wide`\n  help: a number from 0.001 to 1,000\n",
        ),
        (
            "solve v2 --max-macs 1G --resolution large,128",
            ("resolution=large: expected a resolution, not `large`\n  help: as in `192`, `192x256` or `3x192x256`\n"),
        ),
        (
            "solve v2 --max-macs 1G --write-spec net.txt",
            "`net.txt` is no name of a spec\n  help: a name that ends with .yaml or .yml\n",
        ),
    ],
)
def test_what_is_asked_wrongly(capsys, arguments, message):
    assert archprof(capsys, *arguments.split()) == (2, "", message)
