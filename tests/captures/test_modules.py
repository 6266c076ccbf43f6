"""Modules of one's own, captured: rows, parameters, batches, and that nothing of the module is touched."""

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import archprof
from archprof.analysis.diff import diff
from archprof.analysis.summary import summarize
from archprof.costs.report import analyze_graph
from archprof.ir.graph import INPUT, Edge
from archprof.ir.operators.recorded import Recorded
from archprof.language.expand import read_network
from archprof.runtime.build import build_network
from archprof.spec import catalog
from tests.by_day import these_by_day

# What a module of ours does in evaluation without an operator of its own, or with several.
_OTHERWISE = (
    *("stochastic_depth", "frozen_batch_norm", "deform_conv2d", "layer_norm", "layer_scale", "channel_shuffle"),
    *("split", "unflatten", "swish", "resize", "pad_shortcut", "identity"),
)


# Of other families each; those with something that no other has.
_DAY = (
    *("alexnet", "convnextv2_atto", "crnn", "efficientnet_cc_b0_4e", "mobilenet_v3_small", "mixnet_s", "R-50-FPN"),
    *("resnet18", "swin_tiny_patch4_window7_224", "vit_tiny_patch16_224", "unet"),
)


@pytest.mark.few(6)
@pytest.mark.parametrize("network", these_by_day(catalog.files(), _DAY))
def test_a_network_of_ours_captured_is_itself(network):
    graph = read_network(network)
    if "input" not in graph.inputs or not graph.inputs["input"].is_float:
        pytest.skip("it takes no image")
    module = build_network(graph, initialise=False, device="meta")
    ours, theirs = analyze_graph(graph), analyze_graph(archprof.capture(module, tuple(graph.inputs["input"].shape)))
    assert theirs.totals == ours.totals
    if not any(_is_otherwise(node) for node in graph.nodes):
        assert [_row(row) for row in theirs.rows] == [_row(row) for row in ours.rows]
        if len(theirs.rows) < 1000:  # longer ones diff does not align
            assert diff(ours, theirs).empty


def _is_otherwise(node):
    """Tell whether a captured module has other rows: of a sum of three it has two, and sides that are not padded alike
    are padded before."""
    sides = getattr(node.op, "padding", ())
    uneven = isinstance(sides, tuple) and len(sides) == 4
    several = node.op.name == "add" and len(node.inputs) > 2
    return node.op.name in _OTHERWISE or node.op.tried != "all" or uneven or several


def _row(row):
    return row.operator, row.inputs, row.output, row.cost, row.form == "module", row.node.outputs[0].batch


