"""Networks written without blocks of their own: every count by hand."""

import pytest

from archprof.errors import InputError
from archprof.ir.graph import Edge
from tests.spec.networks import costs, network, shapes

CONV = "conv: {k: 3, c: 8}"


def conv(inputs, outputs, kernel=3, side=32):
    """Return (params, macs) of a convolution with a bias."""
    weights = inputs * outputs * kernel * kernel
    return weights + outputs, weights * side * side


def add(*parts):
    return tuple(map(sum, zip(*parts, strict=True)))


def test_sequence():
    graph = network(f"  - sequence: [{CONV}, conv: {{k: 1, c: 4}}]\n")
    assert costs(graph) == add(conv(3, 8), conv(8, 4, 1))
    assert list(shapes(graph)) == ["0.0.conv", "0.1.conv"]


def test_repeat_has_weights_for_each_time():
    graph = network(f"  - {CONV}\n  - repeat: {{n: 3, layers: [{CONV}]}}\n")
    assert costs(graph) == add(conv(3, 8), conv(8, 8), conv(8, 8), conv(8, 8))
    assert list(shapes(graph))[1:] == ["1.0.0.conv", "1.1.0.conv", "1.2.0.conv"]


def test_shared_repeat_has_one_set_of_weights_and_is_computed_each_time():
    params, macs = conv(8, 8)
    graph = network(f"  - {CONV}\n  - repeat: {{n: 3, shared: true, layers: [{CONV}]}}\n")
    assert costs(graph) == add(conv(3, 8), (params, 3 * macs))
    assert [node.call for node in graph.nodes] == [1, 1, 2, 3]
    assert len({node.path for node in graph.nodes}) == 2


PYRAMID = "".join(f"  - {{id: c{level}, conv: {{k: 3, s: 2, c: 8}}}}\n" for level in (1, 2, 3))
HEAD = f"  - {{id: head, from: [c1, c2, c3], each: {{shared: true, layers: [{CONV}, conv: {{k: 1, c: 4}}]}}}}\n"
OUTPUTS = "outputs: {a: head.c1, b: head.c2, c: head.c3}\n"


def applied(inputs, outputs, kernel, sides):
    """Return (params, macs) of one convolution with a bias on maps of several sides."""
    params, _ = conv(inputs, outputs, kernel)
    return params, sum(conv(inputs, outputs, kernel, side)[1] for side in sides)


def test_a_shared_head_has_one_set_of_weights_and_is_computed_on_each_map():
    graph = network(PYRAMID + HEAD, head=OUTPUTS)
    body = add(conv(3, 8, 3, 16), conv(8, 8, 3, 8), conv(8, 8, 3, 4))
    assert costs(graph) == add(body, applied(8, 8, 3, (16, 8, 4)), applied(8, 4, 1, (16, 8, 4)))
    assert [node.call for node in graph.nodes if node.path == "head.1.conv"] == [1, 2, 3]
    assert [graph.value(edge).shape for edge in graph.outputs.values()] == [(4, 16, 16), (4, 8, 8), (4, 4, 4)]


def test_heads_of_their_own_have_weights_for_each_map():
    graph = network(PYRAMID + HEAD.replace("shared: true, ", ""), head=OUTPUTS)
    body = add(conv(3, 8, 3, 16), conv(8, 8, 3, 8), conv(8, 8, 3, 4))
    heads = [add(conv(8, 8, 3, side), conv(8, 4, 1, side)) for side in (16, 8, 4)]
    assert costs(graph) == add(body, *heads)
    assert list(shapes(graph))[3:5] == ["head.c1.0.conv", "head.c1.1.conv"]


def test_shared_layers_read_maps_that_shared_layers_make():
    again = "  - {id: again, from: [head.c1, head.c2], each: {shared: true, layers: [conv: {k: 1, c: 2}]}}\n"
    graph = network(PYRAMID + HEAD + again, head="outputs: {a: again.c1, b: again.c2, c: head.c3}\n")
    assert [graph.value(edge).shape for edge in graph.outputs.values()] == [(2, 16, 16), (2, 8, 8), (4, 4, 4)]


@pytest.mark.parametrize("join", ["add", "subtract", "multiply", "concat"])
def test_paths_that_share_weights_are_joined(join):
    """As the two pools of one map do, behind which a gate has one pair of layers (Woo et al. 2018, equation 2)."""
    graph = network(
        "  - {id: mean, avg_pool: }\n"
        "  - {id: best, adaptive_max_pool: 1}\n"
        f"  - {{from: [mean, best], each: {{shared: true, layers: [conv: {{k: 1, c: 2}}], join: {join}}}}}\n"
    )
    params, macs = conv(3, 2, 1, 1)
    assert costs(graph) == (params, 2 * macs)
    assert graph.nodes[-1].output.channels == (4 if join == "concat" else 2)


