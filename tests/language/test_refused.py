"""Layers that do not fit what they are given: what each is told, word for word."""

import pytest

from archprof.errors import InputError
from tests.spec.networks import costs, network

IMAGE = "8x8x8"


def told(layers, input=IMAGE, head=""):
    """Return the message of a spec of a list of layers, each on a line of its own."""
    with pytest.raises(InputError) as raised:
        network("".join(f"  - {layer}\n" for layer in layers), head=head, input=input)
    return str(raised.value)


@pytest.mark.parametrize(
    ("layer", "given", "wanted"),
    [
        ("add: ", 1, ""),
        ("crop: ", 3, "2 feature maps"),
        ("resize: ", 3, "2 feature maps"),
        ("fold: 2", 3, "2 feature maps"),
        ("subtract: ", 3, "2 feature maps"),
        ("matmul: ", 3, "2 feature maps"),
        ("context_pool: ", 3, "2 feature maps"),
        ("attention_scores: 2", 3, "2 feature maps"),
        ("attended_values: ", 4, "2 feature maps"),
        ("window_reverse: 4", 3, "2 feature maps"),
        ("dynamic_conv: {k: 1, c: 8}", 3, "2 feature maps"),
        ("dot_product_attention: 2", 4, "1 to 3 feature maps"),
    ],
)
def test_a_layer_says_how_many_maps_it_takes(layer, given, wanted):
    start = f"{{from: [{', '.join(['input'] * given)}], "
    name = layer.partition(":")[0]
    joins = f"joins {wanted}, not {given}" if wanted else "joins several feature maps"
    advice = "name so many in its `from`" if wanted else "name them beside it: `from: [stem, c2]`"
    message = f"net.yaml:4:{len(start) + 5}: `{name}` {joins}\n  in layers[0]\n  help: {advice}"
    assert told([f"{start}{layer}}}"]) == message


OTHERS = "blocks: {b: {inputs: [a, others...], layers: [{from: others, LAYER}, {from: [a, others], add: }]}}\n"


@pytest.mark.parametrize(
    ("layer", "given", "message"),
    [
        (
            "conv: {k: 1, c: 8}",
            3,
            "net.yaml:3:62: `conv` takes one input, not 2\n"
            "  in blocks.b.layers[0]\n"
            "  help: join them with `add`, `multiply` or `concat`\n"
            "  note: `b` is used at net.yaml:5:35, in layers[0]",
        ),
        (
            "relu: ",
            3,
            "net.yaml:3:62: `relu` takes one input, not 2\n"
            "  in blocks.b.layers[0]\n"
            "  help: join them with `add`, `multiply` or `concat`\n"
            "  note: `b` is used at net.yaml:5:35, in layers[0]",
        ),
    ],
)
def test_a_name_of_several_maps_where_one_is_wanted(layer, given, message):
    layers = [f"{{from: [{', '.join(['input'] * given)}], b: }}"]
    assert told(layers, head=OTHERS.replace("LAYER", layer)) == message


def test_a_bias_for_each_distance_is_one_of_a_map_with_itself():
    layers = ["{id: u, upsample: 2}", "{from: [u, input], attention_scores: {heads: 2, distance: true}}"]
    assert told(layers) == (
        "net.yaml:5:63: a bias for each distance on maps of 16×16 and 8×8\n"
        "  in layers[1].distance\n"
        "  help: queries and keys stand on maps of one size there"
    )


VIDEO = "3x8x16x16"
FORMS = {
    VIDEO: "one number for all sides, or frames × height × width",
    IMAGE: "one number for both sides, or height × width",
    "16x12": "one number, of the length",
}
ON = {VIDEO: "a map of 3 dimensions", IMAGE: "a map of 2 dimensions", "16x12": "a map of 1 dimension"}


