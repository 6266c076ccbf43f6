"""Choices that a spec leaves open: the order of its networks digit by digit, their default, and what fixes a draw."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.errors import InputError
from archprof.language.expand import expand, read_network
from archprof.language.spellings import spellings
from archprof.spec.load import load, read_tree, resolve
from archprof.spec.nodes import Map, Scalar
from archprof.spec.ranks import named_draws, pick, rank_of
from tests.spec.networks import costs, network, shapes

SPACE = """
archprof: 1
name: my_space
input: 3x64x64
classes: 10
space: {resolution: "32:64:32", version: 3}
defaults: {norm: batch_norm, act: relu6}
knobs: {stem: {choice: [16, 24, 32]}}
layers:
  - conv: {k: 3, s: 2, c: $stem}
  - inverted_residual:
      columns: [k, t, c, n, s]
      rows:
        - [{choice: [3, 5, 7]}, {choice: [3, 6]}, 24, {choice: [2, 3, 4]}, 2]
        - [{choice: [3, 5], per: row}, 6, 48, 3, 2]
  - block:
      choice: [{inverted_residual: {k: 3, t: 6}}, {inverted_residual: {k: 5, t: 3}}, skip]
      columns: [c, n, s]
      rows: [[48, 2, 1]]
  - avg_pool
  - linear: classes
