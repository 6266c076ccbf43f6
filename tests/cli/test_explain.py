"""archprof explain, and `summary --convention`: numbers that others print, and what they are."""

import csv
import io
import json
import re
from math import log

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
    ("model", "number", "what", "convention"),
    [
        ("v3", "234.8M", "MACs", "thop"),
        ("v3", "231.32 MMac", "MACs", "ptflops"),
        ("v3", "0.217 GMACs", "MACs", "archprof"),
        ("v3", "433M", "FLOPs, 2 per MAC", "archprof"),
        ("v3", "5.48M params", "params", ""),
        # slim's count leaves out batch norm; the shares of V1's paper are of weights alone.
        ("v2", "3,470,760", "params without norms", ""),
        ("v1", "4,209,088", "params without norms and biases", ""),
        ("v3_small", "56,516,456", "MACs", "torchsummaryx"),
        ("v2", "601,548,544", "FLOPs, 2 per MAC", "archprof"),
        ("v2@width=1.4", "582.2M", "MACs", "archprof"),
        # thop's own table, and an answer there that G is 1024³: 4,147,204,632 / 2³⁰ = 3.8624.
        ("resnet50", "4,135,789,592", "MACs", "thop-2019-09"),
        ("resnet50", "3.862G", "MACs, in units of 1024", "thop-2019-07"),
    ],
)
def test_what_a_number_is(capsys, model, number, what, convention):
    answer = best(capsys, model, "--number", number)
    assert (answer["what"], answer["convention"], answer["written"]) == (what, convention, "")
    assert answer["fits"]


def test_a_number_of_a_module_that_is_written_otherwise(capsys):
    """239M is thop of 2019 on a MobileNetV3 whose squeeze-excites are linear layers: besides batch norm, pools and the
    additions of the two linear layers, it counts an addition less than products for each of their 5,080 outputs."""
    rule = 216_589_760 + 4 * 4_399_808 + 649_464 + (2_508_800 - 2_280) + (1_507_200 - 5_080)
    found = document(capsys, "explain", "v3", "--number", "239M")["guesses"]
    written = {(one["convention"], one["number"]): one["written"] for one in found if one["fits"]}
    assert written["thop-2019-09", rule] == "16 single-position convolutions as a linear layer"


@pytest.mark.parametrize(
    ("model", "number", "where", "settings", "counted", "note"),
    [
        ("v2", "6.9M", "Sandler et al. 2018, Table 4", {"width": "1.4"}, 6_108_776, "no known code gives 6.9M"),
        ("v2@width=1.4", "6.9M params", "Sandler et al. 2018, Table 4", None, 6_108_776, "no known code gives 6.9M"),
        ("v2@width=1.4", "3.4M", "Sandler et al. 2018, Table 4", {}, 3_504_872, "3.47M without batch norm"),
        ("v1", "41M", "Howard et al. 2017, Table 6", {"width": "0.25"}, 41_030_272, ""),
        ("v3", "239M", "d-li14/mobilenetv3.pytorch, issue 15", None, 216_589_760, "thop of 2019"),
        ("resnet50", "4.14 GFLOPs", "Lyken17/pytorch-OpCounter, README", None, 4_089_184_256, "thop of 2019"),
        ("resnet50", "4,135,789,592", "Lyken17/pytorch-OpCounter, README", None, 4_089_184_256, "thop of 2019"),
        ("v2", "429M", "shicai/MobileNet-Caffe, issue 69", None, 300_774_272, "429,111,936: the expansion of t = 1"),
        (
            "v2",
            "429,111,936",
            "shicai/MobileNet-Caffe, issue 69",
            None,
            300_774_272,
            "429,111,936: the expansion of t = 1",
        ),
        (
            "v2",
            "313,619,328",
            "dmlc/gluon-cv, pull request 773",
            None,
            300_774_272,
            "313,619,328: the expansion of t = 1",
        ),
    ],
)
def test_where_a_number_was_published(capsys, model, number, where, settings, counted, note):
    found = document(capsys, "explain", model, "--number", number)["published"][0]
    assert (found["where"], found.get("settings"), found["counted"]) == (where, settings, counted)
    assert found.get("note", "").startswith(note)


def test_the_precision_that_was_typed_decides(capsys):
    fine = document(capsys, "explain", "v3", "--number", "216.62M")["guesses"]
    coarse = document(capsys, "explain", "v3", "--number", "217M")["guesses"]
    assert [one["convention"] for one in fine if one["fits"]] == ["torchinfo"]
    assert [one["convention"] for one in coarse if one["fits"]][:4] == [
        "archprof",
        "torchinfo",
        "torchsummaryx",
        "ptflops-aten",
    ]


def test_the_chance_of_our_own_count(capsys):
    """Of the numbers within a factor of two of 217, those from 216.5 to 217.5 are printed as 217, which is what 216.59
    is rounded to."""
    answer = best(capsys, "v3", "--number", "217M MACs")
    assert answer["chance"] == pytest.approx(log(217.5 / 216.5) / log(4))


def test_what_fits_any_number_is_not_offered(capsys):
    result = archprof(capsys, "explain", "v2", "--number", "4M params")
    assert result.code == 1
    assert (
        "params would fit 4M params, but 18 % of all numbers of 1 digit around it would fit something too:"
        " more digits would tell"
    ) in " ".join(result.out.split())


def table_rows(out):
    return [line for line in out.splitlines() if re.match(r" *[\d,]+  ", line)]


@pytest.mark.parametrize(
    ("arguments", "rows", "left_out"),
    [
        # Our own count alone: what a random number hits thirteen times as often is no answer beside it.
        (("v2@width=1.4", "--number", "582M"), 1, "6 other answers left out, further fetched: `--top 7` shows all"),
        (("v2@width=1.4", "--number", "582M", "--top", "3"), 3, "4 other answers left out, further fetched: `--top 7`"),
        (("v2@width=1.4", "--number", "582M", "--top", "7"), 7, ""),
        (("v2", "--number", "587.31M"), 3, ""),
    ],
)
def test_a_few_answers_unless_more_are_asked_for(capsys, arguments, rows, left_out):
    out = archprof(capsys, "explain", *arguments).out
    assert len(table_rows(out)) == rows
    assert left_out in out
    assert ("left out" in out) == bool(left_out)


def test_numbers_come_nearest_by_their_ratio(capsys):
    """300.8M is 2.4 times 123M, 3.5M params are a 35th: by their difference params would be nearer."""
    shown = table_rows(archprof(capsys, "explain", "v2", "--number", "123M").out)
    assert all("MACs" in line for line in shown)


def test_published_at_the_networks_own_settings(capsys):
    out = " ".join(archprof(capsys, "explain", "v2@width=1.4", "--number", "3.4M").out.split())
    assert "published 3.4M params (Sandler et al. 2018, Table 4) at its own settings: 3,504,872 (3.505M) there" in out


def test_differences_are_to_the_number_typed(capsys):
    assert best(capsys, "v3", "--number", "234.8M")["difference"] == 38_456


def test_a_number_that_nothing_gives(capsys):
    result = archprof(capsys, "explain", "v2", "--number", "587.31M", "--top", "3")
    assert result.code == 1
    assert "nothing known gives 587.31M; these come nearest. Of all numbers of 5 digits around it, " in result.out
    assert len(table_rows(result.out)) == 3


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