@pytest.mark.parametrize(
    ("input", "layer", "column", "cell", "what"),
    [
        (VIDEO, "conv: {c: 4, k: 3x3, s: 2x2, p: 1x1}", "k", "3x3", "a size of 3×3"),
        (VIDEO, "conv: {c: 4, k: 3, s: 2x2}", "s", "2x2", "a size of 2×2"),
        (VIDEO, "conv: {c: 4, k: 3, p: 1x1}", "p", "1x1", "a padding of 1×1"),
        (VIDEO, "conv: {c: 4, k: 3, p: [1, 1, 1, 1]}", "p", "[1", "a padding of 1×1×1×1"),
        (VIDEO, "conv3d: {c: 4, k: 3, d: 2x2}", "d", "2x2", "a size of 2×2"),
        (VIDEO, "conv_transpose: {c: 4, k: 2x2}", "k", "2x2", "a size of 2×2"),
        (
            VIDEO,
            "conv_transpose: {c: 4, k: 2, s: 2, output_padding: [1, 1]}",
            "output_padding",
            "[1",
            "a padding of 1×1",
        ),
        (VIDEO, "inverted_residual: {c: 4, t: 2, k: 3x3}", "k", "3x3", "a size of 3×3"),
        (VIDEO, "max_pool: {k: 2x2}", "k", "2x2", "a size of 2×2"),
        (VIDEO, "avg_pool: {size: 2x2}", "size", "2x2", "a size of 2×2"),
        (VIDEO, "upsample: {factor: 2x2}", "factor", "2x2", "a size of 2×2"),
        ("16x12", "max_pool: {k: 2x2}", "k", "2x2", "a size of 2×2"),
        ("16x12", "max_pool: {k: 4, p: 2x2}", "p", "2x2", "a padding of 2×2"),
        (IMAGE, "max_pool: {k: 2x2x2}", "k", "2x2x2", "a size of 2×2×2"),
        (IMAGE, "conv: {c: 4, k: 3x3x3}", "k", "3x3x3", "a size of 3×3×3"),
    ],
)
def test_a_size_of_another_kind_of_map(input, layer, column, cell, what):
    """Equal numbers are no exception: a window of 2×2 on a video may be meant as one of 1×2×2."""
    place = 5 + layer.index(cell)
    message = f"net.yaml:4:{place}: {what} on {ON[input]}\n  in layers[0].{column}\n  help: {FORMS[input]}"
    assert told([layer], input) == message


def test_one_number_is_that_of_every_side():
    """3·4·3³ weights and 4 biases; at 8·16·16 places."""
    layer = "b: {k: 3}"
    head = "blocks: {b: {columns: {k: {type: size}}, layers: [conv: {k: $k, c: 4}]}}\n"
    assert costs(network(f"  - {layer}\n", head=head, input=VIDEO)) == (3 * 4 * 27 + 4, 3 * 4 * 27 * 8 * 16 * 16)
    assert told(["b: {k: 3x3}"], VIDEO, head) == (
        "net.yaml:3:61: a size of 3×3 on a map of 3 dimensions\n"
        "  in blocks.b.layers[0].k\n"
        f"  help: {FORMS[VIDEO]}\n"
        "  note: `b` is used at net.yaml:5:5, in layers[0]"
    )


@pytest.mark.parametrize(
    ("layer", "idle"),
    [
        ("avg_pool: {s: 2}", {"s": "means nothing without `k`"}),
        ("avg_pool: {p: 1, ceil: true}", {"p": "means nothing without `k`", "ceil": "means nothing without `k`"}),
        ("avg_pool: {size: 2, count_padding: false}", {"count_padding": "means nothing without `k`"}),
        ("avg_pool: {k: 2, form: function}", {"form": "means nothing beside `k`"}),
        ("conv2d: {k: 3, c: 4, gamma: 2}", {"gamma": "means nothing without `weights`"}),
        ("conv: {k: 3, c: 4, weight_eps: 0.5}", {"weight_eps": "means nothing without `weights`"}),
        ("squeeze_excite: {ratio: 0.5, c: 4}", {"ratio": "means nothing beside `c`"}),
        ("squeeze_excite: {of: input, divisor: 8, c: 4}", dict.fromkeys(("of", "divisor"), "means nothing beside `c`")),
    ],
)
def test_an_option_that_does_nothing(layer, idle):
    advice = {"without": "remove it, or give both", "beside": "give one of the two"}
    parts = [
        f"net.yaml:4:{5 + layer.index(f'{name}: ') + len(name) + 2}: `{name}` {message}\n"
        f"  in layers[0].{name}\n"
        f"  help: {advice[message.split()[2]]}"
        for name, message in idle.items()
    ]
    assert told([layer]) == "\n".join(parts)


