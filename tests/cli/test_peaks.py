"""Peaks and bytes of weights where networks are limited: check, sweep, solve."""

import json
from typing import Any

import pytest

import archprof as api
from archprof.allocation.report import analyze_memory
from archprof.allocation.training import train_macs
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
            "5:24: unknown number format `int9`\n  help: did you mean `int8`? there are: fp32, fp16, bf16, int8",
        ),
        (
            "{peak: 1MiB, train: adamm}",
            "5:24: unknown optimiser `adamm`\n  help: did you mean `adam`? there are: sgd, momentum, adam, adamw",
        ),
        (
            "{peak: 1MiB, amp: fp16, accumulate: 0}",
            "5:40: `0` is out of range\n  help: a number of passes from 1 to 1,000,000",
        ),
        (
            "{peak: 1MiB, in_place: all}",
            "5:27: unknown kind of convolution `all`\n  help: there are: depthwise",
        ),
        (
            "{peak: 1MiB, dtype: int8, patches: 1}",
            "5:39: `1` is out of range\n  help: a number of patches along a side from 2 to 1,000,000",
        ),
        (
            "{peak: 1MiB, patches: 2}",
            '5:4: `patches` without `dtype="int8"`\n  help: it is how microcontrollers run int8',
        ),
        (
            "{peak: 1MiB, checkpoint: blocks}",
            "5:4: `checkpoint` without `train`\n  help: a backward pass computes blocks again: say `train` too",
        ),
        (
            "{train_macs: +1%}",
            "5:17: no baseline has the `train_macs` of a network\n  help: state an amount: `train_macs: 900M`",
        ),
        (
            "{where: kind=se, train_macs: 1G}",
            "5:33: `train_macs` is of the whole network\n  help: leave out `where`; "
            "`macs` and `params` are of rows too",
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
            "`--dtype` without a limit on bytes\n  help: `--max-peak 320KiB` or `--max-weights 4MiB` limits them\n",
        ),
        (
            ("check", "v2", "--max-params", "4M", "--train", "sgd", "--amp", "bf16"),
            "`--train` and `--amp` without a limit on bytes\n"
            "  help: `--max-peak 320KiB` or `--max-weights 4MiB` limits them\n",
        ),
        (
            ("solve", "v2", "--max-peak", "1GiB", "--checkpoint", "blocks"),
            "`--checkpoint` without `--train`\n  help: a backward pass computes blocks again: say `--train` too\n",
        ),
        (
            ("sweep", "v2", "--width", "1", "--sort", "peak"),
            None,
        ),
        (
            ("sweep", "v2", "--width", "1", "--dtype", "int9"),
            "unknown number format `int9`\n  help: did you mean `int8`? there are: fp32, fp16, bf16, int8\n",
        ),
        *[
            (
                (*command, "--in-place", "depthwise"),
                "`--in-place` without `--dtype int8`\n  help: it is how microcontrollers run int8\n",
            )
            for command in (("check", "v2", "--max-peak", "1MiB"), ("compare", "v1", "v2", "--bytes"))
        ],
        *[
            (
                (*command, "--patches", "4", "--dtype", "fp16"),
                "`--patches` without `--dtype int8`\n  help: it is how microcontrollers run int8\n",
            )
            for command in (("sweep", "v2", "--width", "1"), ("solve", "v2", "--max-peak", "1MiB"))
        ],
        (
            ("check", "v2", "--max-macs", "1G", "--dtype", "int8", "--in-place", "depthwise"),
            "`--dtype` and `--in-place` without a limit on bytes\n"
            "  help: `--max-peak 320KiB` or `--max-weights 4MiB` limits them\n",
        ),
        (
            ("compare", "v1", "v2", "--in-place", "depthwise"),
            "`--in-place` says how bytes are counted\n  help: `--bytes` counts them\n",
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


# What is counted of one network at a setup, by the words that ask for it.
SETUPS = {
    ("--train", "sgd"): Setup(train="sgd"),
    ("--train", "adamw", "--batch", "8", "--amp", "bf16"): Setup(8, train="adamw", amp="bf16"),
    ("--train", "adam", "--checkpoint", "blocks", "--kernels", "cpu"): Setup(
        train="adam", checkpoint="blocks", kernels="cpu"
    ),
    ("--train", "momentum", "--accumulate", "2", "--layout", "channels_last"): Setup(
        train="momentum", accumulate=2, layout="channels_last"
    ),
    ("--dtype", "int8", "--in-place", "depthwise"): Setup(dtype="int8", in_place="depthwise"),
    ("--dtype", "int8", "--patches", "4"): Setup(dtype="int8", patches=4),
}


@pytest.mark.few(2)
@pytest.mark.parametrize("words", SETUPS)
def test_a_setup_is_the_same_words_everywhere(capsys, words):
    graph = api.expand("v2", width="0.5")
    found = analyze_memory(graph, SETUPS[words])
    for peak, code in ((found.peak, 0), (found.peak - 1, 1)):
        assert archprof(capsys, "check", "v2@width=0.5", "--max-peak", str(peak), *words).code == code
        named = {
            name.removeprefix("--").replace("-", "_"): word for name, word in zip(words[::2], words[1::2], strict=True)
        }
        numbers: Any = {name: int(word) if word.isdecimal() else word for name, word in named.items()}
        assert api.check("v2@width=0.5", peak=peak, **numbers).exit_code == code
    swept = json.loads(archprof(capsys, "sweep", "v2", "--width", "0.5,1", *words, "--format", "json").out)
    assert swept["variants"][0]["totals"]["peak"] == found.peak
    compared = archprof(capsys, "compare", "v2@width=0.5", "v2", "--bytes", *words, "--format", "json").out
    assert json.loads(compared)["models"][0]["memory"]["peak_bytes"] == found.peak
    limits = ("--max-peak", str(found.peak), "--width", "0.5,1", "--format", "json")
    solved = json.loads(archprof(capsys, "solve", "v2", *limits, *words).out)
    assert (solved["best"]["settings"], solved["limits"][0]["left"]) == ({"width": "0.5"}, 0)


def test_a_peak_of_training_says_in_which_part_of_the_step_it_is(capsys):
    found = archprof(capsys, "check", "v3", "--max-peak", "1MiB", "--train", "sgd", "--batch", "8", "--format", "json")
    verdict = json.loads(found.out)["verdicts"][-1]
    memory = json.loads(archprof(capsys, "memory", "v3", "--train", "sgd", "--batch", "8", "--format", "json").out)
    at, steps = memory["peak_at"], len(memory["timeline"])
    assert verdict["where"] == "batch 8, fp32, train sgd"
    assert verdict["note"] == (f"it is {at['phase']}, step {at['step']} of {steps}, at {at['path']} ({at['label']})")


def test_budgets_of_a_spec_train(capsys, tmp_path):
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "archprof: 1\nname: net\nextends: mobilenet_v2\nbudget:\n"
        "  - {peak: 3MiB, train: adamw, amp: bf16, batch: 4}\n  - {train_macs: 1G}\n"
    )
    found = archprof(capsys, "check", str(spec), "--format", "json")
    assert [(one["metric"], one["where"], one["status"]) for one in json.loads(found.out)["verdicts"]] == [
        ("peak", "batch 4, fp32, train adamw, amp bf16", "fail"), ("train_macs", "", "pass"),
    ]  # fmt: skip


