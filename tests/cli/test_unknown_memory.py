"""Operators without a rule for their memory: bytes lie between two ends, and every command names the operators.

The module has a recurrent layer of 3 positions, from 4 features to 5, an operator of a library of its own behind it,
and one behind a linear layer from 5 features to 3. A row of floats between them has 3·5·4 = 60 bytes, one of the last
two 3·3·4 = 36; the state that the recurrent layer starts from and returns has 5·4 = 20. Parameters are 4·5 + 5·5 +
2·5 of each of 3 gates, and 18: 183 floats.
"""

import csv
import io
import json

import pytest

import archprof as api
from tests.cli.console import archprof

torch = pytest.importorskip("torch")

NET = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen, self.head = nn.GRU(4, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x):
        return torch.ops.archprof_memory_tests.mix(self.head(torch.ops.archprof_memory_tests.mix(self.seen(x)[0])))
"""
OWN = torch.library.Library("archprof_memory_tests", "DEF")
OWN.define("mix(Tensor x) -> Tensor")
for key in ("CompositeExplicitAutograd", "Meta"):
    OWN.impl("mix", torch.empty_like, key)

# At the least, the output of the recurrent layer and what is made of it; at the most, while the layer runs, its two
# states and its output twice, its input, of 48, and what is reserved: three gates and two states at every position.
LOW, HIGH = 60 + 60, 2 * (20 + 60 + 20) + 48 + 5 * 60 + 1024
NAMED = {"gru": 1, "archprof_memory_tests.mix": 2}
BETWEEN = f"between {LOW} ({LOW} B) and {HIGH:,} bytes (1.54 KiB)"
SAID = "no rule for the memory of gru ×1, archprof_memory_tests.mix ×2"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)


def ran(capsys, line):
    result = archprof(capsys, *line.split())
    assert result.code == 0
    return result.out


def test_memory_says_between_which_bytes_the_peak_lies(capsys):
    line = "memory net.py:Net --input 3x4"
    found = json.loads(ran(capsys, f"{line} --format json"))
    resident = 183 * 4 + 48
    assert (found["peak_bytes"], found["unknown"]) == (LOW, NAMED)
    assert {name: (one["low"], one["high"]) for name, one in found["estimates"].items()} == {
        "peak_bytes": (LOW, HIGH), "total_bytes": (resident + LOW, resident + HIGH),
    }  # fmt: skip
    said = f"come and go {BETWEEN}: {SAID}"
    for text in (ran(capsys, line), ran(capsys, f"{line} --format markdown")):
        text = " ".join(text.split())
        assert said in text
        assert "forward, at least" in text
        assert "with what is not known, at most" in text
    row = next(csv.DictReader(io.StringIO(ran(capsys, f"{line} --format csv"))))
    assert (row["estimates_peak_bytes_low"], row["estimates_peak_bytes_high"]) == (str(LOW), str(HIGH))
    assert row["unknown"] == "gru ×1, archprof_memory_tests.mix ×2"


def test_what_fits_is_what_fits_at_the_most(capsys):
    found = json.loads(ran(capsys, "memory net.py:Net --input 3x4 --fits 64MiB --format json"))
    assert found["fit"]["counted_bytes"] == found["estimates"]["total_bytes"]["high"]


def test_training_saves_at_least_so_much(capsys):
    """What goes into the recurrent layer and into the linear one."""
    text = ran(capsys, "summary net.py:Net --input 3x4 --bytes --train sgd")
    assert "saved for backward at least 120 (120 B)" in " ".join(text.split())
    assert f"\n{SAID}\n" in text
    line = "summary net.py:Net --input 3x4 --bytes --train sgd --format json"
    assert json.loads(ran(capsys, line))["unknown"] == NAMED
    assert "unknown" not in json.loads(ran(capsys, line.replace(" --train sgd", "")))


def test_comparisons_name_them(capsys):
    line = "compare net.py:Net --input 3x4 --bytes"
    said = f"peak of net.py:Net {BETWEEN}: {SAID}"
    assert said in " ".join(ran(capsys, line).split())
    memory = json.loads(ran(capsys, f"{line} --format json"))["models"][0]["memory"]
    assert (memory["unknown"], memory["estimates"]["peak_bytes"]["high"]) == (NAMED, HIGH)
    row = next(csv.DictReader(io.StringIO(ran(capsys, f"{line} --format csv"))))
    assert row["memory_estimates_peak_bytes_high"] == str(HIGH)


PEAK = "net.lock.json: peak bytes of batch 1, fp32"


@pytest.mark.parametrize(
    ("limit", "code", "told"),
    [
        (f"--max-peak {HIGH}", 0, ""),
        (f"--max-peak {HIGH - 1}", 0, f"{PEAK} ≤ {HIGH - 1} may be exceeded"),
        (f"--max-peak {LOW}", 0, f"{PEAK} ≤ {LOW} may be exceeded"),
        (f"--max-peak {LOW - 1}", 1, ""),
        (f"--min peak={LOW}", 0, ""),
        (f"--min peak={LOW + 1}", 0, f"{PEAK} ≥ {LOW + 1} may be missed"),
        (f"--min peak={HIGH}", 0, f"{PEAK} ≥ {HIGH} may be missed"),
        (f"--min peak={HIGH + 1}", 1, ""),
    ],
)
def test_a_limit_within_is_kept_with_a_warning(capsys, limit, code, told):
    assert archprof(capsys, *["lock", "net.py:Net", "--input", "3x4", "-o", "net.lock.json"]).code == 0
    found = archprof(capsys, "check", "net.lock.json", *limit.split())
    warning = f"warning: {told}: {BETWEEN}; {SAID}" if told else ""
    assert (found.code, found.err) == (code, f"{warning}\n" if told else "")
    assert warning in " ".join(found.out.split())
    github = archprof(capsys, "check", "net.lock.json", *limit.split(), "--format", "github").out
    assert (f"::warning title=archprof::{told}" in github) is bool(told)


def test_beyond_the_least_a_limit_is_exceeded(capsys):
    assert archprof(capsys, *["lock", "net.py:Net", "--input", "3x4", "-o", "net.lock.json"]).code == 0
    found = archprof(capsys, "check", "net.lock.json", "--max-peak", "119")
    said = f"✗ {PEAK} ≤ 119, counted at least 120 B; the limit is 119 B, 1 too many: it is at :mix[0] (mix)"
    assert said in " ".join(found.out.split())


def test_in_python():
    scope: dict[str, type] = {}
    exec(NET, scope)
    found = api.memory(scope["Net"](), (3, 4))
    assert (found.unknown, (found.estimates or {})["peak_bytes"].high) == (NAMED, HIGH)
