"""Blocks that a spec defines in YAML: the same networks as blocks in Python and layers written out give, at every
setting, in sweeps, and as modules."""

import pickle
import random

import pytest

from archprof.costs.report import analyze_graph
from archprof.language.expand import expand, read_network
from archprof.runtime.measure import measure_network
from archprof.spec.axis import parse_axis
from archprof.sweep.compute import compute
from archprof.sweep.plan import Selection, plan_sweep
from archprof.sweep.run import digits

HEAD = "archprof: 1\ninput: 3x32x32\nclasses: 10\ndefaults: {norm: batch_norm, act: relu6}\nwidth: {divisor: 8}\n"
# The inverted residual of MobileNetV2 (Sandler et al. 2018, Table 1 and Figure 4).
MINE = """
blocks:
  mine:
    columns:
      t: {type: float, synonyms: [expand_ratio]}
      c: {type: channels}
      s: {type: size, default: 1}
      k: {type: int, default: 3}
      stochastic_depth: {type: stochastic_depth, default: -}
    layers:
      - residual:
          skip: same_shape
          stochastic_depth: $stochastic_depth
          body:
            - {conv: {k: 1, c: "round($in * $t)"}, when: $t != 1}
            - conv: {k: $k, c: 1x, g: depthwise, s: $s}
            - conv: {k: 1, c: $c, act: -}
"""
TABLE = """
layers:
  - conv: {{k: 3, s: 2, c: 32}}
  - {0}: {{columns: [t, c, n, s, k], rows: [[1, 16, 1, 1, 3], [6, 24, 2, 2, 5], [3.5, 24, 2, 1, 3]]{1}}}
  - avg_pool
  - linear: classes
"""


def graph(text, **settings):
    return read_network("./net.yaml", [(name, str(value)) for name, value in settings.items()], text=HEAD + text)


def ops(found):
    """Return operators, what goes in and what comes out, without their paths."""
    return [(node.op, node.inputs, node.outputs) for node in found.nodes]


MINE_TOO = MINE + TABLE.format("mine", "")
THEIRS = TABLE.format("inverted_residual", "")


@pytest.mark.parametrize("settings", [{}, {"width": 0.35}, {"width": 1.4, "resolution": 50}, {"classes": 7}])
def test_a_block_in_yaml_is_the_one_in_python(settings):
    # The sum of the one in Python has its input in front.
    both = ops(graph(MINE_TOO, **settings)), ops(graph(THEIRS, **settings))
    mine, theirs = ([(op, outputs) for op, _, outputs in found] for found in both)
    assert mine == theirs


def test_stochastic_depth_counts_a_block_once():
    rates = ", stochastic_depth: 0.2"
    mine, theirs = (
        [node.op for node in graph(text).nodes if node.op.name == "stochastic_depth"]
        for text in (MINE + TABLE.format("mine", rates), TABLE.format("inverted_residual", rates))
    )
    assert mine == theirs
    assert len(mine) == 3


def test_operators_stand_where_the_row_stands():
    rows = {(node.provenance.block_type, node.provenance.address) for node in graph(MINE_TOO).nodes}
    assert ("mine", "layers[1].rows[1]") in rows
    assert {block for block, _ in rows} == {"conv", "mine", "avg_pool", "linear"}
    assert "1.1.0.body.1.conv" in {node.path for node in graph(MINE_TOO).nodes}


