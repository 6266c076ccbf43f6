"""Models that are named as code: `archprof summary net.py:Net`."""

import json
from pathlib import Path

import pytest

from tests.cli.console import archprof

NET = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=1.0, *, turned=False):
        super().__init__()
        channels = int(8 * width)
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(nn.Sequential(nn.Conv2d(channels, channels, 3), nn.ReLU()) for _ in range(3)))
        self.turned = turned

    def forward(self, x):
        x = self.blocks(self.stem(x))
        return torch.fft.rfft(x) if self.turned else x


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(50, 4)

    def forward(self, ids, mask, scale):
        return self.words(ids) * mask.unsqueeze(-1) * scale


class Biased(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Buffer(torch.zeros(4, 2))
        self.network = nn.Sequential(nn.Linear(2, 5), nn.Linear(5, 1))
        self.last = nn.Linear(3, 4)

    def forward(self, x):
        return self.last(x) + self.network(self.table).squeeze(1)


def make(channels):
    return nn.Linear(channels, 2)


class Deep(nn.Module):
    def __init__(self, features, start=0):
        super().__init__()
        self.first = nn.Linear(4, features)
        self.body = nn.ModuleDict({str(start + k): nn.Sequential(nn.Linear(features, features)) for k in range(10)})

    def forward(self, x):
        x = self.first(x)
        for part in self.body.values():
            x = part(x)
        return x


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.other = nn.Linear(8, 8)

    def forward(self, x):
        return nn.functional.linear(self.layer(self.layer(x)), self.other.weight)


class Wrong(nn.Module):
    def forward(self, x):
        return x.view(5, 7)


class Exits(nn.Module):
    def __init__(self):
        raise SystemExit(3)


def talks():
    print("as I was made")
    return Net()


ready = Net(0.5)
number = 3


class Steps(nn.Module):
    def __init__(self):
        super().__init__()
        self.steps = nn.LSTM(4, 4, batch_first=True)
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.steps(x)[0])


