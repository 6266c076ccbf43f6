"""archprof bench: networks measured on this machine; what depends on it is not compared."""

import csv
import io
import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from importlib.util import find_spec

import jsonschema
import pytest

from archprof import expand
from tests.cli.console import archprof

pytestmark = pytest.mark.skipif(not find_spec("torch"), reason="torch is measured")

SPEC = """archprof: 1
input: 3x32x32
classes: 10
defaults: {norm: batch_norm, act: relu}
layers:
  - conv: {k: 3, s: 2, c: 16}
  - inverted_residual: {t: 4, c: 16, k: 3, s: 1}
  - avg_pool
  - linear: classes
"""
NET = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "tiny.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def measured(capsys, *arguments):
    """The JSON of a call, which fits its schema."""
    result = archprof(capsys, "bench", *arguments, "--rounds", "4", "--format", "json")
    assert result.code == 0, result.err
    found = json.loads(result.out)
    jsonschema.validate(found, json.loads(archprof(capsys, "schema", "bench").out))
    return found


def test_lines_have_every_network_at_every_batch(capsys, folder):
    code = ("bench", "tiny.yaml", "lenet5", "--batch", "1,2", "--rounds", "4", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(archprof(capsys, *code).out)))
    calls = {"tiny": len(expand("tiny.yaml").nodes), "lenet5": len(expand("lenet5").nodes)}
    found = Counter((row["model"], row["batch"]) for row in rows)
    assert found == {(name, batch): count for name, count in calls.items() for batch in ("1", "2")}
    assert all(float(row["latency_ms"]) > 0 for row in rows)
    assert sum(float(row["time_ms"] or 0) for row in rows if (row["model"], row["batch"]) == ("lenet5", "2")) > 0


def test_a_network_is_measured_whole_and_part_by_part(capsys, folder):
    found = measured(capsys, "tiny.yaml", "--batch", "1,2")
    how = {name: found[name] for name in ("on", "dtype", "layout", "runtime", "execution", "threads")}
    assert how == {
        "on": "cpu", "dtype": "fp32", "layout": "channels_first", "runtime": "torch", "execution": "eager",
        "threads": 1,
    }  # fmt: skip
    assert {"hardware", "threads", "torch", "python", "system", "date"} <= set(found["provenance"])
    one, two = found["networks"]
    assert (one["batch"], two["batch"]) == (1, 2)
    for network in (one, two):
        assert network["latency"]["rounds"] >= 4
        assert network["latency"]["ms"] > 0
        parts = [layer["time"]["ms"] for layer in network["layers"] if "time" in layer]
        assert network["parts_ms"] == pytest.approx(sum(parts))
        assert 0.2 < network["parts_ms"] / network["latency"]["ms"] < 5
        assert "eager" not in network
    # 3×3×3×16 weights at 16×16 places, for each image.
    assert [network["layers"][0]["macs"] for network in (one, two)] == [27 * 16 * 256, 2 * 27 * 16 * 256]
    flatten = next(layer for layer in one["layers"] if layer["label"] == "flatten")
    assert ("time" in flatten, flatten["bytes"]) == (False, 0)
    assert {layer["bound"] for layer in one["layers"] if "time" in layer} <= {"compute", "memory", "launch"}


def test_onnxruntime_tells_what_it_made_of_the_network(capsys, folder):
    found = measured(capsys, "tiny.yaml", "--runtime", "onnxruntime")
    [network] = found["networks"]
    assert (found["execution"], found["runtime"]) == ("session", "onnxruntime")
    assert "onnxruntime" in found["provenance"]
    # Norms fold into the four convolutions, and three of the activations.
    assert (network["fused"]["BatchNormalization"], network["fused"]["Relu"], network["fused"]["Add"]) == (4, 3, 1)
    assert sum(layer["label"] == "Conv" for layer in network["layers"]) == 4


