"""Networks that come from no block table: of tokens, of one and of three dimensions; several inputs and outputs, calls
again, tensors that several calls use. What is costed of them is summed by hand, and what only a table can answer says
so."""

from fractions import Fraction
from typing import ClassVar

import jsonschema
import pytest

import archprof
from archprof.analysis.block_table import block_table
from archprof.analysis.budgets import CheckedNetwork, judge
from archprof.analysis.check import Outcome
from archprof.analysis.compare import compare
from archprof.analysis.diff import diff
from archprof.analysis.document import convention_text, plain
from archprof.analysis.explain import explain
from archprof.analysis.summary import Summary, summarize
from archprof.analysis.verify import verify
from archprof.costs.tools import CONVENTIONS
from archprof.errors import Location, UsageError
from archprof.ir.builder import GraphBuilder, Placement
from archprof.ir.graph import INPUT, Edge, Graph
from archprof.ir.liveness import dying, leading_nowhere, readers
from archprof.ir.operators.act import GELU, ReLU
from archprof.ir.operators.base import Operator, operator
from archprof.ir.operators.join import Add
from archprof.ir.operators.linear import Linear
from archprof.ir.operators.norm import LayerNorm
from archprof.ir.terms import term
from archprof.ir.values import Value
from archprof.render.check import check_table
from archprof.render.compare import compare_table
from archprof.render.diff import diff_table
from archprof.render.explain import explain_table
from archprof.render.fold import view
from archprof.render.formats import Page
from archprof.render.json import to_json
from archprof.render.json_schema import result_schema
from archprof.render.summary import summary_table
from archprof.render.table import to_text
from archprof.spec.budget import Budget, Where, read_limit
from archprof.spec.nodes import Scalar
from archprof.sweep.plan import Selection, plan_sweep
from archprof.sweep.solve import Goal, solve


@operator
class Embedding(Operator):
    """A vector of a table for each token."""

    entries: int
    width: int

    name: ClassVar[str] = "embedding"

    def output(self, *inputs):
        return Value((*inputs[0].shape, self.width), len(inputs[0].shape), inputs[0].batch)

    def parameters(self):
        return {"weight": term(self.entries * self.width)}


@operator
class Attention(Operator):
    """Every token against every other: d·L² products for the weights, and as many for what they weigh."""

    name: ClassVar[str] = "attention"
    joins: ClassVar[bool] = True

    def macs(self, inputs, outputs):
        tokens, width = outputs[0].shape
        return term(2 * width, (tokens, tokens))