class Views(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(8, 2)

    def forward(self, x):
        return self.last(x.flatten(1).unsqueeze(1)[:, 0])


class Timed(nn.Module):
    def __init__(self):
        super().__init__()
        self.steps, self.rate = nn.Embedding(50, 4), nn.Linear(1, 4)

    def forward(self, x, t):
        return x + self.steps(t) + self.rate(t[:, None].float())
"""


@pytest.fixture(autouse=True)
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)


def totals(capsys, *arguments):
    result = archprof(capsys, "summary", *arguments, "--format", "json")
    assert (result.code, result.err) == (0, "ran net.py\n")
    found = json.loads(result.out)["totals"]
    return found["params"], found["macs"]


def path():
    return Path("net.py").resolve()


# 3×3 convolutions of an 8×8 map: the first keeps its size, three take two off it.
WHOLE = (9 * 3 * 8 + 8 + 3 * (9 * 64 + 8), 64 * 9 * 3 * 8 + (36 + 16 + 4) * 9 * 64)
HALF = (9 * 3 * 4 + 4 + 3 * (9 * 16 + 4), 64 * 9 * 3 * 4 + (36 + 16 + 4) * 9 * 16)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("net.py:Net", "--input", "3x8x8"), WHOLE),
        (("net.py:Net(0.5)", "--input", "x=3x8x8"), HALF),
        (("net.py:ready", "--input", "1x3x8x8:whole"), HALF),
        (("net.py:make(4)", "--input", "4"), (10, 8)),
        (("net.py:make(channels=4)", "--input", "6x4"), (10, 48)),
        (("net.py:Words", "--input", "ids=7:int64", "--input", "mask=7:bool", "--input", "scale:=0.5"), (200, 0)),
    ],
)
def test_counts(capsys, arguments, expected):
    assert totals(capsys, *arguments) == expected


def test_what_code_prints_is_no_result(capsys):
    result = archprof(capsys, "summary", "net.py:talks", "--input", "3x8x8", "--format", "json")
    assert result.err == "ran net.py\nas I was made\n"
    assert json.loads(result.out)["totals"]["macs"] == WHOLE[1]


def test_equal_siblings_are_one_line(capsys):
    result = archprof(capsys, "summary", "net.py:Net", "--input", "3x12x12")
    assert [line.split()[0] for line in result.out.splitlines()[4:6]] == ["stem", "blocks.0"]
    result = archprof(capsys, "summary", "net.py:Net", "--input", "3x12x12", "--full")
    assert [line.split()[0] for line in result.out.splitlines()[4:11]] == [
        "stem", *(f"blocks.{k}.{j}" for k in range(3) for j in range(2)),
    ]  # fmt: skip


def test_equal_outputs_that_follow_each_other_are_one(capsys, tmp_path):
    """As the keys and values are that a language model hands on, of each layer."""
    code = (
        "import torch\n\n\nclass Cached(torch.nn.Module):\n    def forward(self, x):\n"
        "        layers = [{'keys': x + 1, 'values': x[:, :2] + 1} for _ in range(12)]\n"
        "        return {'last': x * 2, 'cache': [*layers, {'keys': x[:, 0] + 1}]}\n"
    )
    (tmp_path / "cached.py").write_text(code)
    said = archprof(capsys, "summary", "cached.py:Cached", "--input", "5x8").out.splitlines()
    expected = "outputs last 5×8 · cache.0…11.keys 5×8 · cache.0…11.values 2×8 · cache.12.keys 8"
    assert [line for line in said if line.startswith("outputs")] == [expected]


def test_what_is_not_counted_is_named(capsys):
    arguments = ("summary", "net.py:Net(turned=True)", "--input", "3x8x8")
    result = archprof(capsys, *arguments)
    assert f"MACs at least {WHOLE[1]:,} " in result.out
    assert "not counted: aten._fft_r2c ×1\n" in result.out
    assert json.loads(archprof(capsys, *arguments, "--format", "json").out)["not_counted"] == {"aten._fft_r2c": 1}


def test_what_depends_on_no_input_is_named(capsys):
    arguments = ("net.py:Biased", "--input", "3")
    said = "60 (60) of the MACs depend on no input: `network.0` and 1 more\n"
    assert said in archprof(capsys, "summary", *arguments).out
    assert said in archprof(capsys, "explain", *arguments, "--convention", "torch").out
    found = json.loads(archprof(capsys, "summary", *arguments, "--format", "json").out)
    assert found["constant_macs"] == {"network.0": 4 * 2 * 5, "network.1": 4 * 5}
    assert found["totals"]["macs"] == 4 * 2 * 5 + 4 * 5 + 3 * 4


# 216.6M of mobilenet_v3_large is torchvision's number; 224×224 positions of the stem's map, two off in each block.
# Positions that each block's convolution puts out, of an 8×8 map.
SIZES = ((0, 36), (1, 16), (2, 4))
NET_MACS = 224**2 * 9 * 3 * 8 + (222**2 + 220**2 + 218**2) * 9 * 64


def test_code_stands_beside_the_catalog(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    result = archprof(
        capsys, "compare", "v3", "net.py:Net(turned=True)", "net.py:Net(turned=[])", "--input", "3x224x224"
    )
    assert (result.code, result.err) == (0, "ran net.py\nran net.py\n")
    lines = result.out.splitlines()
    assert [line.split()[:3] for line in lines[2:5]] == [
        ["mobilenet_v3_large@resolution=224", "5,483,032", "216,589,760"],
        ["net.py:Net(turned=True)", f"{WHOLE[0]:,}", f"{NET_MACS:,}"],
        ["net.py:Net(turned=[])", f"{WHOLE[0]:,}", f"{NET_MACS:,}"],
    ]
    assert f"MACs of net.py:Net(turned=True) at least {NET_MACS:,}; not counted: aten._fft_r2c ×1" in lines


def test_a_comparison_of_code_for_machines(capsys):
    arguments = ("compare", "net.py:Net", "net.py:Net(turned=True)", "--input", "3x8x8", "--relative-to", "net.py:Net")
    found = json.loads(archprof(capsys, *arguments, "--format", "json").out)
    assert found["relative_to"] == "net.py:Net"
    first, second = found["models"]
    assert (first["weighted_layers"], first["accuracy"]) == (4, None)
    assert "not_counted" not in first
    assert second["not_counted"] == {"aten._fft_r2c": 1}
    header, *rows = archprof(capsys, *arguments, "--format", "csv").out.splitlines()
    assert header.endswith(",not_counted")
    assert [row.rpartition(",")[2] for row in rows] == ["", "aten._fft_r2c ×1"]


SPEC = """
archprof: 1
name: net
input: 3x8x8
classes: 10
layers:
  - conv2d: {k: 3, c: 8, p: 1}
  - repeat:
      n: 3
      layers:
        - conv2d: {k: 3, c: 8, p: 0}
        - relu
"""


def test_code_against_a_spec(capsys, tmp_path):
    (tmp_path / "net.yaml").write_text(SPEC)
    result = archprof(capsys, "diff", "net.yaml", "net.py:Net", "--input", "3x8x8", "--exit-code")
    assert (result.code, result.err) == (0, "ran net.py\n")
    assert (
        result.out
        == f"""\
net@resolution=8 → net.py:Net

nothing differs but paths
without a block table on both sides, operators are aligned, whatever their paths
params {WHOLE[0]:,} → {WHOLE[0]:,}: 0 (+0.00 %)
MACs {WHOLE[1]:,} → {WHOLE[1]:,}: 0 (+0.00 %)
convention archprof 1: MACs of convolutions and linear layers, bias not counted; batch 1, inference
"""
    )


def test_code_against_itself(capsys):
    out = archprof(capsys, "diff", "net.py:Net", "net.py:Net", "--input", "3x8x8").out
    assert out.splitlines()[2] == "no difference"


def test_equal_siblings_that_changed_alike_are_one_line(capsys, monkeypatch):
    # Of ten linear layers of 4·4 weights and 4 biases each, two more outputs and inputs.
    arguments = ("diff", "net.py:Deep(4)", "net.py:Deep(6)", "--input", "4")
    result = archprof(capsys, *arguments)
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    first = "~ first first linear linear: out_features 4 → 6 +10 +8"
    body = f"~ body.0…9.0 body.0…9.0 linear ×10 linear: out_features 4 → 6 +{10 * 22} +{10 * 20}"
    assert lines[4:6] == [first, body]
    assert f"params {20 * 11} → {20 * 11 + 10 + 220}: +230" in result.out
    monkeypatch.setenv("COLUMNS", "70")  # where the paths of A are those of B, they go first
    lines = [" ".join(line.split()) for line in archprof(capsys, *arguments).out.splitlines()]
    assert "~ body.0…9.0 linear: out_features 4 → 6 +220 +200" in lines
    full = archprof(capsys, *arguments, "--full").out
    assert [word for word in full.split() if word.startswith("body.")] == [f"body.{k}.0" for k in range(10)]
    changed = json.loads(archprof(capsys, *arguments, "--format", "json").out)
    assert [block["after"] for block in changed["blocks"]] == ["first", *(f"body.{k}.0" for k in range(10))]


def test_siblings_at_other_paths(capsys):
    # Those of one side are numbered otherwise: each line tells where they stand on both.
    result = archprof(capsys, "diff", "net.py:Deep(4)", "net.py:Deep(6, start=3)", "--input", "4")
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert "~ body.0…9.0 body.3…12.0 linear ×10 linear: out_features 4 → 6 +220 +200" in lines


def test_what_changed_between_modules(capsys):
    arguments = ("diff", "net.py:Net(0.5)", "net.py:Net(turned=True)", "--input", "3x8x8")
    result = archprof(capsys, *arguments)
    assert (result.code, result.err) == (0, "ran net.py\nran net.py\n")
    # 4 → 8 channels: 27 weights and a bias for each of 4 more, at 64 positions; then 9·(8·8 − 4·4) weights and 4 biases
    inner = [f"~ blocks.{k}.0 blocks.{k}.0 conv conv: out_channels 4 → 8 +436 +{432 * n:,}" for k, n in SIZES]
    assert [" ".join(line.split()) for line in result.out.splitlines()[4:8]] == [
        "~ stem stem conv conv: out_channels 4 → 8 +112 +6,912", *inner,
    ]  # fmt: skip
    assert "also: _fft_r2c added, in 1 operator\n" in result.out
    assert f"MACs of net.py:Net(turned=True) at least {WHOLE[1]:,}; not counted: aten._fft_r2c ×1\n" in result.out
    found = json.loads(archprof(capsys, *arguments, "--ignore", "other", "--format", "json").out)
    assert (found["aligned"], found["hidden"]) == ("operators", 1)
    assert found["not_counted"] == {"after": {"aten._fft_r2c": 1}}


def test_what_a_tool_does_not_see_it_does_not_count(capsys):
    arguments = ("explain", "net.py:Net(turned=True)", "--input", "3x8x8", "--convention", "thop,torch")
    result = archprof(capsys, *arguments)
    assert (result.code, result.err) == (0, "ran net.py\n")
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert lines[4:9] == [
        f"thop MACs 4 {WHOLE[1]:,}", f"thop = {WHOLE[1]:,} MACs",
        f"torch MACs 4 {WHOLE[1]:,}", f"torch + additions 1 per MAC 4 {WHOLE[1]:,}", f"torch = {2 * WHOLE[1]:,} FLOPs",
    ]  # fmt: skip
    assert "not counted: aten._fft_r2c ×1" in lines
    found = json.loads(archprof(capsys, *arguments, "--format", "json").out)
    assert not any("not_priced" in one for one in found["conventions"])
    assert (found["published"], found["forms"]) == ([], [])


@pytest.mark.parametrize("command", ["explain", "summary"])
def test_a_convention_of_which_all_is_priced(capsys, command):
    # thop counts convolutions without bias, and nothing of ReLU.
    result = archprof(capsys, command, "net.py:Net", "--input", "3x8x8", "--convention", "thop", "--format", "json")
    [thop] = json.loads(result.out)["conventions"]
    assert (thop["total"], "not_priced" in thop) == (WHOLE[1], False)


def test_what_no_convention_prices(capsys):
    """thop has a rule for LSTMs that is not followed: 7 steps of 4·4·(4 + 4) MACs; a linear layer of 4·2 at each."""
    steps = ("net.py:Steps", "--input", "7x4", "--convention", "thop")
    lines = [" ".join(line.split()) for line in archprof(capsys, "explain", *steps).out.splitlines()]
    assert lines[4:7] == ["thop MACs 2 952", "thop − not priced −1 per MAC 1 −896", "thop at least 56 MACs"]
    assert "thop: not priced: lstm ×1" in lines
    assert "thop 0.1.1.post2209072238: at least 56 MACs, what " in archprof(capsys, "summary", *steps).out
    found = json.loads(archprof(capsys, "summary", *steps, "--format", "json").out)
    counts = {layer["op"]: layer["counts"]["thop"] for layer in found["layers"]}
    assert (counts["lstm"], counts["linear"]) == (None, 56)
    assert "thop MACs of net.py:Steps at least 56; not priced: lstm ×1\n" in archprof(capsys, "compare", *steps).out


def test_where_a_number_is_from(capsys):
    # Half of the multiply-accumulates' FLOPs; params of a module whose norms are left out; and what nothing gives.
    arguments = ("explain", "net.py:Net", "--input", "3x8x8", "--number")
    assert (WHOLE[0], WHOLE[1]) == (1976, 46080)
    result = archprof(capsys, *arguments, "92160", "--format", "json")
    assert (result.code, result.err) == (0, "ran net.py\n")
    found = json.loads(result.out)
    assert [(one["number"], one["what"], one["convention"]) for one in found["guesses"] if one["fits"]][:2] == [
        (92160, "FLOPs, 2 per MAC", "archprof"), (92160, "FLOPs", "torch"),
    ]  # fmt: skip
    assert "untried" not in found
    assert archprof(capsys, *arguments, "5G").code == 1
    params = json.loads(archprof(capsys, *arguments, "1,976 params", "--format", "json").out)
    assert params["guesses"][0]["what"] == "params"
    # 8 biases a convolution
    biases = json.loads(archprof(capsys, *arguments, f"{1976 - 4 * 8} params", "--format", "json").out)
    assert [one["what"] for one in biases["guesses"] if one["fits"]] == ["params without norms and biases"]


def test_what_a_file_imports_is_none_of_its_models(capsys):
    Path("few.py").write_text("import torch\nfrom torch import nn\n\n\ndef make():\n    return nn.Linear(3, 2)\n")
    result = archprof(capsys, "summary", "few.py:Zzz", "--input", "3")
    assert (result.code, result.err) == (2, "ran few.py\n`few.py` has no `Zzz`\n  help: names there: make\n")


def test_views_are_folded(capsys):
    views = ("summary", "net.py:Views", "--input", "2x4")
    lines = archprof(capsys, *views).out.splitlines()
    assert lines[4].split()[0] == "last"
    assert lines[5:7] == ["", "3 views that cost nothing: `--full`"]
    shown = [line.split()[0] for line in archprof(capsys, *views, "--full").out.splitlines()[4:8]]
    assert shown == [":flatten[0]", ":unsqueeze[0]", ":select[0]", "last"]
    assert len(json.loads(archprof(capsys, *views, "--format", "json").out)["layers"]) == 4


def test_a_number_of_which_not_all_is_priced(capsys):
    arguments = ("explain", "net.py:Steps", "--input", "7x4", "--number", "56", "--convention")
    result = archprof(capsys, *arguments, "archprof,thop")  # 7 · 4·2 of the linear layer, and an LSTM
    assert result.code == 1
    assert "not tried, since not all operators have a price there: thop\n" in result.out


def test_measured_module_by_module(capsys):
    result = archprof(capsys, "summary", "net.py:Net", "--input", "3x8x8", "--measure", "--counter", "both")
    assert (result.code, result.err) == (0, "ran net.py\n")
    # stem, and two modules of each of three blocks
    assert f"MACs {WHOLE[1]:,} · MACs (torch) {WHOLE[1]:,} · all 7 modules agree\n" in result.out
    [stem] = [line for line in result.out.splitlines() if line.startswith("stem")]
    assert "13,824 13,824 13,824 ✓ 30.0 %" in " ".join(stem.split())


def test_calls_of_one_module_are_measured_together(capsys):
    arguments = ("net.py:Twice", "--input", "8", "--measure", "--format", "json")
    found = json.loads(archprof(capsys, "summary", *arguments).out)
    assert found["measured"]["agree"] is True
    # two calls of the layer, and a product of the module's own weight within the module that owns neither
    assert [(row["path"], row["measured"]["macs"]) for row in found["layers"] if row["macs"]] == [
        ("layer", 64), ("layer#2", 64), (":linear[0]", 64),
    ]  # fmt: skip


def test_a_module_that_counts_otherwise(capsys, monkeypatch):
    from archprof.runtime import measure

    count = measure._count
    monkeypatch.setattr(
        measure, "_count", lambda *given: (found := count(*given))._replace(macs={**found.macs, "stem": 5})
    )
    result = archprof(capsys, "summary", "net.py:Net", "--input", "3x8x8", "--measure")
    message = "analytic and measured counts differ: `stem` (conv2d): 13,824 MACs analytic, 5 measured"
    assert (result.code, result.err) == (1, f"ran net.py\n{message}\n")
    assert "6 of 7 modules agree" in result.out


# What is asked, whether code has run before the answer, the answer, and what it is explained with.
MESSAGES = {
    "net.py:Nett --input 3x8x8": (
        True, "`net.py` has no `Nett`",
        "help: did you mean `Net`?",
    ),
    "net.py:Net": (True, "`net.py:Net` needs its input", "help: as in `--input 3x224x224`, without the batch"),
    "net.py:make --input 4": (
        True, "calling `net.py:make` fails: TypeError: make() missing 1 required positional argument: 'channels'",
        "help: give its arguments: `net.py:make(…)`",
    ),
    "net.py:number --input 4": (
        True, "`net.py:number` is int, not a model",
        "help: name a torch module, a class of one, or a function that returns one",
    ),
    "net.py:ready(2) --input 4": (True, "`net.py:ready` is a module already", "help: leave the arguments out"),
    "net.py:Wrong --input 4": (
        True, "the module fails on (1×4): RuntimeError: shape '[5, 7]' is invalid for input of size 4",
        "note: raised at {path}:68: return x.view(5, 7)",
    ),
    "net.py:Net(width=size) --input 4": (
        False, "the arguments of `Net(width=size)` are no literals",
        "help: numbers, texts, lists, `True`, `None`: `net.py:Net(width=0.5)`",
    ),
    "none.py:Net --input 4": (
        False, "there is no file `none.py`", "help: a path to a `.py` file, from the current folder",
    ),
    "nonesuch.models:Net --input 4": (
        False, "there is no module `nonesuch`",
        "help: a module that Python finds from the current folder, or a path to a `.py` file",
    ),
    "net.py:Net --input 3y8": (
        False, "`3y8` is no input",
        "help: write `3x224x224`, `x=3x224x224`, `ids=128:int64`, `t=:int64`, `mask=8x8:bool:whole`,"
        " `3x800x800:list` or `n:=16000`",
    ),
    "net.py:Net --input 99999999999999999999": (
        False, "no tensor has the shape `99999999999999999999`",
        "help: up to 1,000,000,000,000,000 elements, as in `3x224x224`",
    ),
    "net.py:Net --input 4x9999999999x9999999999": (
        False, "no tensor has the shape `4x9999999999x9999999999`",
        "help: up to 1,000,000,000,000,000 elements, as in `3x224x224`",
    ),
    "net.py:Net --input 999999999999999": (
        True, "an input of 1×999999999999999 takes more memory than there is", "",
    ),
    "net.py:Net --input 3x8:floaty": (
        False, "`floaty` is no type of elements",
        "help: types: float32, float16, bfloat16, float64, int64, int32, int16, int8, uint8, bool, complex64",
    ),
    "net.py:Net --input 3x8x8 --width 0.5": (
        False, "`--width` needs a block table, and `net.py:Net` has none",
        "help: give its code other arguments, `net.py:Net(…)`, or an `--input`",
    ),
    "net.py:Net --input 3x8x8 --measure --width 0.5": (
        False, "`--width` needs a block table, and `net.py:Net` has none",
        "help: give its code other arguments, `net.py:Net(…)`, or an `--input`",
    ),
    "net.py:Net --measure": (
        True, "`net.py:Net` needs its input", "help: as in `--input 3x224x224`, without the batch",
    ),
    "v3 --input x=3x224x224": (
        False, "`x=3x224x224` is no size of an image, which `v3` takes", "help: as in `3x224x224`",
    ),
    "net.py:Exits --input 4": (
        True, "calling `net.py:Exits` fails: SystemExit: 3", "note: raised at {path}:73: raise SystemExit(3)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("typed", MESSAGES)
def test_messages(capsys, typed):
    ran, message, more = MESSAGES[typed]
    before = "ran net.py\n" if ran else ""
    result = archprof(capsys, "summary", *typed.split())
    assert (result.code, result.out) == (2, "")
    assert result.err == f"{before}{message}\n" + (f"  {more.format(path=path())}\n" if more else "")


@pytest.mark.parametrize("command", ["check", "sweep", "show", "solve"])
def test_other_commands_run_no_code(capsys, command):
    limits = ["--max-macs", "1M"] if command in ("check", "solve") else []
    result = archprof(capsys, command, "net.py:Net", *limits)
    assert result.code == 2
    who = "`archprof summary`, `compare`, `diff`, `explain`, `memory`, `latency`, `bench`, `report`, `draw` and `lock`"
    assert f"`net.py:Net` is Python code, which only {who} take\n" in result.err


def test_a_module_is_found_from_the_current_folder(capsys, tmp_path):
    (tmp_path / "pkg_of_nets").mkdir()
    (tmp_path / "pkg_of_nets" / "models.py").write_text(NET)
    result = archprof(capsys, "summary", "pkg_of_nets.models:Net", "--input", "3x8x8", "--format", "json")
    assert result.err == "ran pkg_of_nets/models.py\n"
    assert json.loads(result.out)["totals"]["macs"] == WHOLE[1]


def test_a_number_for_each_image(capsys):
    inputs = ("net.py:Timed", "--input", "4", "--input", "t=:int64")
    found = json.loads(archprof(capsys, "summary", *inputs, "--measure", "--counter", "both", "--format", "json").out)
    assert found["inputs"] == {"x": {"shape": [4], "dtype": "float32"}, "t": {"shape": [], "dtype": "int64"}}
    assert (found["totals"]["params"], found["totals"]["macs"]) == (50 * 4 + 4 + 4, 4)
    assert found["measured"]["agree"] is True
    many = json.loads(archprof(capsys, "summary", *inputs, "--bytes", "--batch", "8", "--format", "json").out)
    assert many["layers"][0]["traffic"]["input_bytes"] == 8 * 8
