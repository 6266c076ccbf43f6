"""Analytic, fvcore and FlopCounterMode: three counts of every row, integer for integer."""

import pytest
import torch
from torch import Tensor, nn

import archprof
from archprof.costs.report import analyze_graph
from archprof.errors import UsageError
from archprof.ir.graph import Graph
from archprof.runtime.measure import MeasuredRow, measure_module, measure_network
from tests.runtime.nets import graph_of

MOBILENETS = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small")
SETTINGS = ((0.35, "224"), (0.5, "129"), (0.75, "192"), (1.0, "160"), (1.0, "96x160"), (1.4, "96"))
# Parameters and MACs at 224 and 1000 classes, confirmed by three independent counters.
KNOWN = {
    "mobilenet_v1": (4231976, 568740352),
    "mobilenet_v2": (3504872, 300774272),
    "mobilenet_v3_large": (5483032, 216589760),
    "mobilenet_v3_small": (2542856, 56510400),
}


def analytic(graph: Graph) -> dict[str, MeasuredRow]:
    """Return what the formulas say of each module: parameters once, MACs of every time that it is applied."""
    rows: dict[str, MeasuredRow] = {}
    for row in analyze_graph(graph).rows:
        path = row.node.path
        if row.form == "module":
            before = rows.get(path, MeasuredRow(0, 0, 0))
            macs = before.macs + row.cost.macs
            rows[path] = MeasuredRow(before.params + row.cost.params, macs, macs)
        else:
            assert (row.cost.params, row.cost.macs) == (0, 0)
    return rows


@pytest.mark.few(4)
@pytest.mark.parametrize(("width", "resolution"), SETTINGS)
@pytest.mark.parametrize("name", MOBILENETS)
def test_every_row_agrees(name, width, resolution):
    graph = archprof.expand(name, width=width, resolution=resolution)
    measured = measure_network(graph, "both")
    assert measured.rows == analytic(graph)
    assert measured.params == sum(row.params for row in measured.rows.values())
    assert measured.macs == measured.macs_torch == sum(row.macs for row in measured.rows.values())


@pytest.mark.parametrize("name", MOBILENETS)
def test_totals_are_the_known_ones(name):
    measured = archprof.measure(name, counter="both")
    assert (measured.params, measured.macs, measured.macs_torch) == (*KNOWN[name], KNOWN[name][1])
    assert (measured.counter, measured.torch) == ("both", str(torch.__version__))


@pytest.mark.parametrize("counter", ["fvcore", "torch"])
def test_one_counter_fills_one_column(counter):
    measured = archprof.measure("mobilenet_v3_small", resolution=64, counter=counter)
    assert measured.macs_torch is None
    assert {row.macs_torch for row in measured.rows.values()} == {None}
    assert measured.macs == archprof.analyze("mobilenet_v3_small", resolution=64).totals.macs


def test_an_unknown_counter_is_refused():
    with pytest.raises(UsageError) as error:
        archprof.measure("mobilenet_v2", counter="torhc")
    assert str(error.value) == "unknown counter `torhc`\n  help: did you mean `torch`? counters: fvcore, torch, both"


def test_a_module_that_is_applied_again_counts_its_parameters_once():
    graph = graph_of("layers: [repeat: {n: 3, shared: true, layers: [conv2d: {k: 3, c: 3}]}]")
    measured = measure_network(graph, "both")
    macs = 3 * (3 * 3 * 3 * 3 * 8 * 8)
    assert measured.rows == {"0.0": MeasuredRow(3 * 3 * 3 * 3 + 3, macs, macs)} == analytic(graph)


def test_named_outputs_are_measured():
    graph = graph_of("layers: [{conv2d: {c: 4, k: 1}, id: a}, {conv2d: {c: 2, k: 1}, id: b}]\noutputs: [a, b]")
    assert measure_network(graph, "both").rows == {"a": MeasuredRow(16, 768, 768), "b": MeasuredRow(10, 512, 512)}


def test_the_measure_of_the_built_module_is_that_of_the_network():
    module = archprof.build("mobilenet_v3_small", width=0.5)
    network = archprof.measure("mobilenet_v3_small", width=0.5, resolution="96x80", counter="both")
    assert measure_module(module, (3, 96, 80), "both") == network
    assert measure_module(module, (torch.rand(1, 3, 96, 80),), "both") == network
    assert measure_module(module, (torch.rand(3, 3, 96, 80),)).macs == 3 * network.macs


