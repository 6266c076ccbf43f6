"""Layers that do not fit what they are given: what each is told, word for word."""

import pytest

from archprof.errors import InputError
from tests.spec.networks import network

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
