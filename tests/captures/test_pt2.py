"""Programs of torch.export: what is read of them is what capturing the module gives, and what torch counts."""

import re

import pytest
import torch
from torch import nn
from torch.export import Dim, export, save
from torch.utils.flop_counter import FlopCounterMode

import archprof
from archprof.analysis.models import read_model
from archprof.analysis.summary import not_counted
from archprof.captures.lift import LIFTS
from archprof.captures.macs import RULES
from archprof.captures.pt2.expression import evaluate, parse, symbols
from archprof.captures.pt2.read import lock_exported, read_exported
from archprof.captures.pt2.schemas import arguments_of, schemas
from archprof.costs.at_most import AtMost, at_most
from archprof.costs.report import analyze_graph
from archprof.json_fields import Refused

pytestmark = pytest.mark.filterwarnings("ignore")


class Block(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.norm = nn.LayerNorm(features)
        self.mix = nn.Linear(features, features)

    def forward(self, x):
        return x + self.mix(self.norm(x)).relu_()


class Pyramid(nn.Module):
    """Convolutions of all sorts, from which free heights and widths follow."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU6(inplace=True))
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding="same", groups=8)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        x = self.stem(x)
        y = self.up(self.depthwise(self.pool(x)))
        y = nn.functional.interpolate(y, size=x.shape[-2:])
        x = torch.cat([x, y], 1)
        return self.head(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


class Tokens(nn.Module):
    """Patches, a token, a layer that is called twice and has two paths, ties, a buffer that is written, an output of
    several parts, and what is not run."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.blocks = nn.ModuleList([Block(8) for _ in range(3)])
        self.again = self.blocks[0]
        self.head = nn.Linear(8, 5)
        self.tied = nn.Linear(8, 5)
        self.tied.weight = self.head.weight
        self.auxiliary = nn.Linear(8, 7)
        self.steps = nn.Buffer(torch.zeros(1))
        self.blocks[1].mix.requires_grad_(False)
        self.head.bias.requires_grad_(False)

    def forward(self, x):
        self.steps.add_(1)
        x = self.stem(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        for block in self.blocks:
            x = block(x)
        x = self.again(x)
        with torch.no_grad():
            y = self.blocks[2](x)
        return {"logits": self.head(x[:, 0]), "rest": (self.tied(x), y)}


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 5, num_layers=2, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(10, 4, batch_first=True)

    def forward(self, x):
        return self.gru(self.lstm(x)[0])[0]


class Products(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(6, 4))

    def forward(self, x):
        return torch.einsum("bij,kj->bik", x, self.weight), x @ x.transpose(1, 2), torch.einsum("bij,bij->b", x, x)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]


MODELS = {
    "conv net": (Pyramid, (3, 32, 48)),
    "tokens": (Tokens, (3, 16, 16)),
    "recurrent": (Recurrent, (7, 6)),
    "products": (Products, (5, 4)),
    "attention": (Attention, (5, 8)),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True), (5, 8)),
    "1d and 3d": (lambda: nn.Sequential(nn.Conv1d(4, 6, 3), nn.GELU(), nn.ConvTranspose1d(6, 2, 4)), (4, 10)),
    "3d": (lambda: nn.Sequential(nn.Conv3d(2, 4, 3), nn.GroupNorm(2, 4), nn.Hardswish()), (2, 5, 6, 7)),
}


def exported(module, shape, path, *, decomposed=False, images=1, dynamic=None):
    """Write a module as torch.export does, and return it."""
    module = module.eval()
    program = export(module, (torch.zeros(images, *shape),), dynamic_shapes=dynamic)
    save(program.run_decompositions() if decomposed else program, path)
    return module


def read(path, *settings):
    return analyze_graph(read_exported(str(path), settings).graph)


def counted_rows(report):
    return [(row.path, row.cost) for row in report.rows if row.cost.params or row.cost.macs]


