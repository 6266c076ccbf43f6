"""Nodes and calls are made field by field where there is one for each operator: none is short of a field."""

import archprof
from archprof.costs.metrics import SeenCall
from archprof.costs.report import seen_calls
from archprof.ir.graph import Node


def test_what_is_made_has_every_field():
    graph = archprof.expand("mobilenet_v2")
    assert {len(node) for node in graph.nodes} == {len(Node._fields)}
    assert {len(call) for call in seen_calls(graph)} == {len(SeenCall._fields)}
