"""Spaces of knobs as grids: each answer is that of their networks looked at one by one, as `summary` counts them."""

import random
from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest

from archprof.costs.memory import with_memory
from archprof.costs.report import analyze_graph
from archprof.errors import InputError
from archprof.ir.setup import INFERENCE
from archprof.language.expand import expand
from archprof.language.spellings import spellings
from archprof.space.asked import answer, opened
from archprof.space.grid import Grid
from archprof.space.grid_search import GridSearch
from archprof.space.grid_spread import Spread
from archprof.space.labels import Objective
from archprof.space.search import Question, Search
from archprof.spec.load import load, read_tree, resolve

# Two stages whose widths and depths hang on the same knobs: one may be left out, which makes another the first, and
# groups part ways where they are as wide as a map, or 1.
TEXT = """archprof: 1
name: knobs
input: 3x32x32
classes: 10
defaults: {norm: batch_norm, act: relu}
knobs:
  w: {choice: "8:24:8"}
  m: {choice: [1.5, 2]}
  d: {choice: "1:5:1"}
  a: {choice: [2, 4]}
  more: {choice: [false, true]}
  g: {choice: [1, 8]}
  head: {choice: [16, 24]}
  unused: {choice: [0, 1]}
blocks:
  stage:
    columns:
      i: {type: int}
      s: {type: int, default: 1}
      next: {type: int, default: "ceil($w * pow($m, $i) / $a / 3)"}
      first: {type: int, default: "if($i == 0, 0, ceil($w * pow($m, $i - 1) / $a / 3))"}
      c: {type: int, default: "max(1, round($w * pow($m, $i) / 8)) * 8"}
    repeats: min($d, $next) - min($d, $first)
    layers: [x_block: {c: $c, g: "if($i == 1, $g, 8)", s: $s}]
layers:
  - conv: {k: 3, s: 2, c: $w}
  - {conv: {k: 1, c: 1x}, when: $more}
  - stage: {s: 2, columns: [i], rows: [[0], [1], [2]]}
  - conv: {k: 1, c: $head, n: $a}
  - avg_pool
  - linear: classes
"""
OPTIONS = {
    "w": (8, 16, 24), "m": (1.5, 2), "d": (1, 2, 3, 4, 5), "a": (2, 4), "more": (False, True), "g": (1, 8),
    "head": (16, 24), "unused": (0, 1),
}  # fmt: skip
NETWORKS = 3 * 2 * 5 * 2**5
TREE = read_tree("knobs.yaml", spellings, TEXT)


@pytest.fixture(scope="module")
def counted():
    """The counts of all networks, by rank."""
    return [
        analyze_graph(expand(resolve(TREE, (("network", str(rank)),), spellings))).totals for rank in range(NETWORKS)
    ]


def grid_of(text: str = TEXT, *settings: tuple[str, str]) -> GridSearch:
    spec = resolve(read_tree("knobs.yaml", spellings, text), settings, spellings)
    assert spec.open is not None
    return GridSearch(spec, spec.open, settings, "")


def asked(**question: Any) -> Any:
    return grid_of().answer(Question(**question))


def within(counted, limits):
    """Return the ranks of the networks that keep some limits."""
    return [rank for rank, one in enumerate(counted) if all(one[name] <= most for name, most in limits.items())]


LIMITS = [
    {},
    {"macs": 500_000},
    {"macs": 500_000, "params": 4_000},
    {"macs": 400_000, "params": 9_000, "activations": 30_000},
]


def test_where_rows_share_many_ways_a_grid_answers_what_it_can(monkeypatch):
    """A front it leaves to the chain."""
    chain = opened(TREE, (), "")
    assert isinstance(chain, Search)
    assert isinstance(opened(TREE, (), "", most=10), GridSearch)
    monkeypatch.setattr("archprof.space.asked._MOST_HELD", 10)
    front = Question(pareto=(Objective("macs", 1), Objective("params", -1)))
    assert answer(TREE, (), "", front).found == chain.answer(front).found
    limits = Question(limits={"macs": 500_000})
    found = answer(TREE, (), "", limits)
    assert found.fitting == chain.answer(limits).fitting
    assert found.distinct is None  # which a chain of these rows knows
    assert chain.answer(limits).distinct is not None