@operator
class Thirds(Operator):
    """Three equal parts of the features, as three outputs."""

    name: ClassVar[str] = "thirds"

    def outputs(self, *inputs):
        return (inputs[0].with_channels(inputs[0].channels // 3),) * 3


@operator
class ConvAlong(Operator):
    """A convolution of any number of dimensions, with padding that keeps the size."""

    inputs: int
    channels: int
    kernel: int

    name: ClassVar[str] = "conv_along"
    weighted: ClassVar[bool] = True

    def output(self, *inputs):
        return inputs[0].with_channels(self.channels)

    def _weights(self, value):
        return self.inputs * self.channels * self.kernel ** len(value.space)

    def parameters(self):
        return {"bias": term(self.channels)}

    def macs(self, inputs, outputs):
        return term(self._weights(outputs[0]), outputs[0].space)


L, D, V = 10, 12, 50


def tokens(blocks: int = 2, width: int = D) -> Graph:
    """Return an encoder whose block is called again and again, with the embedding's table as its classifier, for tokens
    and a mask; it gives the logits and the last features."""
    builder = GraphBuilder({"ids": Value((L,), None, dtype="int64"), "mask": Value((L, width), 1)})
    tied = Placement(parameters={"weight": "embed.weight"})
    x = builder.add("embed", Embedding(V, width), Edge(INPUT, 0))
    x = builder.add("add", Add(), x, Edge(INPUT, 1), form="function")
    for _ in range(blocks):
        y = builder.add("block.norm", LayerNorm(width, channels_last=True), x)
        qkv = builder.add("block.qkv", Linear(width, 3 * width), y)
        parts = builder.add("block.thirds[0]", Thirds(), qkv, form="function")
        heads = [Edge(parts.node, index) for index in range(3)]
        y = builder.add("block.attention[0]", Attention(), *heads, form="function")
        y = builder.add("block.act", GELU(), y)
        x = builder.add("block.add[0]", Add(), x, y, form="function")
    logits = builder.add("logits", Linear(width, V, bias=False), x, placement=tied)
    return builder.build("tokens", {"logits": logits, "features": x})


def along(*space: int) -> Graph:
    """Return two convolutions over a signal, or a video."""
    builder = GraphBuilder({"input": Value((4, *space))})
    x = builder.add("conv1", ConvAlong(4, 8, 3), builder.input)
    x = builder.add("act", ReLU(), x)
    return builder.build("along", {"output": builder.add("conv2", ConvAlong(8, 8, 3), x)})


# By hand. A block has its parameters once, however often it is called; the classifier has none: they are the table's.
NORM, QKV = 2 * D, D * 3 * D + 3 * D
PARAMS = V * D + NORM + QKV
BLOCK_MACS = D * 3 * D * L + 2 * D * L * L
GRAPHS = {
    "tokens": (tokens(), PARAMS, 2 * BLOCK_MACS + D * V * L, (2 * 3 * D + V) * L),
    "a block more": (tokens(3), PARAMS, 3 * BLOCK_MACS + D * V * L, (3 * 3 * D + V) * L),
    "signal": (along(100), 8 + 8, (4 * 8 * 3 + 8 * 8 * 3) * 100, 16 * 100),
    "video": (along(4, 6, 5), 8 + 8, (4 * 8 * 27 + 8 * 8 * 27) * 120, 16 * 120),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_counts_by_hand(name):
    graph, params, macs, activations = GRAPHS[name]
    totals = archprof.analyze(graph).totals
    assert (totals.params, totals.macs, totals.activations) == (params, macs, activations)


@pytest.mark.parametrize("name", GRAPHS)
def test_a_summary_fits_its_schema_and_folds_to_the_whole(name):
    graph, params, macs, _ = GRAPHS[name]
    found = summarize(archprof.analyze(graph), (CONVENTIONS["torch"],))
    jsonschema.validate({"schema": 2, **plain(found)}, result_schema("summary", Summary))
    for shown in (view(found.layers), view(found.layers, full=True), view(found.layers, depth=1)):
        assert sum(line.cost.params for line in shown.lines) == params
        assert sum(line.cost.macs for line in shown.lines) == macs
        text = to_text(summary_table(found, shown), Page(width=80))
        assert f"params {params:,} " in text
    assert to_json(found).startswith('{\n  "schema": 2,\n  "model": "')


def test_calls_are_told_apart():
    found = summarize(archprof.analyze(tokens()))
    paths = [layer.path for layer in found.layers]
    assert len(set(paths)) == len(paths)
    assert {"block.qkv", "block.qkv#2", "block.attention[0]", "block.attention[0]#2"} <= set(paths)
    costs = {layer.path: layer.cost for layer in found.layers}
    assert (costs["block.qkv"].params, costs["block.qkv#2"].params) == (QKV, 0)
    assert costs["block.qkv"].macs == costs["block.qkv#2"].macs == D * 3 * D * L
    assert (costs["embed"].params, costs["logits"].params) == (V * D, 0)
    thirds = next(layer for layer in found.layers if layer.path == "block.thirds[0]")
    assert [one.shape for one in thirds.outputs] == [(L, D)] * 3


def test_several_inputs_and_outputs_are_named():
    found = summarize(archprof.analyze(tokens()))
    assert {name: (one.shape, one.dtype) for name, one in found.head.inputs.items()} == {
        "ids": ((L,), "int64"),
        "mask": ((L, D), "float32"),
    }
    text = to_text(summary_table(found, view(found.layers)), Page())
    assert text.startswith(f"tokens · inputs ids {L}, mask {L}×{D}\n")
    assert f"outputs logits {L}×{V} · features {L}×{D}\n" in text


def test_what_is_alive():
    graph = tokens()
    assert leading_nowhere(graph) == []
    assert sum(readers(graph).values()) == sum(len(node.inputs) for node in graph.nodes) + len(graph.outputs)
    dead = [edge for edges in dying(graph) for edge in edges]
    assert len(dead) == len(set(dead))
    assert not {*graph.outputs.values()} & {*dead}


def test_side_by_side():
    found = compare([archprof.analyze(tokens()), archprof.analyze(along(100))])
    first, second = found.models
    assert (first.weighted_layers, second.weighted_layers) == (3, 0)  # the convolutions are of a kind of their own
    assert second.ratios["macs"] == Fraction((4 * 8 * 3 + 8 * 8 * 3) * 100, 2 * BLOCK_MACS + D * V * L)
    assert first.accuracy is None
    assert "tokens" in to_text(compare_table(found, "layer"), Page(width=120))


def test_what_changed():
    found = diff(archprof.analyze(tokens()), archprof.analyze(tokens(width=24)))
    assert found.totals.delta.macs == sum(block.delta.macs for block in found.blocks) > 0
    same = diff(archprof.analyze(tokens()), archprof.analyze(tokens()))
    assert same.empty
    added = diff(archprof.analyze(tokens()), archprof.analyze(tokens(3)))
    assert added.totals.delta.macs == BLOCK_MACS
    assert {block.after for block in added.blocks} >= {"block.qkv#3", "block.norm#3"}
    assert "block.qkv#3" in to_text(diff_table(added, full=True), Page())


def test_why_others_count_otherwise():
    found = explain(archprof.analyze(tokens()), tuple(CONVENTIONS.values()))
    fvcore = next(one for one in found.conventions if one.name == "fvcore")
    # fvcore: five for each element of a layer norm, here of both calls.
    assert fvcore.total == fvcore.macs + 5 * 2 * L * D
    assert set(found.unpriced) == {"embedding", "attention", "thirds"}
    assert "tokens" in to_text(explain_table(found), Page())


def test_budgets_hold_and_name_what_grew():
    before, after = CheckedNetwork("tokens", archprof.analyze(tokens())), archprof.analyze(tokens(3))
    limits = tuple(read_limit("macs", "max", Scalar(text, "--max-macs")) for text in ("+0", "1M"))
    found = CheckedNetwork("tokens", after, before.now, "baseline")
    grew, kept = judge(found, Budget(Where(), limits, Location("x", 0, 0)))
    assert (grew.status, grew.difference, kept.status) == ("fail", BLOCK_MACS, "pass")
    assert [one.path for one in grew.grown] == ["block"]
    assert grew.spec == Location("tokens", 0, 0)
    table = to_text(check_table(Outcome(convention_text(), 1, (grew, kept), (), ())), Page())
    assert f"+{BLOCK_MACS:,}" in table


TABLE_ONLY = {
    "`show`": lambda graph: block_table(archprof.analyze(graph)),
    "`sweep`": lambda graph: plan_sweep(graph, (), Selection()),
    "`solve`": lambda graph: solve(graph, Goal(()), (), (0.5, 1.0), (), False),
    "`verify`": lambda graph: list(verify(graph)),
}


@pytest.mark.parametrize("what", TABLE_ONLY)
def test_what_needs_a_table_says_so(what):
    with pytest.raises(UsageError) as error:
        TABLE_ONLY[what](tokens())
    advice = "name a network of the catalog, or a `.yaml` file"
    assert str(error.value) == f"{what} needs a block table, and `tokens` has none\n  help: {advice}"


def test_a_printed_cell_has_the_value_of_its_knob():
    graph = archprof.expand("resnext50_32x4d@layers[2].rows[0].c=16*$width_per_group")
    cells = [row.cells for row in block_table(archprof.analyze(graph)).rows if row.block_type == "bottleneck"]
    assert cells[0]["c"] == "64"
    assert {(cell["groups"], cell["width_per_group"], cell["stride_in_1x1"]) for cell in cells} == {
        ("32", "4", "false")
    }


def test_repeats_that_a_block_computes_are_printed():
    found = block_table(archprof.analyze("space_regnet"))
    assert list(found.headings) == ["i", "k", "s", "c", "n"]
    printed = [(row.cells["i"], row.cells["n"]) for row in found.rows if row.block_type == "stage"]
    assert printed == [("0", "1"), ("1", "1"), ("2", "4"), ("3", "7")]


def test_a_graph_of_a_table_answers_all_of_it():
    graph = archprof.expand("mobilenet_v2", width=0.5)
    assert block_table(archprof.analyze(graph)).rows
    assert plan_sweep(graph, (), Selection()).size == 1
    assert all(proof.holds for proof in verify(graph))