class Attention(nn.Module):
    """Parameters and products of its own, beside a leaf: what a container computes itself is a row too."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(5))
        self.project = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x)
        return torch.matmul(torch.matmul(x, x.transpose(1, 2)), x) * self.scale.sum()


def test_what_a_container_computes_itself_is_its_own_row():
    measured = measure_module(nn.Sequential(nn.Identity(), Attention()), (torch.rand(2, 7, 6),), "both")
    products = 2 * (2 * 7 * 6 * 7)
    assert measured.rows == {
        "0": MeasuredRow(0, 0, 0),
        "1": MeasuredRow(5, products, products),
        "1.project": MeasuredRow(6 * 6 + 6, 2 * 7 * 6 * 6, 2 * 7 * 6 * 6),
    }


def test_a_module_under_two_names_counts_under_the_first():
    shared = nn.Conv2d(4, 4, 1, bias=False)
    module = nn.Sequential(nn.Sequential(shared), nn.Sequential(shared, nn.ReLU()))
    once = 4 * 4 * 5 * 5
    assert measure_module(module, (4, 5, 5), "both").rows == {
        "0.0": MeasuredRow(16, 2 * once, 2 * once),
        "1.1": MeasuredRow(0, 0, 0),
    }


def test_a_tied_parameter_counts_once():
    first, second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
    second.weight = first.weight
    measured = measure_module(nn.Sequential(first, second), (torch.rand(1, 3),), "both")
    assert measured.rows == {"0": MeasuredRow(9, 9, 9), "1": MeasuredRow(0, 9, 9)}
    assert measured.params == 9


class Products(nn.Module):
    """Matrix products in every form that a module may write them in."""

    def forward(self, x: Tensor) -> Tensor:
        batched = torch.bmm(x, x.transpose(1, 2))
        added = torch.baddbmm(batched, x, x.transpose(1, 2))
        summed = torch.einsum("bij,bkj->bik", x, x)
        stretched = x[0] @ x.transpose(1, 2)
        flat = torch.addmm(x[0], x[0] @ x[0].t(), x[1])
        return batched.sum() + added.sum() + summed.sum() + stretched.sum() + flat.sum()


def test_matrix_products_of_every_form():
    measured = measure_module(Products(), (torch.rand(2, 5, 7),), "both")
    one = 2 * 5 * 7 * 5
    expected = one + one + one + one + (5 * 7 * 5 + 5 * 5 * 7)
    assert (measured.macs, measured.macs_torch) == (expected, expected)


@pytest.mark.parametrize("need_weights", [False, True])
def test_attention_is_two_products_and_four_projections(need_weights):
    class SelfAttention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            output: Tensor = self.attention(x, x, x, need_weights=need_weights)[0]
            return output

    measured = measure_module(SelfAttention(), (torch.rand(1, 5, 8),), "both")
    expected = 4 * 5 * 8 * 8 + 2 * 5 * 5 * 8
    assert (measured.macs, measured.macs_torch) == (expected, expected)


@pytest.mark.parametrize(
    ("module", "macs"),
    [
        (nn.Conv2d(4, 6, 3, padding="same"), 4 * 6 * 3 * 3 * 8 * 8),
        (nn.Conv2d(4, 6, 3, padding="valid"), 4 * 6 * 3 * 3 * 6 * 6),
        (nn.ConvTranspose2d(4, 6, 3), 4 * 6 * 3 * 3 * 8 * 8),
        (nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), 4 * 6 * 3 * 3 * 8 * 8),
    ],
)
def test_convolutions_of_other_forms(module, macs):
    assert measure_module(module, (4, 8, 8), "both").rows == {"": MeasuredRow(4 * 6 * 3 * 3 + 6, macs, macs)}


def test_an_input_has_the_type_of_the_parameters():
    assert measure_module(nn.Conv2d(3, 4, 1).double(), (3, 5, 5), "both").macs == 3 * 4 * 5 * 5
    assert measure_module(nn.AvgPool2d(2), (3, 6, 6), "both").rows == {"": MeasuredRow(0, 0, 0)}