class Block(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.norm = nn.LayerNorm(features)
        self.mix = nn.Linear(features, features)

    def forward(self, x):
        return x + self.mix(self.norm(x)).relu_()


class Net(nn.Module):
    steps: torch.Tensor

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.blocks = nn.ModuleList([Block(8) for _ in range(3)])
        self.head = nn.Linear(8, 5)
        self.auxiliary = nn.Linear(8, 5)
        self.register_buffer("steps", torch.zeros(1))

    def forward(self, x):
        self.steps.add_(1)
        x = self.stem(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
        for block in self.blocks:
            x = block(x)
        return {"logits": self.head(x[:, 0]), "features": x}


def test_rows_are_calls():
    graph = archprof.capture(Net(), (3, 16, 16))
    report = archprof.analyze(graph)
    counted = {row.path: (row.cost.params, row.cost.macs) for row in report.rows if row.cost.params or row.cost.macs}
    block = {"norm": (16, 0), "mix": (72, 17 * 64)}
    assert counted == {
        "stem": (8 * 3 * 16 + 8, 16 * 8 * 3 * 16),
        ":expand[0]": (8, 0),
        **{f"blocks.{k}.{name}": counts for k in range(3) for name, counts in block.items()},
        "head": (45, 40),
        "auxiliary": (45, 0),
    }
    assert report.totals.params == sum(parameter.numel() for parameter in Net().parameters())
    assert {name: value.shape for name, value in report.outputs.items()} == {"logits": (5,), "features": (17, 8)}
    assert [line.split()[:3] for line in str(report).splitlines() if "…" in line] == [["blocks.0…2", "Block", "×3"]]


def test_the_batch_is_found_wherever_it_stands():
    class Windows(nn.Module):
        def forward(self, x):  # windows of 4 positions, all in one axis
            whole = x.unflatten(1, (-1, 4)).flatten(0, 1)
            return whole, x.transpose(0, 1), torch.ones(3)

    graph = archprof.capture(Windows(), (8, 2))
    assert [value.batch for value in (graph.value(edge) for edge in graph.outputs.values())] == [(2, 0, 0), 1, (0,)]
    assert graph.value(graph.outputs["output.0"]).at_batch(5) == (10, 4, 2)


def test_a_module_for_one_image_has_no_other_batch():
    class One(nn.Module):
        def forward(self, x):
            return x.view(1, 4)

    graph = archprof.capture(One(), (4,))
    assert graph.value(graph.outputs["output"]).batch == 0
    assert graph.single_batch
    assert not archprof.capture(nn.Linear(4, 4), (4,)).single_batch
    assert archprof.capture(nn.Linear(4, 4), torch.zeros(1, 4)).single_batch
    with pytest.raises(archprof.UsageError, match="the module fails on"):
        archprof.capture(nn.Linear(3, 4), (5,))


def test_what_is_shared_counts_once():
    shared = nn.Linear(6, 6)
    report = archprof.analyze(archprof.capture(nn.Sequential(shared, nn.ReLU(), shared), (6,)))
    assert [(row.path, row.cost.params, row.cost.macs) for row in report.rows] == [
        ("0", 42, 36),
        ("1", 0, 0),
        ("0#2", 0, 36),
    ]

    tied = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    tied[1].weight = tied[0].weight
    assert archprof.analyze(archprof.capture(tied, (6,))).totals.params == 36 + 6 + 6


def test_frozen_parameters_do_not_learn():
    module = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 5))
    module[0].requires_grad_(False)
    totals = archprof.analyze(archprof.capture(module, (6,))).totals
    assert (totals.params, totals.trainable) == (42 + 35, 35)


def test_what_learns_in_part_is_counted_in_part():
    module = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5))
    module[0].weight.requires_grad_(False)
    module[1].bias.requires_grad_(False)
    graph = archprof.capture(module, (6,))
    totals = archprof.analyze(graph).totals
    assert (totals.params, totals.trainable) == (6 * 5 + 5 + 5 + 5, 5 + 5)
    assert [sorted(node.frozen) for node in graph.nodes] == [["weight"], ["bias"]]


def test_what_is_read_twice_is_two_edges():
    class Twice(nn.Module):
        def forward(self, x):
            return torch.cat([x * x, x], 1)

    graph = archprof.capture(Twice(), (4, 3, 3))
    assert [node.op.name for node in graph.nodes] == ["multiply", "concat"]
    assert graph.nodes[0].inputs == (Edge(INPUT), Edge(INPUT))


def test_a_write_to_a_view_is_an_edge():
    class Writes(nn.Module):
        def forward(self, x):
            y = x.clone()
            y[:, 0].mul_(2)
            return y + 1

    graph = archprof.capture(Writes(), (3,))
    written = next(index for index, node in enumerate(graph.nodes) if "mul" in node.path)
    assert written in [edge.node for edge in graph.nodes[-1].inputs]


class Filled(nn.Module):
    """A tensor that is filled piece by piece, and what reads it whole, as code builds masks, caches and positions."""

    def forward(self, x):
        filled = x.new_zeros(x.shape[0], 6, 4)
        filled[:, :2], filled[:, 2, :3] = x, 1.0
        attended = functional.scaled_dot_product_attention(filled, filled, filled)
        return torch.cat([filled, x], 1), filled.half(), filled @ x.transpose(1, 2), attended


