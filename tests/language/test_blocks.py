"""Blocks and the rules of width and depth: counts by hand, and those of the implementations that follow each rule."""

import pytest

from archprof.errors import SpecError
from archprof.ir.operators import operator_names
from archprof.ir.operators.norm import GroupNorm
from archprof.language.expand import read_network
from archprof.language.not_yet import NOT_YET
from archprof.language.registry import block_names
from tests.spec.networks import costs, network, shapes


def conv(inputs, outputs, kernel=1, groups=1, side=32, norm=True):
    """Return (params, macs) of a convolution with a batch norm, or with a bias."""
    weights = inputs // groups * outputs * kernel * kernel
    return weights + (2 * outputs if norm else outputs), weights * side * side


def total(*parts):
    return tuple(map(sum, zip(*parts, strict=True)))


NORM = "defaults: {norm: batch_norm, act: relu6}\n"


@pytest.mark.parametrize(
    ("layer", "expected", "shape"),
    [
        ("conv: {k: 3, s: 2, c: 8}", [conv(16, 8, 3, side=16)], (8, 16, 16)),
        ("conv: {k: 3, c: 8, norm: -}", [conv(16, 8, 3, norm=False)], (8, 32, 32)),
        ("conv: {k: 3, c: 8, bias: true}", [conv(16, 8, 3), (8, 0)], (8, 32, 32)),
        ("conv: {k: 3, c: 8, norm: -, bias: false}", [(16 * 8 * 9, 16 * 8 * 9 * 32 * 32)], (8, 32, 32)),
        ("conv: {k: 3, c: 32, g: 4}", [conv(16, 32, 3, 4)], (32, 32, 32)),
        ("conv: {k: 3, c: 32, g: depthwise}", [conv(16, 32, 3, 16)], (32, 32, 32)),
        ("conv: {k: 5, d: 2, c: 8}", [conv(16, 8, 5)], (8, 32, 32)),
        ("conv: {k: 3, s: 2, c: 8, p: [0, 1, 0, 1]}", [conv(16, 8, 3, side=16)], (8, 16, 16)),
        ("conv: {k: 4, c: 8, p: [1, 2, 1, 2]}", [conv(16, 8, 4)], (8, 32, 32)),
        ("conv: {k: 4, c: 8, p: [2, 2, 2, 2], s: 2}", [conv(16, 8, 4, side=17)], (8, 17, 17)),
        ("conv: {k: 1x7, c: 8, p: [0, 3]}", [(16 * 8 * 7 + 16, 16 * 8 * 7 * 32 * 32)], (8, 32, 32)),
        ("conv: {k: 2, c: 16, p: [0, 1, 1, 0], g: depthwise}", [conv(16, 16, 2, 16)], (16, 32, 32)),
        ("conv2d: {k: 4, c: 8, p: [1, 2, 1, 2]}", [conv(16, 8, 4, norm=False)], (8, 32, 32)),
        ("conv2d: {k: 1, c: 8, p: [3, 0, 0, 0]}", [(16 * 8 + 8, 16 * 8 * 35 * 32)], (8, 35, 32)),
        ("conv2d: {k: 1, c: 8, p: [0, 3, 0, 0]}", [(16 * 8 + 8, 16 * 8 * 35 * 32)], (8, 35, 32)),
        ("conv2d: {k: 1, c: 8, p: [0, 0, 3, 0]}", [(16 * 8 + 8, 16 * 8 * 32 * 35)], (8, 32, 35)),
        ("conv2d: {k: 1, c: 8, p: [0, 0, 0, 3]}", [(16 * 8 + 8, 16 * 8 * 32 * 35)], (8, 32, 35)),
        ("max_pool: {k: 4, s: 1, p: [1, 2, 0, 3]}", [(0, 0)], (16, 32, 32)),
        ("avg_pool: {k: 4, s: 1, p: [1, 2, 0, 3]}", [(0, 0)], (16, 32, 32)),
        ("avg_pool: {k: 3, s: 2, p: [0, 1, 1, 1]}", [(0, 0)], (16, 16, 16)),
        ("pad: {p: [1, 2]}", [(0, 0)], (16, 34, 36)),
        ("conv: {k: 1x7, c: 8}", [(16 * 8 * 7 + 16, 16 * 8 * 7 * 32 * 32)], (8, 32, 32)),
        ("conv: {c: 6x, k: 1}", [conv(16, 96)], (96, 32, 32)),
        ("conv: {c: 0.5x, k: 1}", [conv(16, 8)], (8, 32, 32)),
        ("depthwise_separable: {c: 24, s: 2}", [conv(16, 16, 3, 16, 16), conv(16, 24, side=16)], (24, 16, 16)),
        ("inverted_residual: {t: 6, c: 16}", [conv(16, 96), conv(96, 96, 3, 96), conv(96, 16)], (16, 32, 32)),
        (
            "inverted_residual: {exp: 96, c: 24, k: 5, s: 2}",
            [conv(16, 96), conv(96, 96, 5, 96, 16), conv(96, 24, side=16)],
            (24, 16, 16),
        ),
        (
            "inverted_residual: {t: 1, c: 24, always_expand: true}",
            [conv(16, 16), conv(16, 16, 3, 16), conv(16, 24)],
            (24, 32, 32),
        ),
        ("inverted_residual: {t: 1, c: 24, fused: true}", [conv(16, 24, 3)], (24, 32, 32)),
        (
            "inverted_residual: {t: 1, c: 24, fused: true, always_expand: true}",
            [conv(16, 16, 3), conv(16, 24)],
            (24, 32, 32),
        ),
        ("inverted_residual: {t: 1, c: 24}", [conv(16, 16, 3, 16), conv(16, 24)], (24, 32, 32)),
        (
            "squeeze_excite: {ratio: 0.25}",
            [conv(16, 4, side=1, norm=False), conv(4, 16, side=1, norm=False)],
            (16, 32, 32),
        ),
        ("squeeze_excite: {ratio: 0.25, divisor: 8, bias: false}", [(2 * 16 * 8, 2 * 16 * 8)], (16, 32, 32)),
        (
            "squeeze_excite: {ratio: 0.25, form: linear}",
            [conv(16, 4, side=1, norm=False), conv(4, 16, side=1, norm=False)],
            (16, 32, 32),
        ),
        (
            "squeeze_excite: {ratio: 0.01}",
            [conv(16, 1, side=1, norm=False), conv(1, 16, side=1, norm=False)],
            (16, 32, 32),
        ),
        ("linear: {c: 10}", [(16 * 32 * 32 * 10 + 10, 16 * 32 * 32 * 10)], (10,)),
        ("sequence: [permute: channels_last, linear: 10]", [(16 * 10 + 10, 32 * 32 * 16 * 10)], (32, 32, 10)),
        ("sequence: [permute: channels_last, flatten, linear: 10]", [(16384 * 10 + 10, 16384 * 10)], (10,)),
        ("linear: {c: 10, bias: false}", [(16 * 32 * 32 * 10, 16 * 32 * 32 * 10)], (10,)),
    ],
)
def test_block(layer, expected, shape):
    graph = network(
        f"  - {layer}\n",
        head=NORM if "conv:" in layer or "depthwise" in layer or "inverted" in layer else "",
        input="16x32x32",
    )
    assert costs(graph) == total(*expected)
    assert graph.nodes[-1].output.shape == shape


