"""Spaces as automata: every network costs along its path what `summary` counts of it, and there are as many paths as
the formula says; how costs are spread is what formulas written out say of each network."""

import random
from fractions import Fraction

import numpy as np
import pytest

from archprof.costs.report import analyze_graph
from archprof.errors import InputError
from archprof.ir.arrays import Integers
from archprof.ir.graph import INPUT, Edge
from archprof.language.expand import expand
from archprof.language.fragment import Feature
from archprof.language.spellings import spellings
from archprof.progress import untold
from archprof.space.build import space_of
from archprof.space.distribution import Distribution
from archprof.space.parts import parted
from archprof.space.paths import number_of_paths, sums_of
from archprof.space.rows import Rows
from archprof.space.traced import ADDING, TracedRows
from archprof.spec.load import load, read_tree, resolve
from archprof.spec.ranks import rank_of
from tests.space.automata import networks
from tests.space.test_catalog_spaces import NETWORKS, attentivenas

HEAD = "archprof: 1\ninput: 3x32x32\nclasses: 10\ndefaults: {norm: batch_norm, act: relu6}\n"
# Three spaces that have everything, and how many networks they are.
TABLE = f"""{HEAD}
knobs: {{stem: {{choice: [8, 12]}}, unused: {{choice: [1, 2]}}, late: {{choice: [16, 24]}}}}
layers:
  - conv: {{k: 3, s: 2, c: $stem}}
  - inverted_residual:
      t: {{choice: [2, 3], per: table}}
      columns: [k, c, n, s]
      rows:
        - [{{choice: [3, 5]}}, 16, {{choice: [2, 1]}}, 2]
        - [{{choice: [3, 5], per: row}}, {{choice: [16, 24], per: row}}, 2, 1]
  - conv: {{k: 1, c: $late+$stem}}
  - avg_pool
  - linear: classes
"""
BLOCKS = f"""{HEAD}
knobs: {{inner: {{choice: [8, 16]}}}}
blocks:
  gated:
    columns: {{c: {{type: channels}}, k: {{type: int, default: 3}}, s: {{type: int, default: 1}}}}
    layers:
      - residual:
          skip: same_shape
          body: [conv: {{k: $k, c: $inner, s: $s}}, squeeze_excite: {{ratio: 0.5}}, conv: {{k: 1, c: $c, act: -}}]
layers:
  - conv: {{k: 3, c: 8}}
  - block:
      choice: [{{gated: {{k: 5}}}}, {{inverted_residual: {{k: 5, t: 2}}}}, skip]
      default: skip
      columns: [c, n, s]
      rows: [[8, 2, 1]]
  - gated: {{c: {{choice: [8, 12]}}, k: {{choice: [1, 3]}}, s: 2, n: {{choice: [2, 1]}}}}
  - linear: classes
"""
WIDTHS = f"""{HEAD}
layers:
  - conv:
      columns: [k, c, n, s, norm]
      rows:
        - [3, {{choice: [4, 6, 8]}}, {{choice: [1, 2]}}, 2, {{choice: [batch_norm, frozen_batch_norm], per: row}}]
        - [1, {{choice: [4, 8]}}, 1, 1, -]
  - depthwise_separable: {{k: {{choice: [3, 5]}}, c: {{choice: [8, 16]}}}}
  - linear: {{c: {{choice: [classes, 20]}}}}
"""
# A stride by default, which is that of first repeats, however these are drawn.
STRIDES = """archprof: 1
input: 3x64x64
defaults: {stride: 2, k: 3}
layers:
  - conv: {k: {choice: [1, 3], per: row}, c: 8, n: {choice: [1, 2]}}
  - conv: {k: {choice: [1, 3]}, c: 8, n: {choice: [1, 2, 3]}}
  - conv: {c: {choice: [8, 16]}, n: 2, s: 1}
"""
# A row that is one of three, with draws of each kind, or of none, and another that is one of two.
FORMS = f"""{HEAD}
knobs: {{stem: {{choice: [8, 12]}}}}
layers:
  - conv: {{k: 3, s: 2, c: $stem}}
  - inverted_residual:
      t: {{choice: [2, 3], per: table}}
      columns: [k, c, n, s]
      rows:
        - choice:
            - [{{choice: [3, 5]}}, 16, {{choice: [2, 1]}}, 2]
            - [3, 24, 2, 2]
            - [{{choice: [3, 5], per: row}}, {{choice: [16, 24], per: row}}, 3, 2]
          default: 1
        - [3, 24, 1, 1]
        - choice: [[{{choice: [3, 5]}}, {{choice: [8, 16]}}, 2, 1], [5, 8, 1, 1]]
  - linear: classes
"""
# Cells of knobs that do not meet: a wiring with two operations, and another operation.
CELLS = f"""{HEAD}
knobs:
  of: {{choice: [1, 2, 12]}}
  a: {{choice: [none, pool, conv]}}
  b: {{choice: [none, conv]}}
  last: {{choice: [none, pool, conv], default: none}}
blocks:
  edge:
    columns: {{op: {{choices: [none, pool, conv]}}, s: {{type: int, default: 1}}}}
    layers:
      - {{max_pool: {{k: 3, s: $s, p: 1}}, when: $op == pool}}
      - {{conv2d: {{k: 3, s: $s, c: 1x}}, when: $op == conv}}
      - {{conv2d: {{k: 1, s: $s, c: 1x, g: 2}}, when: $op == none and $s > 1}}
  taken:
    inputs: [x0, x1, x2]
    columns: {{of: {{type: int}}, op: {{choices: [none, pool, conv]}}, s: {{type: int}}}}
    layers: [{{from: [x0, x1, x2], pick: $of}}, edge: {{op: $op, s: "if($of < 2, $s, 1)"}}]
  closing:
    columns: {{op: {{choices: [none, pool, conv], default: $last}}}}
    layers: [edge: $op]
  cell:
    columns: {{c: {{type: channels}}, s: {{type: int, default: 1}}}}
    layers:
      - {{id: x0, conv: {{k: 1, c: $c}}}}
      - {{id: x1, conv: {{k: 3, c: $c, act: -}}}}
      - {{id: x2, conv: {{k: 3, c: $c, s: $s}}}}
      - {{id: one, from: [x0, x1, x2], taken: {{of: $of // 10, op: $a, s: $s}}}}
      - {{id: two, from: [x0, x1, x2], taken: {{of: $of % 10, op: $b, s: $s}}}}
      - {{from: [one, two, x2], add: }}
      - edge: $last
layers:
  - conv: {{k: 3, c: 4}}
  - cell:
      columns: [c, s, n]
      rows: [[4, 1, 2], [8, 2, 2]]
  - closing
  - avg_pool
  - linear: classes
"""
# The same, but that the operation behind a cell also widens its map: what comes then depends on it.
WIDENED = CELLS.replace("- edge: $last", "- {conv2d: {k: 1, c: 2x}, when: $last == conv}\n      - edge: $last", 1)
# The same, but that cells share their weights.
SHARED = CELLS.replace("- cell:", "- repeat: {n: 2, shared: true, layers: [cell: 4]}\n  - cell:")
# The first stages are not trained: so many as a knob says, a layer, a row that is one of two and one row of a table.
FROZEN = f"""{HEAD}
knobs: {{f: {{choice: [0, 1, 3]}}}}
stages: [stem, early, tail]
freeze: $f
layers:
  - {{id: stem, conv: {{k: {{choice: [1, 3]}}, s: 2, c: 8, n: {{choice: [1, 2]}}}}}}
  - inverted_residual:
      columns: [id, k, t, c, n, s]
      rows:
        - [early, {{choice: [3, 5], per: row}}, 2, 16, {{choice: [1, 2]}}, 2]
        - choice: [[tail, {{choice: [3, 5], per: row}}, 2, 16, 2, 1], [tail, 5, 3, 24, 1, 1]]
  - linear: classes
"""
# Cells of knobs that do not meet, some in layers that are not trained.
FROZEN_CELLS = CELLS.replace(
    "layers:\n  - conv: {k: 3, c: 4}\n  - cell:", "layers:\n  - conv: {k: 3, c: 4}\n  - id: cells\n    cell:"
)
FROZEN_CELLS = f"{FROZEN_CELLS}stages: [cells]\nfreeze: 1\n"
# Knobs that only blocks inside of others ask for: in a cell, as a column's default, and for how often a row repeats.
# One is named like a column of the block around, which is another thing.
NESTED = f"""{HEAD}
knobs: {{deep: {{choice: [1, 2]}}, wide: {{choice: [8, 16]}}, k: {{choice: [1, 3]}}}}
blocks:
  inner:
    columns: {{c: {{type: channels}}, kernel: {{type: int, default: $k}}}}
    repeats: $deep
    layers: [conv: {{k: $kernel, c: $c}}]
  middle:
    columns: {{k: {{type: int}}}}
    layers: [conv: {{k: $k, c: 8}}, inner: $wide]
  plain:
    columns: {{k: {{type: int}}}}
    layers: [conv: {{k: $k, c: 8}}, conv: {{k: 1, c: 8}}]
layers:
  - middle: 3
  - plain: 3
  - middle: {{k: {{choice: [3, 5]}}}}
  - linear: classes
"""
SMALL = {
    # Three knobs, the table's ratio, 2² + 2 kernels, and a kernel and a width of the row
    "table": (TABLE, 2**3 * 2 * (2**2 + 2) * 2**2),
    # The knob, two blocks of three, and one or two of 2 · 2
    "blocks": (BLOCKS, 2 * 3**2 * (4**2 + 4)),
    # A norm, one or two widths; a width; a kernel and a width; the classes
    "widths": (WIDTHS, 2 * (3 + 3**2) * 2 * 2**2 * 2),
    # The knob, the table's ratio, one of 2² + 2, of 1 and of 2 · 2, and one of (2 · 2)² and of 1
    # 2 · 2 and 2 + 2² + 2³, and 2² widths
    "strides": (STRIDES, 2 * 2 * (2 + 2**2 + 2**3) * 2**2),
    "forms": (FORMS, 2 * 2 * (6 + 1 + 4) * (16 + 1)),
    # Three knobs, and a kernel
    "nested": (NESTED, 2**3 * 2),
    # A wiring, three operations, two, and three
    "cells": (CELLS, 3 * 3 * 2 * 3),
    # How many are frozen, two kernels once or twice for the stem, two for a row, once or twice, and two kernels or
    # none
    "frozen": (FROZEN, 3 * (2 + 2**2) * (2 * 2) * (2 + 1)),
    "frozen cells": (FROZEN_CELLS, 3 * 3 * 2 * 3),
    "cells that are drawn frozen": (
        FROZEN_CELLS.replace("freeze: 1", "freeze: $f").replace("knobs:\n", "knobs:\n  f: {choice: [0, 1]}\n"),
        2 * 3 * 3 * 2 * 3,
    ),
    "widened": (WIDENED, 3 * 3 * 2 * 3),
    "shared": (SHARED, 3 * 3 * 2 * 3),
}


