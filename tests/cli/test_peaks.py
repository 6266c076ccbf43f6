"""Peaks and bytes of weights where networks are limited: check, sweep, solve."""

import json

import pytest

import archprof as api
from archprof.allocation.report import analyze_memory
from archprof.ir.setup import Setup
from tests.cli.console import archprof

# Of MobileNetV3-Large in int8: 16 maps of 112×112 go into the first expansion, 64 come out; its norm and its ReLU fold.
V3_PEAK = (16 + 64) * 112 * 112


def test_a_peak_that_is_too_high_says_when_and_what_is_there(capsys):
    found = archprof(capsys, "check", "v3", "--max-peak", "320KiB", "--dtype", "int8", "--format", "json")
    assert found.code == 1
    verdict = json.loads(found.out)["verdicts"][-1]
    assert (verdict["metric"], verdict["where"], verdict["actual"]) == ("peak", "batch 1, int8", V3_PEAK)
    assert verdict["note"] == "it is at 1.1.expand.conv (pw conv)"
    assert verdict["spec"].endswith("mobilenet_v3_large.yaml:20:11")
    assert [(one["path"], one["delta"]) for one in verdict["grown"]] == [
        ("1.1", 64 * 112 * 112),
        ("1.0", 16 * 112 * 112),
    ]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--max-peak", str(V3_PEAK), "--dtype", "int8"), 0),
        (("--max-peak", str(V3_PEAK - 1), "--dtype", "int8"), 1),
        (("--max-peak", str(2 * V3_PEAK), "--dtype", "int8", "--batch", "2"), 0),
        (("--max-weights", "5483032", "--dtype", "int8"), 0),
        (("--max-weights", "5483031", "--dtype", "int8"), 1),
        (("--max-weights", str(4 * 5_483_032)), 0),
        (("--max", "weights=20MiB"), 1),
    ],
)
def test_limits_are_exact(capsys, options, code):
    assert archprof(capsys, "check", "v3", *options).code == code


def test_budgets_of_a_spec_have_a_setup_of_their_own(capsys, tmp_path):
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "archprof: 1\nname: net\nextends: mobilenet_v2\nbudget:\n"
        "  - {peak: 3MiB, weights: {max: 4MiB}, dtype: int8}\n  - {peak: 10MiB, batch: 2}\n"
    )
    found = archprof(capsys, "check", str(spec), "--format", "json")
    assert [(one["metric"], one["where"], one["status"]) for one in json.loads(found.out)["verdicts"]] == [
        ("peak", "batch 1, int8", "pass"), ("weights", "batch 1, int8", "pass"), ("peak", "batch 2, fp32", "fail"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("{peak: +1%}", "5:11: no baseline has the `peak` of a network\n  help: state an amount: `peak: 320KiB`"),
        (
            "{where: kind=se, peak: 1MiB}",
            "5:27: `peak` is of the whole network\n  help: leave out `where`; `size` and `params` are of rows too",
        ),
        (
            "{peak: 1MiB, dtype: int9}",
            "5:24: `int9` is no number format\n  help: did you mean `int8`? number formats: fp32, fp16, bf16, int8",
        ),
        ("{peak: 1MiB, batch: 0}", "5:24: `0` is out of range\n  help: a batch from 1 to 1,000,000"),
    ],
)
def test_budgets_that_are_none(capsys, tmp_path, budget, said):
    spec = tmp_path / "net.yaml"
    spec.write_text(f"archprof: 1\nname: net\nextends: mobilenet_v2\nbudget:\n - {budget}\n")
    found = archprof(capsys, "check", str(spec))
    assert found.code == 2
    assert f"{spec}:{said}" in found.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("check", "v2", "--max-macs", "1G", "--dtype", "int8"),
            "`--batch` and `--dtype` say how bytes are counted\n"
            "  help: `--max-peak 320KiB` or `--max-weights 4MiB` limits them\n",
        ),
        (
            ("sweep", "v2", "--width", "1", "--sort", "peak"),
            None,
        ),
        (
            ("sweep", "v2", "--width", "1", "--dtype", "int9"),
            "unknown number format `int9`\n  help: did you mean `int8`? there are: fp32, fp16, bf16, int8\n",
        ),
        (
            ("solve", "v2"),
            "no budget to solve for\n  help: `--max-macs 150M`, `--max-peak 512KiB` or `--target-macs 600M`\n",
        ),
    ],
)
def test_options_that_do_not_go_together(capsys, arguments, said):
    found = archprof(capsys, *arguments)
    assert (found.code, found.err) == ((0, "") if said is None else (2, said))


@pytest.mark.parametrize("command", [("check", "v2"), ("sweep", "v2", "--width", "0.1"), ("solve", "v2")])
def test_kilobytes_are_answered_with_a_note(capsys, command):
    found = archprof(capsys, *command, "--max-peak", "9,900 KB")
    assert found.err.startswith("note: `9,900 KB` is 9,900,000 bytes, as KB = 1000; `9,900KiB` is 10,137,600\n")


def test_a_sweep_counts_bytes_where_they_are_asked_for(capsys):
    axes = ("sweep", "v2", "--width", "0.5,1", "--resolution", "96,224", "--format", "json")
    plain = json.loads(archprof(capsys, *axes).out)
    asked = json.loads(archprof(capsys, *axes, "--dtype", "fp16", "--batch", "4").out)
    assert asked["setup"]["batch"] == 4
    assert "setup" not in plain
    for one, other in zip(plain["variants"], asked["variants"], strict=True):
        graph = api.expand("v2", **one["settings"])
        found = analyze_memory(graph, Setup(4, "fp16"))
        bytes = {"peak": found.peak, "weights": found.resident.weights}
        assert other["totals"] == {**one["totals"], **bytes}


def test_of_all_networks_that_fit_a_peak_the_one_of_most_macs_is_found(capsys):
    """The best of all that a range gives, each of which is costed: no peak grows evenly with a width."""
    limits = ("--max-peak", "512KiB", "--dtype", "int8")
    axes = ("--resolution", "96:160:32", "--width", "0.5,0.75,1,1.25")
    found = json.loads(archprof(capsys, "solve", "v2", *limits, *axes, "--format", "json").out)
    fitting = {}
    for width in ("0.5", "0.75", "1", "1.25"):
        for resolution in ("96", "128", "160"):
            graph = api.expand("v2", width=width, resolution=resolution)
            if analyze_memory(graph, Setup(dtype="int8")).peak <= 512 * 1024:
                fitting[api.analyze("v2", width=width, resolution=resolution).totals.macs] = (width, resolution)
    assert tuple(found["best"]["settings"].values()) == fitting[max(fitting)]
    assert found["best"]["totals"]["peak"] <= 512 * 1024 < found["above"]["totals"]["peak"]


def test_in_python_a_setup_stands_beside_the_limits():
    assert api.check("v3", peak=V3_PEAK, dtype="int8").exit_code == 0
    assert api.check("v3", peak=V3_PEAK, batch=2, dtype="int8").exit_code == 1
