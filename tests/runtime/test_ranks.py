"""Layers that follow the rank of the map: one name in specs, torch's own module for it."""

import json
import re
from math import prod

import pytest
import torch
from torch import nn
from torch.nn import functional

import archprof
from archprof.costs.report import analyze_graph
from archprof.errors import InputError
from archprof.language.expand import expand
from archprof.language.spellings import spellings
from archprof.runtime.build import build_network
from archprof.spec.load import load


def made(taken, *layers):
    text = json.dumps({"archprof": 1, "name": "net", "input": taken, "layers": [*layers]})
    graph = expand(load("net.yaml", (), spellings=spellings, text=text))
    return graph, build_network(graph).eval()


LAST = {"permute": "channels_last"}
CONV = {"conv": {"k": 3, "s": 2, "c": 6, "norm": "batch_norm", "act": "relu"}}


@pytest.mark.parametrize(
    ("taken", "layer", "module"),
    [
        ("4x9", {"conv1d": {"k": 3, "c": 6}}, nn.Conv1d(4, 6, 3, padding=1)),
        ("4x9", {"conv1d": {"k": 3, "s": 2, "d": 2, "p": "causal", "c": 6}},
         nn.Sequential(nn.ConstantPad1d((4, 0), 0), nn.Conv1d(4, 6, 3, 2, dilation=2))),
        ("4x9", {"conv": {"k": 2, "p": "causal", "g": "depthwise", "c": 4, "act": "-", "norm": "-"}},
         nn.Sequential(nn.ConstantPad1d((1, 0), 0), nn.Conv1d(4, 4, 2, groups=4))),
        ("4x9", {"conv_transpose": {"k": 4, "s": 2, "p": 1, "c": 6}}, nn.ConvTranspose1d(4, 6, 4, 2, 1)),
        ("4x9x8", {"conv_transpose": {"k": 3, "s": 2, "p": 1, "output_padding": 1, "g": 2, "c": 6}},
         nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, 2)),
        ("4x5x9x8", {"conv_transpose": {"k": "1x2x2", "s": "1x2x2", "c": 6}},
         nn.ConvTranspose3d(4, 6, (1, 2, 2), (1, 2, 2))),
        ("4x5x9x8", {"conv3d": {"k": "1x3x3", "s": "1x2x2", "c": 6, "g": 2, "bias": False}},
         nn.Conv3d(4, 6, (1, 3, 3), (1, 2, 2), (0, 1, 1), groups=2, bias=False)),
        ("4x9", {"max_pool": {"k": 3, "s": 2, "ceil": True, "d": 2}}, nn.MaxPool1d(3, 2, 0, 2, ceil_mode=True)),
        ("4x9x8", {"max_pool": {"k": 3, "s": 2, "p": 1, "d": 2}}, nn.MaxPool2d(3, 2, 1, 2)),
        ("4x5x9x8", {"max_pool": {"k": "1x3x3", "s": "1x2x2", "p": "0x1x1"}},
         nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))),
        ("4x5x9x8", {"avg_pool": {"k": 2, "count_padding": False}}, nn.AvgPool3d(2, count_include_pad=False)),
        ("4x9", "avg_pool", nn.AdaptiveAvgPool1d(1)),
        ("4x5x9x8", {"avg_pool": {"size": "2x3x3"}}, nn.AdaptiveAvgPool3d((2, 3, 3))),
        ("4x9", {"adaptive_max_pool": 3}, nn.AdaptiveMaxPool1d(3)),
        ("4x9", "instance_norm", nn.InstanceNorm1d(4)),
        ("4x5x9x8", {"instance_norm": {"affine": True}}, nn.InstanceNorm3d(4, affine=True)),
        ("4x9", {"group_norm": {"groups": 2}}, nn.GroupNorm(2, 4)),
        ("4x9", {"group_norm": {"groups": 2, "affine": False}}, nn.GroupNorm(2, 4, affine=False)),
        ("4x9x8", {"layer_norm": {"channels_last": True, "bias": False}}, nn.LayerNorm(8, bias=False)),
        ("4x9x8", {"layer_norm": {"channels_last": True, "affine": False}}, nn.LayerNorm(8, elementwise_affine=False)),
        ("4x5x9x8", "prelu", nn.PReLU(4)),
        ("4x9", {"prelu": {"shared": True}}, nn.PReLU()),
        ("4x9", {"upsample": {"factor": 2, "mode": "bilinear"}}, nn.Upsample(scale_factor=2, mode="linear")),
        ("4x9x8", {"upsample": {"size": "5x20", "mode": "bilinear", "align_corners": True}},
         nn.Upsample((5, 20), mode="bilinear", align_corners=True)),
        ("4x9x8", {"upsample": {"factor": 3}}, nn.Upsample(scale_factor=3)),
        ("4x9x8", {"pixel_shuffle": 2}, nn.PixelShuffle(2)),
        ("4x8x8", {"pixel_shuffle": {"factor": 2, "back": True}}, nn.PixelUnshuffle(2)),
        ("4x9x8", "mish", nn.Mish()),
        ("4x9x8", {"conv": {"k": 1, "c": 6, "act": "mish"}}, nn.Sequential(nn.Conv2d(4, 6, 1), nn.Mish())),
        ("4x9x8", {"elu": {"alpha": 0.5}}, nn.ELU(0.5)),
        ("4x9x8", "gelu_tanh", nn.GELU(approximate="tanh")),
    ],
)  # fmt: skip
def test_a_layer_is_torchs_own(taken, layer, module):
    graph, network = made(taken, layer)
    network.load_state_dict(dict(zip(network.state_dict(), module.state_dict().values(), strict=True)))
    x = torch.randn(2, *map(int, taken.split("x")))
    with torch.no_grad():
        expected, found = module.eval()(x), network(x)
    assert torch.equal(found, expected)
    assert graph.value(graph.outputs["output"]).shape == found.shape[1:]