"""
NETWORKS = 3 * (6**2 + 6**3 + 6**4) * 2 * 3**2


def opened(text, *settings):
    """Return the space of a spec."""
    found = load("net.yaml", settings, spellings=spellings, text=text).open
    assert found is not None
    return found


def space(layers, head="", *settings):
    return opened(f"archprof: 1\ninput: 3x32x32\n{head}layers:\n{layers}", *settings)


def drawn(found, rank):
    """Return what a rank draws, place by place; a block by its name and options."""
    return {place: said(option) for place, option in named_draws(found.choices, pick(found.choices, rank))}


def said(option):
    if isinstance(option, Scalar):
        return option.text
    assert isinstance(option, Map)
    return {key: said(value) for key, value in option.pairs()}


# The order of ranks


def test_a_rank_is_read_as_digits_the_first_draw_the_most_significant():
    """4,711 = 9·523 + 4, the digits 1, 1 of two blocks; 523 = 2·261 + 1, the second kernel of a row; 261 of the first
    stem, as 1,548 are of each: 36 of depth 2 and 216 of depth 3 stand before, and 9 is 0, 0, 1, 3 to the base 6: twice
    kernel 3 and ratio 3, then 3 and 6, then 5 and 6."""
    kernels = {f"layers[1].rows[0].k[{at}]": k for at, k in enumerate(("3", "3", "3", "5"))}
    ratios = {f"layers[1].rows[0].t[{at}]": t for at, t in enumerate(("3", "3", "6", "6"))}
    second = {"inverted_residual": {"k": "5", "t": "3"}}
    expected: dict[str, object] = {"stem": "16", "layers[1].rows[0].n": "4", **kernels, **ratios}
    expected |= {"layers[1].rows[1].k": "5", "layers[2].rows[0].block[0]": second, "layers[2].rows[0].block[1]": second}
    found = opened(SPACE)
    assert found.choices.networks == NETWORKS == 83_592
    assert drawn(found, 4711) == expected


@pytest.mark.parametrize(
    ("layers", "head", "order"),
    [
        # Knobs in their order, before the layers, wherever they are asked for.
        (
            "  - conv: {k: {choice: [3, 5]}, c: $b}\n  - conv: {k: 3, c: $a}\n",
            "knobs: {a: {choice: [8, 16]}, b: {choice: [4, 2]}}\n",
            [f"{a} {b} {k}" for a in (8, 16) for b in (4, 2) for k in (3, 5)],
        ),
        # What the table draws, before its rows; the options beside rows are of each row that has no cell of its own.
        (
            "  - {conv: {columns: [k, c], rows: [[{choice: [3, 1]}, 8], [5, 8]], act: {choice: [relu, relu6]}, "
            "bias: {choice: [true, false], per: table}}}\n",
            "",
            [
                f"{bias} {k} {one} {two}"
                for bias in ("true", "false")
                for k in (3, 1)
                for one in ("relu", "relu6")
                for two in ("relu", "relu6")
            ],
        ),
        # What a row draws once, its depth as listed, then each repeat for itself.
        (
            "  - conv: {k: {choice: [3, 5]}, c: {choice: [8, 4], per: row}, n: {choice: [2, 1]}}\n",
            "",
            [f"{c} {n} {' '.join(map(str, ks))}" for c in (8, 4) for n in (2, 1) for ks in product((3, 5), repeat=n)],
        ),
        # A single repeat draws for its row: behind what the row draws once.
        (
            "  - conv: {columns: [k, c], rows: [[{choice: [3, 5]}, {choice: [8, 4], per: row}]]}\n",
            "",
            ["8 3", "8 5", "4 3", "4 5"],
        ),
        # A depth of which no repeat draws anything.
        ("  - conv: {k: {choice: [3, 5], per: row}, c: 8, n: {choice: [3, 1]}}\n", "", ["3 3", "3 1", "5 3", "5 1"]),
    ],
)
def test_networks_come_in_this_order(layers, head, order):
    found = space(layers, head)
    assert [" ".join(drawn(found, rank).values()) for rank in range(found.choices.networks)] == order


CELLS = {"k": ("1", "3", "5"), "c": ("4", "8", "6"), "act": ("relu", "relu6", "hardswish")}


@st.composite
def spaces(draw):
    """A spec with choices anywhere, and all of its networks in order: what each draws, place by place."""
    numbers = draw(st.lists(st.integers(2, 3), max_size=2))
    knobs = [[(f"knob{at}", str(8 * option)) for option in range(1, number + 1)] for at, number in enumerate(numbers)]
    text = "".join(
        f"  knob{at}: {{choice: [{', '.join(value for _, value in options)}]}}\n" for at, options in enumerate(knobs)
    )
    layers, groups = [], [[list(found) for found in product(*knobs)]]
    for index in range(draw(st.integers(1, 2))):
        layer, ways = draw(tables(f"layers[{index}]"))
        layers.append(layer)
        groups.append(ways)
    head = f"knobs:\n{text}" if knobs else ""
    expected = [{place: value for part in parts for place, value in part} for parts in product(*groups)]
    return head, "".join(layers), expected


@st.composite
def tables(draw, address):
    """A layer with a table of choices, and all ways to draw it."""
    beside, per_table, options_of = [], [], {}
    columns = ["k", "c"]
    if draw(st.booleans()):
        options = draw(st.permutations(CELLS["act"]))[:2]
        per = draw(st.sampled_from(["table", "row", "repeat"]))
        beside.append(f"act: {{choice: [{', '.join(options)}], per: {per}}}")
        if per == "table":
            per_table.append([(f"{address}.act", option) for option in options])
        else:
            options_of["act"] = (per, options)
    rows, ways = [], []
    for number in range(draw(st.integers(1, 2))):
        cells, draws = [], {}
        for name in columns:
            options = draw(st.permutations(CELLS[name]))[: draw(st.integers(1, 2))]
            per = draw(st.sampled_from(["row", "repeat"]))
            cells.append(f"{{choice: [{', '.join(options)}], per: {per}}}" if options[1:] else options[0])
            if options[1:]:
                draws[name] = (per, options)
        depths = draw(st.lists(st.integers(1, 2), min_size=1, max_size=2, unique=True))
        cells.append(f"{{choice: [{', '.join(map(str, depths))}]}}" if depths[1:] else str(depths[0]))
        rows.append(f"        - [{', '.join(cells)}]\n")
        ways.append(list(row_ways(f"{address}.rows[{number}]", {**draws, **options_of}, depths)))
    options = "".join(f"      {one}\n" for one in beside)
    text = f"  - conv:\n      columns: [k, c, n]\n{options}      rows:\n{''.join(rows)}"
    shared = [list(found) for found in product(*per_table)]
    return text, [[pair for part in parts for pair in part] for parts in product(shared, *ways)]


def row_ways(address, draws, depths):
    once = [[(f"{address}.{name}", one) for one in options] for name, (per, options) in draws.items() if per == "row"]
    each = {name: options for name, (per, options) in draws.items() if per == "repeat"}
    for shared in product(*once):
        for depth in depths:
            deep = [(f"{address}.n", str(depth))] if depths[1:] else []
            for repeats in product(product(*each.values()), repeat=depth):
                own = [
                    (f"{address}.{name}" + (f"[{at}]" if max(depths) > 1 else ""), value)
                    for at, repeat in enumerate(repeats)
                    for name, value in zip(each, repeat, strict=True)
                ]
                yield [*shared, *deep, *own]


@given(spaces())
def test_ranks_and_networks_are_one_to_one_in_the_order_of_the_draws(case):
    head, layers, expected = case
    spec = load("net.yaml", (), spellings=spellings, text=f"archprof: 1\ninput: 3x32x32\n{head}layers:\n{layers}")
    if spec.open is None:
        assert len(expected) == 1
        return
    choices = spec.open.choices
    assert choices.networks == len(expected)
    some = range(0, len(expected), max(len(expected) // 200, 1))
    for rank in (*some, len(expected) - 1):
        assert drawn(spec.open, rank) == expected[rank]
        assert rank_of(choices, pick(choices, rank)) == rank


@pytest.mark.parametrize("rank", [0, 1, 4711, NETWORKS // 2, NETWORKS - 1])
def test_a_rank_is_that_of_the_network_that_it_names(rank):
    found = opened(SPACE, ("network", str(rank)))
    assert rank_of(found.choices, found.picked) == rank
    assert found.asked


# Networks


def test_a_network_is_the_table_with_what_it_draws():
    """Rank 4,711, as above, and rank 83,591: the last option of everything, which leaves out both blocks."""
    drawn_text = """