def test_first_expansion_that_is_kept():
    """MobileNetV2 as some write it, its first 32 channels expanded to 32: 32·32 weights at 112×112, and a norm. Some
    move a stride besides, and count 429M."""
    kept = "mobilenet_v2@layers[1].rows[0].always_expand=true"
    assert costs(read_network(kept)) == (3_504_872 + 32 * 32 + 2 * 32, 300_774_272 + 32 * 32 * 112 * 112)
    later = f"{kept},layers[1].rows[3].s=1,layers[1].rows[4].s=2"
    assert costs(read_network(later)) == (3_505_960, 429_111_936)


@pytest.mark.parametrize(
    ("layers", "side", "expected"),
    [
        ("[conv2d: {k: 4, c: 8, p: [1, 2, 1, 2]}]", 32, (48 * 8 + 8, 48 * 8 * 32 * 32)),
        (
            "[conv2d: {k: 1, c: 8, p: [3, 0, 0, 0]}, conv2d: {k: 1, c: 8, p: [0, 0, 0, 3]}]",
            32,
            (3 * 8 + 8 + 8 * 8 + 8, 3 * 8 * 35 * 32 + 8 * 8 * 35 * 35),
        ),
        # TensorFlow's "same" on an odd side: 225 + 1 by 2, then 113 + 2 by 2.
        (
            "[conv: {k: 2, s: 2, c: 8, p: [0, 1, 0, 1]}, conv: {k: 3, s: 2, c: 8}]",
            225,
            (12 * 8 + 8 + 72 * 8 + 8, 12 * 8 * 113 * 113 + 72 * 8 * 57 * 57),
        ),
    ],
)
def test_padding_that_differs_from_side_to_side(layers, side, expected):
    assert costs(network(f"  - sequence: {layers}\n", input=f"3x{side}x{side}")) == expected


