"""archprof memory: what is printed is what a GPU held, its parts sum up, and what contradicts itself is told so."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.console import archprof


def document(capsys, *arguments):
    result = archprof(capsys, "memory", *arguments, "--format", "json")
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out)


def test_what_an_h100_held(capsys):
    """mobilenet_v2 at batch 32: tests/memory/h100.csv."""
    found = document(capsys, "v2", "--batch", "32", "--train", "momentum")
    assert found["saved_bytes"] == 2_483_707_144
    assert found["peaks"]["step"] == 14_019_488
    # 3,504,872 parameters of 4 bytes, as many of momentum; 17,056 channels' mean and variance; images and classes.
    assert found["resident"] == {
        "weight_bytes": 4 * 3_504_872,
        "buffer_bytes": 4 * 2 * 17_056,
        "optimizer_bytes": 4 * 3_504_872,
        "gradient_bytes": 0,
        "input_bytes": 32 * (3 * 224 * 224 * 4 + 8),
    }
    # Three times 300,774,272, less the gradient of the images: 3×3 of 3 to 32 channels at 112².
    assert found["train_macs"] == 3 * 300_774_272 - 27 * 32 * 112 * 112
    inference = document(capsys, "v2", "--batch", "32")
    assert inference["peak_bytes"] == 308_281_344
    assert "train_macs" not in inference


@pytest.mark.parametrize(
    "line", ["v3", "resnet50 --batch 8 --dtype fp16", "v2 --train adamw --amp bf16", "v1 --train sgd --accumulate 4"]
)
def test_parts_sum_up(capsys, line):
    found = document(capsys, *line.split())
    assert sum(one["bytes"] for one in found["alive"]) == found["peak_bytes"] == max(found["peaks"].values())
    assert found["total_bytes"] == found["peak_bytes"] + sum(found["resident"].values())
    moment = found["timeline"][found["peak_at"]["step"] - 1]
    assert (moment["phase"], moment["path"]) == (found["peak_at"]["phase"], found["peak_at"]["path"])
    assert moment["bytes"] == found["peak_bytes"]
    rows = list(csv.DictReader(io.StringIO(archprof(capsys, "memory", *line.split(), "--format", "csv").out)))
    assert [int(row["bytes"]) for row in rows] == [one["bytes"] for one in found["alive"]]


def test_the_first_of_equal_peaks_is_named(capsys, tmp_path):
    """Two layers alike: 2 × 8·16·16 floats while the first runs, and while the second does."""
    file = tmp_path / "net.yaml"
    file.write_text("archprof: 1\ninput: 8x16x16\nlayers: [conv2d: {k: 1, c: 8}, conv2d: {k: 1, c: 8}, silu]\n")
    found = document(capsys, str(file))
    assert found["peak_at"] == {"phase": "forward", "path": "1", "label": "pw conv", "step": 2}
    assert found["alive"] == [
        {"path": path, "label": "pw conv", "block": path, "block_type": "conv2d", "role": "activation", "bytes": size}
        for path, size in (("0", 8_192), ("1", 8_192))
    ]


@pytest.mark.parametrize("view", [[], ["--full"], ["--depth", "1"], ["--depth", "2", "--sort", "bytes"]])
def test_every_view_has_all_bytes_of_the_peak(capsys, view):
    """v1 at its 8th step holds two maps of 64×112×112 floats."""
    text = archprof(capsys, "memory", "v1", "--format", "markdown", *view).out
    rows = text.rpartition("| path |")[2].splitlines()[2:]  # below the heading and its rule
    assert sum(int(row.split(" | ")[3].replace(",", "")) for row in rows) == 2 * 64 * 112 * 112 * 4


MESSAGES = {
    "v2 --dtype fp8": "unknown number format `fp8`\n  help: there are: fp32, fp16, bf16, int8\n",
    "v2 --train lion": "unknown optimiser `lion`\n  help: there are: sgd, momentum, adam, adamw\n",
    "v2 --train adm": "unknown optimiser `adm`\n  help: did you mean `adam`? there are: sgd, momentum, adam, adamw\n",
    "v2 --amp fp32": "unknown format of autocast `fp32`\n  help: there are: fp16, bf16\n",
    "v2 --train sgd --checkpoint layers": "unknown way to checkpoint `layers`\n  help: there are: blocks\n",
    "v2 --layout nhwc": "unknown layout `nhwc`\n  help: there are: channels_first, channels_last\n",
    "v2 --kernels rocm": "unknown sort of kernels `rocm`\n  help: there are: cuda, cpu\n",
    "v2 --checkpoint blocks": (
        "`--checkpoint` without `--train`\n  help: a backward pass computes blocks again: say `--train` too\n"
    ),
    "v2 --accumulate 4": (
        "`--accumulate` without `--train`\n  help: a step of training adds up the gradients of several passes: say "
        "`--train` too\n"
    ),
    "v2 --dtype int8 --train sgd": (
        "`--dtype int8` and `--train sgd` at once\n  help: nothing learns in int8; `--amp` trains in half precision\n"
    ),
    "v2 --dtype int8 --kernels cpu": (
        "`--dtype int8` and `--kernels cpu` at once\n  help: int8 is inference as microcontrollers run it, by kernels "
        "of their own\n"
    ),
    "v2 --dtype fp16 --amp bf16": "`--dtype fp16` and `--amp bf16` at once\n  help: autocast starts from fp32\n",
    "v2 --train": (
        "archprof memory: option `--train` requires an argument\n  help: `archprof memory --help` lists what there is\n"
    ),
    "v2 --batch 0": (
        "archprof memory: `--batch` takes a whole number from 1 on, not `0`\n  help: `archprof memory --help` lists "
        "what there is\n"
    ),
    "v2 --sort macs": "unknown sort key `macs`\n  help: keys: bytes\n",
    "v2 --fits 1GiB --batch 2": (
        "`--fits` and `--batch` at once\n  help: `--fits` finds a batch, of the network as it stands\n"
    ),
    "v2 --fits 1GiB --order best": (
        "`--fits` and `--order` at once\n  help: `--fits` finds a batch, of the network as it stands\n"
    ),
    "v2 --fits much": (
        "--fits much: `much` is no size in bytes\n  help: such as `24GiB`, `5.4 MiB`, `22 MB`, `21,932,128`\n"
    ),
    "v2 --order least": "`--order` is no `least`\n  help: there are: own, best\n",
    "v2 --order best --train sgd": (
        "`--order best` and `--train` at once\n  help: the backward pass goes by the order of the forward pass\n"
    ),
    "v2 --fits 1GiB --dtype int8": (
        "no batch is looked for in int8\n  help: microcontrollers run an image at a time: `check --max-peak 320KiB`\n"
    ),
    "v2 --real": "`--real` runs code, and `v2` is none\n  help: as in `net.py:Net --real`\n",
}


@pytest.mark.parametrize("line", MESSAGES)
def test_messages(capsys, line):
    assert archprof(capsys, "memory", *line.split()) == (2, "", MESSAGES[line])


LOCK = "tests/captures/schema_1.lock.json"


def test_a_lock_of_evaluation_does_not_know_how_it_trains(capsys):
    message = (
        f"`{LOCK}` was captured in evaluation alone\n  help: `archprof lock small.py:Net --modes eval,train "
        f"-o {LOCK}` captures it in training too\n"
    )
    assert archprof(capsys, "memory", LOCK).code == 0
    assert archprof(capsys, "memory", LOCK, "--train", "sgd") == (2, "", message)


def test_a_lock_of_one_image_does_not_know_of_two(capsys, tmp_path):
    """What no image runs through, as an auxiliary head in evaluation, is nothing that has to be known."""
    assert archprof(capsys, "memory", LOCK, "--batch", "2").code == 0
    alone = tmp_path / "net.lock.json"
    alone.write_text(Path(LOCK).read_text().replace('"schema": 1,', '"schema": 1,\n  "single_batch": true,'))
    message = (
        "shapes of `small.py:Net` are known for one image alone\n  help: ask for one image, or of the code that it "
        "comes from\n"
    )
    assert archprof(capsys, "memory", str(alone), "--batch", "2") == (2, "", message)
    assert archprof(capsys, "summary", str(alone), "--bytes", "--batch", "2") == (2, "", message)


def test_checkpoints_of_nothing_are_said(capsys, tmp_path):
    """Two calls, each a block of its own: there is none that is worth it."""
    file = tmp_path / "net.yaml"
    file.write_text("archprof: 1\ninput: 1x16x16\nlayers: [conv2d: {k: 1, c: 8}, conv2d: {k: 1, c: 4}]\n")
    rule = "no block has more than one call: nothing is computed again"
    assert rule in document(capsys, str(file), "--train", "sgd", "--checkpoint", "blocks")["rules"]
    assert rule not in document(capsys, "v2", "--train", "sgd", "--checkpoint", "blocks").get("rules", ())


def test_over_time(capsys, tmp_path):
    """Layers of 1 to 8, to 1, to 2 channels: beside the input there are 8, 9 and 3 of them while each runs."""
    file = tmp_path / "net.yaml"
    layers = ", ".join(f"conv2d: {{k: 1, c: {channels}}}" for channels in (8, 1, 2))
    file.write_text(f"archprof: 1\ninput: 1x16x16\nlayers: [{layers}]\n")
    found = document(capsys, str(file))
    assert [one["bytes"] for one in found["timeline"]] == [4 * 256 * channels for channels in (8, 9, 3)]
    assert "\nover time: forward ▇█▂\n" in archprof(capsys, "memory", str(file)).out
    assert "▇" not in archprof(capsys, "memory", str(file), "--format", "markdown").out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            (),
            "torch asks for them, workspace of convolutions apart; not included: memory that the allocator reserves,"
            " the context of the device",
        ),
        (
            ("--kernels", "cpu"),
            "torch asks for them; not included: memory that the allocator reserves, workspace of kernels",
        ),
        (("--dtype", "int8"), "microcontrollers hold them; not included: buffers of a library's kernels"),
    ],
)
def test_what_is_not_included(capsys, options, said):
    assert f"\nbytes of tensors, as {said}\n" in archprof(capsys, "memory", "lenet5", *options).out


def test_bars_end_with_the_largest_amount(capsys, tmp_path):
    """A single convolution may take several times its tensors of workspace, which no bar shows beyond twelve columns;
    less than 1,024 bytes have no other unit in a sentence."""
    file = tmp_path / "net.yaml"
    file.write_text("archprof: 1\ninput: 3x4x4\nlayers: [conv2d: {k: 3, c: 4}]\n")
    out = archprof(capsys, "memory", str(file)).out
    assert max(line.count("█") for line in out.splitlines() if not line.startswith("over")) == 12
    assert "step 1 of 1, 256 bytes come and go\n" in out


NET = """from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head, self.dropout = nn.Linear(8, 4), nn.Dropout(0.5)

    def forward(self, x):
        return self.dropout(self.head(x))
