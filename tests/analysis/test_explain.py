"""What is said of operators that the conventions do not know, and of how operators could be written."""

import pytest

import archprof
from archprof.analysis.explain import explain
from archprof.costs.report import analyze_graph
from archprof.costs.tools import CONVENTIONS
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


@pytest.mark.parametrize(
    ("shape", "layers", "modules"),
    [("2x8x9", "[mean]", 1), ("2x8x9", "[tokens, mean]", 0), ("2x9", "[mean]", 0), ("2x4x8x9", "[mean]", 0)],
)
def test_a_pooling_module_could_take_the_mean_of_a_map(shape, layers, modules, tmp_path):
    """Not that of tokens, nor of a sound or a clip, whose pools are other modules."""
    path = tmp_path / "mean.yaml"
    path.write_text(f"archprof: 1\nname: mean\ninput: {shape}\nlayers: {layers}\n", encoding="utf-8")
    found = explain(archprof.analyze(str(path)), (CONVENTIONS["ptflops"],))
    assert [form.operators for form in found.forms if form.what == "mean"] == [1] * modules