def test_what_reads_a_tensor_that_was_filled_piece_by_piece_has_its_shapes():
    """A product of 6×4 and 4×2, and an attention of two of 6·6·4; the pieces are waited for, and not read."""
    report = analyze_graph(archprof.capture(Filled(), (2, 4)))
    reads = {row.node.op.name: [*row.inputs] for row in report.rows}
    assert reads["concat_axis"] == [(6, 4), (2, 4)]
    assert reads["to"] == [(6, 4)]
    assert report.totals.macs == 6 * 4 * 2 + 2 * 6 * 6 * 4


class Knot:
    """What holds itself."""

    def __init__(self, value):
        self.value = value
        self.itself = self


@dataclass
class Output:
    first: torch.Tensor
    rest: list[torch.Tensor]


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (lambda x: {"a": {"x": x + 1}, "b": {"x": x + 2}}, ["a.x", "b.x"]),
        (lambda x: Knot(x + 1), ["value"]),
        (lambda x: (x + 1, {"a": x + 2}), ["output.0", "output.1.a"]),
        (lambda x: Output(x + 1, [x + 2]), ["first", "rest.0"]),
        (lambda x: torch.max(x, 1), ["output.0", "output.1"]),
    ],
)
def test_outputs_have_names(made, names):
    class Returns(nn.Module):
        def forward(self, x):
            return made(x)

    assert list(archprof.capture(Returns(), (4, 4)).outputs) == names


def _numpy_state():
    return np.random.get_state(legacy=False)["state"]["key"].tolist()


class Heard(Exception):
    """What a hook raises that should not have run."""


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_a_module_is_left_as_it_was(fails, train):
    def listen(*_):
        raise Heard

    module = Net().train()
    module.normalized = nn.Sequential(nn.BatchNorm2d(4), nn.Dropout(0.5))
    module.blocks[1].eval()
    modes = [part.training for part in module.modules()]
    module.blocks[1].register_forward_hook(listen)
    module.head.in_features = 8
    if fails:
        module.head = nn.Linear(9, 5)
    checks = vars(nn.functional)["_verify_batch_size"]
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    torch.manual_seed(7), random.seed(7), np.random.seed(7)
    states = torch.random.get_rng_state(), random.getstate(), _numpy_state()
    hooks = [dict(part._forward_hooks) for part in module.modules()]
    if fails:
        with pytest.raises(archprof.UsageError):
            archprof.capture(module, (3, 16, 16), train=train)
    else:
        archprof.capture(module, (3, 16, 16), train=train)
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert [part.training for part in module.modules()] == modes
    assert [dict(part._forward_hooks) for part in module.modules()] == hooks
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    assert torch.get_default_dtype() is torch.float32
    assert torch.equal(torch.random.get_rng_state(), states[0])
    assert (random.getstate(), _numpy_state()) == states[1:]
    assert vars(nn.functional)["_verify_batch_size"] is checks
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks


class Trained(nn.Module):
    """What runs otherwise while it trains: with statistics of a single place, noise, layers left out by chance, a norm
    that is never trained."""

    def __init__(self):
        super().__init__()
        self.norm, self.drop, self.layer = nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Linear(3, 3)
        self.fixed = nn.BatchNorm2d(3)

    def train(self, mode=True):
        super().train(mode)
        self.fixed.eval()
        return self

    def forward(self, x):
        x = self.drop(self.fixed(self.norm(x.mean((2, 3), keepdim=True)))).flatten(1)
        for _ in range(20):
            if not self.training or random.random() > 0.5 < np.random.rand() or torch.rand(1, device="cpu") > 0.5:
                x = self.layer(x)
        return x