def test_an_option_that_does_nothing_in_a_cell_or_a_row():
    assert told(["inverted_residual: {t: 2, c: 4, se: {ratio: 0.5, c: 4}}"]) == (
        "net.yaml:4:49: `ratio` means nothing beside `c`\n  in layers[0].se\n  help: give one of the two"
    )
    assert told(["avg_pool: {columns: [size], s: 2, rows: [[4], [2]]}"]) == (
        "net.yaml:4:36: `s` means nothing without `k`\n  in layers[0].rows[0].s\n  help: remove it, or give both"
    )


def test_what_the_defaults_say_may_be_of_no_use_to_a_layer():
    """8 channels are squeezed to 4: 8·4 + 4 parameters, and 4·8 + 8 back."""
    head = "defaults: {squeeze_excite: {ratio: 0.25}, avg_pool: {s: 2}}\n"
    graph = network("  - squeeze_excite: {c: 4}\n  - avg_pool\n", head=head, input=IMAGE)
    assert costs(graph)[0] == (8 * 4 + 4) + (4 * 8 + 8)
    assert graph.nodes[-1].output.shape == (8, 1, 1)


@pytest.mark.parametrize("name", ["k", "kernel"])
def test_an_option_that_every_row_overrides(name):
    assert told([f"conv: {{{name}: 7, columns: [k, c], rows: [[3, 4], [5, 8]]}}"]) == (
        "net.yaml:4:12: each row has a `k` of its own\n  in layers[0].k\n  help: remove the option, or the column"
    )


def test_rows_that_settings_change_leave_the_option_to_the_others():
    """Of kernels of 7 the first becomes one of 3, then the second too: 3·3·8·4 and 3·3·4·8 weights, 4 and 8 biases."""
    layer = "  - conv: {k: 7, columns: [c], rows: [[4], [8]]}\n"
    found = network(layer, at="layers[0].rows[0].k=3,layers[0].rows[1].k=3", input=IMAGE)
    assert costs(found)[0] == 9 * 8 * 4 + 4 + 9 * 4 * 8 + 8


@pytest.mark.parametrize(
    ("input", "layer", "message"),
    [
        (
            "16x12",
            layer,
            f"net.yaml:4:5: {what} needs a feature map (C×H×W), not 16×12\n"
            "  in layers[0]\n"
            "  help: on a sequence stand `conv`, `conv1d` and pools; attention stands behind `tokens`",
        )
        for layer, what in [
            ("conv2d: {k: 3, c: 4}", "a convolution"),
            ("attention: 2", "a convolution"),
            ("unfold: 2", "unfolding"),
        ]
    ]
    + [
        (
            IMAGE,
            f"conv_transpose: {{k: 3, c: 4, {column}: same}}",
            f"net.yaml:4:{place}: expected a padding, not `same`\n"
            f"  in layers[0].{column}\n"
            "  help: a padding: `1`, `0x3` or `[0, 3]` (height, width), `[top, bottom, left, right]`, "
            "`0x3x3` (frames, height, width)",
        )
        for column, place in [("p", 37), ("output_padding", 50)]
    ],
)
def test_advice_is_for_what_stands_there(input, layer, message):
    assert told([layer], input) == message
