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


def test_who_counts_at_least_so_many_does_not_give_a_number(tmp_path):
    """Of 16 tokens and 8 features: 16·8·24 + 16·8·8 = 4,096 MACs in linear layers, 2·16·16·8 = 4,096 in attention,
    which fvcore does not see. What recorded tools make of that is not known, though the rest is 4,096 to them too."""
    path = tmp_path / "net.yaml"
    path.write_text(
        "archprof: 1\nname: net\ninput: 8x4x4\nlayers: [relu, tokens, {attention: {heads: 2}}]\n"
        'published: [{macs: "4096", where: there, note: without attention}]\n'
    )
    found = explain(archprof.analyze(str(path)), tuple(CONVENTIONS.values()))
    totals = {one.name: (one.total, bool(one.not_priced)) for one in found.conventions}
    assert (totals["fvcore"], totals["thop-2020-09"]) == ((4096, False), (4096, True))
    [published] = found.published
    assert "fvcore" in published.given_by
    assert not {name for name, convention in CONVENTIONS.items() if convention.recorded} & {*published.given_by}
    # Written as a function, a ReLU is not counted by those of 2019; how much that makes of all is not known.
    assert all("thop-2019-07" not in form.counts for form in found.forms)