def test_what_the_width_scales_behind_a_map_that_stretches():
    """A map of one channel in front: what the table prints behind the sum are the ten of the other."""
    layers = "  - branches: {join: add, paths: [[conv: {k: 1, c: 1, scale: false}], [conv: {k: 1, c: 10}]]}\n"
    rest = "  - inverted_residual: {exp: 40, c: 10}\n"
    head = "width: {divisor: -, expand: ratio}\n"
    found = shapes(network(layers + rest, head=head, at="width=2"))
    assert found["0.add"] == (20, 32, 32)
    assert found["1.expand.conv"] == (80, 32, 32)


@pytest.mark.parametrize("name", " ".join(NOT_YET.values()).split())
def test_what_is_not_here_yet_is_not_here(name):
    ours = {
        known.lower().translate({ord(sign): None for sign in "_-"}) for known in (*block_names(), *operator_names())
    }
    assert name not in {known.removesuffix("2d") for known in ours}


@pytest.mark.parametrize("change", ["group_norm.groups=8", "group_norm={groups: 8}"])
@pytest.mark.parametrize(
    "default",
    ["batch_norm", "-", "frozen_batch_norm", "{batch_norm: {eps: 0.1}}", "{group_norm: {groups: 4}}"],
)
def test_options_of_a_norm_in_the_place_of_the_default(change, default):
    layers, at = "  - conv: {k: 3, c: 16, bias: false}\n", f"defaults.norm.{change}"
    found = network(layers, head=f"defaults: {{norm: {default}}}\n", at=at)
    assert found.nodes[-1].op == GroupNorm(16, 8)


# Each has the swish of a learnable factor, one parameter more than an activation has.
SWISH = "{swish: {learnable: true}}"
NAMED = f"""
  - conv: {{k: 1, c: 8, norm: {{batch_norm: {{eps: 0.1}}}}}}
  - conv: {{columns: [k, c, norm], rows: [[1, 8, {{batch_norm: {{eps: 0.1}}}}]]}}
  - squeeze_excite: {{ratio: 0.5, act: {SWISH}}}
  - inverted_residual: {{columns: [t, c, se], rows: [[2, 8, {{ratio: 0.5, act: {SWISH}}}]]}}
"""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("layers[0].norm.group_norm.groups=2", "0.norm"),
        ("layers[1].rows[0].norm.group_norm.groups=2", "1.0.norm"),
        ("defaults.conv.norm.group_norm.groups=2", "0.norm"),
        ("defaults.norm.group_norm.groups=2,defaults.norm.group_norm.eps=0.1", "3.0.project.norm"),
        ("defaults.normalization.group_norm.groups=2", "3.0.project.norm"),
        ("layers[2].act.relu6={}", "2.se.act"),
        ("layers[3].rows[0].se.act.relu6={}", "3.0.se.act"),
        ("defaults.nl=relu6", "3.0.expand.act"),
        ("defaults.activation.relu6={}", "3.0.expand.act"),
    ],
)
def test_another_name_in_the_place_of_one_with_options(change, named):
    """There is one norm and one activation, wherever and under whichever of its names: the address says which."""
    head = f"defaults: {{norm: {{batch_norm: {{eps: 0.1}}}}, act: {SWISH}, conv: {{act: -}}}}\n"
    layers = NAMED if not change.startswith("defaults.conv") else NAMED.replace(", norm: {batch_norm: {eps: 0.1}}", "")
    found = {node.path: node.op for node in network(layers, head=head, at=change).nodes}
    assert found[named].name == ("group_norm" if "group_norm" in change else "relu6")


