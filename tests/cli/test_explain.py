"""archprof explain, and `summary --convention`: numbers that others print, and what they are."""

import csv
import io
import json

import pytest

from archprof.costs.tools import CONVENTIONS
from tests.cli.console import archprof


def document(capsys, *arguments):
    result = archprof(capsys, *arguments, "--format", "json")
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out)


def best(capsys, *arguments):
    """Return the first answer to a `--number`."""
    return document(capsys, "explain", *arguments)["guesses"][0]


def test_steps_of_one_convention(capsys):
    fvcore = document(capsys, "explain", "v3", "--convention", "fvcore")["conventions"][0]
    assert [(step["label"], step["amount"], step["counted"]) for step in fvcore["steps"]] == [
        ("batch norm", "2 per element", 8_799_616),
        ("adaptive average pool", "1 per input element", 644_448),
    ]
    assert (fvcore["macs"], fvcore["total"], fvcore["unit"]) == (216_589_760, 226_033_824, "MACs")


def test_every_waterfall_ends_at_its_number(capsys):
    found = document(capsys, "explain", "mixnet_s")["conventions"]
    assert [one["name"] for one in found] == [*CONVENTIONS]
    for one in found:
        assert one["macs"] + sum(step["counted"] for step in one["steps"]) == one["total"]
    assert found[-1]["unit"] == "FLOPs"
    assert found[-1]["total"] == 2 * 239_173_360


def test_csv_has_every_step(capsys):
    rows = list(csv.DictReader(io.StringIO(archprof(capsys, "explain", "v3", "--format", "csv").out)))
    thop = [row for row in rows if row["name"] == "thop"]
    assert {(row["macs"], row["total"]) for row in thop} == {("216589760", "234838456")}
    assert 216_589_760 + sum(int(row["counted"]) for row in thop) == 234_838_456


def test_conventions_are_named_once_and_in_any_case(capsys):
    found = document(
        capsys, "explain", "v2", "--convention", "THOP", "--convention", "thop", "--convention", "torchsummaryX"
    )
    assert [one["name"] for one in found["conventions"]] == ["thop", "torchsummaryx"]


def test_an_unknown_convention(capsys):
    result = archprof(capsys, "explain", "v2", "--convention", "fcore")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("unknown convention `fcore`\n  help: did you mean `fvcore`?")


def test_other_forms(capsys):
    """MobileNetV2 has a functional pool of 1280×7×7: a module would cost thop 1280·(49 + 1), a mean fvcore 1280·49
    less."""
    forms = {(one["what"], one["otherwise"]): one["counts"] for one in document(capsys, "explain", "v2")["forms"]}
    assert forms["pool", "a module"]["thop"] == 327_486_720 + 1280 * 50
    assert forms["global average pool", "a mean"]["fvcore"] == 314_193_216 - 1280 * 49


def test_published_numbers_at_these_settings(capsys):
    own = [one["text"] for one in document(capsys, "explain", "v1")["published"]]
    assert "569M" in own
    assert own == [one["text"] for one in document(capsys, "explain", "v1", "--resolution", "224")["published"]]
    narrow = document(capsys, "explain", "v1@width=0.50")["published"]
    assert ("149M", 149_497_088) in {(one["text"], one["counted"]) for one in narrow}


@pytest.mark.parametrize(
    ("model", "number", "what", "convention", "at"),
    [
        ("v3", "234.8M", "MACs", "thop", {}),
        ("v3", "231.32 MMac", "MACs", "ptflops", {}),
        ("v3", "0.217 GMACs", "MACs", "archprof", {}),
        ("v3", "433M", "FLOPs, 2 per MAC", "archprof", {}),
        ("v3", "5.48M params", "params", "", {}),
        # slim's count leaves out batch norm; the shares of V1's paper are of weights alone.
        ("v2", "3,470,760", "params without norms", "", {}),
        ("v1", "4,209,088", "params without norms and biases", "", {}),
        ("v1", "41M", "MACs", "archprof", {"width": "0.25"}),
        ("v1", "186M", "MACs", "archprof", {"resolution": "128"}),
        ("v2", "153.9M", "MACs", "archprof", {"width": "0.75", "resolution": "192"}),
        ("v3_small", "56,516,456", "MACs", "torchsummaryx", {}),
        ("v2", "601,548,544", "FLOPs, 2 per MAC", "archprof", {}),
    ],
)
def test_what_a_number_is(capsys, model, number, what, convention, at):
    answer = best(capsys, model, "--number", number)
    assert (answer["what"], answer["convention"], answer["at"]) == (what, convention, at)
    assert answer["fits"]


def test_a_number_at_settings_of_ones_own(capsys):
    assert best(capsys, "v2", "--width", "1.4", "--number", "582.2M")["at"] == {}


def test_the_precision_that_was_typed_decides(capsys):
    fine = document(capsys, "explain", "v3", "--number", "216.62M")["guesses"]
    coarse = document(capsys, "explain", "v3", "--number", "217M")["guesses"]
    assert [one["convention"] for one in fine if one["fits"]] == ["torchinfo"]
    assert [one["convention"] for one in coarse if one["fits"]] == [
        "archprof",
        "torchinfo",
        "torchsummaryx",
        "ptflops-aten",
    ]


def test_differences_are_to_the_number_typed(capsys):
    assert best(capsys, "v3", "--number", "234.8M")["difference"] == 38_456


def test_a_number_that_nothing_gives(capsys):
    result = archprof(capsys, "explain", "v2", "--number", "587.31M", "--top", "3")
    assert result.code == 1
    assert "nothing known gives 587.31M; these come nearest" in result.out
    rows = [line for line in result.out.splitlines() if "archprof 1" not in line and line[:3].strip().isdigit()]
    assert len(rows) == 3


def test_a_number_that_is_none(capsys):
    result = archprof(capsys, "explain", "v2", "--number", "many")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("`many` is not a number as papers print them")


def test_summary_has_other_counts_beside_its_own(capsys):
    found = document(capsys, "summary", "v3", "--convention", "fvcore", "--convention", "torch")
    assert found["totals"]["macs"] == 216_589_760
    fvcore, torch = found["conventions"]
    assert (fvcore["name"], fvcore["version"]) == ("fvcore", CONVENTIONS["fvcore"].version)
    assert (fvcore["unit"], fvcore["total"], torch["unit"]) == ("MACs", 226_033_824, "FLOPs")
    for one in (fvcore, torch):
        assert sum(layer["counts"][one["name"]] for layer in found["layers"]) == one["total"]
    assert "conventions" not in document(capsys, "summary", "v3")


@pytest.mark.parametrize("view", [[], ["--full"], ["--depth", "1"]])
def test_folded_counts_sum_to_the_network(capsys, view):
    result = archprof(
        capsys, "summary", "v3", *view, "--convention", "ptflops-aten", "--convention", "torch", "--format", "csv"
    )
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert sum(int(row["macs"]) for row in rows) == 216_589_760
    assert sum(int(row["counts_ptflops-aten"]) for row in rows) == 216_597_120
    assert sum(int(row["counts_torch"]) for row in rows) == 433_179_520