def test_the_arithmetic_of_training_is_limited():
    graph = api.expand("v2")
    counted = train_macs(graph)
    assert api.check("v2", train_macs=counted).exit_code == 0
    assert api.check("v2", train_macs=f"{counted - 1} MACs").exit_code == 1


EVALUATED = "tests/captures/schema_1.lock.json"


@pytest.mark.parametrize("limits", [("--max-train-macs", "1G"), ("--max-peak", "1GiB", "--train", "sgd")])
def test_what_is_known_in_evaluation_trains_nowhere(capsys, limits):
    found = archprof(capsys, "check", EVALUATED, *limits)
    said = (
        f"`{EVALUATED}` was captured in evaluation alone\n  help: `archprof lock small.py:Net --modes eval,train -o "
        f"{EVALUATED}` captures it in training too\n"
    )
    assert (found.code, found.err) == (2, said)


def test_a_sweep_counts_the_arithmetic_of_training_where_it_is_asked_for(capsys):
    axes = ("sweep", "v2", "--width", "0.5,1", "--resolution", "96,224", "--format", "json")
    asked = json.loads(archprof(capsys, *axes, "--pareto", "-train_macs,params").out)
    assert "setup" not in asked
    for one in asked["variants"]:
        assert one["totals"]["train_macs"] == train_macs(api.expand("v2", **one["settings"]))
        assert "peak" not in one["totals"]


def test_a_solution_keeps_a_limit_on_the_arithmetic_of_training(capsys):
    counted = [train_macs(api.expand("v2", width=width)) for width in ("0.5", "0.75")]
    options = ("--max-train-macs", str(counted[1] - 1), "--width", "0.5,0.75,1", "--format", "json")
    found = json.loads(archprof(capsys, "solve", "v2", *options).out)
    assert [found[one]["totals"]["train_macs"] for one in ("best", "above")] == counted


def test_the_most_arithmetic_of_training_that_fits_is_found(capsys):
    options = ("--max-params", "3M", "--maximize", "train_macs", "--width", "0.5,0.75,1", "--resolution", "96,128")
    found = json.loads(archprof(capsys, "solve", "v2", *options, "--format", "json").out)
    fitting = [api.expand("v2", width=width, resolution=side) for width in ("0.5", "0.75") for side in ("96", "128")]
    assert found["best"]["totals"]["train_macs"] == max(map(train_macs, fitting))
    assert found["best"]["settings"] == {"width": "0.75", "resolution": "128"}