def space(text, *settings):
    return space_of(load("net.yaml", settings, spellings=spellings, text=text))


@pytest.mark.few(6)
@pytest.mark.parametrize("name", SMALL)
def test_every_network_costs_along_its_path_what_is_counted_of_it(name):
    text, number = SMALL[name]
    tree = read_tree("net.yaml", spellings, text)
    found = space_of(resolve(tree, (), spellings))
    assert found.automaton.metrics == ADDING == ("params", "trainable", "buffers", "macs", "activations")
    assert number_of_paths(found.automaton) == found.choices.networks == number
    ranks = []
    for path, sums in networks(found.automaton):
        rank = rank_of(found.choices, found.pick(path))
        totals = analyze_graph(expand(resolve(tree, (("network", str(rank)),), spellings))).totals
        assert dict(zip(ADDING, sums, strict=True)) == {metric: totals[metric] for metric in ADDING}
        ranks.append(rank)
    assert sorted(ranks) == list(range(number))


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("cells", [("of", "a"), ("of", "b"), ("last",)]),
        ("frozen cells", [("of", "a"), ("of", "b"), ("last",)]),
        ("cells that are drawn frozen", [("f",), ("f", "of", "a"), ("f", "of", "b"), ("f", "last")]),
        ("shared", [("of", "a", "b", "last"), ("of", "a"), ("of", "b"), ("last",)]),
        ("widened", None),
        ("table", None),
    ],
)
def test_knobs_that_do_not_meet_are_drawn_one_after_the_other(name, asked):
    found = space(SMALL[name][0])
    assert found.spec.open is not None
    rows = Rows(found.spec, found.spec.open)
    [value] = found.spec.inputs.values()
    start = Feature(Edge(INPUT, 0), value, value.channels)
    parts = parted(found.spec, found.spec.open, rows, TracedRows(found.spec, rows, None), start, untold)
    assert (parts and [part.knobs for part in parts.parts]) == asked


