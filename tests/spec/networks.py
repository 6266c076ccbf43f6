"""Small networks for tests of the language."""

from pathlib import Path

from archprof.costs.report import analyze_graph
from archprof.language.expand import read_network

PROOF = Path(__file__).parents[2] / "docs" / "reference" / "spec.md"


def network(layers, *, head="", at="", input="3x32x32"):
    """Return the graph of a spec whose `layers` are given, with more top-level keys in *head*."""
    text = f"archprof: 1\ninput: {input}\n{head}layers:\n{layers}"
    return read_network(f"net.yaml@{at}" if at else "net.yaml", text=text)


def costs(graph):
    """Return (params, macs) of a graph."""
    totals = analyze_graph(graph).totals
    return totals.params, totals.macs


def shapes(graph):
    """Return the shape of every node by its path."""
    return {node.path: node.output.shape for node in graph.nodes}
