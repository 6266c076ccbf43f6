"""A linear layer whose weight is that of an embedding: counted once, trained once, one tensor of the module."""

import json

import pytest

import archprof
from archprof.errors import SpecError
from tests.cli.console import archprof as run

torch = pytest.importorskip("torch")

LM = """archprof: 1
name: lm
input: {ids: "12:int64"}
knobs: {size: {type: int, default: 100, min: 1}}
layers:
  - {id: words, embedding: {size: $size, c: 16}}
  - {id: block, residual: [layer_norm, linear: {c: 4x, act: gelu}, linear: 16]}
  - {id: head, linear: {c: $size, bias: BIAS, tied: TIED}}
"""
BODY = 2 * 16 + 16 * 64 + 64 + 64 * 16 + 16


def lm(tmp_path, bias="false", tied="words"):
    file = tmp_path / "lm.yaml"
    file.write_text(LM.replace("BIAS", bias).replace("TIED", tied), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(("bias", "more"), [("false", 0), ("true", 100)])
def test_it_is_counted_once(tmp_path, bias, more):
    model = lm(tmp_path, bias)
    totals = archprof.analyze(model).totals
    assert (totals.params, totals.macs) == (100 * 16 + BODY + more, 12 * (2 * 16 * 64 + 16 * 100))
    measured = archprof.measure(model, counter="both")
    assert (measured.params, measured.macs, measured.macs_torch) == (totals.params, totals.macs, totals.macs)


def test_it_is_one_tensor(tmp_path):
    network = archprof.build(lm(tmp_path))
    head, words = network.get_submodule("head.linear"), network.get_submodule("words")
    assert head.weight is words.weight
    features = torch.randn(1, 12, 16)
    assert torch.equal(head(features), features @ words(torch.arange(100)).T)
    network(torch.arange(12)[None]).sum().backward()
    assert head.weight.grad is words.weight.grad is not None


def test_it_trains_as_a_module_with_one_weight_does(tmp_path):
    model = lm(tmp_path)
    captured = archprof.capture(archprof.build(model), torch.zeros(1, 12, dtype=torch.long), train=True)
    one, other = (archprof.memory(of, train="adamw") for of in (model, captured))
    assert (one.saved_bytes, one.train_macs, one.peaks) == (other.saved_bytes, other.train_macs, other.peaks)
    assert one.resident == other.resident


def test_a_sweep_counts_it_once(tmp_path, capsys):
    model = lm(tmp_path)
    axes = ("--set", "size=10:100:30", "--resolution", "4:12:4")
    found = json.loads(run(capsys, "sweep", model, *axes, "--format", "json").out)["variants"]
    assert len(found) == 12
    for one in found:
        totals = archprof.analyze(archprof.load(model, one["settings"])).totals
        assert (one["totals"]["params"], one["totals"]["macs"]) == (totals.params, totals.macs)
        assert totals.params == int(one["settings"]["size"]) * 16 + BODY


def test_it_may_be_a_linear_layer(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(
        "archprof: 1\ninput: '8:float32'\nlayers:\n"
        "  - {id: a, linear: 8}\n  - linear: {c: 8, bias: false, tied: a.linear}\n"
    )
    assert archprof.analyze(file).totals.params == 8 * 8 + 8 == archprof.measure(file).params


@pytest.mark.parametrize(
    ("tied", "has"),
    [
        ("wordz", "`wordz` has none"),
        ("head.linear", "`head.linear` has none"),
        ("block.body.1.linear", "`block.body.1.linear` has one of 64×16"),
        ("block.body.0", "`block.body.0` has none"),
    ],
)
def test_what_it_cannot_be_tied_to_is_told(tmp_path, tied, has, capsys):
    model = lm(tmp_path, tied=tied)
    with pytest.raises(SpecError) as raised:
        archprof.analyze(model)
    [found] = raised.value.problems
    assert found.message == f"tied to a weight of 100×16, and {has}"
    assert (found.where, found.help) == (
        "layers[2].tied", "the path of an embedding or a linear layer above, as `archprof summary --full` lists it",
    )  # fmt: skip
    assert run(capsys, "verify", model, "--analytic").code == 2