def test_code_is_measured_call_by_call(capsys, folder):
    found = measured(capsys, "net.py:Net", "--input", "3x16x16", "--layout", "channels_last")
    [network] = found["networks"]
    assert [layer["path"] for layer in network["layers"]] == ["conv", "norm", ":relu[0]"]
    assert all(layer["time"]["ms"] > 0 for layer in network["layers"])


CODE = """import torch
from torch import nn


class Embeds(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(10, 8), nn.Linear(8, 10)

    def forward(self, ids):
        return self.head(self.embed(ids))


class Bags(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag = nn.EmbeddingBag(10, 8)

    def forward(self, ids):
        return self.bag(ids)


class Steps(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 16, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[0]


class Gathers(nn.Module):
    def forward(self, x, at):
        return torch.relu(x.gather(1, at))


class Routes(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.expert = nn.Linear(8, 4), nn.Linear(8, 8)

    def forward(self, x):
        rows, columns = torch.where(self.gate(x[0]).softmax(-1) > 0.5)
        return self.expert(x[0][rows])


class Complex(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 6, dtype=torch.cfloat))

    def forward(self, x):
        return (x.to(torch.cfloat) @ self.weight).abs()


class Fails(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 8)

    def forward(self, ids):
        return self.embed(ids + 10)
"""
PARTS: dict[str, tuple[str, list[str], list[str]]] = {  # inputs; what is measured alone, what is not
    "Embeds": ("4:int64", ["embed", "head"], []),
    "Bags": ("4:int64", ["bag"], ["aten.arange"]),
    "Steps": ("5x8", ["lstm"], ["aten.zeros"]),
    "Gathers": ("x=6x8 at=6x8:int64", [":relu[0]"], ["aten.gather"]),
    "Routes": ("6x8", ["gate", "expert"], ["softmax", "gt", "aten.nonzero", "aten.index"]),
    "Complex": ("5x8", [], ["to", "linear", "abs"]),
}


@pytest.mark.parametrize("name", PARTS)
def test_what_cannot_be_run_alone_is_named(capsys, folder, name):
    (folder / "code.py").write_text(CODE, encoding="utf-8")
    inputs, alone, others = PARTS[name]
    given = [word for one in inputs.split() for word in ("--input", one)]
    [network] = measured(capsys, f"code.py:{name}", *given)["networks"]
    assert network["latency"]["ms"] > 0
    assert [layer["path"] for layer in network["layers"] if "time" in layer] == alone
    assert list(network.get("not_timed", {})) == others


def test_code_that_fails_on_its_input_is_said(capsys, folder):
    (folder / "code.py").write_text(CODE, encoding="utf-8")
    result = archprof(capsys, "bench", "code.py:Fails", "--input", "4:int64", "--rounds", "4")
    assert result.code == 2
    assert result.err == "ran code.py\nrunning `code.py:Fails` fails: IndexError: index out of range in self\n"


def test_the_table_folds_and_says_what_it_is_of(capsys, folder):
    result = archprof(capsys, "bench", "tiny.yaml", "--rounds", "4", "--top", "2", "--sort", "latency")
    title, *_ = result.out.splitlines()
    assert title == "tiny · input 3×32×32 · cpu, fp32, channels first, batch 1, torch eager, 1 thread"
    assert "2 of 4 lines left out" in result.out
    assert re.search(
        r"measured [0-9.]+ ms ± [0-9.]+ %, the least of [0-9]+ rounds · parts alone [0-9.]+ ms", result.out
    )
    assert re.search(r"roofline: [0-9.,]+ GB/s copied, [0-9.,]+ GMAC/s in a matrix product", result.out)


def test_a_run_that_does_not_repeat_is_called_noise(capsys, folder, monkeypatch):
    from archprof.runtime.timing import rounds

    monkeypatch.setattr(rounds, "NOISE", -1.0)
    result = archprof(capsys, "bench", "tiny.yaml", "--rounds", "4")
    assert (result.code, result.err) == (0, "noise: the times of tiny, batch 1 do not repeat within 10 %\n")
    assert "no profile has it" in result.out


