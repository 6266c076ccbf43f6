"""What holds of any spec that a test draws: it is refused with a place, or formulas, counters and module agree."""

import json

import torch

from archprof.costs.measured import disagreement, with_measured
from archprof.costs.report import analyze_graph
from archprof.errors import SpecError
from archprof.language.expand import read_network
from archprof.runtime.build import build_network
from archprof.runtime.measure import measure_network


def _read(text, asked):
    try:
        return read_network("random.yaml", asked, text=text), ()
    except SpecError as error:
        return None, error.problems


def check_or_refuse(spec, asked=()):
    """Check every row of a spec against both counters and its totals and shapes against the module, or that what is
    wrong is said with a place; tell whether it was a network."""
    graph, problems = _read(json.dumps(spec), asked)
    if graph is None:
        places = {found.location.file for found in problems if found.location is not None}
        assert problems
        assert all(found.message for found in problems)
        assert places <= {"random.yaml", *(f"{key}={value}" for key, value in asked)}
        return False
    report = with_measured(analyze_graph(graph), measure_network(graph, "both"))
    assert disagreement(report) == ""
    network = build_network(graph).eval()
    with torch.no_grad():
        made = network(torch.zeros(2, *graph.inputs["input"].shape))
    assert tuple(made.shape[1:]) == report.outputs["output"].shape
    assert sum(parameter.numel() for parameter in network.parameters()) == report.totals.params
    assert report.totals.params == sum(row.cost.params for row in report.rows)
    return True