def test_shared_layers_must_fit_every_map():
    with pytest.raises(InputError) as raised:
        network(
            "  - {id: a, conv: {k: 1, c: 4}}\n"
            "  - {id: b, conv: {k: 1, c: 5}}\n"
            "  - {from: [a, b], each: {shared: true, layers: [conv: {k: 1, c: 2}]}}\n"
        )
    assert "the shared weights of `2.0.conv` do not fit where they are used again" in str(raised.value)


def test_residual():
    graph = network(f"  - {CONV}\n  - residual: [{CONV}, {CONV}]\n")
    assert costs(graph) == add(conv(3, 8), conv(8, 8), conv(8, 8))
    assert graph.nodes[-1].path == "1.add"
    assert graph.nodes[-1].inputs == (Edge(2), Edge(0))


def test_residual_with_a_shortcut_and_an_activation():
    graph = network(
        "  - residual: {body: [conv: {k: 3, s: 2, c: 8}], shortcut: [conv: {k: 1, s: 2, c: 8}], act: relu}\n"
    )
    assert costs(graph) == add(conv(3, 8, 3, 16), conv(3, 8, 1, 16))
    assert shapes(graph) == {
        "0.body.0.conv": (8, 16, 16),
        "0.shortcut.0.conv": (8, 16, 16),
        "0.add": (8, 16, 16),
        "0.act": (8, 16, 16),
    }


def test_residual_takes_no_activation_from_defaults():
    graph = network(f"  - residual: [{CONV.replace('8', '3')}]\n", head="defaults: {act: relu}\n")
    assert list(shapes(graph)) == ["0.body.0.conv", "0.body.0.act", "0.add"]


@pytest.mark.parametrize(("join", "channels"), [("concat", 16), ("add", 8), ("multiply", 8)])
def test_branches(join, channels):
    graph = network(f"  - branches: {{join: {join}, paths: [[{CONV}], [conv: {{k: 1, c: 8}}]]}}\n")
    assert costs(graph) == add(conv(3, 8), conv(3, 8, 1))
    assert shapes(graph)[f"0.{join}"] == (channels, 32, 32)


def test_gate_stretches():
    graph = network("  - branches: {join: multiply, paths: [[], [avg_pool, conv: {k: 1, c: 3, act: sigmoid}]]}\n")
    assert costs(graph) == conv(3, 3, 1, 1)
    assert graph.nodes[-1].output.shape == (3, 32, 32)


def test_split_gives_the_remainder_to_the_first():
    graph = network("  - branches: {split: true, paths: [[], [conv: {k: 1, c: 5}], []]}\n", input="11x8x8")
    assert [shapes(graph)[f"0.split{index}"][0] for index in range(3)] == [5, 3, 3]
    assert costs(graph) == conv(3, 5, 1, 8)
    assert graph.nodes[-1].output.shape == (5 + 5 + 3, 8, 8)


@pytest.mark.parametrize(
    ("input", "before", "share", "positions"),
    [("8x12x12", "permute: channels_last", (12, 12, 4), 12 * 12), ("8x12", "tokens", (12, 4), 12)],
)
def test_split_is_of_channels_wherever_they_stand(input, before, share, positions):
    paths = "[[linear: 4], [linear: 4]]"
    graph = network(f"  - {before}\n  - branches: {{split: true, paths: {paths}}}\n", input=input)
    assert [shapes(graph)[f"1.split{index}"] for index in range(2)] == [share, share]
    assert costs(graph) == (2 * (4 * 4 + 4), 2 * positions * 4 * 4)


@pytest.mark.parametrize(
    ("input", "layer", "message"),
    [
        (
            "2x8x8",
            "branches: {split: true, paths: [[], [], []]}",
            "net.yaml:4:36: 2 channels for 3 paths\n"
            "  in layers[0].paths\n"
            "  help: with `split` each path gets a share of them",
        ),
        (
            "16:int64",
            "split: {start: 0, channels: 4}",
            "net.yaml:4:5: 16 has no channels to split\n"
            "  in layers[0]\n"
            "  help: numbers of words have none: split what an `embedding` makes of them",
        ),
    ],
)
def test_there_are_channels_to_split(input, layer, message):
    with pytest.raises(InputError) as raised:
        network(f"  - {layer}\n", input=input)
    assert str(raised.value) == message