@pytest.mark.parametrize(("taken", "rank"), [("4x9", 1), ("4x9x8", 2), ("4x5x9x8", 3)])
def test_a_block_follows_the_rank_of_its_map(taken, rank):
    _, network = made(taken, CONV)
    block = dict(network.named_modules())["0"]
    assert [type(part) for part in block.children()] == [
        getattr(nn, f"Conv{rank}d"), getattr(nn, f"BatchNorm{rank}d"), nn.ReLU,
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_a_recurrent_layer_returns_what_stands_at_each_place(kind):
    layer = {kind: {"c": 4, "layers": 2, "bidirectional": True}}
    graph, network = made("9:int64", {"embedding": {"size": 7, "c": 5}}, layer)
    reference = getattr(nn, kind.upper())(5, 4, 2, batch_first=True, bidirectional=True)
    table = nn.Embedding(7, 5)
    states = [*table.state_dict().values(), *reference.state_dict().values()]
    network.load_state_dict(dict(zip(network.state_dict(), states, strict=True)))
    ids = torch.randint(0, 7, (3, 9))
    with torch.no_grad():
        assert torch.equal(network(ids), reference(table(ids))[0])
    assert graph.value(graph.outputs["output"]).shape == (9, 8)


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_a_recurrent_layer_reads_rows_then_columns(kind):
    """As ReNet has it (Visin et al. 2015), each row, and each column, a sequence by itself."""
    along = {kind: {"c": 3, "bidirectional": True, "each_row": True}}
    _, network = made("4x6x5", LAST, along, {"permute": "transposed"}, along, {"permute": "transposed"})
    rows, columns = (getattr(nn, kind.upper())(size, 3, bidirectional=True, batch_first=True) for size in (4, 6))
    states = [*rows.state_dict().values(), *columns.state_dict().values()]
    network.load_state_dict(dict(zip(network.state_dict(), states, strict=True)))
    x = torch.randn(2, 4, 6, 5)
    with torch.no_grad():
        read = torch.stack([rows(x[:, :, row].mT)[0] for row in range(6)], 1)
        expected = torch.stack([columns(read[:, :, column])[0] for column in range(5)], 2)
        torch.testing.assert_close(network(x), expected)


GATES = (
    {"squeeze_excite": {"ratio": 0.5}},
    {"squeeze_excite": {"ratio": 0.5, "form": "linear", "pool": "mean"}},
    {"eca": {"k": 3}},
)


@pytest.mark.parametrize("layer", GATES, ids=["convolutions", "linear layers", "eca"])
@pytest.mark.parametrize("taken", ["4x9", "4x5x9x8"])
def test_a_gate_is_the_same_on_sounds_and_clips_as_on_their_positions_in_a_map(taken, layer):
    """What looks at no neighbours gives a map of the same positions the same, and costs as much."""
    graph, network = made(taken, layer)
    flat, on_map = made(f"4x{prod(map(int, taken.split('x')[1:]))}x1", layer)
    weights = [
        one.reshape(into.shape)
        for one, into in zip(on_map.state_dict().values(), network.state_dict().values(), strict=True)
    ]
    network.load_state_dict(dict(zip(network.state_dict(), weights, strict=True)))
    x = torch.randn(2, *map(int, taken.split("x")))
    with torch.no_grad():
        assert torch.allclose(network(x).flatten(2), on_map(x.flatten(2)[..., None]).flatten(2), atol=1e-6)
    assert analyze_graph(graph).totals == analyze_graph(flat).totals


@pytest.mark.parametrize("taken", ["4x9", "4x5x9x8"])
def test_layer_norm_of_channels_in_front(taken):
    _, network = made(taken, "layer_norm")
    x = torch.randn(2, *map(int, taken.split("x")))
    expected = functional.layer_norm(x.movedim(1, -1), (4,)).movedim(-1, 1)
    assert torch.allclose(network(x), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("taken", "layers", "axes"),
    [
        ("10:float32", ["normalize"], 1),
        ("4x9", ["normalize"], 1),
        ("4x9", [{"normalize": "positions"}], 2),
        ("4x9", ["tokens", "normalize"], 2),
        ("4x9", ["tokens", {"normalize": "positions"}], 1),
        ("4x9x8", [{"normalize": "positions"}], (2, 3)),
        ("4x5x9x8", ["normalize"], 1),
    ],
)
def test_a_length_is_that_of_channels_or_of_positions(taken, layers, axes):
    _, network = made(taken, *layers)
    x = torch.randn(2, *map(int, taken.partition(":")[0].split("x")))
    expected = functional.normalize(x.transpose(1, 2) if "tokens" in layers else x, dim=axes)
    assert torch.equal(network(x), expected)


@pytest.mark.parametrize(
    ("size", "shape"), [("2", (6, 2, 2)), ("3x2", (4, 3, 2)), ("2x3x1", (4, 2, 3, 1)), ("", (24, 1, 1))]
)
def test_features_become_a_map(size, shape):
    graph, network = made("24:float32", {"unflatten": {"size": size}} if size else "unflatten")
    assert graph.value(graph.outputs["output"]).shape == shape
    x = torch.randn(2, 24)
    assert torch.equal(network(x), x.unflatten(1, shape))


def test_features_that_fill_no_map():
    with pytest.raises(InputError, match="24 features are not divisible by 25 positions, 5×5"):
        made("24:float32", {"unflatten": 5})


def test_a_product_without_a_common_length():
    """Of queries and keys, (9, 4) both, the second is transposed."""
    with pytest.raises(InputError, match=r"(?s)no common length to multiply along.*`transpose` one of them"):
        made("4x9", {"id": "t", "sequence": ["tokens"]}, {"from": ["t", "t"], "matmul": {}})


def test_features_have_no_positions():
    with pytest.raises(InputError, match="a length of the positions of 10, which has none"):
        made("10:float32", {"normalize": "positions"})


@pytest.mark.parametrize("index", [0, 8, -1, -9])
def test_a_token_is_counted_from_either_end(index):
    graph, network = made("9:int64", {"embedding": {"size": 7, "c": 5}}, {"token": index})
    ids = torch.randint(0, 7, (3, 9))
    assert torch.equal(network(ids), next(iter(network.children()))(ids)[:, index])
    assert graph.value(graph.outputs["output"]).shape == (5,)


@pytest.mark.parametrize(("k", "s", "d"), [(3, 2, 1), (2, 2, 1), (5, 3, 2), (3, 1, 1), (1, 2, 1)])
@pytest.mark.parametrize("size", [(9, 8), (11, 7), (6, 13)])
def test_padding_is_tensorflows(size, k, s, d):
    """As many zeros as TensorFlow's SAME has (tensorflow.org/api_docs/python/tf/nn, "Notes on padding")."""
    _, network = made(f"4x{size[0]}x{size[1]}", {"conv2d": {"k": k, "s": s, "d": d, "c": 6, "p": "same"}})
    conv = next(iter(network.children()))
    x = torch.randn(2, 4, *size)
    sides = []
    for side in reversed(size):
        more = max((k - 1) * d + 1 - (s if side % s == 0 else side % s), 0)
        sides += [more // 2, more - more // 2]
    expected = functional.conv2d(functional.pad(x, sides), conv.weight, conv.bias, s, 0, d)
    assert torch.allclose(network(x), expected, atol=1e-6)
    assert expected.shape[2:] == tuple(-(-side // s) for side in size)


def test_tensorflows_padding_depends_on_the_size(tmp_path):
    layers = {"conv2d": {"k": 2, "s": 2, "c": 8, "p": "same"}}
    file = tmp_path / "net.yaml"
    file.write_text(json.dumps({"archprof": 1, "name": "net", "input": "3x225x225", "layers": [layers]}))
    for side in (225, 224, 7, 1):
        assert archprof.analyze(str(file), resolution=side).totals.macs == 8 * 3 * 4 * (-(-side // 2)) ** 2


@pytest.mark.parametrize(
    ("taken", "layer", "message"),
    [
        ("4x9", {"conv": {"k": "1x7", "c": 4}}, "a size of 1×7 on a map of 1 dimension"),
        ("4x9x8", {"conv": {"k": "3x1x1", "c": 4}}, "a size of 3×1×1 on a map of 2 dimensions"),
        ("4x5x9x8", {"max_pool": {"k": 2, "p": [0, 1, 0, 1]}}, "a padding of 0×1×0×1 on a map of 3 dimensions"),
        ("4x9x8", {"conv": {"k": 3, "c": 6, "p": "causal"}}, "the padding `causal` on a map of 2 dimensions"),
        ("4x5x9x8", {"conv": {"k": 3, "c": 6, "p": "causal"}}, "the padding `causal` on a map of 3 dimensions"),
        ("4x9x8", {"max_pool": {"k": 2, "p": "same"}}, "expected a padding, not `same`"),
        ("4x9", {"max_pool": {"k": 3, "p": "causal"}}, "expected a padding, not `causal`"),
        ("4x9", {"conv_transpose": {"k": 3, "c": 6, "p": "causal"}}, "expected a padding, not `causal`"),
        ("4x9x8", {"pad": "causal"}, "expected a padding, not `causal`"),
        (
            "4x9x8",
            {"sequence": ["avg_pool", "flatten", "mean"]},
            "the mean over a map needs a feature map (C×H×W), not 4",
        ),
        (
            "4x9x8",
            {"sequence": ["avg_pool", "flatten", "eca"]},
            "the mean over a map needs a feature map (C×H×W), not 4",
        ),
        ("4x9x8", {"lstm": 8}, "a recurrent layer needs a sequence (L×C), not 4×9×8"),
        ("4x9x8", {"lstm": {"c": 8, "each_row": True}}, "a recurrent layer along rows needs a map (H×W×C), not 4×9×8"),
        ("4x9x8", {"sequence": ["tokens", {"token": -73}]}, "token -73 of 72"),
        ("4x9x8", {"upsample": {"factor": 2, "size": 4}}, "a map grows by a `factor`, or to a `size`"),
        ("4x9", "filter_response_norm", "filter response norm needs a feature map (C×H×W), not 4×9"),
        ("4x3x6x8", {"evo_norm": {"groups": 2}}, "evo norm needs a feature map (C×H×W), not 4×3×6×8"),
        # torch.nn.InstanceNorm1d refuses it: one position less its mean is 0.
        (
            "4x9",
            {"sequence": ["avg_pool", "instance_norm"]},
            "an instance norm needs more than the one position of 4×1",
        ),
        ("4x9", {"permute": "channels_last"}, "3 axes to permute in 4×9"),
        ("4x9", "unflatten", "`unflatten` needs features (C), not 4×9"),
        # torch.nn.AvgPool3d refuses it whatever the padding.
        ("4x3x6x8", {"avg_pool": {"k": 4, "s": 2, "p": "1x1x2"}}, "a window of 4 is larger than the input of 3"),
    ],
)
def test_what_does_not_fit_the_rank(taken, layer, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(").replace(")", r"\)")):
        made(taken, layer)


@pytest.mark.parametrize(
    ("layer", "what"),
    [
        ("batch_norm", "batch norm"),
        ("frozen_batch_norm", "frozen batch norm"),
        ({"group_norm": {"groups": 1}}, "group norm"),
        ("prelu", "PReLU"),
    ],
)
@pytest.mark.parametrize(
    ("before", "shape", "advice"),
    [
        ({"permute": "channels_last"}, "9×8×4", "behind `permute: channels_first`"),
        ("tokens", "72×4", "before `tokens`"),
    ],
)
def test_what_torch_has_for_channels_in_front_alone(layer, what, before, shape, advice):
    with pytest.raises(InputError) as error:
        made("4x9x8", before, layer)
    message = f"{what} needs channels in front, not {shape}\n  in layers[1]\n  help: place it {advice}"
    assert re.sub(r":1:\d+:", ":1:", str(error.value).strip(), count=1) == f"net.yaml:1: {message}"


CAUSAL = {"heads": 2, "causal": True}


def queried(options):
    """Return a layer of attention whose queries, keys and values are three inputs."""
    return {
        "sequence": [
            {"id": "x", "sequence": ["identity"]},
            {"id": "attended", "from": ["x", "x", "x"], "dot_product_attention": options},
        ]
    }


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([{"dot_product_attention": 16}], "no features are left for 16 heads of 24×7×6"),
        ([{"dot_product_attention": {"heads": 1, "key_dim": 12}}], "no features are left for 1 head of 24×7×6"),
        ([queried({"heads": 8, "key_dim": 7})], "queries of 24 features are not 8 heads of 7"),
        ([queried({"heads": 7})], "24 features are not divisible by 7 heads"),
        (
            [{"linear": 24}, queried({"heads": 8})],
            "attention needs queries of positions and features, not 24",
        ),
        (
            [{"dot_product_attention": {"heads": 2, "every": 2, "position": "distance"}}],
            "42 queries at every 2 of the rows and columns of 7×6",
        ),
        ([{"dot_product_attention": {**CAUSAL, "position": "distance"}}], "causal attention with a table of biases"),
        (
            [{"dot_product_attention": {"heads": 4, "kv_heads": 1, "key_dim": 3, "interleaved": True}}],
            "4 heads and 1 of keys and values cannot lie together",
        ),
        (
            ["tokens", {"dot_product_attention": {"heads": 2, "window": 7}}],
            "attention in windows needs windows of positions, not 42×24",
        ),
        (["tokens", {"attention": {"heads": 2, "position": "relative"}}], "a table of biases for 1×1 on 42 positions"),
        ([LAST, {"attention": {**CAUSAL, "window": 3, "shift": 1}}], "causal attention with shifted windows"),
        ([LAST, {"attention": {"heads": 2, "shift": 1}}], "`shift` of attention without `window`"),
        ([LAST, {"attention": {"heads": 2, "grid": True}}], "`grid` of attention without `window`"),
        ([LAST, {"attention": {"heads": 2, "norm": "rms_norm"}}], "`norm` of attention without `reduce`"),
        (
            [LAST, {"attention": {"heads": 2, "each_row": True, "position": "relative"}}],
            "attention of both `each_row` and `position`",
        ),
        (
            [LAST, {"attention": {"heads": 2, "reduce": 2, "qk_norm": "layer_norm"}}],
            "attention of both `reduce` and `qk_norm`",
        ),
        ([LAST, {"attention": {"heads": 2, "rotary": {}, "window": 3}}], "attention of both `rotary` and `window`"),
        *(
            (
                [LAST, {"windows": {"size": 3, "layers": ["layer_norm", {"residual": [layer]}]}}],
                f"`{name}` looks at all",
            )
            for name, layer in [
                ("dot_product_attention", {"attention": {"heads": 2}}),
                ("rotary_positions", {"attention": {"heads": 2, "rotary": 100}}),
                ("rotary_positions", {"rotary_positions": {"heads": 2}}),
                ("normalize", {"normalize": {"over": "positions"}}),
            ]
        ),
        (["tokens", {"attention": {"heads": 2, "key_bias": False}}], "`key_bias` of attention without `apart`"),
        (
            ["tokens", {"attention": {"heads": 2, "qk_norm": "layer_norm", "interleaved": True}}],
            "attention of both `interleaved` and `qk_norm`",
        ),
        (
            ["tokens", {"attention": {"heads": 4, "kv_heads": 3}}],
            "4 heads are not divisible among 3 of keys and values",
        ),
        ([{"attention": {"heads": 2, "rotary": 100}}], "features behind their positions, not 24×7×6"),
        (["tokens", {"attention": {"heads": 8, "rotary": 100}}], "3 features of a head cannot turn in pairs"),
        (
            ["tokens", {"attention": {"heads": 4, "rotary": {"axial": True, "sides": "7x6"}}}],
            "6 features of a head cannot turn in pairs",
        ),
        (
            ["tokens", {"attention": {"heads": 2, "rotary": {"axial": True}}}],
            "rotary positions of 6×6 on 42 tokens",
        ),
        ([LAST, {"rotary_positions": {"heads": 2, "skip": 1}}], "`skip` of rotary positions on a map"),
        ([LAST, {"rotary_positions": {"heads": 2, "axial": False}}], "rows and columns that are not axial"),
        (["tokens", {"rotary_positions": {"heads": 5}}], "24 features are not divisible by 5 heads"),
        (["tokens", {"rotary_positions": {"heads": 2, "skip": 42}}], "42 tokens of 42 do not turn"),
        (
            ["tokens", {"rotary_positions": {"heads": 2, "reference": 14}}],
            "`reference` of rotary positions in a row",
        ),
        ([LAST, {"rotary_positions": {"heads": 2, "sides": "6x7"}}], "rotary positions of 6×7 on a map of 7×6"),
        (
            [LAST, {"attention": {"heads": 2, "window": "5x3", "shift": 3}}],
            "a shift of 3 is no smaller than the window",
        ),
    ],
)
def test_attention_that_cannot_be(layers, message):
    with pytest.raises(InputError) as error:
        made("24x7x6", *layers)
    assert message in str(error.value)


@pytest.mark.parametrize(("size", "shifts"), [("7x14", (0, 3)), ("14x7", (3, 0)), ("7x7", (0, 0)), ("14x15", (3, 3))])
def test_windows_are_not_shifted_along_a_side_that_they_fill(size, shifts):
    """As torchvision's `shifted_window_attention` has it."""
    graph, _ = made(f"6x{size}", LAST, {"attention": {"heads": 2, "window": 7, "shift": 3}})
    found = {type(node.op).__name__: node.op for node in graph.nodes}
    assert found["WindowPartition"].shift == found["WindowReverse"].shift == shifts
    assert found["HeadAttention"].shifted[2:] == (shifts if any(shifts) else ())


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("quick_gelu", lambda x: x * torch.sigmoid(1.702 * x)),
        ("abs", torch.abs),
        ("exp", torch.exp),
        ("softplus", functional.softplus),
        ("star_relu", lambda x: 0.8944 * torch.relu(x).square() - 0.4472),
    ],
)
def test_functions_of_each_element(name, function):
    _, network = made("4x9x8", name)
    x = torch.randn(2, 4, 9, 8)
    assert torch.allclose(network(x), function(x), atol=1e-6)


def windows(size, *layers, **options):
    return {"windows": {"size": size, "maps": True, "layers": [*layers], **options}}


@pytest.mark.parametrize("taken", ["4x6x9", "4x5x8"])
def test_layers_of_maps_see_one_window_at_a_time(taken):
    """Each window by itself is what the layers are given, zeros where the map ends, whatever the batch."""
    split = {
        "split": True,
        "paths": [[{"conv": {"k": 3, "c": "1x", "act": "relu"}}], [{"max_pool": {"k": 3, "s": 1, "p": 1}}]],
    }
    layers = [{"conv": {"k": 3, "c": 6, "norm": "batch_norm"}}, {"branches": split}]
    graph, network = made(taken, windows(3, *layers))
    _, inside = made("4x3x3", *layers)
    inside.load_state_dict(dict(zip(inside.state_dict(), network.state_dict().values(), strict=True)))
    x = torch.randn(2, *map(int, taken.split("x")))
    height, width = x.shape[2:]
    whole = functional.pad(x, (0, -width % 3, 0, -height % 3))
    rows = [torch.cat([inside(one) for one in row.split(3, 3)], 3) for row in whole.split(3, 2)]
    assert torch.allclose(network(x), torch.cat(rows, 2)[..., :height, :width], atol=1e-6)
    assert analyze_graph(graph).totals.macs == 6 * (9 * 4 * 6 * 9 + 9 * 3 * 3 * 9)


def test_a_map_that_is_one_window_is_left_as_it_is():
    graph, _ = made("4x3x6", windows(7, "relu"))
    assert [type(node.op).__name__ for node in graph.nodes] == ["ReLU"]
    graph, _ = made("4x3x8", windows(7, "relu"))
    assert [node.output.shape for node in graph.nodes] == [(2, 4, 3, 7), (2, 4, 3, 7), (4, 3, 8)]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([LAST, windows(3, "relu")], "a cut into windows that are maps needs a feature map (C×H×W), not 6×9×4"),
        ([windows(3, windows(3, "relu"))], "a cut into windows that are maps needs a feature map (C×H×W), not 6×4×3×3"),
        ([windows(3, {"linear": 5})], "5 are no windows of 6×9"),
        ([windows(3, "softmax")], "a softmax cannot stand in windows that are maps, 6×4×3×3"),
        ([windows(3, {"part_softmax": 2})], "a softmax of parts needs a feature map (C×H×W), not 6×4×3×3"),
        ([windows(3, "position_embedding")], "a position embedding cannot stand in windows that are maps, 6×4×3×3"),
        ([windows(3, "frozen_batch_norm")], "frozen batch norm needs channels in front, not 6×4×3×3"),
    ],
)
def test_what_cannot_stand_in_windows_that_are_maps(layers, message):
    with pytest.raises(InputError) as error:
        made("4x6x9", *layers)
    assert message in str(error.value)


def test_tokens_are_a_map_again_and_words_a_sequence():
    back = {"from": ["rest", "map"], "tokens_to_map": {}}
    rest = ["tokens", {"id": "row", "class_token": {}}, {"id": "rest", "token_range": 1}]
    graph, network = made("4x6x8", {"id": "map", "relu": {}}, *rest, back)
    x = torch.randn(2, 4, 6, 8)
    assert torch.equal(network(x), x.relu())
    assert graph.value(graph.outputs["output"]).shape == (4, 6, 8)
    words = {"id": "words", "embedding": {"size": 9, "c": 4}}
    graph, network = made({"ids": "5:int64"}, words, {"from": ["words", "words"], "tokens_to_map": {}}, "softmax")
    ids = torch.tensor([[1, 2, 3, 4, 5]])
    assert torch.equal(network(ids), network.words(ids).transpose(1, 2).softmax(-1))
