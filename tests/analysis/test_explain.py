"""What is said of operators that the conventions do not know."""

import archprof
from archprof.analysis.explain import unpriced
from archprof.graph.operators.act import ReLU


class MyActivation(ReLU):
    """An operator as a user's package may have it."""

    name = "my_act"


def test_operators_of_other_packages_are_named():
    report = archprof.analyze("mobilenet_v1")
    assert unpriced(report) == ()
    row = report.rows[2]._replace(op="my_act", operator=MyActivation())
    assert unpriced(report._replace(rows=(*report.rows, row))) == ("my_act",)