def test_a_module_that_trains():
    graphs = [archprof.capture(Trained(), (3, 4, 4), train=train) for train in (False, True)]
    assert [graph.training for graph in graphs] == [False, True]
    paths = [[node.path for node in graph.nodes if node.path != "layer"] for graph in graphs]
    without = [":mean[0]", "norm", "fixed", "drop", ":flatten[0]"]
    assert paths[0] == without
    drawn = (":rand[", ":gt[", ":detach[", ":_local_scalar_dense[")
    assert [path for path in paths[1] if not path.startswith(drawn)] == [":mean[0]", "norm:add[0]", *without[1:]]
    evaluated, trained = map(analyze_graph, graphs)
    assert (trained.totals.params, trained.totals.buffers) == (evaluated.totals.params, evaluated.totals.buffers)
    assert evaluated.totals.macs == 20 * 9 > trained.totals.macs > 0


def test_chance_is_the_same_in_every_capture():
    first, *others = [archprof.capture(Trained(), (3, 4, 4), train=True) for _ in range(3)]
    assert [graph.nodes for graph in others] == [first.nodes] * 2


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.LayerNorm((6, 6, 6)), nn.GroupNorm(4, 8)])
def test_a_norm_of_another_size_fails(norm):
    with pytest.raises(archprof.UsageError, match=r"the module fails on \(1×6×6×5\)"):
        archprof.capture(norm, (6, 6, 5))


def test_nothing_is_computed():
    wide = nn.Sequential(*(nn.Linear(1 << 16, 1 << 16, device="meta") for _ in range(20)))
    assert archprof.analyze(archprof.capture(wide, (1 << 16,))).totals.macs == 20 << 32


@pytest.mark.filterwarnings("ignore:.*jit.script_method:DeprecationWarning")
@pytest.mark.parametrize("wrap", [nn.DataParallel, torch.compile], ids=["DataParallel", "torch.compile"])
def test_wrappers_are_unwrapped(wrap):
    graph = archprof.capture(wrap(nn.Sequential(nn.Linear(6, 5))), (6,))
    assert [node.path for node in graph.nodes] == ["0"]


def test_elements_that_forward_asks_for():
    class Asks(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)
            self.places = torch.arange(4)  # no buffer: it stays where it is

        def forward(self, x):
            return self.linear(x[:, self.places])

    assert archprof.analyze(archprof.capture(Asks(), (4,))).totals.macs == 16


def test_what_reads_constants_alone_is_recorded():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.constant = torch.ones(4)  # no buffer

        def forward(self, x):
            return x + torch.relu(self.constant)

    first, _ = archprof.capture(Constant(), (4,)).nodes
    assert (first.op.describe(), first.inputs) == ("relu", ())


def test_an_operator_of_functions_is_named():
    class Chooses(nn.Module):
        def forward(self, x):
            return torch.cond(x.sum() > 0, torch.sin, torch.cos, (x,))

    with pytest.raises(archprof.UsageError) as raised:
        archprof.capture(Chooses(), (4,))
    message = "the module calls `cond`, an operator of functions, which no recorder looks into\n  help: "
    assert str(raised.value).startswith(message)