@pytest.mark.parametrize(("name", "settings"), [("table", [("width", "0.5"), ("resolution", "64")]), ("blocks", [])])
def test_it_costs_so_at_other_settings_too(name, settings):
    text, _ = SMALL[name]
    settings = (*settings, ("classes", "7")) if name == "blocks" else (*settings,)
    text = f"{text}width: {{divisor: 4}}\n"
    tree = read_tree("net.yaml", spellings, text)
    found = space_of(resolve(tree, settings, spellings))
    for path, sums in random.Random(1).sample(networks(found.automaton), 30):
        rank = rank_of(found.choices, found.pick(path))
        totals = analyze_graph(expand(resolve(tree, (*settings, ("network", str(rank))), spellings))).totals
        assert sums == tuple(totals[metric] for metric in ADDING)


def test_chances_are_those_of_training_code():
    """A depth of 1 or 2 is drawn before the kernels: each network of depth 1 is twice as probable as one of depth 2."""
    found = space("archprof: 1\ninput: 1x8x8\nlayers:\n  - conv: {k: {choice: [1, 3]}, c: 4, n: {choice: [1, 2]}}\n")
    drawn = {}
    for path, _ in networks(found.automaton):
        chance, node = Fraction(1), 0
        for place in path:
            chance *= Fraction(found.chances[node][place]).limit_denominator(100)
            node = found.automaton.arcs[node][place].target
        drawn[rank_of(found.choices, found.pick(path))] = chance
    assert drawn == {0: Fraction(1, 4), 1: Fraction(1, 4), **{rank: Fraction(1, 8) for rank in range(2, 6)}}


