"""Metrics are rows: one that is added is counted everywhere, also one that does not add up."""

import numpy as np
import pytest

import archprof
from archprof.analysis import totals
from archprof.costs.metrics import METRICS, NAMES, Counts, Metric, label_of, together
from archprof.costs.report import analyze_graph
from archprof.ir.arrays import candidates
from archprof.ir.dims import Extremes
from archprof.ir.terms import term
from archprof.language.expand import expand, read_network
from archprof.sweep.combination import Combination
from archprof.sweep.plan import Selection, plan_sweep


def moved(call, setup):
    """Return the elements that a call reads and writes, for each image of a batch."""
    terms = [term(setup.batch * value.channels, value.space) for value in (*call.inputs, *call.outputs)]
    return sum(terms, ())


MOVED = Metric("moved", "elements", "moved", "elements read and written", "sum", moved)
LARGEST = Metric("largest", "elements", "largest", "elements read and written", "max", moved)


def by_hand(graph):
    """Return what each call moves, from the shapes alone."""
    found = []
    for node in graph.nodes:
        values = [*(graph.value(edge) for edge in node.inputs), *node.outputs]
        found.append(sum(int(np.prod(value.shape)) for value in values))
    return found


@pytest.mark.parametrize("model", ["mobilenet_v3_small", "resnet50_fpn", "densenet121"])
def test_a_metric_more(model):
    graph = archprof.expand(model)
    report = analyze_graph(graph, metrics=(*METRICS, MOVED, LARGEST))
    each = by_hand(graph)
    assert report.columns["moved"] == report.columns["largest"] == tuple(each)
    assert (report.totals["moved"], report.totals["largest"]) == (sum(each), max(each))
    assert {name: report.totals[name] for name in NAMES} == dict(archprof.analyze(model).totals)
    assert [row.cost["moved"] for row in report.rows] == each


def test_a_setup_is_seen():
    from archprof.ir.setup import Setup

    graph = archprof.expand("mobilenet_v2")
    one, eight = (analyze_graph(graph, Setup(batch=batch), (MOVED,)).totals["moved"] for batch in (1, 8))
    assert eight == 8 * one


@pytest.mark.parametrize("metric", [MOVED, LARGEST])
def test_arrays_count_what_one_network_counts(metric, monkeypatch):
    """On arrays of widths and sizes, rows that come several times and parts of a grid included."""
    metrics = (*METRICS, metric)
    monkeypatch.setattr(totals, "METRICS", metrics)
    monkeypatch.setattr(totals, "NAMES", tuple(one.name for one in metrics))
    monkeypatch.setattr(totals, "_COUNTING", tuple(dict.fromkeys(one.of for one in metrics)))
    monkeypatch.setattr(totals, "_ADDING", {one.of: one.adds for one in metrics})
    widths, sides = (0.5, 0.55, 1.0), (96, 128, 224)
    combination = Combination(plan_sweep("mobilenet_v2", (), Selection()), {})
    side = candidates(sides)
    traced = combination.trace({"width": candidates(widths), "resolution": (side, side)})
    found = totals.totals_of(traced.fragment, Extremes()).counts()
    for index, (width, size) in enumerate(zip(widths, sides, strict=True)):
        graph = read_network("mobilenet_v2", [("width", str(width)), ("resolution", str(size))])
        exact = analyze_graph(graph, metrics=metrics).totals
        assert {name: int(np.broadcast_to(found[name], 3)[index]) for name in exact} == dict(exact)


def test_counts_are_read_by_name():
    counts = Counts({"params": 3, "macs": 5}.items())
    assert (counts.macs, counts["macs"], counts.flops, counts.size, counts.size_int8) == (5, 5, 10, 12, 3)
    assert dict(counts - Counts({"params": 1, "macs": 1}.items())) == {"params": 2, "macs": 4}
    with pytest.raises(AttributeError, match="there is no count `mac`: params, macs"):
        _ = counts.mac
    assert dict(together([])) == dict.fromkeys(NAMES, 0)
    assert [label_of(name) for name in ("macs", "size_fp16", "params", "odd")] == [
        "MACs", "bytes at fp16", "params", "odd",
    ]  # fmt: skip


def test_a_spec_and_its_graph_cost_the_same():
    spec = archprof.load("mobilenet_v1")
    assert archprof.analyze(spec).totals == archprof.analyze(expand(spec)).totals