WRONG: dict[str, tuple[tuple[Any, ...], dict[str, Any], str, str]] = {
    "a class": ((nn.Linear, (3,)), {}, "`Linear` is a class, not a module", "make one: `Linear(…)`"),
    "a lazy module": (
        (nn.Sequential(nn.LazyLinear(4)), (3,)), {},
        "`0` (LazyLinear) has no parameters yet",
        "run the module once on an input: `module(torch.zeros(1, 3, 224, 224))`",
    ),
    "no input": (
        (nn.Linear(3, 4),), {},
        "a module needs the shape of its input",
        "a shape without the batch, as in `(3, 224, 224)`, or the tensors themselves",
    ),
    "two inputs": (
        (nn.Linear(3, 4), (3,)), {"args": (torch.zeros(3),)},
        "an input and arguments at once", "`input=(3, 224, 224)`, or `args=(x, y)`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_messages(case):
    arguments, keywords, message, advice = WRONG[case]
    with pytest.raises(archprof.UsageError) as raised:
        archprof.capture(*arguments, **keywords)
    assert str(raised.value) == f"{message}\n  help: {advice}"


def test_what_has_no_form_of_ours_says_what_it_holds():
    module, inputs = nn.RNNCell(3, 4), (torch.zeros(1, 3), torch.zeros(1, 4))
    [row] = archprof.analyze(archprof.capture(module, args=inputs)).rows
    held = (("w_ih", 4 * 3), ("w_hh", 4 * 4), ("b_ih", 4), ("b_hh", 4))
    assert row.operator == Recorded("aten.rnn_tanh_cell.default", 4 * (3 + 4), held, (), "recurrent", divides=None)
    assert (row.op, row.label) == ("aten.rnn_tanh_cell", "rnn_tanh_cell")
    assert (row.cost.params, row.cost.activations) == (4 * (3 + 4) + 2 * 4, 4)


class Positions(nn.Module):
    """A bias for each pair of tokens, that a small network makes of a table of their distances."""

    def __init__(self):
        super().__init__()
        self.distances = nn.Buffer(torch.zeros(5, 5, 2))
        self.network = nn.Sequential(nn.Linear(2, 7), nn.ReLU(), nn.Linear(7, 1, bias=False))

    def forward(self, x):
        return torch.softmax(x @ x.transpose(1, 2) + self.network(self.distances).squeeze(-1), -1) @ x


def test_what_depends_on_no_input_is_counted_and_named():
    graph = archprof.capture(Positions(), (5, 3))
    found = summarize(archprof.analyze(graph))
    assert found.constant_macs == {"network.0": 5 * 5 * 2 * 7, "network.2": 5 * 5 * 7}
    assert found.head.totals.macs == 5 * 5 * 2 * 7 + 5 * 5 * 7 + 2 * (5 * 5 * 3)
    batches = {node.path: node.outputs[0].batch for node in graph.nodes if node.op.kind in ("linear", "matmul")}
    assert batches == {"network.0": (0, 0, 0), "network.2": (0, 0, 0), ":matmul[0]": 0, ":matmul[1]": 0}
    assert summarize(archprof.analyze("resnet18")).constant_macs is None


class Masked(nn.Module):
    """Holds buffers that its forward does not read, beside a layer that it does not run."""

    def __init__(self):
        super().__init__()
        self.layer, self.other = nn.Linear(8, 8), nn.BatchNorm1d(4)
        self.register_buffer("mask", torch.ones(16, 16, dtype=torch.bool))

    def forward(self, x):
        return self.layer(x)


def test_buffers_that_forward_does_not_read_are_held():
    graph = archprof.capture(Masked(), (8,))
    assert archprof.analyze(graph).totals.buffers == 16 * 16 + 2 * 4
    assert archprof.memory(graph).resident.buffer_bytes == 16 * 16 + 2 * 4 * 4


def test_a_tensor_that_is_given_several_times_is_one_input():
    x = torch.zeros(1, 5, 8)
    module = nn.MultiheadAttention(8, 2, batch_first=True)
    graph = archprof.capture(module, args=(x, x, x), train=True)
    assert {name: value.shape for name, value in graph.inputs.items()} == {"query": (5, 8)}
    # Keys, values and queries by one product of 8 with 24, two products of 5 with 5 places, and one of 8 with 8.
    assert archprof.analyze(graph).totals.macs == 5 * 8 * 24 + 2 * 5 * 5 * 8 + 5 * 8 * 8
    alone = archprof.capture(module, args=(x, x.clone(), x.clone()), train=True)
    assert [*alone.inputs] == ["query", "key", "value"]


class Hidden(nn.Module):
    """Keeps a layer where torch does not find it."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.layers = [nn.Linear(8, 4, device="meta")]

    def forward(self, x):
        return self.layers[0](self.layer(x))


def test_modules_that_are_no_part_are_told():
    graph = archprof.capture(Hidden(), (8,))
    assert graph.origin.remarks == ("forward runs `Linear`, no part of the module: parameters of that are not counted",)
    assert archprof.analyze(graph).totals.macs == 8 * 8 + 8 * 4
