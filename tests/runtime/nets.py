"""Small networks for tests, from the layers of a spec."""

from archprof.ir.graph import Graph
from archprof.language.expand import expand
from archprof.language.registry import spellings
from archprof.spec.load import load


def graph_of(layers: str, **header: str) -> Graph:
    """Return the graph of a spec of these lines, for inputs of 3×8×8 unless *header* says otherwise."""
    keys = {"archprof": "1", "name": "small", "input": "3x8x8", **header}
    lines = [f"{key}: {value}" for key, value in keys.items()]
    return expand(load("-", spellings=spellings, text="\n".join([*lines, layers])))
