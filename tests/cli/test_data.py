"""Models whose sizes depend on data, as they are typed: bounds, budgets on them, real runs, and what is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archprof.__main__ import main
from tests.cli.console import archprof

NET = """
import torch
from torch import nn


class Rows(nn.Module):
    def __init__(self, turned=False):
        super().__init__()
        self.first, self.head, self.turned = nn.Linear(4, 4), nn.Linear(4, 5), turned

    def forward(self, x):
        x = self.first(x)[0]
        x = self.head(x[x[:, 0] > 0])
        return torch.fft.rfft(x) if self.turned else x


class Last(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.head = nn.Linear(4, 64), nn.Linear(64, 4)

    def forward(self, x):
        x = self.head(self.wide(x))[0]
        return x[x[:, 0] > 0]


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, images):
        return [self.stem(image[None]) for image in images]


class Asks(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)

    def forward(self, x):
        return self.first(x) if x.sum().item() > 0 else x


class Fails(nn.Module):
    def forward(self, x):
        raise ValueError("x" * 1000)


class Losses(nn.Module):
    def forward(self, x):
        return {"loss": x.sum(), "x": x}


class Wants(nn.Module):
    def forward(self, x):
        return x.cuda()


class WantsEarly(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4).cuda()


class Forces(nn.Module):
    def __init__(self):
        super().__init__()
        self.energy = nn.Linear(4, 1)

    def forward(self, x):
        with torch.enable_grad():
            x = x.requires_grad_(True)
            return torch.autograd.grad(self.energy(x).sum(), x)[0]


class Complex(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4, 5, dtype=torch.complex64))

    def forward(self, x):
        return (x.to(torch.complex64) @ self.weight).abs()


class Endless(nn.Module):
    def forward(self, x):
        open("started", "w").close()
        while True:
            x = x + 1


class EndlessText(nn.Module):
    def forward(self, x):
        exec("open('started', 'w').close()\\nwhile True: pass")


class Deaf:
    def __del__(self):
        open("started", "w").close()
        while True:
            pass


class EndlessDeletion(nn.Module):
    def forward(self, x):
        Deaf()
        while True:
            x = x + 1


class EndlessClearing(nn.Module):
    def forward(self, x):
        Deaf()
        try:
            while True:
                x = x + 1
        except KeyboardInterrupt:  # as code in C does that clears what rises
            pass
        while True:
            x = x + 1


def scripted():
    return torch.jit.script(nn.Linear(4, 4))


def lazy():
    return nn.Sequential(nn.LazyLinear(4))
