"""What is said of operators that the conventions do not know."""

from archprof.analysis.explain import explain
from archprof.costs.report import analyze_graph
from archprof.ir.builder import GraphBuilder
from archprof.ir.operators.act import ReLU
from archprof.ir.values import Value


class MyActivation(ReLU):
    """An operator as a user's package may have it."""

    name = "my_act"


def test_operators_of_other_packages_are_named():
    builder = GraphBuilder({"x": Value((3, 8, 8))})
    x = builder.add("relu", ReLU(), builder.input)
    assert explain(analyze_graph(builder.build("known", {"y": x})), ()).unpriced == ()
    x = builder.add("mine", MyActivation(), x)
    assert explain(analyze_graph(builder.build("unknown", {"y": x})), ()).unpriced == ("my_act",)
