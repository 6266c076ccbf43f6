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