"""


def test_code_at_a_batch(capsys, tmp_path, monkeypatch):
    """3 rows of 8 to 4; in training dropout keeps a byte for each element, and with its output there are a log-softmax
    of as many floats, the loss and its weight."""
    pytest.importorskip("torch")
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    lines = ("memory net.py:Net --input 8 --batch 3", "memory net.py:Net --input 8 --batch 3 --train sgd")
    evaluation, training = (json.loads(archprof(capsys, *line.split(), "--format", "json").out) for line in lines)
    assert (evaluation["peak_bytes"], evaluation.get("mode")) == (3 * 4 * 4, None)
    assert training["mode"] == "train"
    assert training["saved_bytes"] == 3 * 4 + 2 * (3 * 4 * 4) + 2 * 4
    line = "summary net.py:Net --input 8 --batch 3 --bytes"
    found = json.loads(archprof(capsys, *line.split(), "--format", "json").out)
    assert found["layers"][0]["traffic"]["input_bytes"] == 3 * 8 * 4


@pytest.mark.parametrize(
    ("network", "measured"), [("resnet50", 2_769_306_040), ("vgg16_bn", 4_594_141_847), ("resnet18", 733_207_463)]
)
def test_what_an_h100_held_with_workspace_lies_in_the_interval(capsys, network, measured):
    """Backward peaks at batch 32: tests/memory/h100.csv."""
    line = f"{network} --batch 32 --train sgd"
    found = document(capsys, *line.split())
    known = found["estimates"]["total_bytes"]
    assert known["low"] <= sum(found["resident"].values()) + measured <= known["high"]
    assert (known["value"], known["unit"]) == ((known["low"] + known["high"]) // 2, "bytes")
    assert found["total_bytes"] <= known["low"]
    text = archprof(capsys, "memory", *line.split()).out
    assert f"with workspace, at most   {known['high']:,}" in text
    assert "estimates" not in document(capsys, network, "--kernels", "cpu", "--train", "sgd")


def test_the_largest_batch_that_fits(capsys):
    """Itself it does with its margin, one image more does not; as an H100's bytes, those of a batch are linear."""
    limit = 2 * 2**30
    found = document(capsys, "v2", "--train", "sgd", "--fits", "2GiB")
    fit = found["fit"]
    assert fit["limit_bytes"] == limit
    assert fit["counted_bytes"] * (100 + fit["margin_percent"]) <= limit * 100
    assert fit["next_bytes"] * (100 + fit["margin_percent"]) > limit * 100
    assert fit["batch"] == found["setup"]["batch"]
    alone = document(capsys, "v2", "--train", "sgd", "--batch", str(fit["batch"]))
    assert fit["counted_bytes"] == alone.get("estimates", {}).get("total_bytes", {"high": alone["total_bytes"]})["high"]
    assert f" is {fit['batch']}: " in archprof(capsys, "memory", "v2", "--train", "sgd", "--fits", "2GiB").out