"""


@pytest.fixture(autouse=True)
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)


# Six rows of 4 features, of which a mask chooses some: 4·4 weights see all, 4·5 those that are chosen.
BEFORE, BEHIND = 6 * 16, 6 * 20
ROWS = ("net.py:Rows", "--input", "6x4")


def lock(capsys, file, *arguments):
    result = archprof(capsys, "lock", *arguments, "-o", file)
    assert result.code == 0, result.err
    return file


def test_an_upper_bound_is_said_to_be_one(capsys):
    result = archprof(capsys, "summary", *ROWS, "--full")
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert [line for line in lines if "≤" in line] == [f"head linear 6×4 6×5 25 ≤ {BEHIND} 55.6 % ████████████"]
    assert f"params 45 (45) · MACs at most {BEFORE + BEHIND} (216) · activations at most 54" in lines
    assert "at most: aten.index ×1 may come to less" in lines
    found = json.loads(archprof(capsys, "summary", *ROWS, "--format", "json").out)
    assert found["at_most"] == {"causes": {"aten.index": 1}, "within": []}
    assert found["captured"] == "meta"
    assert [layer["path"] for layer in found["layers"] if layer.get("bounded")] == [":index[0]", "head"]


def test_a_long_text_that_is_cut_ends_as_one(capsys):
    assert f"ValueError: {'x' * 200}…\n" in archprof(capsys, "summary", "net.py:Fails", "--input", "4").err


def test_an_output_without_axes(capsys):
    assert "\noutputs loss scalar · x 4\n" in archprof(capsys, "summary", "net.py:Losses", "--input", "4").out


def test_a_bound_and_what_is_not_counted(capsys):
    out = archprof(capsys, "summary", "net.py:Rows(turned=True)", "--input", "6x4").out
    assert f"MACs about {BEFORE + BEHIND} " in out
    assert "not counted: aten._fft_r2c ×1\nat most: aten.index ×1 may come to less\n" in out


def test_bounds_beside_each_other(capsys):
    said = f"MACs of net.py:Rows at most {BEFORE + BEHIND}: aten.index ×1 may come to less\n"
    result = archprof(capsys, "compare", "net.py:Rows", "net.py:Complex", "--input", "6x4")
    assert said in result.out
    told = archprof(capsys, "diff", "net.py:Complex", "net.py:Rows", "--input", "6x4").out
    assert said in told
    assert f" → at most {BEFORE + BEHIND}: " in told
    found = json.loads(archprof(capsys, "diff", "net.py:Complex", *ROWS, "--format", "json").out)
    assert found["at_most"] == {"after": {"causes": {"aten.index": 1}, "within": []}}
    told = archprof(capsys, "explain", *ROWS).out
    assert "at most: aten.index ×1 may come to less\n" in told
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert f"archprof 1 at most {BEFORE + BEHIND} MACs" in lines
    told = archprof(capsys, "explain", *ROWS, "--convention", "torch").out
    assert f"torch at most {2 * (BEFORE + BEHIND)} FLOPs" in [" ".join(line.split()) for line in told.splitlines()]
    told = archprof(capsys, "summary", *ROWS, "--convention", "fvcore").out
    assert f": at most {BEFORE + BEHIND} MACs, what `fvcore" in told


@pytest.mark.parametrize(
    ("limit", "code", "sign"),
    [
        (("--max-macs", "216"), 0, ""),
        (("--max-macs", "215"), 2, "≤ 215"),
        (("--min", "macs=217"), 1, ""),
        (("--min", "macs=216"), 2, "≥ 216"),
        (("--max-params", "44"), 1, ""),
    ],
)
def test_an_upper_bound_keeps_a_limit_and_exceeds_none(capsys, limit, code, sign):
    file = lock(capsys, "net.lock.json", *ROWS)
    result = archprof(capsys, "check", file, *limit)
    assert result.code == code
    assert f"MACs of {file} at most {BEFORE + BEHIND}: aten.index ×1 may come to less\n" in result.out
    known = f"MACs are at most {BEFORE + BEHIND}, which does not tell whether they are {sign}"
    advice = "an upper bound keeps a limit that is as high; of others data decides"
    expected = f"{file}:1:1: {known}: aten.index ×1 may come to less\n  help: {advice}\n" if sign else ""
    assert result.err == expected


@pytest.mark.parametrize(
    ("limit", "known"),
    [
        (("--max-activations", "53"), "activations are at most 54, which does not tell whether they are ≤ 53"),
        (("--min", "activations=54"), "activations are at most 54, which does not tell whether they are ≥ 54"),
        (("--max-train-macs", "300"), "MACs in training are at most 552, which does not tell whether they are ≤ 300"),
        (("--max-peak", "100", "--train", "sgd"), "bytes at the peak are at most "),
    ],
)
def test_so_does_one_of_other_counts(capsys, limit, known):
    file = lock(capsys, "net.lock.json", *ROWS, "--modes", "eval,train")
    result = archprof(capsys, "check", file, *limit)
    assert result.code == 2
    assert f"net.lock.json:1:1: {known}" in result.err
    assert ": aten.index ×1 may come to less\n" in result.err
    if limit[0] != "--min":
        assert archprof(capsys, "check", file, limit[0], "10M", *limit[2:]).code == 0


def test_bytes_and_times_of_an_upper_bound_are_said_to_be_one(capsys):
    file = lock(capsys, "net.lock.json", *ROWS, "--modes", "eval,train")
    cause = {"causes": {"aten.index": 1}, "within": []}
    told = archprof(capsys, "memory", file, "--train", "sgd").out
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert "saved for backward, at most 226 226 B 27.2 % ███▎" in lines
    assert "MACs in training at most 552 (552) an image, forward and backward" in lines
    assert "at most: aten.index ×1 may come to less" in lines
    assert ", at most 546 bytes come and go\n" in told
    told = archprof(capsys, "summary", file, "--bytes", "--train", "sgd").out
    assert "saved for backward at most 102 (102 B)" in told
    assert "MACs in training at most 552 (552) an image" in told
    for command in (("memory",), ("latency", "--device", "epyc")):
        found = json.loads(archprof(capsys, *command, file, "--format", "json").out)
        assert found["at_most"] == cause
        assert "aten.index ×1" in archprof(capsys, *command, file, "--format", "csv").out.splitlines()[1]
    told = archprof(capsys, "latency", file, "--device", "epyc").out
    assert ": out of the profile's range, taken at the roofline, is gt ×1, aten.index ×1\n" in told
    assert "\nlatency about " in told
    assert "\nat most: aten.index ×1 may come to less\n" in told
    last = archprof(capsys, "memory", lock(capsys, "last.lock.json", "net.py:Last", "--input", "6x4")).out
    assert "may come to less" not in last  # the peak is before


# What comes and goes at most are the outputs of two layers, 6 × 64 and 6 × 4 floats, before a mask chooses some rows.
@pytest.mark.parametrize(("limit", "code"), [("1631", 1), ("1632", 0)])
def test_a_peak_before_what_data_decides_is_exact(capsys, limit, code):
    file = lock(capsys, "net.lock.json", "net.py:Last", "--input", "6x4")
    assert archprof(capsys, "check", file, "--max-peak", limit).code == code


def test_a_budget_of_what_comes_before_is_exact(capsys):
    lock(capsys, "net.lock.json", *ROWS)
    text = "budgets: [{model: net.lock.json, where: first, macs: 95}]\n"
    Path("archprof.yaml").write_text(text)
    assert archprof(capsys, "check").code == 1


def test_a_list_of_images(capsys):
    # 3×3 convolutions of 3 to 4 channels at 8×8 positions.
    arguments = ("net.py:Images", "--input", "images=3x8x8:list")
    found = json.loads(archprof(capsys, "summary", *arguments, "--format", "json").out)
    assert found["totals"]["macs"] == 64 * 27 * 4
    assert {name: one["shape"] for name, one in found["inputs"].items()} == {"images[0]": [3, 8, 8]}
    file = lock(capsys, "images.lock.json", *arguments)
    assert json.loads(Path(file).read_text())["captured"]["inputs"] == ["images=3x8x8:list"]
    assert archprof(capsys, "lock", "net.py:Images", "--check", file).code == 0


REAL = "counts of net.py:Asks are those of one run, of random weights on a random input"


def test_a_real_run_is_said_to_be_one(capsys):
    asks = ("net.py:Asks", "--input", "6x4", "--real")
    for command in ("summary", "explain"):
        result = archprof(capsys, command, *asks)
        assert (result.code, REAL in result.out.splitlines()) == (0, True)
    assert f"MACs {BEFORE} (96)" in archprof(capsys, "summary", *asks).out
    for command in ("compare", "diff"):
        assert REAL in archprof(capsys, command, "net.py:Complex", *asks).out.splitlines()
    file = lock(capsys, "asks.lock.json", *asks)
    assert json.loads(Path(file).read_text())["captured"]["how"] == "real"
    assert REAL in archprof(capsys, "summary", file).out.splitlines()
    assert archprof(capsys, "lock", "net.py:Asks", "--check", file).code == 0


def test_the_same_counts_as_without_data(capsys):
    found = [
        json.loads(archprof(capsys, "summary", "net.py:Forces", "--input", "6x4", *real, "--format", "json").out)
        for real in ((), ("--real",))
    ]
    # There and back: 6 positions, 4 weights.
    assert [one["totals"]["macs"] for one in found] == [2 * 6 * 4] * 2
    assert [one["captured"] for one in found] == ["meta", "real"]


def test_complex_numbers_are_numbers(capsys):
    found = json.loads(archprof(capsys, "summary", "net.py:Complex", "--input", "4", "--format", "json").out)
    assert (found["totals"]["params"], found["totals"]["macs"]) == (20, 20)


DEVICE = "have it use the device of what it is given, `x.device`: it is recorded without a GPU"
MESSAGES = {
    "net.py:Asks --input 4": (
        "what this Asks does depends on data: it asks for elements, by `aten._local_scalar_dense`, and there are none",
        "`--real`, in Python `real=True`, counts a run on random numbers",
        "return self.first(x) if x.sum().item() > 0 else x",
    ),
    "net.py:Wants --input 4": ("the module wants a GPU: ", DEVICE, "return x.cuda()"),
    "net.py:WantsEarly --input 4": (
        "calling `net.py:WantsEarly` fails: ", DEVICE, "self.first = nn.Linear(4, 4).cuda()",
    ),
    "net.py:scripted --input 4": (
        "a module of TorchScript cannot be measured",
        "pass the module as it was before `torch.jit.script` or `torch.jit.trace`", "",
    ),
    "net.py:lazy --input 4": (
        "`0` (LazyLinear) has no parameters yet",
        "run the module once on an input: `module(torch.zeros(1, 3, 224, 224))`", "",
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("typed", MESSAGES)
def test_messages(capsys, typed):
    message, advice, line = MESSAGES[typed]
    result = archprof(capsys, "summary", *typed.split())
    assert (result.code, result.out) == (2, "")
    ran, said, helped, *note = result.err.splitlines()
    assert (ran, helped) == ("ran net.py", f"  help: {advice}")
    assert said.startswith(message)
    assert [one.endswith(f": {line}") for one in note] == [True] * bool(line)


@pytest.mark.parametrize("command", ["summary", "compare", "diff", "explain"])
def test_what_is_no_code_is_not_run(capsys, command):
    result = archprof(capsys, command, *(["v3", "v2"] if command in ("compare", "diff") else ["v3"]), "--real")
    expected = (2, "", "`--real` runs code, and `v3` is none\n  help: as in `net.py:Net --real`\n")
    assert result == expected


@pytest.mark.few(1)
@pytest.mark.parametrize("model", ["Endless", "EndlessText", "EndlessDeletion", "EndlessClearing"])
def test_a_capture_that_hangs_is_interrupted(model):
    """Also in code that is run from a text, of which Python would die as it leaves, and in a deletion, in which it
    ignores what rises, be the next one lost too."""
    command = [sys.executable, "-m", "archprof", "summary", f"net.py:{model}", "--input", "4"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(root)}
    ) as process:
        while not Path("started").exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()  # what hangs all the same must not hang whoever tests it
    assert (process.returncode, out, err) == (130, "", "ran net.py\n")


def test_what_is_interrupted_before_a_command_runs_says_so_too(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("archprof.cli.process.prepare", interrupted)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 130
