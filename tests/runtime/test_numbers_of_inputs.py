"""Whatever stands as a layer, and however many maps it is given: it is refused with a place, or its module runs."""

import json
from typing import Any

import pytest
import torch

from archprof.errors import InputError
from archprof.language.expand import read_network
from archprof.language.registry import block_names, find_block
from archprof.runtime.build import build_network

# What a layer cannot do without, and which maps it fits where those are not the input; more are the last one again.
OPTIONS: dict[str, dict[str, Any]] = {
    "attention": {"heads": 2},
    "attended_values": {"from": "scores input"},
    "attention_scores": {"heads": 2},
    "branches": {"paths": [[], []]},
    "channel_conv": {"k": 3, "from": "gate"},
    "channel_shuffle": {"g": 2},
    "class_token": {"from": "words"},
    "concat_tokens": {"from": "words words"},
    "context_pool": {"from": "input score"},
    "cross_covariance_attention": {"heads": 1, "from": "thirds"},
    "dense_layer": {"growth_rate": 4},
    "dot_product_attention": {"heads": 2},
    "dynamic_conv": {"k": 1, "c": 8, "from": "input kernel"},
    "each": {"layers": ["relu"], "join": "add"},
    "evo_norm": {"groups": 2},
    "fire": {"s1x1": 2, "e1x1": 4, "e3x3": 4},
    "fold": {"size": 2, "from": "patches input"},
    "ghost_bottleneck": {"exp": 16, "c": 8},
    "group_norm": {"groups": 2},
    "gru": {"c": 4, "from": "words"},
    "inception": dict.fromkeys(("c1x1", "r3x3", "c3x3", "r5x5", "c5x5", "pool_proj"), 4),
    "inception_v3": {"module": "C", "filters": 4},
    "inverted_residual": {"t": 2, "c": 8},
    "linear_attention": {"key_dim": 4, "from": "thirds"},
    "lstm": {"c": 4, "from": "words"},
    "max_pool": {"k": 2},
    "merge_patches": {"from": "last"},
    "pad": {"p": 1},
    "part_softmax": {"parts": 2, "from": "gate"},
    "permute": {"to": "channels_last"},
    "pick": {"which": 0},
    "pixel_shuffle": {"factor": 2},
    "repeat": {"n": 2, "layers": ["relu"]},
    "residual": {"body": ["relu"]},
    "rnn": {"c": 4, "from": "words"},
    "rotary_positions": {"heads": 2, "from": "words"},
    "scale": {"factor": 2},
    "sequence": {"layers": ["relu"]},
    "space_to_channels": {"size": 2},
    "split": {"start": 0, "channels": 4},
    "talking_heads_attention": {"heads": 1, "from": "thirds"},
    "token": {"from": "words"},
    "token_range": {"start": 1, "from": "words"},
    "tokens_to_map": {"from": "words input"},
    "transpose": {"from": "words"},
    "unfold": {"size": 2},
    "unflatten": {"from": "features"},
    "upsample": {"factor": 2},
    "window_partition": {"size": 4, "from": "last"},
    "window_reverse": {"size": 4, "from": "windows last"},
    "windows": {"size": 4, "layers": ["relu"], "from": "last"},
    "x_block": {"c": 8, "g": 2},
}
MADE: dict[str, dict[str, Any]] = {
    "scores": {"from": ["input", "input"], "attention_scores": 2},
    "score": {"from": "input", "conv": {"k": 1, "c": 1}},
    "gate": {"from": "input", "avg_pool": {}},
    "kernel": {"from": "input", "sequence": ["mean", {"linear": 64}]},
    "patches": {"from": "input", "unfold": 2},
    "last": {"from": "input", "permute": "channels_last"},
    "windows": {"from": "last", "window_partition": 4},
    "words": {"from": "input", "tokens": {}},
    "thirds": {"from": "words", "linear": 12},
    "features": {"from": "input", "mean": {}},
}
# What reads neither an image of floats nor what is made of one; and whose result is several maps, each a place.
OTHERS = ("conv1d", "conv3d", "conv_transpose1d", "conv_transpose3d", "embedding")
PLACES = ("fpn",)


def found(name):
    block = find_block(name)
    assert block is not None
    return block


def spec(block, given):
    """Return a spec whose last layer is a block with so many maps."""
    options = dict(OPTIONS.get(block, {}))
    maps = options.pop("from", "input").split()
    if not options:
        options = {column.name: 8 for column in found(block).columns if column.required}
    layers = [{"id": name, **layer} for name, layer in MADE.items()]
    asked = {"id": "asked", "from": (maps + maps[-1:] * given)[:given], block: options}
    outputs = {layer["id"]: layer["id"] for layer in [*layers, asked]}
    return json.dumps({"archprof": 1, "input": "8x8x8", "outputs": outputs, "layers": [*layers, asked]})


def runs(block, given):
    """Tell whether a block takes so many maps; its module then runs, and one that does not take them says where."""
    try:
        graph = read_network("net.yaml", text=spec(block, given))
    except InputError as error:
        (problem,) = error.problems
        assert problem.location is not None
        assert problem.where.startswith(f"layers[{len(MADE)}]")
        return False
    with torch.no_grad():
        made = build_network(graph).eval()(torch.zeros(2, 8, 8, 8))["asked"]
    asked = graph.value(graph.outputs["asked"])
    assert made.shape == asked.at_batch(2)
    return True


@pytest.mark.parametrize("block", [name for name in block_names() if name not in PLACES])
def test_a_layer_of_any_number_of_maps_is_refused_or_runs(block):
    taken = [given for given in range(1, 6) if runs(block, given)]
    known = found(block)
    least, most = known.takes or ((2, None) if known.joins else (1, 1))
    assert taken[:1] == ([] if block in OTHERS else [least])
    assert most is None or taken[-1:] <= [most]
