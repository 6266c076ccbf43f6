"""A block by its name alone, as a network around one layer: with cells that papers give it, or those that are asked
for."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from archprof.errors import InputError, UsageError, suggest, usage_error
from archprof.ir.graph import Graph
from archprof.language.block import Block
from archprof.language.expand import bind, expand, scaling_of
from archprof.language.registry import columns_of, find_block
from archprof.language.spellings import spellings
from archprof.language.trace import Trace, trace
from archprof.named_tuple import NamedTuple
from archprof.spec.header import BUILT_IN
from archprof.spec.load import load
from archprof.spec.types import Spec
from archprof.spec.variant import Setting

_Layer = Mapping[str, Any]
_CONV: _Layer = {"conv": {"c": 64, "k": 3}}
_DEFAULTS = {"norm": "batch_norm", "act": "relu"}


class _Example(NamedTuple):
    """What a block takes, cells as a well-known network has them, and layers before it, of which those with an id are
    joined by it unless the names of others are."""

    input: str | Mapping[str, str] = "64x56x56"
    cells: Mapping[str, Any] = {}
    before: tuple[_Layer | str, ...] = ()
    joined: tuple[str, ...] = ()


_TWO = ({"id": "first", **_CONV}, {"id": "second", **_CONV})
_PYRAMID = tuple({"id": f"c{level}", "bottleneck": {"c": 2**level * 16, "s": 1 + (level > 2)}} for level in range(2, 6))
_AGAIN: _Layer = {"id": "map", "from": "input", **_CONV}
_EXPERTS: tuple[_Layer, ...] = ({"avg_pool": 1}, {"id": "kernel", "linear": 64 * 64 * 9})
_TOKENS = _Example("192x14x14", before=("tokens",))
_SCORES: tuple[_Layer, ...] = (
    {"id": "queries", **_CONV},
    {"id": "keys", **_CONV},
    {"id": "scores", "attention_scores": {"heads": 2}, "from": ["queries", "keys"]},
    {"id": "values", **_CONV, "from": "queries"},
)
_PRODUCT: tuple[_Layer, ...] = (
    {"id": "first", "tokens": {}},
    {"id": "second", "transpose": {}},
)
_ROW: tuple[_Layer, ...] = (
    {"id": "row", "tokens": {}},
    _AGAIN,
)
_WINDOWS: tuple[_Layer, ...] = (
    {"id": "map", "permute": "channels_last"},
    {"id": "windows", "window_partition": {"size": 7}},
)
_EXAMPLES: Mapping[str, _Example] = {
    "conv": _Example("3x224x224", {"c": 32, "k": 3, "s": 2}),
    "conv2d": _Example("3x224x224", {"c": 32, "k": 3, "s": 2}),
    "linear": _Example("1280x1x1", {"c": 1000}, ("flatten",)),
    "depthwise_separable": _Example("64x112x112", {"c": 128}),
    "inverted_residual": _Example("24x56x56", {"t": 6, "c": 24, "act": "relu6"}),
    "mix_block": _Example("24x56x56", {"c": 24, "k": [3, 5, 7], "t": 6}),
    "ghost_bottleneck": _Example("24x56x56", {"exp": 72, "c": 24}),
    "basic_block": _Example("64x56x56", {"c": 64}),
    "bottleneck": _Example("256x56x56", {"c": 64}),
    "fire": _Example("96x54x54", {"s1x1": 16, "e1x1": 64, "e3x3": 64}),
    "inception": _Example("192x28x28", {"c1x1": 64, "r3x3": 96, "c3x3": 128, "r5x5": 16, "c5x5": 32, "pool_proj": 32}),
    "inception_v3": _Example("192x35x35", {"module": "A", "filters": 32}),
    "dense_layer": _Example("64x56x56", {"growth_rate": 32}),
    "transition": _Example("256x56x56"),
    "shuffle_unit": _Example("116x28x28", {"c": 116}),
    "x_block": _Example("64x56x56", {"c": 64, "g": 16}),
    "convnext_block": _Example("96x56x56", {"c": 96, "norm": "layer_norm", "act": "gelu"}),
    "replk_block": _Example("128x56x56", {"c": 128}),
    "fpn": _Example("256x56x56", {"c": 256}, _PYRAMID),
    "sequence": _Example(cells={"layers": [_CONV, {"conv": {"c": 128, "k": 3, "s": 2}}]}),
    "repeat": _Example(cells={"n": 2, "layers": [_CONV]}),
    "residual": _Example(cells={"body": [_CONV, _CONV]}),
    "branches": _Example(cells={"paths": [[_CONV], [_CONV, _CONV]]}),
    "each": _Example(before=_TWO, cells={"layers": [_CONV], "shared": True}),
    "pick": _Example(before=_TWO, cells={"which": 1}),
    "max_pool": _Example(cells={"k": 3, "s": 2}),
    "split": _Example(cells={"start": 0, "channels": 32}),
    "channel_shuffle": _Example(cells={"g": 2}),
    "permute": _Example(cells={"to": "channels_last"}),
    "pad": _Example(cells={"p": 1}),
    "unfold": _Example(cells={"size": 2}),
    "fold": _Example(before=({"id": "patches", "unfold": 2}, _AGAIN), cells={"size": 2}),
    "conv1d": _Example("64x8000", {"c": 64, "k": 3}),
    "conv3d": _Example("3x16x112x112", {"c": 64, "k": "3x7x7", "s": "1x2x2"}),
    "conv_transpose1d": _Example("64x8000", {"c": 32, "k": 4, "s": 2}),
    "conv_transpose": _Example(cells={"c": 32, "k": 2, "s": 2}),
    "conv_transpose3d": _Example("64x8x28x28", {"c": 32, "k": 2, "s": 2}),
    "dynamic_conv": _Example(before=({"id": "x", **_CONV}, *_EXPERTS), cells={"c": 64, "k": 3}),
    "channel_conv": _Example("64x1x1", {"k": 3}),
    "part_softmax": _Example("64x1x1", {"parts": 2}),
    "context_pool": _Example(before=({"id": "x", **_CONV}, {"id": "scores", "conv2d": {"c": 1, "k": 1}})),
    "space_to_channels": _Example(cells={"size": 2}),
    "pad_shortcut": _Example(cells={"c": 128, "s": 2}),
    "upsample": _Example(cells={"factor": 2}),
    "pixel_shuffle": _Example(cells={"factor": 2}),
    **dict.fromkeys(("lstm", "gru", "rnn"), _Example("512x1x26", {"c": 256}, ("tokens",))),
    "embedding": _Example({"ids": "128:int64"}, {"size": 30522, "c": 768}),
    "scale": _Example(cells={"factor": 0.5}),
    "transpose": _TOKENS,
    "tokens_to_map": _Example(before=_ROW),
    "token": _TOKENS,
    "unflatten": _Example("64x1x1", before=("flatten",)),
    "token_range": _TOKENS._replace(cells={"start": 1}),
    "class_token": _TOKENS,
    "concat_tokens": _Example("192x14x14", before=({"id": "first", "tokens": {}}, {"id": "second", "linear": 192})),
    "attention": _TOKENS._replace(cells={"heads": 3}),
    "rotary_positions": _TOKENS._replace(cells={"heads": 3}),
    "dot_product_attention": _Example("192x14x14", {"heads": 3}, ("tokens", {"linear": 576})),
    "talking_heads_attention": _Example("192x14x14", {"heads": 3}, ("tokens", {"linear": 576})),
    "cross_covariance_attention": _Example("192x14x14", {"heads": 3}, ("tokens", {"linear": 576})),
    "linear_attention": _Example("192x14x14", {"key_dim": 16}),
    "attention_scores": _Example("64x14x14", {"heads": 2}, _TWO),
    "attended_values": _Example("64x14x14", before=_SCORES, joined=("scores", "values")),
    "merge_patches": _Example("64x56x56", before=({"permute": "channels_last"},)),
    "window_partition": _Example("64x56x56", {"size": 7}, ({"permute": "channels_last"},)),
    "window_reverse": _Example("64x56x56", {"size": 7}, _WINDOWS, ("windows", "map")),
    "windows": _Example(
        "64x56x56",
        {"size": 7, "layers": [{"attention": {"heads": 2, "each_row": True}}]},
        ({"permute": "channels_last"},),
    ),
    "matmul": _Example("64x14x14", before=_PRODUCT),
    **dict.fromkeys(("add", "subtract", "multiply", "concat", "resize", "crop"), _Example(before=_TWO)),
}


def is_block(name: str) -> bool:
    """Tell whether the language has a block of that name. Raises SpecError for one that an installed package offers and
    that cannot be used."""
    return name.isidentifier() and find_block(name) is not None


def block_graph(name: str, settings: Iterable[Setting] = (), inputs: Iterable[str] | None = None) -> Graph:
    """Return a block as a network whose last layer it is; *settings* are its cells by the name of their column, and
    *inputs* may say what goes in. It returns all that the block publishes.

    Raises UsageError for cells that cannot be.
    """
    block = find_block(name)
    assert block is not None
    example = _EXAMPLES.get(name, _Example())
    layer: dict[str, Any] = {"id": name, name: dict(example.cells)}
    named = [str(one["id"]) for one in example.before if not isinstance(one, str) and "id" in one]
    if ids := [*(example.joined or named)]:
        layer["from"] = ids
    text = {"archprof": 1, "name": name, "input": example.input, "layers": [*example.before, layer]}
    text |= _defaults(block, json.dumps(text["layers"]))
    cells = [_placed(name, f"layers[{len(example.before)}]", one) for one in settings]
    cells += [("input", one) for one in inputs or ()]
    try:
        published = [path for path in _traced(text, cells).fragment.published if path.startswith(f"{name}.")]
        if published:
            text["outputs"] = {path.rpartition(".")[2]: path for path in published}
        return expand(_loaded(text, cells))
    except InputError as error:
        raise UsageError(found._replace(location=None, where="") for found in error.problems) from None


def _placed(name: str, place: str, setting: Setting) -> Setting:
    """Return a setting with a column of the block as its cell. Raises UsageError for a word that is nothing."""
    key, value = setting
    if key in spellings(name):
        return f"{place}.{key}", value
    if key.isidentifier() and key not in BUILT_IN and key != "input":
        advice = suggest(key, spellings(name), "columns", tuple(columns_of(name)))
        raise usage_error(f"`{name}` has no column `{key}`", help=advice)
    return setting


def _loaded(text: Mapping[str, Any], settings: Iterable[Setting]) -> Spec:
    # JSON is YAML: the ordinary way in.
    return load("block.yaml", settings, spellings=spellings, text=json.dumps(text))


def _traced(text: Mapping[str, Any], settings: Iterable[Setting]) -> Trace:
    spec = _loaded(text, settings)
    return trace(bind(spec).layers, spec.inputs, scaling_of(spec))


def _defaults(block: Block, layers: str) -> dict[str, Any]:
    """Return the norm and the activation that most networks have, where the block, or what stands in or before it,
    takes them."""
    if '"conv"' in layers or '"bottleneck"' in layers:
        return {"defaults": _DEFAULTS}
    columns = {column.name for column in block.columns}
    found = {name: value for name, value in _DEFAULTS.items() if name in columns and block.inherits}
    return {"defaults": found} if found else {}
