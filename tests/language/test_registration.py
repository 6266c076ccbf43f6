"""What a block can say beyond its operators: how likely training drops its body, and where its parameters are
listed."""

import pytest

from archprof.ir.operators.drop import StochasticDepth
from tests.runtime.nets import graph_of

BLOCKS = (
    "layers: [convnext_block: {{c: 4, n: 3, stochastic_depth: {cell}}}, convnext_block: {{c: 4, stochastic_depth: "
    "{cell}}}]"
)


def rates(layers: str, **header: str) -> list[float]:
    graph = graph_of(layers, **{"input": "4x8x8", **header})
    return [node.op.p for node in graph.nodes if isinstance(node.op, StochasticDepth)]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("0.5", [0, 0.5 * 1 / 4, 0.5 * 2 / 4, 0.5 * 3 / 4]),
        ("{p: 0.5}", [0, 0.5 * 1 / 4, 0.5 * 2 / 4, 0.5 * 3 / 4]),
        ("{p: 0.6, reached: true}", [0, 0.6 * 1 / 3, 0.6 * 2 / 3, 0.6]),
        ("{p: 0.5, constant: true}", [0.5, 0.5, 0.5, 0.5]),
        ("$rate", [0, 0.25 * 1 / 4, 0.25 * 2 / 4, 0.25 * 3 / 4]),
        ('"-"', []),
    ],
)
def test_rates_grow_in_even_steps_over_the_blocks_of_the_network(cell, expected):
    assert rates(BLOCKS.format(cell=cell), knobs="{rate: {type: float, default: 0.25}}") == expected


def test_the_rate_of_a_single_block_is_0():
    assert rates("layers: [convnext_block: {c: 4, stochastic_depth: {p: 0.6, reached: true}}]") == [0]


def test_bodies_of_a_block_of_ones_own_are_dropped_alike():
    """Attention and the MLP of a transformer block have one rate, that of the block (Touvron et al. 2021, Table 9)."""
    blocks = (
        "{transformer: {columns: {stochastic_depth: {type: stochastic_depth, default: -}}, layers: ["
        "{residual: {body: [layer_norm], stochastic_depth: $stochastic_depth}}, "
        "{residual: {body: [gelu], stochastic_depth: $stochastic_depth}}]}, "
        "pair: {layers: [transformer, transformer]}}"
    )
    found = rates(
        "layers: [pair: {n: 2}, convnext_block: {c: 4}]",
        blocks=blocks,
        defaults="{stochastic_depth: {p: 0.4, reached: true}}",
    )
    assert found == [0, 0, 0.4 * 1 / 4, 0.4 * 1 / 4, 0.4 * 2 / 4, 0.4 * 2 / 4, 0.4 * 3 / 4, 0.4 * 3 / 4, 0.4]


def test_a_rate_among_the_defaults_is_that_of_every_block():
    assert rates("layers: [convnext_block: {c: 4}, convnext_block: {c: 4}]", defaults="{stochastic_depth: 0.5}") == [
        0,
        0.25,
    ]


def test_a_reserved_place_comes_before_what_is_applied_first():
    """ConvNeXt's factors belong to the block itself: they are listed before its layers and applied after them."""
    graph = graph_of("layers: [convnext_block: {c: 4}]", input="4x8x8")
    applied = [node.path for node in graph.nodes]
    listed = [node.path for node in sorted(graph.nodes, key=lambda node: node.order)]
    assert listed[0] == "0.layer_scale"
    assert [path for path in listed if path != "0.layer_scale"] == [path for path in applied if path != "0.layer_scale"]
    assert applied.index("0.layer_scale") > applied.index("0.project.linear")


def test_a_layer_can_be_registered_behind_others():
    """Paths count from the list that the layer stands in, inside blocks and repeats too."""
    graph = graph_of(
        "blocks: {scaled: {layers: [{id: a, conv: {k: 1, c: 1x}, register: [scale, b.body.0.conv]}, "
        "{id: b, residual: [conv: {k: 3, c: 1x}]}, {id: scale, layer_scale: }]}}\nlayers: [scaled: {n: 2}]",
        input="4x8x8",
    )
    listed = [node.path for node in sorted(graph.nodes, key=lambda node: node.order) if node.op.parameters()]
    parts = ["scale", "b.body.0.conv", "a.conv"]
    assert listed == [f"0.{repeat}.{part}" for repeat in range(2) for part in parts]
    assert [node.path for node in graph.nodes][:2] == ["0.0.a.conv", "0.0.b.body.0.conv"]


def test_what_a_condition_leaves_out_is_not_registered():
    """Paths of layers that are left out, and of those inside, are passed over."""
    graph = graph_of(
        "blocks: {b: {columns: {s: {type: int, default: 1}}, layers: [{register: [shortcut.0.conv], residual: "
        "{body: [conv: {k: 3, c: 1x, s: $s}], shortcut: [{conv: {k: 1, c: 1x, s: $s}, when: $s > 1}]}}]}}\n"
        "layers: [b: {s: 2}, b]",
        input="4x8x8",
    )
    listed = [node.path for node in sorted(graph.nodes, key=lambda node: node.order) if node.op.parameters()]
    assert listed == ["0.shortcut.0.conv", "0.body.0.conv", "1.body.0.conv"]