WRITTEN = {
    "columns of several kinds": (
        """
blocks:
  pair:
    columns: {c: {type: channels}, act: {type: act, default: silu}}
    layers: [conv: {k: 3, c: $c, act: $act}, conv: {k: 1, c: 2x}]
layers: [pair: 8, pair: {c: 16, act: -}]
""",
        """
layers: [conv: {k: 3, c: 8}, conv: {k: 1, c: 2x}, conv: {k: 3, c: 16, act: -}, conv: {k: 1, c: 2x}]
""",
    ),
    "repeats that a block computes, or a row says": (
        """
knobs: {d: {type: int, default: 2}}
blocks:
  some:
    columns:
      i: {type: int}
      s: {type: int, default: 1}
      half: {type: float, default: $i / 2}
      c: {type: int, default: 2 * $in}
    repeats: max(0, $d - ceil($half))
    layers: [conv: {k: 3, c: $c, s: $s}]
  two: {columns: {i: {type: int}}, layers: [some: $i]}
layers: [{some: {s: 2, columns: [i], rows: [[0], [1], [4]]}}, some: {i: 4, n: 1}, two: 2, two: 3]
""",
        """
layers:
  - conv: {columns: [k, c, s], rows: [[3, 6, 2], [3, 12, 1], [3, 24, 2], [3, 48, 1], [3, 96, 1]]}
""",
    ),
    "conditions over knobs": (
        """
knobs: {deploy: {type: bool, default: true}}
layers: [{conv: {k: 3, c: 8}, when: not $deploy}, {conv: {k: 1, c: 8}, when: $deploy, id: a}, relu: ]
""",
        "layers: [conv: {k: 1, c: 8}, relu: ]",
    ),
    "what is left out hands its input on": (
        """
layers:
  - {id: a, conv: {k: 3, c: 8}}
  - {id: b, conv: {k: 1, c: 8}, when: 1 > 2}
  - {add: , from: [a, b]}
""",
        "layers: [{id: a, conv: {k: 3, c: 8}}, {add: , from: [a, a]}]",
    ),
    "several inputs": (
        """
blocks:
  gated: {inputs: [x, gate], layers: [{conv: {k: 1, c: 1x}, from: gate, id: a}, {multiply: , from: [x, a]}]}
layers: [{id: a, conv: {k: 3, c: 8}}, {id: b, conv: {k: 3, c: 8}}, {gated: , from: [a, b]}]
""",
        """
layers:
  - {id: a, conv: {k: 3, c: 8}}
  - {id: b, conv: {k: 3, c: 8}}
  - {id: c, conv: {k: 1, c: 1x}}
  - {multiply: , from: [a, c]}
""",
    ),
    "repeats of several inputs, of which all but the first stay": (
        """
blocks:
  gated: {inputs: [x, gate], layers: [{conv: {k: 1, c: 1x}, from: gate, id: a}, {multiply: , from: [x, a]}]}
layers: [{id: a, conv: {k: 3, c: 8}}, {id: b, conv: {k: 3, c: 8}}, {gated: {n: 2}, from: [b, a]}]
""",
        """
layers:
  - {id: a, conv: {k: 3, c: 8}}
  - {id: b, conv: {k: 3, c: 8}}
  - {id: c, from: a, conv: {k: 1, c: 1x}}
  - {id: d, multiply: , from: [b, c]}
  - {id: e, from: a, conv: {k: 1, c: 1x}}
  - {multiply: , from: [d, e]}
""",
    ),
    "rows of several inputs, of which all but the first stay": (
        """
blocks:
  gated:
    inputs: [x, gate]
    columns: {k: {type: int}}
    layers: [{conv: {k: $k, c: 1x}, from: gate, id: a}, {multiply: , from: [x, a]}]
layers:
  - {id: a, conv: {k: 3, c: 8}}
  - {id: b, conv: {k: 3, c: 8}}
  - {gated: {columns: [k, n], rows: [[1, 1], [3, 1]]}, from: [b, a]}
""",
        """
layers:
  - {id: a, conv: {k: 3, c: 8}}
  - {id: b, conv: {k: 3, c: 8}}
  - {id: c, from: a, conv: {k: 1, c: 1x}}
  - {id: d, multiply: , from: [b, c]}
  - {id: e, from: a, conv: {k: 3, c: 1x}}
  - {multiply: , from: [d, e]}
""",
    ),
    "outputs of rows": (
        """
blocks:
  two: {columns: {c: {type: channels}}, outputs: [p], layers: [{id: p, conv: {k: 3, c: $c}}, conv: {k: 1, c: 8}]}
layers:
  - sequence: [{id: t, two: {columns: [id, c, n], rows: [[r, 4, 1], [s, 6, 2]]}}]
  - {concat: , from: [r.p, s.p, t.p, t]}
""",
        """
layers:
  - {id: p, conv: {k: 3, c: 4}}
  - conv: {k: 1, c: 8}
  - conv: {k: 3, c: 6}
  - conv: {k: 1, c: 8}
  - {id: q, conv: {k: 3, c: 6}}
  - {id: t, conv: {k: 1, c: 8}}
  - {concat: , from: [p, q, q, t]}
""",
    ),
    "the input of a block": (
        """
blocks:
  shared: {layers: [{id: a, conv: {k: 3, c: 8}}, {id: b, from: input, conv: {k: 1, c: 8}}, {add: , from: [a, b]}]}
layers: [{id: first, conv: {k: 3, c: 4}}, shared]
""",
        """
layers:
  - {id: first, conv: {k: 3, c: 4}}
  - {id: a, conv: {k: 3, c: 8}}
  - {id: b, from: first, conv: {k: 1, c: 8}}
  - {add: , from: [a, b]}
""",
    ),
    "inputs that are left, and several outputs": (
        """
blocks:
  root:
    inputs: [x, children...]
    layers:
      - {id: a, from: x, conv: {k: 3, c: 8}}
      - branches: [[{from: [x, children, a], concat: }], [{from: [a, x], concat: }, conv: {k: 1, c: 4}]]
  two: {outputs: [p, q], layers: [{id: p, conv: {k: 3, c: 8}}, {id: q, conv: {k: 3, c: 8}}]}
layers: [{id: s, two: }, {id: r, root: }, {id: t, from: s.p, two: }, {id: u, from: [s.q, t.p, t.q], root: }]
outputs: [r, u]
""",
        """
layers:
  - {id: p, conv: {k: 3, c: 8}}
  - {id: q, conv: {k: 3, c: 8}}
  - {id: a, conv: {k: 3, c: 8}}
  - {id: r, branches: [[{from: [q, a], concat: }], [{from: [a, q], concat: }, conv: {k: 1, c: 4}]]}
  - {id: p2, from: p, conv: {k: 3, c: 8}}
  - {id: q2, conv: {k: 3, c: 8}}
  - {id: a2, from: q, conv: {k: 3, c: 8}}
  - {id: u, branches: [[{from: [q, p2, q2, a2], concat: }], [{from: [a2, q], concat: }, conv: {k: 1, c: 4}]]}
outputs: [r, u]
""",
    ),
    "which repeat it is": (
        """
blocks:
  grown: {columns: {c: {type: channels}}, layers: [{conv: {k: 1, c: $c + 8 * $repeat}}, {scale: 1 / sqrt(1 + $repeat)}]}
layers: [{grown: {c: 8, n: 3}}, grown: 8]
""",
        """
layers:
  - conv: {k: 1, c: 8}
  - scale: 1
  - conv: {k: 1, c: 16}
  - scale: 0.7071067811865475
  - conv: {k: 1, c: 24}
  - scale: 0.5773502691896258
  - conv: {k: 1, c: 8}
  - scale: 1
""",
    ),
    "blocks of blocks": (
        """
blocks:
  outer: {columns: {c: {type: channels}}, layers: [inner: $c, inner: 4]}
  inner:
    columns: {c: {type: channels}, g: {type: groups, default: depthwise}}
    layers: [conv: {k: 3, c: $c}, conv: {k: 3, c: 1x, g: $g}]
layers: [outer: 8]
""",
        """
layers:
  - conv: {k: 3, c: 8}
  - conv: {k: 3, c: 1x, g: depthwise}
  - conv: {k: 3, c: 4}
  - conv: {k: 3, c: 1x, g: depthwise}
""",
    ),
    "defaults that compute": (
        """
blocks:
  b:
    columns: {c: {type: channels}, m: {type: channels, default: $c / 2}, k: {type: size, default: 1x3}}
    layers: [conv: {k: $k, c: $m}, conv: {k: 1, c: $c}]
layers: [b: 8, b: {c: 6, m: 4, k: 5}]
""",
        "layers: [conv: {k: 1x3, c: 4}, conv: {k: 1, c: 8}, conv: {k: 5, c: 4}, conv: {k: 1, c: 6}]",
    ),
}