MESSAGES = {
    "tiny.yaml --on tpu": "`--on tpu` is not known\n  help: on: cpu, cuda\n",
    "tiny.yaml --dtype fp8": "`--dtype fp8` is not known\n  help: dtype: fp32, fp16, bf16\n",
    "tiny.yaml --batch 0": "`--batch 0` are no batches\n  help: whole numbers from 1, as in `--batch 1,32`\n",
    "tiny.yaml --batch 1,x": "`--batch 1,x` are no batches\n  help: whole numbers from 1, as in `--batch 1,32`\n",
    "tiny.yaml --execution graph": (
        "`--execution` is of cuda\n  help: on a CPU torch is called from Python, as it is used there\n"
    ),
    "tiny.yaml --on cuda --execution later": (
        "`--execution later` is not known\n  help: ways: graph, eager\n"
    ),
    "tiny.yaml --on cuda --execution graph --compile": (
        "`--compile` and `--execution` at once\n  help: what is compiled is replayed as torch has it\n"
    ),
    "tiny.yaml --runtime onnxruntime --layout channels_last": (
        "`--layout channels_last` and `--runtime onnxruntime` at once\n"
        "  help: onnxruntime is measured on the CPU, in fp32, in the layout that it chooses itself\n"
    ),
    "tiny.yaml --sort macs": "unknown sort key `macs`\n  help: keys: latency\n",
    "net.lock.json": (
        "`archprof bench` runs a module, and `net.lock.json` holds none\n"
        "  help: `archprof bench CODE` measures what it was made from\n"
    ),
    "tiny.yaml -k 5": "`-k / --operators` without `--improve`\n  help: `--improve my_cpu.json` adds to a profile\n",
    "tiny.yaml --improve my_cpu.json --on cuda": (
        "`--on` and `--improve` at once\n  help: where and how operators run is what the profile says\n"
    ),
    "tiny.yaml -o nowhere/times.json": (
        "cannot write `nowhere/times.json`: no such file or directory\n  help: nothing was written\n"
    ),
    "tiny.yaml --improve h100": (
        "`h100` comes with archprof, and is not written over\n  help: `-o my_device.json` writes another\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("line", MESSAGES)
def test_what_cannot_be_measured_is_said(capsys, folder, line):
    result = archprof(capsys, "bench", *line.split(), "--rounds", "4")
    assert (result.code, result.out, result.err) == (2, "", MESSAGES[line])


def test_without_a_cuda_device_it_says_so(capsys, folder):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    result = archprof(capsys, "bench", "tiny.yaml", "--on", "cuda")
    assert result.err == "torch finds no CUDA device on this machine\n  help: `--on cpu` measures on the CPU\n"


def test_torch_is_asked_for(capsys, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    result = archprof(capsys, "bench", "tiny.yaml")
    message = "measuring time needs torch, and `torch` is not installed\n  help: pip install 'archprof[torch]'\n"
    assert (result.code, result.err) == (2, message)


def test_an_interrupt_ends_it_and_keeps_the_old_file(folder):
    (folder / "out.json").write_text("old", encoding="utf-8")
    command = [sys.executable, "-m", "archprof", "bench", "tiny.yaml", "--rounds", "100000", "-o", "out.json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")
    assert sorted(path.name for path in folder.iterdir()) == ["net.py", "out.json", "tiny.yaml"]
    assert (folder / "out.json").read_text(encoding="utf-8") == "old"


def test_a_format_in_which_code_does_not_run_is_said(capsys, folder):
    (folder / "odd.py").write_text(
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.conv = nn.Conv2d(3, 8, 3)\n\n    def forward(self, x):\n"
        "        return self.conv(x) @ torch.ones(30, 30)\n",
        encoding="utf-8",
    )
    line = ("bench", "odd.py:Net", "--input", "3x32x32", "--rounds", "4")
    assert archprof(capsys, *line).code == 0
    result = archprof(capsys, *line, "--dtype", "bf16")
    assert (result.code, result.out) == (2, "")
    first, *_ = result.err.splitlines()[1:]
    assert first.startswith("running `odd.py:Net` fails: RuntimeError: expected ")