@pytest.fixture(autouse=True)
def without_fused_attention():
    """As a capture runs: a fused layer of torch is one call that hides what it multiplies."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(before)


@pytest.mark.parametrize("name", MODELS)
def test_a_program_is_what_its_module_is(name, tmp_path):
    make, shape = MODELS[name]
    module = exported(make(), shape, tmp_path / "net.pt2")
    ours, theirs = read(tmp_path / "net.pt2"), analyze_graph(archprof.capture(module, shape))
    if name != "products":  # an einsum stands whole in a file, and reads the parameter itself
        assert ours.totals == theirs.totals
        assert counted_rows(ours) == counted_rows(theirs)
    assert ours.totals.buffers == theirs.totals.buffers
    assert list(ours.outputs) == list(theirs.outputs)
    assert ours.totals.params == sum(parameter.numel() for parameter in module.parameters())
    assert ours.totals.trainable == sum(one.numel() for one in module.parameters() if one.requires_grad)
    if name != "recurrent":  # of which torch counts nothing on the processor
        assert ours.totals.macs == counted_by_torch(module, shape)


def counted_by_torch(module, shape):
    module = module.to("meta").requires_grad_(False)
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        module(torch.zeros(1, *shape, device="meta"))
    return counted.get_total_flops() // 2


@pytest.mark.few(3)
@pytest.mark.parametrize("name", MODELS)
def test_a_program_of_core_operators_costs_the_same(name, tmp_path):
    make, shape = MODELS[name]
    module = exported(make(), shape, tmp_path / "net.pt2", decomposed=True)
    ours, theirs = read(tmp_path / "net.pt2").totals, analyze_graph(archprof.capture(module, shape)).totals
    assert (ours.params, ours.trainable, ours.macs) == (theirs.params, theirs.trainable, theirs.macs)


def test_a_linear_layer_that_was_taken_apart_is_a_row(tmp_path):
    exported(nn.Sequential(nn.Linear(6, 4), nn.ReLU()), (5, 6), tmp_path / "net.pt2", decomposed=True)
    assert [(path, cost.params, cost.macs) for path, cost in counted_rows(read(tmp_path / "net.pt2"))] == [
        ("0", 6 * 4 + 4, 5 * 6 * 4)
    ]


def test_a_free_batch_is_of_one_image(tmp_path):
    exported(Tokens(), (3, 16, 16), tmp_path / "net.pt2", images=2, dynamic={"x": {0: Dim("images", min=2, max=64)}})
    ours, theirs = read(tmp_path / "net.pt2"), analyze_graph(archprof.capture(Tokens(), (3, 16, 16)))
    assert counted_rows(ours) == [(path, cost) for path, cost in counted_rows(theirs)][: len(counted_rows(ours))]
    assert ours.totals.macs == theirs.totals.macs
    batches = [{row.path: row.node.outputs[0].batch for row in one.rows} for one in (ours, theirs)]
    shared = batches[0].keys() & batches[1].keys()
    assert len(shared) > 15
    assert {path: batches[0][path] for path in shared} == {path: batches[1][path] for path in shared}


def test_free_heights_and_widths(tmp_path):
    free = {"x": {0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO}}
    module = exported(Pyramid(), (3, 32, 48), tmp_path / "net.pt2", images=2, dynamic=free)
    for height, width in ((32, 48), (64, 64), (50, 34)):
        graph = read_exported(str(tmp_path / "net.pt2"), inputs=[f"3x{height}x{width}"]).graph
        ours, theirs = analyze_graph(graph), analyze_graph(archprof.capture(module, (3, height, width)))
        assert counted_rows(ours) == counted_rows(theirs)
        assert [row.output for row in ours.rows if row.cost.macs] == [
            row.output for row in theirs.rows if row.cost.macs
        ]


def test_a_batch_that_is_given_is_no_batch(tmp_path):
    exported(nn.Linear(6, 4), (6,), tmp_path / "net.pt2", images=3, dynamic=({0: Dim("steps")},))
    path = tmp_path / "net.pt2"
    symbol = next(iter(symbols_of(path)))
    assert read(path).totals.macs == 24
    assert read(path, (symbol, "7")).totals.macs == 7 * 24
    assert analyze_graph(read_exported(str(path), inputs=["7x6:float32:whole"]).graph).totals.macs == 7 * 24


class Padded(nn.Module):
    """What pads widths that are no multiple of 32, and reads a mask beside its input."""

    def forward(self, x, masks):
        if x.shape[3] % 32:
            x = nn.functional.pad(x, (0, 32 - x.shape[3] % 32))
        return x * masks["a"][0]


def test_sizes_for_which_the_module_runs_otherwise_are_refused(tmp_path):
    free = {0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO}
    inputs = torch.zeros(2, 3, 64, 64), {"a": [torch.zeros(2, 1, 64, 64)]}
    program = export(Padded().eval(), inputs, dynamic_shapes={"x": free, "masks": {"a": [free]}})
    path = str(tmp_path / "net.pt2")
    save(program, path)
    graph = read_exported(path, inputs=["3x40x96"]).graph
    assert [value.shape for value in graph.inputs.values()] == [(3, 40, 96), (1, 40, 96)]
    with pytest.raises(archprof.UsageError) as refused:
        read_exported(path, inputs=["3x40x65"])
    assert refused.value.problems[0].message == f"`{path}` was exported for sizes where `(x.size()[3] % 32) == 0`"


def symbols_of(path):
    with pytest.raises(archprof.UsageError) as refused:
        read_exported(str(path), [("none", "1")])
    return [word.split("`")[1] for word in refused.value.problems[0].help.split(", ")]


class Branches(nn.Module):
    """One of two layers, as the input has it."""

    def __init__(self, second=False):
        super().__init__()
        self.second = second
        self.layer = nn.Linear(6, 6)

    def forward(self, x):
        costly, cheap = (lambda x: self.layer(x)), (lambda x: x * 2)
        first, second = (cheap, costly) if self.second else (costly, cheap)
        return torch.cond(x.sum() > 0, first, second, (x,))


@pytest.mark.parametrize("second", [False, True])
def test_of_two_branches_the_costlier_one_is_counted(second, tmp_path, capsys):
    exported(Branches(second), (6,), tmp_path / "net.pt2")
    capsys.readouterr()
    report = read(tmp_path / "net.pt2")
    assert (report.totals.params, report.totals.macs) == (42, 36)
    assert at_most(report) == AtMost({"aten.linear": 1}, ())
    costs = (0, 36) if second else (36, 0)
    assert capsys.readouterr().err == (
        f"{tmp_path}/net.pt2: `cond` runs one of two branches, `true_graph_0`, {costs[0]} MACs and"
        f" `false_graph_0`, {costs[1]} MACs: the costlier one is counted\n"
    )


class Loops(nn.Module):
    def forward(self, x):
        return torch.while_loop(lambda x: x.sum() < 9, lambda x: (x + 1,), (x,))


def test_a_loop_is_refused(tmp_path):
    exported(Loops(), (6,), tmp_path / "net.pt2")
    with pytest.raises(archprof.UsageError) as refused:
        read(tmp_path / "net.pt2")
    assert refused.value.problems[0].message == (
        "`while_loop` runs functions, and the file does not tell how often or which"
    )
    assert "while_loop" in refused.value.problems[0].where


class Autocast(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 4)

    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16):
            return self.layer(x)


@pytest.mark.parametrize("decomposed", [False, True])
def test_autocast_is_looked_into(decomposed, tmp_path):
    exported(Autocast(), (6,), tmp_path / "net.pt2", decomposed=decomposed)
    totals = read(tmp_path / "net.pt2").totals
    assert (totals.params, totals.macs) == (28, 24)


@torch.compiler.nested_compile_region
def region(x, weight):
    return (x @ weight).relu()


class Regions(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(6, 6))

    def forward(self, x):
        return region(region(x, self.weight), self.weight)


def test_a_region_is_counted_as_often_as_it_runs(tmp_path):
    save(export(Regions().eval(), (torch.zeros(1, 6),), strict=True), tmp_path / "net.pt2")
    totals = read(tmp_path / "net.pt2").totals
    assert (totals.params, totals.macs) == (36, 2 * 36)


@torch.library.custom_op("archprof_tests::mix", mutates_args=("x",))
def mix(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x + y


@mix.register_fake
def _(x, y):
    return torch.empty_like(x)


class Custom(nn.Module):
    def forward(self, x):
        return torch.ops.archprof_tests.mix(x.clone(), x)


@pytest.mark.parametrize("decomposed", [False, True])
def test_what_has_no_rule_is_not_counted(decomposed, tmp_path):
    exported(Custom(), (6,), tmp_path / "net.pt2", decomposed=decomposed)
    report = read(tmp_path / "net.pt2")
    assert not_counted(report) == {"archprof_tests.mix": 1}


def test_a_program_that_trains_says_so(tmp_path):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.1))
    example = (torch.zeros(2, 3, 8, 8),)
    for train in (True, False):
        path = str(tmp_path / f"{train}.pt2")
        save(export(module.train(train), example), path)
        assert read_exported(path).graph.training is train
    path = str(tmp_path / "True.pt2")
    with pytest.raises(archprof.UsageError) as raised:
        lock_exported(path, (), (), "0.1.0")
    assert str(raised.value) == (
        f"`{path}` was exported as it trains, and a lock is of evaluation\n"
        "  help: export the module again, after `module.eval()`"
    )
    with pytest.raises(archprof.UsageError, match=r"was exported as it runs in evaluation"):
        read_model(str(tmp_path / "False.pt2"), (), train=True)
    assert read_model(path, (), train=True).training


def test_a_write_to_a_view_is_an_edge(tmp_path):
    class Writes(nn.Module):
        def forward(self, x):
            y = x.clone()
            y[:, 0].mul_(2)
            return y + 1

    exported(Writes(), (3,), tmp_path / "net.pt2")
    nodes = read_exported(str(tmp_path / "net.pt2")).graph.nodes
    written = next(index for index, node in enumerate(nodes) if "mul" in node.path)
    assert written in [edge.node for edge in nodes[-1].inputs]


def test_schemas_are_those_of_torch():
    for name, text in schemas().items():
        operator, overload = name.split(".")
        schema = getattr(getattr(torch.ops.aten, operator), overload)._schema
        known = [(one.name, one.default_value) for one in schema.arguments if one.has_default_value()]
        ours = arguments_of(name) or ()
        assert [one.name for one in ours] == [one.name for one in schema.arguments]
        assert [(one.name, one.default) for one in ours if "=" in text.split(one.name, 1)[1][:1]] == known
        kinds = re.sub(r"\([a-z!|> *-]+\)", "", str(schema).partition("(")[2])  # without the marks of views
        assert all(f"{one.kind} {one.name}" in kinds for one in ours)


def test_what_has_a_rule_or_is_lifted_has_the_schemas_that_state_defaults():
    known = {name.partition(".")[0] for name in schemas()}
    ruled = {name.removeprefix("aten::") for name in RULES if name.startswith("aten::")}
    assert ruled <= known
    wanted = {name for name in LIFTS if any(map(_states_defaults, _overloads(name)))}
    assert wanted <= known


def _overloads(name):
    packet = getattr(torch.ops.aten, name, None)
    return [getattr(packet, one)._schema for one in packet.overloads()] if packet else []


def _states_defaults(schema):
    """Tell whether a program may leave out arguments of an operator on tensors."""
    text = str(schema)
    if any(one.is_out for one in schema.arguments) or "Tensor" not in text.partition(" ->")[0] or "Dimname" in text:
        return False
    return "Generator" not in text and any(one.has_default_value() for one in schema.arguments)


EXPRESSIONS = {
    "Symbol('s0', positive=True, integer=True)": 9,
    "Add(Mul(FloorDiv(Symbol('s0', positive=True, integer=True), Integer(4)), Symbol('s1')), Integer(-1))": 2 * 5 - 1,
    "2*s0 + 1": 19,
    "((s0 - 1)//2) + 1": 5,
    "s0 - s1 - 2": 2,
    "-s0 - -3*2": -3,
    "Max(1, s0 % 4, Min(s1, 3))": 3,
    "Mod(Symbol('s0'), Integer(2))": 1,
    "Pow(Symbol('s0'), Integer(2))": 81,
    "s0**2//3": 27,
    "-s0**2": -81,
    "Mul(Rational(1, 3), Symbol('s0'))": 3,
    "FloorToInt(IntTrueDiv(Symbol('s0'), Integer(2)))": 4,
    "CeilToInt(IntTrueDiv(s0, 2))": 5,
    "TruncToInt(ToFloat(s0))": 9,
    "CeilDiv(s0, 4)": 3,
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expressions(text):
    assert evaluate(parse(text), {"s0": 9, "s1": 5}) == EXPRESSIONS[text]


REFUSED = {
    "s2": "`s2` has no value",
    "s0/2": "a size of 9/2",
    "s0//0": "a division by zero",
    "2**65": "a power of 65",
    "s0**20": "a size out of bounds",
    "import os": '`"import os"` is no expression of sizes',
    "s0.real": '`"s0.real"` is no expression of sizes',
    "eval('s0')": "`\"eval('s0')\"` is no expression of sizes",
    "open(1)": '`"open(1)"` has `open`, which is not known here',
    "(" * 61 + "s0" + ")" * 61: "an expression of more than 60 levels",
    "s0" + "*s0" * 70: "an expression of more than 60 levels",
    "s0+" * 4000 + "s0": "an expression of more than 10,000 characters",
    "Max()": '`"Max()"` is no expression of sizes',
    "FloorDiv(1, 2, 3)": '`"FloorDiv(1, 2, 3)"` is no expression of sizes',
    "": '`""` is no expression of sizes',
}


@pytest.mark.parametrize("text", REFUSED)
def test_expressions_that_are_refused(text):
    with pytest.raises(Refused) as refused:
        evaluate(parse(text), {"s0": 9})
    assert str(refused.value) == REFUSED[text]


def test_a_sum_of_many_is_one():
    text = "+".join(["s0"] * 2000)
    assert evaluate(parse(text), {"s0": 2}) == 4000
    assert set(symbols(parse(text))) == {"s0"}


def test_buffers_that_forward_does_not_read_are_held(tmp_path):
    class Masked(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Linear(8, 8))
            self.register_buffer("mask", torch.ones(16, 16))

    exported(Masked(), (8,), tmp_path / "masked.pt2")
    assert read(tmp_path / "masked.pt2").totals.buffers == 16 * 16