# Distributions of more than 10⁵ networks, whose costs are formulas


def bottleneck(came, out, k, t, before, after):
    """MACs and parameters of an inverted residual: 1×1, depthwise, 1×1, and three norms of two numbers a channel."""
    middle = came * t
    macs = before**2 * came * middle + after**2 * middle * (k * k + out)
    return macs, came * middle + middle * k * k + middle * out + 4 * middle + 2 * out


def added(*options):
    """All sums of one of each: costs of shape (n, 2)."""
    found = np.zeros((1, 2), np.int64)
    for some in options:
        found = (found[:, None, :] + np.array(some, np.int64)[None, :, :]).reshape(-1, 2)
    return found


def stages():
    """Two stages of two or three layers of nine: (9² + 9³)² = 656,100 networks."""
    text = """archprof: 1
input: 3x64x64
defaults: {norm: batch_norm, act: relu6}
layers:
  - conv: {k: 3, s: 2, c: 16}
  - inverted_residual:
      columns: [k, t, c, n, s]
      rows:
        - [{choice: [3, 5, 7]}, {choice: [3, 4, 6]}, 24, {choice: [2, 3]}, 2]
        - [{choice: [3, 5, 7]}, {choice: [3, 4, 6]}, 40, {choice: [2, 3]}, 2]
"""
    nine = [(k, t) for k in (3, 5, 7) for t in (3, 4, 6)]
    found = [(32**2 * 16 * 27, 16 * 27 + 32)]
    for came, out, side in ((16, 24, 16), (24, 40, 8)):
        first = [bottleneck(came, out, k, t, 2 * side, side) for k, t in nine]
        more = [bottleneck(out, out, k, t, side, side) for k, t in nine]
        stage = np.concatenate([added(first, more), added(first, more, more)])
        found = added(found, stage)
    return text, found, (9**2 + 9**3) ** 2


def widths():
    """Six convolutions of one of eight widths each: 8⁶ = 262,144 networks."""
    options = (8, 12, 16, 20, 24, 28, 32, 40)
    rows = "".join(f"        - [{{choice: [{', '.join(map(str, options))}]}}, {1 + place % 2}]\n" for place in range(6))
    text = "archprof: 1\ninput: 3x32x32\ndefaults: {k: 3, norm: batch_norm, act: relu}\nlayers:\n"
    text += f"  - conv:\n      columns: [c, s]\n      rows:\n{rows}"
    drawn = np.stack(np.meshgrid(*[options] * 6, indexing="ij"), axis=-1).reshape(-1, 6).astype(np.int64)
    none = np.zeros(len(drawn), np.int64)
    macs, params, came = none, none, np.full(len(drawn), 3)
    for place, side in enumerate((32, 16, 16, 8, 8, 4)):
        weights = 9 * came * drawn[:, place]
        macs, params = macs + side**2 * weights, params + weights + 2 * drawn[:, place]
        came = drawn[:, place]
    return text, np.stack([macs, params], axis=1), 8**6