@pytest.mark.parametrize(("own", "written"), WRITTEN.values(), ids=WRITTEN)
def test_the_same_written_out(own, written):
    assert ops(graph(own)) == ops(graph(written))


def test_blocks_of_another_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "blocks.yaml": f"archprof: 1{MINE}",
        "net.yaml": f"import: [blocks.yaml]\n{HEAD}{TABLE.format('mine', '')}",
        "wide.yaml": "archprof: 1\nextends: net.yaml@width=0.5\nset:\n  layers[1].rows[1].k: 7\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert ops(read_network("./net.yaml")) == ops(graph(MINE_TOO))
    wide = graph(MINE_TOO, **{"width": 0.5, "layers[1].rows[1].k": 7})
    assert ops(read_network("./wide.yaml")) == ops(wide)


def test_what_is_measured_is_what_is_computed():
    found = graph(MINE_TOO)
    assert measure_network(found).macs == analyze_graph(found).totals["macs"]


AXES = [
    ("width=0.35,0.5,0.75,1", "layers[1].rows[1].c=8:40:1", "layers[1].rows[2].t=1,2.5,6"),
    ("layers[1].rows[1].k=3,5", "layers[0].c=8:64:8", "resolution=16:48:5"),
]


# A block of two inputs, repeated, and what the last repeat of a row keeps.
JOINED = """
blocks:
  gated:
    inputs: [x, gate]
    columns: {k: {type: int}}
    outputs: [p]
    layers: [{id: p, from: gate, conv: {k: $k, c: 1x}}, {multiply: , from: [x, p]}]
  two: {columns: {c: {type: channels}}, outputs: [p], layers: [{id: p, conv: {k: 3, c: $c}}, conv: {k: 1, c: 8}]}
layers:
  - {id: a, conv: {k: 3, c: 8}}
  - {id: b, conv: {k: 3, c: 8}}
  - {id: g, from: [b, a], gated: {k: 1, n: 2}}
  - two: {columns: [id, c, n], rows: [[r, 4, 1], [s, 6, 2]]}
  - {concat: , from: [r.p, s.p, g.p, s]}
"""


