"""`summary --bytes` and `compare --bytes`: bytes beside counts, and nothing else where they are not asked for."""

import csv
import io
import json

import pytest

from tests.cli.console import archprof


def document(capsys, *arguments):
    result = archprof(capsys, *arguments, "--format", "json")
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out)


def test_a_call_moves_its_tensors(capsys):
    """mobilenet_v1's first convolution: 3×3 of 3 to 32 channels, 224² to 112², 8 images of 2 bytes."""
    found = document(capsys, "summary", "v1", "--bytes", "--batch", "8", "--dtype", "fp16")
    moved = {"input_bytes": 8 * 3 * 224 * 224 * 2, "output_bytes": 8 * 32 * 112 * 112 * 2, "held_bytes": 27 * 32 * 2}
    macs = 8 * 27 * 32 * 112 * 112
    assert found["layers"][0]["traffic"] == {**moved, "intensity": macs / sum(moved.values())}
    assert found["setup"]["batch"] == 8
    for key in moved:
        assert sum(layer["traffic"][key] for layer in found["layers"]) == found["traffic"][key]


def test_what_calls_save_and_the_loss_is_what_an_h100_held(capsys):
    """mobilenet_v2 at batch 8: tests/memory/h100.csv. The logits and their log-softmax are 8 × 1000 floats each, the
    loss and its weight one."""
    traffic = document(capsys, "summary", "v2", "--bytes", "--batch", "8", "--train", "momentum")["traffic"]
    assert traffic["saved_bytes"] == 621_029_128 - 2 * 8 * 1_000 * 4 - 2 * 4


def test_calls_of_training_cost_their_gradients(capsys):
    """mobilenet_v2's first convolution has no gradient of its input, all others of all."""
    found = document(capsys, "summary", "v2", "--bytes", "--batch", "8", "--train", "sgd")
    costs = [(layer["traffic"]["train_macs"], layer["macs"]) for layer in found["layers"]]
    assert costs[0] == (2 * 27 * 32 * 112 * 112, 27 * 32 * 112 * 112)
    assert all(trained == 3 * macs for trained, macs in costs[1:])
    assert found["traffic"]["train_macs"] == sum(trained for trained, _ in costs)


@pytest.mark.parametrize("view", [[], ["--full"], ["--depth", "1"]])
def test_folded_rows_sum_to_all_bytes(capsys, view):
    whole = document(capsys, "summary", "v3", "--bytes", "--train", "sgd")["traffic"]
    out = archprof(capsys, "summary", "v3", "--bytes", "--train", "sgd", *view, "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(out)))
    for key in ("input_bytes", "output_bytes", "held_bytes", "saved_bytes", "train_macs"):
        assert sum(int(row[key]) for row in rows) == whole[key]


def test_compared_networks_have_their_peaks(capsys):
    """The peaks of inference at batch 32 that an H100 had, mobilenet_v2's and efficientnet_b0's."""
    found = document(capsys, "compare", "v2", "efficientnet_b0", "--bytes", "--batch", "32")
    memory = [one["memory"] for one in found["models"]]
    assert [one["peak_bytes"] for one in memory] == [308_281_344, 308_281_344]
    assert [one["weight_bytes"] for one in memory] == [4 * 3_504_872, 4 * 5_288_548]
    assert found["setup"]["batch"] == 32
    alone = document(capsys, "memory", "v2", "--batch", "32")
    assert memory[0]["total_bytes"] == alone["total_bytes"]


@pytest.mark.parametrize("format", ["json", "csv", "markdown"])
def test_compared_networks_have_macs_of_training(capsys, format):
    """v1 three times its 568,740,352 less the gradient of its images, 3×3 of 3 to 32 channels at 112²; v2 likewise."""
    numbers = [3 * 568_740_352 - 27 * 32 * 112 * 112, 3 * 300_774_272 - 27 * 32 * 112 * 112]
    line = ("compare", "v1", "v2", "--bytes", "--format", format)
    shown = archprof(capsys, *line, "--train", "sgd").out.replace(",", "" if format == "markdown" else ",")
    assert all(str(number) in shown for number in numbers)
    without = archprof(capsys, *line).out
    assert "train MACs" not in without
    assert "train_macs" not in without


@pytest.mark.parametrize("command", ["summary v2", "compare v1 v2"])
def test_without_bytes_everything_is_as_it_was(capsys, command):
    for key in ("setup", "traffic", "memory"):
        assert f'"{key}"' not in archprof(capsys, *command.split(), "--format", "json").out
    assert "bytes" not in archprof(capsys, *command.split(), "--format", "csv").out


MESSAGES = {
    "summary v2 --batch 8": "`--batch` says how bytes are counted\n  help: `--bytes` counts them\n",
    "summary v2 --train adamw": "`--train` says how bytes are counted\n  help: `--bytes` counts them\n",
    "compare v1 v2 --dtype fp16": "`--dtype` says how bytes are counted\n  help: `--bytes` counts them\n",
    "summary v2 --bytes --train": (
        "`--train` names no optimiser\n  help: as in `--train adamw`: sgd, momentum, adam, adamw\n"
    ),
    "compare v1 v2 --bytes --train": (
        "`--train` names no optimiser\n  help: as in `--train adamw`: sgd, momentum, adam, adamw\n"
    ),
    "summary v2 --bytes --train=lion": "unknown optimiser `lion`\n  help: there are: sgd, momentum, adam, adamw\n",
    "summary v2 --train": (
        "`v2` is a spec, which says how a network runs in evaluation\n  help: `--train` takes code that makes a torch "
        "module, as in `net.py:Net`, or a lock of `--modes eval,train`\n"
    ),
    "summary v2 --bytes --train sgd --measure": (
        "`--measure` and `--train` at once\n  help: counters run the module itself, in evaluation\n"
    ),
    "summary v2 --bytes --train sgd --convention thop": (
        "`--convention` and `--train` at once\n  help: what another tool counts is known of evaluation\n"
    ),
    "diff v1 v2 --train adamw": (
        "archprof diff: got unexpected extra argument(s) (adamw)\n  help: as in `archprof diff v1 v2`; `archprof diff "
        "--help` tells more\n"
    ),
}


@pytest.mark.parametrize("line", MESSAGES)
def test_messages(capsys, line):
    assert archprof(capsys, *line.split()) == (2, "", MESSAGES[line])