def test_it_is_a_chain_too(counted):
    """The same space is small enough to be searched as a chain, and says the same."""
    chain, question = opened(TREE, (), ""), Question(limits={"macs": 500_000}, shares=True, histogram="macs", bins=7)
    assert isinstance(chain, Search)
    one, other = chain.answer(question), grid_of().answer(question)
    assert other.drawn == pytest.approx(one.drawn)
    assert sorted(other.shares) == sorted(one.shares)
    same: dict[str, Any] = {"distinct": None, "drawn": None, "shares": ()}
    assert other._replace(**same) == one._replace(**same)


def test_every_network_costs_what_is_counted_of_it(counted):
    spec = load("knobs.yaml", (), spellings=spellings, text=TEXT)
    assert spec.open is not None
    names = ("params", "macs", "activations")
    found: dict[int, Any] = {}
    for block in Grid(spec, spec.open, names).blocks():
        lines = block.sums.reshape(len(names), -1)
        ranks = block.ranks_at(np.arange(lines.shape[1])).tolist()
        found |= zip(ranks, map(tuple, lines.T.tolist()), strict=True)
    assert found == {rank: tuple(one[name] for name in names) for rank, one in enumerate(counted)}


FROZEN = TEXT.replace("  - stage: {", "  - {id: body, stage: {").replace("[2]]}\n", "[2]]}}\n") + "stages: [body]\n"


def test_what_is_frozen_is_not_trained(counted):
    spec = load("knobs.yaml", (), spellings=spellings, text=f"{FROZEN}freeze: 1\n")
    assert spec.open is not None
    assert spec.tree is not None
    for block in Grid(spec, spec.open, ("trainable", "params")).blocks(wanted=lambda number: not number % 7):
        places = np.arange(0, block.sums[0].size, 5)
        trained, params = (line.reshape(-1)[places].tolist() for line in block.sums)
        for rank, *sums in zip(block.ranks_at(places).tolist(), trained, params, strict=True):
            graph = expand(resolve(spec.tree, (("network", str(rank)),), spellings))
            totals = analyze_graph(graph).totals
            assert sums == [totals["trainable"], totals["params"]]
            assert 0 < totals["trainable"] < totals["params"] == counted[rank]["params"]


def test_what_is_frozen_is_not_drawn():
    text = FROZEN.replace("  more:", "  frozen: {choice: [0, 1]}\n  more:") + "freeze: $frozen\n"
    with pytest.raises(InputError) as error:
        grid_of(text).answer(Question())
    [found] = error.value.problems
    assert (found.message, found.help) == (
        "what is frozen is drawn, where all rows hang on the same knobs",
        "fix it: `--fix frozen=…`",
    )


def test_rows_inside_of_others_may_repeat_too():
    text = """archprof: 1
input: 3x16x16
knobs: {a: {choice: [1, 3]}, b: {choice: [1, 2]}, c: {choice: [4, 8, 12]}, d: {choice: [1, 2, 4]}, e: {choice: [2, 3]}}
blocks:
  some: {columns: {w: {type: channels}}, repeats: $a // 2, layers: [conv: {k: 1, c: $w, norm: -, act: -}]}
  twice: {columns: {w: {type: channels}, often: {type: int}}, layers: [some: $w, conv2d: {k: 3, c: $w, n: $often}]}
layers: [twice: {w: $c, often: $b}, repeat: {n: $d, layers: [conv2d: {k: 1, c: $c}]}, conv2d: {k: 1, c: $c, n: $e}]
"""
    spec = load("inside.yaml", (), spellings=spellings, text=text)
    assert spec.open is not None
    grid = Grid(spec, spec.open, ("macs",))
    for block in grid.blocks():
        places = np.arange(block.sums[0].size)
        for rank, macs in zip(block.ranks_at(places).tolist(), block.sums.reshape(-1).tolist(), strict=True):
            graph = expand(load("inside.yaml", (("network", str(rank)),), spellings=spellings, text=text))
            assert macs == analyze_graph(graph).totals.macs
    assert grid.points.size == 2 * 2 * 3 * 3 * 2