@pytest.mark.parametrize(
    ("spec", "axes"),
    [
        *((MINE_TOO, axes) for axes in AXES),
        (JOINED, ("layers[2].n=1:4:1", "layers[2].k=1,3,5", "s.n=1:3:1", "r.c=4:16:4", "resolution=16:48:8")),
    ],
)
def test_a_sweep_has_the_numbers_of_single_networks(spec, axes, tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(HEAD.replace("classes: 10\n", "") + spec if spec is JOINED else HEAD + spec, encoding="utf-8")
    plan = plan_sweep(str(path), [parse_axis(tuple(axis.rsplit("=", 1))) for axis in axes], Selection())
    found = compute(pickle.dumps(plan), 0, plan.size)
    assert len(found.numbers) == plan.size
    for at in random.Random(5).sample(range(plan.size), 40):
        places = digits(plan, found.numbers[at : at + 1])
        settings = [(axis.name, axis.values[int(places[axis.name][0])]) for axis in plan.axes]
        assert tuple(found.costs[:, at].tolist()) == tuple(analyze_graph(expand(plan.spec(settings))).totals.values())


def test_specs_that_have_a_block_from_one_file_keep_what_is_theirs(tmp_path):
    """What one of them bound and traced first, the others do not get where a knob or a default makes it another."""
    body = "- conv: {k: 3, c: $c}\n      - {conv: {k: 1, c: $inner}, when: $c > 4}\n"
    (tmp_path / "parent.yaml").write_text(
        f"{HEAD}knobs: {{inner: {{type: int, default: 8}}}}\n"
        f"blocks:\n  mine:\n    columns: {{c: {{type: channels}}}}\n    layers:\n      {body}"
        "layers: [{mine: 8}, {mine: 4}, {mine: 8}, avg_pool, {linear: classes}]\n"
    )

    def plain(inner, defaults):
        layers = [(f"{{id: l{n}, conv: {{k: 3, c: {c}}}}}", c) for n, c in enumerate((8, 4, 8))]
        inside = ", ".join(
            f"{first}, {{id: i{n}, conv: {{k: 1, c: {inner}}}}}" if c > 4 else first
            for n, (first, c) in enumerate(layers)
        )
        head = HEAD.replace("{norm: batch_norm, act: relu6}", defaults)
        return read_network("./net.yaml", text=f"{head}layers: [{inside}, avg_pool, {{linear: classes}}]\n")

    own = "{norm: batch_norm, act: relu6}"
    for settings, defaults in (("", own), ("@inner=5", own), ("", "{norm: layer_norm, act: gelu}"), ("@inner=5", own)):
        child = "archprof: 1\nextends: ./parent.yaml" + settings + "\n"
        child += f"defaults: {defaults}\n" if defaults != own else ""
        (tmp_path / "child.yaml").write_text(child)
        assert ops(read_network(str(tmp_path / "child.yaml"))) == ops(plain(5 if settings else 8, defaults))