def test_not_even_one_image_fits(capsys):
    """mobilenet_v2 has 14,019,488 bytes of weights."""
    result = archprof(capsys, "memory", "v2", "--fits", "14MiB")
    assert result.code == 1
    assert result.err.startswith("not even one image fits into 14,680,064 bytes (14.0 MiB): it takes ")
    assert result.err in result.out
    found = json.loads(archprof(capsys, "memory", "v2", "--fits", "14MiB", "--format", "json").out)
    assert (found["fit"]["batch"], found["setup"]["batch"]) == (0, 1)


@pytest.mark.parametrize(
    ("size", "bytes", "note"),
    [
        ("1GB", 10**9, "note: `1GB` is 1,000,000,000 bytes, as KB = 1000; `1GiB` is 1,073,741,824\n"),
        ("2TB", 2 * 10**12, "note: `2TB` is 2,000,000,000,000 bytes, as KB = 1000; `2TiB` is 2,199,023,255,552\n"),
        ("1.5TiB", 3 * 2**39, ""),
    ],
)
def test_a_limit_in_units_of_1000_has_a_note(capsys, size, bytes, note):
    result = archprof(capsys, "memory", "v2", "--fits", size, "--format", "json")
    assert (result.code, result.err) == (0, note)
    assert json.loads(result.out)["fit"]["limit_bytes"] == bytes


def test_tensors_take_whole_blocks_where_asked(capsys, tmp_path):
    """A map of 4·8·8 floats is two blocks of 512 bytes, 3·8·8 of images are not: 768 bytes; 4·3·3·3 weights are 432,
    and 4 biases 16."""
    file = tmp_path / "net.yaml"
    file.write_text("archprof: 1\ninput: 3x8x8\nlayers: [conv2d: {k: 3, c: 4}]\n")
    exact, whole = (document(capsys, str(file), *words) for words in ((), ("--rounding", "512")))
    assert (exact["peak_bytes"], exact["total_bytes"]) == (1024, 1024 + 432 + 16 + 768)
    assert (whole["peak_bytes"], whole["total_bytes"]) == (1024, 1024 + 512 + 512 + 1024)
    assert whole["rules"] == ["every tensor takes whole blocks of 512 bytes, as allocators give them"]
    assert archprof(capsys, "memory", "v2", "--fits", "2GiB", "--rounding", "512").err == (
        "`--fits` and `--rounding` at once\n  help: `--fits` finds a batch, of the network as it stands\n"
    )