archprof: 1
input: 3x64x64
classes: 10
defaults: {norm: batch_norm, act: relu6}
layers:
  - conv: {k: 3, s: 2, c: $stem}
  - inverted_residual:
      columns: [k, t, c, n, s]
      rows: [ROWS]
BLOCKS
  - avg_pool
  - linear: classes
"""
    some = drawn_text.replace("$stem", "16").replace(
        "ROWS", "[3, 3, 24, 2, 2], [3, 6, 24, 1, 1], [5, 6, 24, 1, 1], [5, 6, 48, 3, 2]"
    )
    some = some.replace("BLOCKS", "  - inverted_residual: {k: 5, t: 3, c: 48, n: 2}")
    last = drawn_text.replace("$stem", "32").replace("ROWS", "[7, 6, 24, 4, 2], [5, 6, 48, 3, 2]").replace("BLOCKS", "")
    for rank, text in ((4711, some), (NETWORKS - 1, last)):
        own = read_network(f"net.yaml@network={rank}", text=SPACE)
        plain = read_network("net.yaml", text=text)
        assert costs(own) == costs(plain)
        assert [node.output.shape for node in own.nodes] == [node.output.shape for node in plain.nodes]


def test_stride_and_stated_input_are_the_first_repeats_and_a_name_is_the_last_ones():
    layers = "  - conv: {columns: [k, c, n, s, input, id], rows: [[{choice: [3, 5]}, 8, 3, 2, 32x32x3, body]]}\n"
    text = f"archprof: 1\ninput: 3x32x32\nlayers:\n{layers}  - {{from: body, conv: {{k: 1, c: 4}}}}\n"
    # 3, 5, 5 of two kernels: 0·4 + 1·2 + 1
    found = read_network("net.yaml@network=3", text=text)
    rows = "[[3, 8, 1, 2], [5, 8, 2, 1]]"
    plain = network(f"  - conv: {{columns: [k, c, n, s], rows: {rows}}}\n  - conv: {{k: 1, c: 4}}\n")
    assert costs(found) == costs(plain)
    assert [node.output.shape for node in found.nodes] == [node.output.shape for node in plain.nodes]


def test_a_depth_beside_the_rows_is_each_rows_own():
    layers = "  - {conv: {columns: [k, c], rows: [[3, 8], [1, 4]], n: {choice: [1, 3]}}}\n"
    found = space(layers)
    assert [list(drawn(found, rank).values()) for rank in range(4)] == [["1", "1"], ["1", "3"], ["3", "1"], ["3", "3"]]
    plain = network("  - conv: {columns: [k, c, n], rows: [[3, 8, 1], [1, 4, 3]]}\n")
    assert shapes(network(layers, at="network=1")) == shapes(plain)


def test_a_depth_may_be_the_whole_tables():
    found = space("  - {conv: {columns: [k, c], rows: [[3, 8], [1, 4]], n: {choice: [1, 3], per: table}}}\n")
    assert [drawn(found, rank) for rank in range(2)] == [{"layers[0].n": "1"}, {"layers[0].n": "3"}]


# The default


@pytest.mark.parametrize(
    ("layer", "at_default"),
    [
        ("conv: {k: {choice: [3, 5, 7]}, c: 8}", "conv: {k: 7, c: 8}"),
        ("conv: {k: {choice: [3, 5, 7], default: 3}, c: 8}", "conv: {k: 3, c: 8}"),
        (
            "conv: {k: {choice: [3, 5], default: 3}, c: 8, n: {choice: [3, 2, 1], default: 2}}",
            "conv: {k: 3, c: 8, n: 2}",
        ),
        ("block: {choice: [{conv: {k: 3}}, skip], default: {conv: {k: 3}}, c: 3, n: 2}", "conv: {k: 3, c: 3, n: 2}"),
        ("conv: {k: 3, c: 8, act: {choice: [relu, -]}}", "conv: {k: 3, c: 8, act: -}"),
    ],
)
def test_a_space_stands_for_the_last_option_or_for_its_default(layer, at_default):
    found, plain = network(f"  - {layer}\n"), network(f"  - {at_default}\n")
    assert costs(found) == costs(plain)
    assert [node.output.shape for node in found.nodes] == [node.output.shape for node in plain.nodes]


# Knobs


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ("[16, 24]", "int"),
        ("[1, 0.5]", "float"),
        ("[true, false]", "bool"),
        ("[full, 3]", "choice"),
        ('"8:16:8"', "int"),
        ('"1.5:2:0.5"', "float"),
        ("[batch_norm, group_norm]", "choice"),
    ],
)
def test_a_drawn_knob_is_of_the_type_of_its_options(options, kind):
    spec = load(
        "net.yaml",
        (),
        spellings=spellings,
        text=f"archprof: 1\ninput: 3x32x32\nknobs: {{a: {{choice: {options}}}}}\nlayers:\n  - conv: {{k: 3, c: 8}}\n",
    )
    assert spec.knobs["a"].type == kind
    assert spec.open is not None
    assert spec.open.choices.networks == 2


def test_a_knob_that_is_set_is_drawn_no_more():
    found = opened(SPACE, ("stem", "24"))
    assert found.choices.networks == NETWORKS // 3
    assert costs(read_network("net.yaml@stem=24,network=5", text=SPACE)) == costs(
        read_network(f"net.yaml@network={NETWORKS // 3 + 5}", text=SPACE)
    )


def test_a_knob_of_a_type_of_its_own():
    head = "knobs: {wide: {type: float, choice: [1, 2], default: 1, doc: how wide}}\n"
    knob = load(
        "net.yaml",
        (),
        spellings=spellings,
        text=f"archprof: 1\ninput: 3x8x8\n{head}layers:\n  - conv: {{k: 1, c: 8*$wide}}\n",
    ).knobs["wide"]
    assert (knob.type, knob.doc, knob.default.text) == ("float", "how wide", "1")


# Fixing draws


@pytest.mark.parametrize(
    ("settings", "networks", "rank", "whole"),
    [
        # The first kernel of three is all repeats': 2ⁿ instead of 6ⁿ, of depths 2, 3, 4.
        ([("layers[1].rows[0].k", "3")], 3 * (2**2 + 2**3 + 2**4) * 2 * 9, 0, 0),
        ([("layers[1].rows[0].n", "2")], 3 * 6**2 * 2 * 9, 18, 18),
        # The last row of the second kernel: rank 9·1 + 4 of all is rank 4 of these.
        ([("layers[1].rows[1].k", "5")], NETWORKS // 2, 4, 13),
        ([("stem", "32"), ("layers[1].rows[1].k", "3")], NETWORKS // 6, 8, 2 * 1548 * 18 + 8),
    ],
)
def test_a_draw_that_is_set_leaves_a_smaller_space(settings, networks, rank, whole):
    assert opened(SPACE, *settings).choices.networks == networks
    behind = ",".join(f"{place}={value}" for place, value in settings)
    small = read_network(f"net.yaml@{behind},network={rank}", text=SPACE)
    assert costs(small) == costs(read_network(f"net.yaml@network={whole}", text=SPACE))


def test_a_space_all_of_whose_draws_are_set_is_a_network():
    layers = "  - conv: {k: {choice: [3, 5]}, c: 8}\n"
    text = f"archprof: 1\ninput: 3x32x32\nlayers:\n{layers}"
    assert load("net.yaml", (("layers[0].k", "3"),), spellings=spellings, text=text).open is None
    assert shapes(network(layers, at="layers[0].k=3")) == shapes(network("  - conv: {k: 3, c: 8}\n"))


def test_a_cell_may_be_set_to_a_choice():
    text = "archprof: 1\ninput: 3x32x32\nlayers:\n  - conv: {k: 3, c: 8}\n"
    assert opened(text, ("layers[0].k", "{choice: [1, 3, 5]}")).choices.networks == 3


# Variants


def test_one_network_of_a_space_is_extended(tmp_path):
    (tmp_path / "space.yaml").write_text(SPACE, encoding="utf-8")
    child = f"archprof: 1\nextends: {tmp_path}/space.yaml@network=4711\nclasses: 7\nset: {{'layers[1].rows[0].k': 7}}\n"
    path = tmp_path / "child.yaml"
    path.write_text(child, encoding="utf-8")
    spec = load(str(path), spellings=spellings)
    assert (spec.open, spec.space, spec.classes) == (None, None, 7)
    parent = read_network(f"{tmp_path}/space.yaml@network=4711,classes=7")
    # The kernel of the first two of its four layers, of 16·3 and 24·3 channels, has 49 weights, not 9.
    assert costs(expand(spec))[0] - costs(parent)[0] == 40 * (16 * 3 + 24 * 3)


def test_a_space_that_is_extended_is_one_still(tmp_path):
    (tmp_path / "space.yaml").write_text(SPACE, encoding="utf-8")
    path = tmp_path / "child.yaml"
    path.write_text("archprof: 1\nextends: space.yaml@stem=16\nset: {'layers[1].rows[1].k': 3}\n", encoding="utf-8")
    spec = load(str(path), spellings=spellings)
    assert spec.open is not None
    assert spec.open.choices.networks == NETWORKS // 6


# What leaves nothing open


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet18", "mobilenetv4_conv_small"])
def test_a_network_is_no_space(name):
    tree = read_tree(name, spellings)
    assert not tree.leaves_open
    assert resolve(tree, (), spellings).open is None


def test_the_word_alone_makes_no_space():
    layers = "  - conv: {k: 3, c: 8}\n  - avg_pool\n"
    noted = network(layers, head='note: "of choice: none"\n')
    assert noted.nodes == network(layers, head="note: of nothing\n").nodes


def test_what_is_wrong_elsewhere_is_told_too():
    """A choice that is none does not hide the errors of the top level."""
    text = "archprof: 1\ninput: large\nnome: x\nlayers:\n  - conv: {k: {choice: [3]}, c: 8}\n"
    with pytest.raises(InputError) as raised:
        read_network("net.yaml", text=text)
    assert [one.message for one in raised.value.problems] == [
        "expected `CxHxW`, not `large`",
        "unknown key `nome`",
        "a choice of 1",
    ]