def blocks():
    """A knob of three widths, and ten places of an inverted residual of kernel 3, of kernel 5, or of nothing: 3¹¹."""
    text = """archprof: 1
input: 3x32x32
classes: 10
defaults: {norm: batch_norm, act: relu6}
knobs: {c: {choice: [16, 24, 32]}}
layers:
  - conv: {k: 3, s: 2, c: $c}
  - block:
      choice: [skip, {inverted_residual: {k: 3, t: 2}}, {inverted_residual: {k: 5, t: 3}}]
      columns: [c, n]
      rows: [[$c, 10]]
  - avg_pool
  - linear: classes
"""
    found = []
    for c in (16, 24, 32):
        stem = [(16**2 * 27 * c, 29 * c)]
        head = [(10 * c, 10 * c + 10)]
        three = [(0, 0), bottleneck(c, c, 3, 2, 16, 16), bottleneck(c, c, 5, 3, 16, 16)]
        found.append(added(stem, *[three] * 10, head))
    return text, np.concatenate(found), 3**11


LARGE = {"stages": stages, "widths": widths, "blocks": blocks}


@pytest.fixture(scope="module", params=LARGE)
def large(request):
    text, costs, number = LARGE[request.param]()
    assert len(costs) == number > 10**5
    return space(text), costs


def along_arcs(automaton, metric):
    """The sums of all networks, node by node."""
    place = automaton.metrics.index(metric)
    sums: list[list[Integers]] = [[] for _ in automaton.arcs]
    sums[0].append(np.zeros(1, np.int64))
    for node, arcs in enumerate(automaton.arcs):
        here = np.concatenate(sums[node])
        for arc in arcs:
            sums[arc.target].append(here + arc.costs[place])
    return np.concatenate(sums[-1])


