"""Nodes and calls are made field by field where there is one for each operator: none is short of a field."""

import archprof
from archprof.costs.metrics import SeenCall
from archprof.costs.report import seen_calls
from archprof.ir.graph import INPUT, Edge, Node
from archprof.ir.operators.act import ReLU
from archprof.ir.values import Value
from archprof.language.fragment import Call, Feature
from archprof.language.trace import Tracer
from archprof.language.widths import Scaling


def test_what_is_made_has_every_field():
    graph = archprof.expand("mobilenet_v2")
    assert {len(node) for node in graph.nodes} == {len(Node._fields)}
    assert {len(call) for call in seen_calls(graph)} == {len(SeenCall._fields)}
    tracer = Tracer(Scaling())
    feature = tracer.apply("act", ReLU(), Feature(Edge(INPUT), Value((3, 8, 8)), 3))
    assert len(feature) == len(Feature._fields)
    assert [len(part) for part in tracer._frame.parts] == [len(Call._fields)]
