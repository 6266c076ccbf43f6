"""What is said of operators that the conventions do not know."""

from archprof.analysis.explain import unpriced
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
    assert unpriced(analyze_graph(builder.build("known", {"y": x}))) == ()
    x = builder.add("mine", MyActivation(), x)
    assert unpriced(analyze_graph(builder.build("unknown", {"y": x}))) == ("my_act",)