@pytest.mark.parametrize(("column", "metric"), [(0, "macs"), (1, "params")])
def test_costs_are_spread_as_the_formulas_say(large, column, metric):
    found, costs = large
    sums = np.sort(costs[:, column])
    assert np.array_equal(np.sort(along_arcs(found.automaton, metric)), sums)
    spread = Distribution(found.automaton, metric)
    assert (spread.total, spread.least, spread.greatest) == (len(sums), sums[0], sums[-1])
    for share in (Fraction(1, 1000), Fraction(1, 3), Fraction(1, 2), Fraction(9, 10)):
        wanted = -(-share.numerator * len(sums) // share.denominator)
        limit = int(sums[wanted - 1])
        assert spread.quantile(share) == limit
        assert spread.count(limit) == np.searchsorted(sums, limit, side="right")
        assert spread.count(limit - 1) == np.searchsorted(sums, limit - 1, side="right")
    limit = int(sums[len(sums) // 3])
    for bins, within in ((20, None), (7, limit)):
        counted = spread.histogram(bins, within)
        lows, highs = [one.low for one in counted], [one.high for one in counted]
        assert (len(counted), lows[0], highs[-1]) == (bins, sums[0], within or sums[-1])
        assert [high + 1 for high in highs[:-1]] == lows[1:]
        assert [one.number for one in counted] == [((sums >= one.low) & (sums <= one.high)).sum() for one in counted]


def test_more_bins_than_sums_are_as_many_as_differ():
    """Twice 4·16 MACs; and 4 or 6: the last of two bins holds both of its edges."""
    same = space("archprof: 1\ninput: 1x4x4\nlayers:\n  - conv: {k: 1, c: 4, act: {choice: [relu, relu6]}}\n")
    assert [tuple(one) for one in Distribution(same.automaton, "macs").histogram(20)] == [(64, 64, 2)]
    near = space("archprof: 1\ninput: 1x1x1\nlayers:\n  - conv: {k: 1, c: {choice: [4, 6]}}\n")
    assert [tuple(one) for one in Distribution(near.automaton, "macs").histogram(20)] == [
        (4, 4, 1),
        (5, 6, 1),
    ]


# The catalog


# Six knobs that fifteen cells ask for are 15,625 states a cell; those that all rows of a RegNet ask for make no chain.
@pytest.mark.few(4)
@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("space_nas_bench_201", "space_regnet")])
def test_networks_of_the_catalogs_spaces_cost_what_is_counted_of_them(name):
    tree = read_tree(name, spellings)
    found = space_of(resolve(tree, (), spellings))
    assert number_of_paths(found.automaton) == NETWORKS[name]
    source = random.Random(name)
    for _ in range(3):
        path, node = [], 0
        while arcs := found.automaton.arcs[node]:
            path.append(source.randrange(len(arcs)))
            node = arcs[path[-1]].target
        rank = rank_of(found.choices, found.pick(tuple(path)))
        totals = analyze_graph(expand(resolve(tree, (("network", str(rank)),), spellings))).totals
        assert sums_of(found.automaton, tuple(path)) == tuple(totals[metric] for metric in ADDING)
        if name == "space_attentivenas":
            assert (totals.params, totals.macs) == attentivenas(rank, 224)


# What is no chain, or does not fit where it is drawn


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            "  - conv: {k: {choice: [3, 5]}, c: 8}\n  - {from: input, conv: {k: 3, c: 8}}\n",
            "net.yaml:5:12: a space is a chain of layers, each of which takes the one above\n  in layers[1]\n"
            "  help: make one block of what branches, under `blocks`: inside it anything may join",
        ),
        (
            "  - block: {choice: [skip, {conv: {k: 3}}], columns: [c, n], rows: [[8, 1]]}\n",
            "net.yaml:4:70: `skip` hands on its 3 channels, not 8\n  in layers[0].rows[0].c\n"
            "  help: only a row that keeps them has it",
        ),
        (
            "  - block: {choice: [skip, {conv: {k: 3}}], columns: [c, s], rows: [[3, 2]]}\n",
            "net.yaml:4:73: `skip` keeps the size of its map\n  in layers[0].rows[0].s\n"
            "  help: only a row of stride 1 has it",
        ),
        (
            "  - conv: {k: {choice: [large, 3]}, c: 8}\n",
            "net.yaml:4:25: expected a size, not `large`\n  in layers[0].k\n"
            "  help: a size: `3`, `1x7` (height × width), or `3x1x1` (frames × height × width)",
        ),
    ],
)
def test_an_option_that_does_not_fit_is_told_though_another_stands_for_the_space(layers, message):
    with pytest.raises(InputError) as raised:
        space(f"archprof: 1\ninput: 3x32x32\nlayers:\n{layers}")
    assert str(raised.value) == message


def test_one_network_is_no_space():
    with pytest.raises(InputError) as raised:
        space("archprof: 1\ninput: 3x32x32\nlayers:\n  - conv: {k: 3, c: 8}\n")
    assert str(raised.value) == (
        "`net` is one network: it leaves nothing to choose\n"
        "  help: `archprof list --kind space` shows those of the catalog; a cell is a choice as `{choice: [3, 5, 7]}`"
    )
    with pytest.raises(InputError) as raised:
        space("archprof: 1\ninput: 3x32x32\nlayers:\n  - conv: {k: {choice: [3, 5]}, c: 8}\n", ("network", "1"))
    assert str(raised.value) == "`net@network=1` is one network of its space\n  help: leave out `network`"


@pytest.mark.parametrize("freeze", ["2", "$f"])
def test_a_row_whose_repeats_draw_is_not_frozen_by_its_id(freeze):
    text = FROZEN.replace("3, 5], per: row}, 2, 16, {choice", "3, 5]}, 2, 16, {choice").replace("$f", freeze)
    text = text if freeze == "$f" else text.replace("knobs: {f: {choice: [0, 1, 3]}}\n", "")
    with pytest.raises(InputError) as raised:
        space(text)
    [found] = raised.value.problems
    assert (found.message, found.where, found.help) == (
        "`early` is frozen, and its repeats draw apart: which of them has the id hangs on what they draw",
        "layers[1].rows[0]",
        "give the id to the whole layer, or draw `per: row`",
    )


def test_what_is_frozen_is_checked():
    with pytest.raises(InputError, match="`freeze` without `stages`"):
        space(FROZEN.replace("stages: [stem, early, tail]\n", ""))
    with pytest.raises(InputError, match="there is no layer `head`"):
        space(FROZEN.replace("[stem, early, tail]", "[stem, head]"))