def test_nested_composition_and_named_inputs():
    """Branches in a repeat in a residual cost what their convolutions cost; layers elsewhere read them by `id`, outputs
    by `id` or address."""
    graph = network(
        "  - {id: stem, conv: {k: 3, s: 2, c: 8}}\n"
        "  - id: deep\n"
        "    residual: [repeat: {n: 2, layers: [branches: {paths: [[conv: {k: 1, c: 4}], [conv: {k: 3, c: 4}]]}]}]\n"
        "  - {from: [stem, deep], concat: }\n"
        "  - {id: tail, from: deep, conv: {k: 1, c: 2}}\n",
        head='outputs: {tail: tail, cat: "layers[2]"}\n',
    )
    inner = add(conv(8, 4, 1, 16), conv(8, 4, 3, 16))
    assert costs(graph) == add(conv(3, 8, 3, 16), inner, inner, conv(8, 2, 1, 16))
    assert "deep.body.0.1.0.paths" not in shapes(graph)
    assert "deep.body.0.1.0.1.0.conv" in shapes(graph)
    assert {name: graph.value(node).shape for name, node in graph.outputs.items()} == {
        "tail": (2, 16, 16),
        "cat": (16, 16, 16),
    }


def test_rows_that_repeat_keep_their_stride_for_the_first():
    graph = network("  - depthwise_separable: {columns: [s, c, n], rows: [[2, 8, 3]]}\n")
    assert shapes(graph)["0.0.0.pointwise.conv"] == (8, 16, 16)
    assert shapes(graph)["0.0.2.pointwise.conv"] == (8, 16, 16)


def test_ids_name_paths_and_inserted_layers_move_nobody():
    before = network(f"  - {{id: stem, {CONV}}}\n  - {{id: head, avg_pool: }}\n")
    after = network(f"  - {{id: stem, {CONV}}}\n  - {CONV}\n  - {{id: head, avg_pool: }}\n")
    assert list(shapes(before)) == ["stem.conv", "head"]
    assert list(shapes(after)) == ["stem.conv", "1.conv", "head"]


@pytest.mark.parametrize("place", ["stage.rows[1]", "layers[0].rows[1]", "second", "stage"])
def test_outputs_name_layers_and_rows(place):
    graph = network(
        "  - id: stage\n"
        "    depthwise_separable: {columns: [id, s, c, n], rows: [[first, 2, 8, 1], [second, 1, 16, 2]]}\n",
        head=f'outputs: {{c2: "{place}", c1: "layers[0].rows[0]"}}\n',
    )
    assert {name: graph.value(node).shape for name, node in graph.outputs.items()} == {
        "c2": (16, 16, 16),
        "c1": (8, 16, 16),
    }


def test_frozen_stages_have_no_trainable_parameters():
    layers = f"  - {{id: stem, {CONV}}}\n  - {{id: stage, {CONV}}}\n  - {{id: head, {CONV}}}\n"
    graph = network(layers, head="stages: [stem, stage]\nfreeze: 1\n")
    assert [node.trainable for node in graph.nodes] == [False, True, True]
    assert [
        node.trainable for node in network(layers, head="stages: [stem, stage]\nfreeze: 0\n", at="freeze=2").nodes
    ] == [False, False, True]


def test_settings_of_a_problem_in_the_middle_are_said_at_its_place():
    with pytest.raises(InputError) as raised:
        network(f"  - residual: [{CONV}, conv: {{k: 3, c: 3, g: 5}}]\n")
    assert "in layers[0].body[1].g\n" in str(raised.value)


@pytest.mark.parametrize(("norm", "found"), [("-", ["0.conv"]), ("batch_norm", ["0.conv", "0.norm"])])
def test_a_knob_may_say_that_there_is_no_norm(norm, found):
    knobs = "knobs: {norm: {choices: [-, batch_norm], default: batch_norm}}\ndefaults: {norm: $norm}\n"
    assert list(shapes(network("  - conv: {k: 3, c: 8}\n", head=knobs, at=f"norm={norm}"))) == found


def test_a_map_is_cropped_around_its_middle():
    layers = "  - {id: a, conv: {k: 3, p: 0, c: 8}}\n  - {from: [LARGE, SMALL], crop: }\n"
    graph = network(layers.replace("LARGE", "input").replace("SMALL", "a"), head='outputs: {a: a, b: "layers[1]"}\n')
    assert graph.nodes[-1].output.shape == (3, 30, 30)
    with pytest.raises(InputError) as raised:
        network(layers.replace("LARGE", "a").replace("SMALL", "input"))
    assert "30×30 cannot be cropped to 32×32" in str(raised.value)