TABLE = "  - {id: stage, conv: {columns: [k, c, s], rows: [[3, 8, 1], [3, 16, 2]]}}\n"


@pytest.mark.parametrize("column", ["c", "out", "k", "s"])
def test_what_each_row_of_a_table_has_is_not_set_beside_them(column):
    with pytest.raises(SpecError) as raised:
        network(TABLE, at=f"stage.{column}=5")
    name = {"out": "c"}.get(column, column)
    assert str(raised.value) == (
        f"stage.{column}=5: `stage.{column}` names nothing: each row of `layers[0]` has a `{name}` of its own\n"
        f"  help: did you mean `layers[0].rows[0].{name}`?"
    )


def test_what_only_some_rows_have_is_set_for_the_others():
    found = network(TABLE, at="layers[0].rows[1].d=2,layers[0].d=3,layers[0].g=4", input="8x32x32")
    assert [(node.op.dilation, node.op.groups) for node in found.nodes] == [((3, 3), 4), ((2, 2), 4)]


def test_squeeze_excite_in_a_cell():
    """✓ is the squeeze-excite of `defaults`; a mapping changes some of it; a ratio of 0 is none; the ratio may be of
    the block's input."""
    head = "defaults: {norm: batch_norm, act: relu6, squeeze_excite: {ratio: 0.5, bias: false}}\n"
    rows = (
        "  - inverted_residual: {columns: [t, c, se], rows: [[2, 16, ✓], [2, 16, {of: input, bias: true}], [2, 16, "
        "0.25], [2, 16, 0], [2, 16, -]]}\n"
    )
    squeezed = {
        path: shape[0]
        for path, shape in shapes(network(rows, head=head, input="16x8x8")).items()
        if path.endswith("se.reduce")
    }
    assert squeezed == {"0.0.se.reduce": 16, "0.1.se.reduce": 8, "0.2.se.reduce": 8}
    bare = costs(
        network(
            rows.replace("✓", "-").replace("{of: input, bias: true}", "-").replace("0.25", "-"),
            head=head,
            input="16x8x8",
        )
    )
    gates = 2 * 32 * 16, 2 * 32 * 8 + 8 + 32, 2 * 32 * 8
    assert costs(network(rows, head=head, input="16x8x8")) == (bare[0] + sum(gates), bare[1] + 2 * 32 * (16 + 8 + 8))


@pytest.mark.parametrize(
    ("cell", "groups"),
    [
        ("", 3),
        ("norm: group_norm", 3),
        ("norm: gn", 3),
        ("norm: {group_norm: {}}", 32),
        ("norm: {group_norm: {groups: 4}}", 4),
        ("norm: {group_norm: {group_size: 6}}", 16),
    ],
)
def test_a_norm_named_by_its_word_has_the_options_of_the_defaults(cell, groups):
    """96 channels, 32 a group: 3 groups. A mapping says all itself."""
    head = "defaults: {norm: group_norm, group_norm: {group_size: 32}}\n"
    graph = network(f"  - conv: {{k: 1, c: 96{', ' if cell else ''}{cell}}}\n", head=head)
    assert [node.op.groups for node in graph.nodes if node.op.name == "group_norm"] == [groups]


def test_gate_before_the_activation():
    layer = "  - inverted_residual: {t: 2, c: 16, se: {ratio: 0.5, before_act: true}}\n"
    paths = list(shapes(network(layer, head=NORM, input="16x8x8")))
    assert paths.index("0.se.scale") < paths.index("0.act") < paths.index("0.project.conv")


@pytest.mark.parametrize(("channels", "joins"), [("16", True), ("24", False)])
def test_shortcut_only_where_the_shape_stays(channels, joins):
    assert ("0.add" in shapes(network(f"  - inverted_residual: {{t: 2, c: {channels}}}\n", input="16x8x8"))) == joins
    assert "0.add" not in shapes(network(f"  - inverted_residual: {{t: 2, s: 2, c: {channels}}}\n", input="16x8x8"))