@pytest.mark.parametrize("metric", ["macs", "params", "activations"])
def test_ranges_and_quantiles(counted, metric):
    shares = ("0", "0.05", "0.3", "0.95", "1")
    first = asked(limits={metric: 1}, quantiles=shares).ranges[0]
    sums = sorted(one[metric] for one in counted)
    assert (first.metric, first.least, first.greatest) == (metric, sums[0], sums[-1])
    assert first.median == sums[NETWORKS // 2 - 1]
    assert first.quantiles == {share: sums[max(-int(-float(share) * NETWORKS // 1), 1) - 1] for share in shares}


@pytest.mark.parametrize("limits", LIMITS)
def test_how_many_keep_limits(counted, limits):
    found = asked(limits=limits)
    number = len(within(counted, limits))
    assert found.networks == NETWORKS
    assert found.fitting == (None if not limits else (number, number))


@pytest.mark.parametrize("limits", LIMITS)
def test_a_histogram(counted, limits):
    found = asked(limits=limits, histogram="params", bins=9).histogram
    sums = [counted[rank]["params"] for rank in within(counted, limits)]
    assert sum(one.networks for one in found) == len(sums)
    assert found[0].low == min(one["params"] for one in counted)
    for one in found:
        assert one.networks == sum(one.low <= amount <= one.high for amount in sums)


@pytest.mark.parametrize("limits", LIMITS)
def test_shares_of_options(counted, limits):
    found = {(one.place, one.choice): (one.networks, one.fits) for one in asked(limits=limits, shares=True).shares}
    taken: Counter[tuple[str, str]] = Counter()
    for rank, drawn in enumerate(product(*OPTIONS.values())):
        if all(counted[rank][name] <= most for name, most in limits.items()):
            taken.update((name, str(value).lower()) for name, value in zip(OPTIONS, drawn, strict=True))
    options = [(name, str(value).lower()) for name, values in OPTIONS.items() for value in values]
    assert found == {option: (taken[option], taken[option] > 0) for option in options}


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize(("objective", "top"), [(Objective("macs"), 7), (Objective("params", -1), 500)])
def test_the_best(counted, limits, objective, top):
    found = asked(limits=limits, objective=objective, top=top).found
    ranks = within(counted, limits)
    best = sorted(ranks, key=lambda rank: (objective.sign * counted[rank][objective.metric], rank))[:top]
    assert [one.network for one in found] == best
    assert all(one.totals["macs"] == counted[one.network]["macs"] for one in found)


@pytest.mark.parametrize("limits", LIMITS)
def test_samples_are_different_and_of_all_that_fit(counted, limits):
    ranks = within(counted, limits)
    few = [
        tuple(one.network for one in asked(limits=limits, sample=3, seed=seed, ranges=False).found) for seed in (1, 2)
    ]
    assert few[0] != few[1]
    assert all(len(set(some)) == 3 and set(some) <= set(ranks) for some in few)
    if len(ranks) <= 300:
        assert sorted(one.network for one in asked(limits=limits, sample=500).found) == ranks


def test_samples_are_uniform(counted):
    """Of what is drawn no half of what fits has many more than the other."""
    ranks = within(counted, LIMITS[2])
    search, number = grid_of(), len(ranks) // 4
    drawn = [
        one.network
        for seed in range(8)
        for one in search.answer(Question(limits=LIMITS[2], sample=number, seed=seed, ranges=False)).found
    ]
    assert len(drawn) == 8 * number
    low = len([rank for rank in drawn if rank < ranks[len(ranks) // 2]])
    assert abs(low - len(drawn) / 2) < 4 * (len(drawn) / 4) ** 0.5


def test_the_best_within_a_limit_on_bytes(counted):
    limit = 40_000
    search = grid_of()
    found = search.answer(Question(bytes={"peak": limit}, objective=Objective("macs", -1), top=3))
    kept = []
    for rank in sorted(range(NETWORKS), key=lambda rank: (-counted[rank]["macs"], rank)):
        graph = expand(resolve(TREE, (("network", str(rank)),), spellings))
        if with_memory(counted[rank], graph, INFERENCE)["peak"] <= limit:
            kept.append(rank)
        if len(kept) == 3:
            break
    assert [one.network for one in found.found] == kept
    assert found.tries > 0


def test_it_tells_how_far_it_is():
    told: list[tuple[int, int, str]] = []
    spec = resolve(TREE, (), spellings)
    assert spec.open is not None
    GridSearch(spec, spec.open, (), "", lambda *one: told.append(one)).answer(Question())
    drawn = [one for one in told if "=" in one[2]]
    assert [one[:2] for one in drawn] == [(0, 2), (1, 2)] * 2  # in two passes
    assert [one[2] for one in drawn[:2]] == ["w=8,m=1.5,more=false", "w=8,m=1.5,more=true"]
    assert told[0] == (0, 1, "how often rows repeat")
    assert told[1] == (0, 8, "layers[0]")
    assert {one[2] for one in told if "[" in one[2]} >= {"layers[2].rows[0]", "layers[2].rows[2]", "layers[5]"}


REGNET = (("w_m", "2.25"), ("b", "2"))


def test_a_space_that_is_no_chain_is_a_grid():
    """Networks of RegNet's space of which blocks may be as near to one stage as to the next."""
    search = opened(read_tree("space_regnet", spellings), REGNET, "")
    assert isinstance(search, GridSearch)
    found = search.answer(Question(limits={"macs": 200_000_000}, sample=40))
    assert found.networks == 64**3 * 6
    assert all(one.totals["macs"] <= 200_000_000 for one in found.found)
    assert len({one.network for one in found.found}) == 40


def test_sums_in_bins_are_exact_at_any_value():
    source = random.Random(1)
    sums = [0, 0, 1, 2, 3, 2**53 - 1, *(source.randrange(1 << source.randrange(1, 53)) for _ in range(3000))]
    spread, line = Spread(), np.array(sums, np.float64)
    spread.add(line)
    asked_for = [-1, 0, 1, 5, 2**53 - 1, *source.sample(sums, 20)]
    spread.ask_for(range(1, len(sums) + 1, 97), asked_for)
    spread.look(line)
    spread.looked()
    assert [spread.at_rank(rank) for rank in range(1, len(sums) + 1, 97)] == sorted(sums)[::97]
    assert [spread.up_to(value) for value in asked_for] == [sum(one <= value for one in sums) for value in asked_for]


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (
            {"pareto": (Objective("macs"), Objective("params", -1))},
            "a front of a space whose rows all hang on the same",
        ),
    ],
)
def test_what_only_a_chain_answers_is_refused(question, told):
    with pytest.raises(InputError) as raised:
        asked(**question)
    assert str(raised.value).startswith(told)


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        ("{conv: {k: 3, c: 8}, when: $w > 8}", "knobs say of this row whether it is there"),
        (
            "conv: {k: 3, c: 8, n: $w - 16}",
            "30:27: `$w - 16` is -8 to 8, out of range\n  help: a value from 1 to 1,000",
        ),
        ("{from: input, conv: {k: 3, c: 8}}", "a space is a chain of layers"),
    ],
)
def test_what_is_no_grid_is_refused(layer, told):
    with pytest.raises(InputError) as raised:
        grid_of(TEXT.replace("- avg_pool", f"- {layer}\n  - avg_pool")).answer(Question())
    assert told in str(raised.value)


def test_networks_that_do_not_fit_are_not_left_out():
    with pytest.raises(InputError) as raised:
        grid_of(TEXT.replace("- avg_pool", "- conv: {k: 3, c: 24, g: $head - 8}\n  - avg_pool")).answer(Question())
    assert "24 input channels are not divisible by 16 groups" in str(raised.value)


def test_sums_that_floats_do_not_hold_are_refused():
    text = TEXT.replace(
        "- avg_pool", "- conv: {k: 101, c: 999999 - $w * 8}\n  - conv: {k: 101, c: 999990 - $w}\n  - avg_pool"
    )
    with pytest.raises(InputError) as raised:
        grid_of(text).answer(Question())
    assert str(raised.value) == "sums beyond 2^53, as of `network=0`\n  help: fix some of the widths: `--fix`"