# The counts of the implementations: torchvision and slim for V2; torchvision and (`ratio`, head kept) timm for V3;
# plain products for V1.
@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("mobilenet_v2@width=0.75,resolution=192", (2_636_424, 153_941_888)),
        ("mobilenet_v3_large@width=0.75", (3_377_576, 140_033_816)),
        ("mobilenet_v3_large@width=0.75,width.expand=ratio,layers[4].scale=false", (3_993_528, 154_560_624)),
        ("mobilenet_v3_large@width=1.25,width.expand=ratio,layers[4].scale=false", (7_551_976, 355_221_920)),
    ],
)
def test_width_rules(reference, expected):
    assert costs(read_network(reference)) == expected


def test_widened_v2_has_the_parameters_of_the_code():
    assert costs(read_network("mobilenet_v2@width=1.4"))[0] == 6_108_776


@pytest.mark.parametrize("printed", [24, 320, 1024])
@pytest.mark.parametrize(
    "before",
    ["  - conv: {{k: 3, c: {c}}}\n", (
        "  - sequence: [conv: {{k: 3, c: 8}}, conv: {{k: 3, "
        "c: {c}}}]\n  - max_pool: {{k: 2}}\n"
    ),
     "  - branches: {{paths: [[conv: {{c: {rest}, k: 1}}], [conv: {{c: 8, k: 1}}]]}}\n"],
)  # fmt: skip
def test_printed_ratio_holds_behind_any_layer(before, printed):
    """An `exp` of twice the channels printed before it is a ratio of 2: at half the width, twice the real channels."""
    layers = before.format(c=printed, rest=printed - 8)
    graph = network(
        f"{layers}  - inverted_residual: {{exp: {2 * printed}, c: 32}}\n",
        head="width: {divisor: -, expand: ratio}\n",
        at="width=0.5",
    )
    found = shapes(graph)
    assert next(shape[0] for path, shape in found.items() if path.endswith("expand.conv")) == printed


CHANNELS = (
    "  - conv: {k: 3, c: 20}\n  - conv: {k: 1, c: 20, narrow: false}\n"
    "  - conv: {k: 1, c: 20, scale: false}\n  - conv: {k: 1, c: 2x}\n"
)


@pytest.mark.parametrize(
    ("rule", "width", "channels"),
    [
        ("{divisor: 8}", "1", [20, 20, 20, 40]),
        ("{divisor: 8}", "0.5", [16, 20, 20, 40]),
        ("{divisor: 8}", "2", [40, 40, 20, 40]),
        ("{divisor: -}", "0.33", [6, 20, 20, 40]),
        ("{divisor: -}", "0.01", [1, 20, 20, 40]),
        ("{divisor: 4}", "0.5", [12, 20, 20, 40]),
    ],
)
def test_width_of_a_layer(rule, width, channels):
    graph = network(CHANNELS, head=f"width: {rule}\n", at=f"width={width}")
    assert [node.output.shape[0] for node in graph.nodes] == channels


def test_depth_rounds_up_and_leaves_what_says_so():
    rows = (
        "  - inverted_residual: "
        "{columns: [t, c, n, deepen], rows: [[1, 8, 1, true], [1, 8, 2, true], [1, 8, 3, false]]}\n"
    )
    graph = network(rows, head="depth: {round: ceil}\n", at="depth=1.4")
    assert [len({node.block for node in graph.nodes if node.block.startswith(f"0.{row}.")}) for row in range(3)] == [
        2,
        3,
        3,
    ]


def test_odd_and_oblong_inputs():
    graph = read_network("mobilenet_v2@resolution=225x97")
    assert graph.nodes[0].output.shape == (32, 113, 49)
    assert graph.nodes[-1].output.shape == (1000,)


def test_another_norm_in_the_place_of_a_knobs():
    head = "knobs: {norm: {choices: [batch_norm, -], default: batch_norm}}\ndefaults: {norm: $norm}\n"
    found = network("  - conv: {k: 3, c: 16}\n", head=head, at="defaults.norm.group_norm.groups=8")
    assert found.nodes[1].op == GroupNorm(16, 8)


def test_the_address_offered_leads_into_the_rows_of_an_inner_table():
    inner = "{inverted_residual: {columns: [t, c], rows: [[1, 8], [2, 8]]}}"
    with pytest.raises(SpecError, match=r"did you mean `layers\[0\].layers\[0\].rows\[0\].t`\?"):
        network(f"  - sequence: [{inner}]\n", at="layers[0].t=2")
